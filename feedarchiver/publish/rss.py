"""RSS 2.0 with content:encoded, dc:creator and Media RSS. Spec: https://www.rssboard.org/rss-specification."""

from collections.abc import Iterable

from feedarchiver.model import Document
from feedarchiver.publish import feedgen_ext
from feedarchiver.publish.pieces import Frame, feed_entry, feed_head
from feedarchiver.publish.plan import FeedDocument
from feedarchiver.publish.rendered import Rendered

NAME = "rss.xml"
MEDIA_TYPE = "application/rss+xml"
_FRAME = Frame.of("rss", "channel")


def entry_piece(entry: Rendered) -> bytes:
    """Write one item."""
    return _FRAME.piece(feed_entry(entry).rss_entry())


def document(feed: FeedDocument, pieces: Iterable[bytes]) -> Document:
    """Write the channel round its items. `pieces`: newest first."""
    head = feed_head(feed, NAME, MEDIA_TYPE)
    head.updated(feedgen_ext.UNWRITTEN)
    if not head.subtitle():
        head.description(head.title())  # a channel must have one
    data = _FRAME.document(head.rss_str(pretty=True, xml_declaration=False), pieces)
    return Document(path=feed.path(NAME), media_type=MEDIA_TYPE, data=data)
