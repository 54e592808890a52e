"""Lists of feeds in OPML 1.0 and 2.0, read and written. Spec: http://opml.org/spec2.opml.

Programs write it in many ways: folders in folders, attributes in any case, ampersands that are not escaped. What can
be read is read. No document type, no entity, no file from elsewhere is ever looked at.
"""

from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from lxml import etree

from feedarchiver.gather.decoding import decode
from feedarchiver.gather.feeds.outline import mended
from feedarchiver.markup import xml_text
from feedarchiver.urls import encoded

_LIMIT_BYTES = 20_000_000


class Outline(NamedTuple):
    """A feed in a list."""

    url: str
    title: str | None = None
    language: str | None = None


def read(data: bytes) -> list[Outline]:
    """Read the feeds of a list, each once. Raises ValueError with the reason when it is none.

    A feed at what is no address of the web is one, too: somebody should hear that it cannot be asked.
    """
    if len(data) > _LIMIT_BYTES:
        raise ValueError(f"{len(data):,} bytes long, above the limit of {_LIMIT_BYTES:,}")
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(mended(decode(data).text.lstrip()).encode(errors="replace"), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or etree.QName(root).localname.lower() != "opml":
        raise ValueError("not an OPML list")
    found: dict[str, Outline] = {}
    for element in root.iter("outline"):
        said = {str(name).lower(): str(value).strip() for name, value in element.attrib.items()}
        address = _http(said.get("xmlurl", ""))
        if url := encoded(address) or address:
            found.setdefault(url, Outline(url, said.get("title") or said.get("text") or None, said.get("language")))
    return [*found.values()]


def written(title: str, outlines: Iterable[Outline]) -> bytes:
    """Write a list that any reader of feeds can import."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        f"  <head><title>{xml_text(title).replace('&', '&amp;').replace('<', '&lt;')}</title></head>",
        "  <body>",
        *(f"    <outline {_attributes(outline)}/>" for outline in outlines),
        "  </body>",
        "</opml>",
    ]
    return "\n".join((*lines, "")).encode()


def _attributes(outline: Outline) -> str:
    name = outline.title or outline.url
    said = {"text": name, "title": name, "type": "rss", "xmlUrl": outline.url, "language": outline.language}
    return " ".join(f"{key}={quoteattr(xml_text(value))}" for key, value in said.items() if value)


def _http(url: str) -> str:
    """Write an address as http: some programs have a scheme of their own for feeds."""
    rest = url[len("feed:") :] if url[:5].lower() == "feed:" else url
    return f"http:{rest}" if rest.startswith("//") else rest
