"""JSON Feed 1.1, an item on each line. `next_url` leads to older pages. Spec: https://www.jsonfeed.org/version/1.1/."""

import json
from collections.abc import Mapping
from functools import lru_cache

from feedarchiver import dates
from feedarchiver.markup import xml_text
from feedarchiver.publish.forms import SHAPES, Draft, Form, Shape
from feedarchiver.publish.pages import JSON
from feedarchiver.publish.plan import Around, FeedDocument
from feedarchiver.publish.rendered import Rendered

NAMES = JSON
MEDIA_TYPE = "application/feed+json"
SEALED = True


def entry_piece(draft: Draft) -> bytes:
    """Write one item."""
    return _form(draft.shape).fill(draft.in_json())


@lru_cache(SHAPES)
def _form(shape: Shape) -> Form:
    return Form.of_entry(written, shape)


def written(entry: Rendered) -> bytes:
    """Write one item without a form."""
    image = entry.image
    attachment = image and {"url": image.url, "mime_type": image.type, "size_in_bytes": image.length or None}
    said = {
        "id": entry.id,
        "url": entry.link,
        "title": entry.title,
        "content_html" if entry.content else "content_text": entry.content,
        "summary": entry.summary,
        "image": image and image.url,
        "date_published": entry.published and dates.rfc3339(entry.published),
        "date_modified": dates.rfc3339(entry.updated),
        "authors": [{"name": author} for author in entry.authors],
        "tags": list(entry.categories),
        "language": entry.language,
        "attachments": [_said(attachment)] if attachment else [],
    }
    return json.dumps(_said(said), ensure_ascii=False).encode()


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
