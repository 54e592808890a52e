"""What RSS and Atom share: both are written by feedgen from the same values, and put together from pieces.

A *piece* is the XML of one entry, written once, with no namespace declared in it: those stand on the document's root.
A document is head, pieces, tail; so it never exists as one tree, and a kept piece can be used again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from html import escape

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from feedarchiver.markup import xml_text
from feedarchiver.publish import feedgen_ext
from feedarchiver.publish.plan import FeedDocument
from feedarchiver.publish.rendered import Rendered

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACES = {
    "atom": feedgen_ext.ATOM,
    "content": feedgen_ext.CONTENT,
    "dc": feedgen_ext.DC,
    "media": feedgen_ext.MEDIA,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The elements round the entries of a document, outermost first: `("rss", "channel")` or `("feed",)`.

    An entry's piece is cut from a document that holds nothing else, between bytes known in advance, so the prefixes
    in it are those of the root.
    """

    tags: tuple[str, ...]
    before: bytes
    after: bytes

    @classmethod
    def of(cls, *tags: str) -> "Frame":
        """Learn how the frame is written."""
        marker = etree.Element("marker")
        before, after = _framed(tags, marker).split(b"  " * len(tags) + b"<marker/>\n")
        return cls(tags, before, after)

    def piece(self, entry: etree._Element) -> bytes:
        """Write an entry as it will stand in the frame. `entry` is moved."""
        return _framed(self.tags, entry)[len(self.before) : -len(self.after)]

    def document(self, empty: bytes, pieces: Iterable[bytes]) -> bytes:
        """Put the pieces, in their order, at the end of a document that has no entry yet."""
        head = empty.removesuffix(self.after)
        return b"".join((DECLARATION, head, *pieces, self.after))


def _framed(tags: tuple[str, ...], entry: etree._Element) -> bytes:
    root = inner = etree.Element(tags[0], nsmap=NAMESPACES)
    for tag in tags[1:]:
        inner = etree.SubElement(inner, tag)
    inner.append(entry)
    return etree.tostring(root, encoding="UTF-8", pretty_print=True)


def feed_entry(entry: Rendered) -> FeedEntry:
    """Hand an entry to feedgen."""
    written = FeedEntry()
    written.title(entry.title)
    written.updated(entry.updated)
    written.guid(entry.id, permalink=entry.id == entry.link)
    if entry.summary:
        # RSS takes it for HTML, Atom for plain text. In this order feedgen keeps both.
        written.description(escape(entry.summary, quote=False))
        written.summary(entry.summary)
    if entry.content:
        written.content(entry.content, type="html")
    if entry.link:
        written.link(href=entry.link, rel="alternate")
    if entry.image:
        written.enclosure(entry.image.url, entry.image.length or 0, entry.image.type)
    written.author([{"name": author} for author in entry.authors])
    written.category([{"term": category} for category in entry.categories])
    written.register_extension(feedgen_ext.NAME, partial(feedgen_ext.EntryExtension, entry))
    return written


def feed_head(document: FeedDocument, name: str, media_type: str) -> FeedGenerator:
    """Hand the head of the feed whose document is called `name` to feedgen."""
    feed = document.feed
    title = xml_text(feed.title).strip() or feed.id
    subtitle = xml_text(feed.subtitle or "").strip()
    head = FeedGenerator()
    head.id(document.url(name))
    head.title(title)
    head.author({"name": title})
    head.generator("feedarchiver")
    if subtitle:
        head.subtitle(subtitle)
    if feed.language:
        head.language(feed.language)
    for link in document.links:
        head.link(href=link.href, rel=link.rel, type=link.type)
    head.link(href=document.url(name), rel="self", type=media_type)
    head.link(href=document.page_url, rel="alternate", type="text/html")  # feedgen makes the last one RSS's own
    head.register_extension(feedgen_ext.NAME, partial(feedgen_ext.FeedExtension, document))
    return head
