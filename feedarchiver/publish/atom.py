"""Atom 1.0 with Media RSS. Spec: RFC 4287."""

from collections.abc import Iterable

from feedarchiver.model import Document
from feedarchiver.publish.pieces import Frame, feed_entry, feed_head
from feedarchiver.publish.plan import NEVER, FeedDocument
from feedarchiver.publish.rendered import Rendered

NAME = "atom.xml"
MEDIA_TYPE = "application/atom+xml"
_FRAME = Frame.of("feed")


def entry_piece(entry: Rendered) -> bytes:
    """Write one entry."""
    written = feed_entry(entry)
    if not entry.content and not entry.link:
        written.content("", type="html")  # section 4.1.2: a link, or a content
    return _FRAME.piece(written.atom_entry())


def document(feed: FeedDocument, pieces: Iterable[bytes]) -> Document:
    """Write the feed round its entries. `pieces`: newest first."""
    head = feed_head(feed, NAME, MEDIA_TYPE)
    head.updated(feed.updated or NEVER)
    data = _FRAME.document(head.atom_str(pretty=True, xml_declaration=False), pieces)
    return Document(path=feed.path(NAME), media_type=MEDIA_TYPE, data=data)
