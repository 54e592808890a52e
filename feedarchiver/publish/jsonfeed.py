"""JSON Feed 1.1, an item on each line. `next_url` leads to older pages. Spec: https://www.jsonfeed.org/version/1.1/."""

import json
from collections.abc import Mapping

from feedarchiver.jsontext import quoted
from feedarchiver.markup import xml_text
from feedarchiver.publish.forms import Draft
from feedarchiver.publish.pages import JSON
from feedarchiver.publish.plan import Around, FeedDocument

NAMES = JSON
MEDIA_TYPE = "application/feed+json"
SEALED = True
_ENCODED = json.JSONEncoder(ensure_ascii=False).encode


def entry_piece(draft: Draft) -> bytes:
    """Write one item."""
    entry, image = draft.entry, draft.entry.image
    attachment = image and {"url": image.url, "mime_type": image.type, "size_in_bytes": image.length}
    content = b'"content_html": ' + quoted(draft.html) if entry.content else b'"content_text": ""'
    before = {"id": entry.id, "url": entry.link, "title": entry.title}
    after = {
        "summary": entry.summary,
        "image": image and image.url,
        "date_published": draft.values.get("published"),
        "date_modified": draft.values["updated"],
        "authors": [{"name": author} for author in entry.authors],
        "tags": list(entry.categories),
        "language": entry.language,
        "attachments": [_said(attachment)] if attachment else [],
    }
    return b"%b, %b, %b" % (_written(before)[:-1], content, _written(after)[1:])


def around(head: FeedDocument) -> Around:
    """Write the feed round its items."""
    feed = head.feed
    title = xml_text(feed.title).strip() or feed.id
    said = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "description": xml_text(feed.subtitle or "").strip(),
        "home_page_url": head.page_url,
        "feed_url": head.url(NAMES),
        "next_url": head.older_url(NAMES),
        "authors": [{"name": title, "url": head.home_url}],
        "language": feed.language,
        "hubs": [{"type": "WebSub", "url": head.hub}] if head.hub else [],
    }
    written = json.dumps(_said(said), ensure_ascii=False, indent=0).removesuffix("\n}")
    return Around(f'{written},\n"items": [\n'.encode(), b",\n", b"\n]\n}\n")


def _said(fields: Mapping[str, object]) -> dict[str, object]:
    """Leave out what was not said. An empty text is said."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _written(fields: Mapping[str, object]) -> bytes:
    return _ENCODED(_said(fields)).encode()
