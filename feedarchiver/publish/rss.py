"""RSS 2.0 with content:encoded, dc:creator and Media RSS. Spec: https://www.rssboard.org/rss-specification."""

from functools import lru_cache, partial

from feedarchiver import dates
from feedarchiver.publish import feedgen_ext
from feedarchiver.publish.forms import DESCRIPTION, SHAPES, Draft, Form, Shape
from feedarchiver.publish.pages import RSS
from feedarchiver.publish.pieces import Frame, around_like, feed_entry, feed_head
from feedarchiver.publish.plan import Around, FeedDocument
from feedarchiver.publish.rendered import Rendered

NAMES = RSS
MEDIA_TYPE = "application/rss+xml"
SEALED = True
_FRAME = Frame.of("rss", "channel")


def entry_piece(draft: Draft) -> bytes:
    """Write one item."""
    return _form(draft.shape).fill(draft.in_xml)


@lru_cache(SHAPES)
def _form(shape: Shape) -> Form:
    return Form.of_entry(partial(written, description=DESCRIPTION), shape)


def written(entry: Rendered, description: str | None = None) -> bytes:
    """Have feedgen write one item."""
    told = feed_entry(entry, description)
    return _FRAME.piece(told.rss_entry())


def around(head: FeedDocument) -> Around:
    """Write the channel round its items."""
    return around_like(written_around, head, NAMES, dates.rfc822)


def written_around(head: FeedDocument) -> Around:
    """Have feedgen write the channel round its items."""
    channel = feed_head(head, NAMES, MEDIA_TYPE)
    channel.updated(feedgen_ext.UNWRITTEN)
    if not channel.subtitle():
        channel.description(channel.title())  # a channel must have one
    return _FRAME.around(head, channel.rss_str(pretty=True, xml_declaration=False))
