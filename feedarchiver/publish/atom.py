"""Atom 1.0 with Media RSS. Spec: RFC 4287."""

from functools import lru_cache, partial

from feedarchiver import dates
from feedarchiver.publish.forms import DESCRIPTION, SHAPES, Draft, Form, Shape
from feedarchiver.publish.pages import ATOM
from feedarchiver.publish.pieces import Frame, around_like, feed_entry, feed_head
from feedarchiver.publish.plan import NEVER, Around, FeedDocument
from feedarchiver.publish.rendered import Rendered

NAMES = ATOM
MEDIA_TYPE = "application/atom+xml"
SEALED = True
_FRAME = Frame.of("feed")


def entry_piece(draft: Draft) -> bytes:
    """Write one entry."""
    return _form(draft.shape).fill(draft.in_xml)


@lru_cache(SHAPES)
def _form(shape: Shape) -> Form:
    return Form.of_entry(partial(written, description=DESCRIPTION), shape)


def written(entry: Rendered, description: str | None = None) -> bytes:
    """Have feedgen write one entry."""
    told = feed_entry(entry, description)
    if not entry.content and not entry.link:
        told.content("", type="html")  # section 4.1.2: a link, or a content
    return _FRAME.piece(told.atom_entry())


def around(head: FeedDocument) -> Around:
    """Write the feed round its entries."""
    return around_like(written_around, head, NAMES, dates.rfc3339)


def written_around(head: FeedDocument) -> Around:
    """Have feedgen write the feed round its entries."""
    feed = feed_head(head, NAMES, MEDIA_TYPE)
    feed.updated(head.updated or NEVER)
    return _FRAME.around(head, feed.atom_str(pretty=True, xml_declaration=False))
