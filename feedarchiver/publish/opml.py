"""OPML 2.0: all feeds in one list, to subscribe to them at once. Spec: http://opml.org/spec2.opml.

The list of the RSS feeds also tells a builder that has lost its notes which folders it once made, and, in a processing
instruction that readers pass over, how many events its pages hold.
"""

import re
from collections.abc import Iterator
from html import escape

from lxml import etree

from feedarchiver.markup import xml_text
from feedarchiver.model import Document
from feedarchiver.publish.pages import HTML, Names
from feedarchiver.publish.plan import Site, address

LIST = "feeds.opml"
MEDIA_TYPE = "text/x-opml"
_SIZE = re.compile(rb'<\?feedarchiver page-size="(\d{1,9})"\?>')
_FOLDER = re.compile(r"/([a-z0-9][a-z0-9_-]*)/[^/]*\Z")


def path(format_name: str) -> str:
    """Name the list of the feeds in one format: RSS, which every reader knows, is the plain one."""
    return LIST if format_name == "rss" else f"feeds-{format_name}.opml"


def document(site: Site, format_name: str, names: Names) -> Document:
    """List every feed in one format. Readers know `type="rss"` only, and look into the feed for what it is."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<?feedarchiver page-size="{site.size}"?>',
        '<opml version="2.0">',
        "  <head>",
        f"    <title>{_text(site.title)}</title>",
        "  </head>",
        "  <body>",
        *(f"    <outline {' '.join(attributes)}/>" for attributes in _outlines(site, names)),
        "  </body>",
        "</opml>",
    ]
    return Document(path=path(format_name), media_type=MEDIA_TYPE, data="\n".join((*lines, "")).encode())


def _outlines(site: Site, names: Names) -> Iterator[list[str]]:
    for published in site.feeds:
        feed = published.feed
        title = _text(feed.title).strip() or feed.id
        said = {
            "text": title,
            "title": title,
            "type": "rss",
            "xmlUrl": address(site.base_url, f"{feed.id}/{names.subscription}"),
            "htmlUrl": address(site.base_url, f"{feed.id}/{HTML.subscription}") if site.pages else "",
            "description": _text(feed.subtitle or "").strip(),
            "language": feed.language or "",
        }
        yield [f'{name}="{value}"' for name, value in said.items() if value]


def listed(data: bytes) -> set[str]:
    """Read the ids of the feeds out of a list that `document` wrote. Anything else lists none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        addresses = [outline.get("xmlUrl", "") for outline in etree.fromstring(data, parser).iter("outline")]
    except (etree.XMLSyntaxError, ValueError):
        return set()
    return {match[1] for match in map(_FOLDER.search, addresses) if match}


def leads_to_pages(data: bytes) -> bool:
    """Tell whether a list that `document` wrote names pages for people."""
    return _SIZE.search(data) is not None and b' htmlUrl="' in data


def page_size(data: bytes) -> int | None:
    """Read how many events a page holds out of a list that `document` wrote."""
    found = _SIZE.search(data)
    return int(found[1]) if found else None


def _text(text: str) -> str:
    return escape(xml_text(text))
