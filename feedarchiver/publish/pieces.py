"""What RSS and Atom share: both are written by feedgen from the same values, and put together from pieces.

A *piece* is the XML of one entry, written once, with no namespace declared in it: those stand on the document's root.
A document is head, pieces, tail; so it never exists as one tree, and a kept piece can be used again.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from html import escape
from typing import NamedTuple

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from feedarchiver.markup import xml_text
from feedarchiver.publish import feedgen_ext
from feedarchiver.publish.forms import Form, in_xml, joined, mark, named_in_xml
from feedarchiver.publish.pages import HTML, Names, Page
from feedarchiver.publish.plan import NEVER, Around, FeedDocument
from feedarchiver.publish.rendered import Rendered

NAMESPACES = {
    "atom": feedgen_ext.ATOM,
    "content": feedgen_ext.CONTENT,
    "dc": feedgen_ext.DC,
    "media": feedgen_ext.MEDIA,
}
_HEADS = 16
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


class Frame(NamedTuple):
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

    def around(self, document: FeedDocument, empty: bytes) -> Around:
        """Split a document that has no entry yet where entries go: at the end."""
        stylesheet = f'<?xml-stylesheet type="text/css" href="{document.stylesheet}"?>\n'
        return Around(_DECLARATION + stylesheet.encode() + empty.removesuffix(self.after), b"", self.after)


def _framed(tags: tuple[str, ...], entry: etree._Element) -> bytes:
    root = inner = etree.Element(tags[0], nsmap=NAMESPACES)
    for tag in tags[1:]:
        inner = etree.SubElement(inner, tag)
    inner.append(entry)
    return etree.tostring(root, encoding="UTF-8", pretty_print=True)


class _Sample(FeedDocument):
    """A document in whose head marks stand for what differs from page to page."""

    def url(self, names: Names) -> str:
        return mark("page_url" if names is HTML else "url")

    def older_url(self, _names: Names) -> str | None:
        return mark("older_url") if self.page.older else None

    def changed(self, _spell: Callable[[datetime], str]) -> str | None:
        return None if self.updated is None else mark("changed")


def around_like(
    written: Callable[[FeedDocument], Around], document: FeedDocument, names: Names, spell: Callable[[datetime], str]
) -> Around:
    """Write what stands round the entries of a document, as `written` does for one of its kind.

    `spell`: how it writes the instant of the last change.
    """
    older = document.older_url(names)
    page = Page(None, 0, 0, 1 if older else 0) if document.page.number is None else Page(2 if older else 1, 0, 0, 2)
    updated = None if document.updated is None else NEVER
    form, between, after = _form(written, document._replace(page=page, updated=updated))
    values = document.url(names), document.page_url, older or "", document.changed(spell) or ""
    return Around(form.fill(in_xml(joined(values))), between, after)


@lru_cache(_HEADS)
def _form(written: Callable[[FeedDocument], Around], kind: FeedDocument) -> tuple[Form, bytes, bytes]:
    """Make the form that all documents have whose heads differ in no more than marks stand for."""
    before, between, after = written(_Sample(*kind))
    return Form.of(before, named_in_xml(("url", "page_url", "older_url", "changed"))), between, after


def feed_entry(entry: Rendered, description: str | None = None) -> FeedEntry:
    """Hand an entry to feedgen. `description` is the summary as HTML, if it is not to be made of `entry.summary`."""
    written = FeedEntry()
    written.title(entry.title)
    written.updated(entry.updated)
    written.guid(entry.id, permalink=entry.id == entry.link)
    if entry.summary:
        # RSS takes it for HTML, Atom for plain text. In this order feedgen keeps both.
        written.description(description or escape(entry.summary, quote=False))
        written.summary(entry.summary)
    if entry.content:
        written.content(entry.content, type="html")
    if entry.link:
        written.link(href=entry.link, rel="alternate")
    if entry.image:
        written.enclosure(entry.image.url, entry.image.length or 0, entry.image.type)
    if entry.authors:
        written.author([{"name": author} for author in entry.authors])
    if entry.categories:
        written.category([{"term": category} for category in entry.categories])
    written.register_extension(feedgen_ext.NAME, partial(feedgen_ext.EntryExtension, entry))
    return written


def feed_head(document: FeedDocument, names: Names, media_type: str) -> FeedGenerator:
    """Hand the head of a document to feedgen. All documents of a feed share the id."""
    feed = document.feed
    title = xml_text(feed.title).strip() or feed.id
    subtitle = xml_text(feed.subtitle or "").strip()
    head = FeedGenerator()
    head.id(document.subscription_url(names))
    head.title(title)
    head.author({"name": title})
    head.generator("feedarchiver")
    if subtitle:
        head.subtitle(subtitle)
    if feed.language:
        head.language(feed.language)
    head.link(href=document.url(names), rel="self", type=media_type)
    head.link(href=document.page_url, rel="alternate", type="text/html")  # feedgen makes the last one RSS's own
    head.register_extension(feedgen_ext.NAME, partial(feedgen_ext.FeedExtension, document, names, media_type))
    return head
