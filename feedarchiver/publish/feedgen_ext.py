"""The one extension registered with feedgen: it puts right what feedgen 1.0.0 lacks or gets wrong.

feedgen writes an element, then hands it to `extend_rss` or `extend_atom` here.

- Atom entry links lose their `rel`, `type` and `length`: put back.
- RSS channels lose every `atom:link` but `self`: added. Archive documents get their marks (RFC 5005).
- Dates: feedgen switches the locale of the whole process for RSS, which no other thread survives, and writes
  `+00:00` in Atom, where elfeed knows only `Z`. All dates come from `feedarchiver.dates`.
- `dc:creator` (an RSS `author` must be an e-mail address) and `media:*` directly in the item: its own extensions for
  these write other elements or a `media:group` besides.

feedgen asks for a class with these three methods and inherits nothing from its base class; `functools.partial` makes
one that carries its values.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from lxml import etree

from feedarchiver import dates
from feedarchiver.model import Image
from feedarchiver.publish.pages import Names
from feedarchiver.publish.plan import NEVER, FeedDocument, Link
from feedarchiver.publish.rendered import Rendered

NAME = "readers"
ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
MEDIA = "http://search.yahoo.com/mrss/"
_MEDIA_CONTENT, _MEDIA_THUMBNAIL = f"{{{MEDIA}}}content", f"{{{MEDIA}}}thumbnail"


class Unwritten(datetime):
    """An instant that counts as false, so that feedgen leaves `lastBuildDate` out and the locale alone."""

    def __bool__(self) -> bool:
        return False


UNWRITTEN = Unwritten(1, 1, 1, tzinfo=UTC)


class FeedExtension(NamedTuple):
    """What a feed's head needs besides."""

    document: FeedDocument
    names: Names
    media_type: str

    def extend_ns(self) -> dict[str, str]:
        """Name the namespaces that the entries need too."""
        return {"dc": DC, "fh": HISTORY, "media": MEDIA}

    def extend_rss(self, rss: etree._Element) -> None:
        """Add the date of the last change, if there was one, and the links."""
        channel = rss[0]
        if changed := self.document.changed(dates.rfc822):
            _text(channel, "lastBuildDate", changed)
        for link in self._chain():
            _link(channel, f"{{{ATOM}}}link", link)
        self._mark(channel)

    def extend_atom(self, feed: etree._Element) -> None:
        """Spell the date in UTC and add the links."""
        _respell(feed, "updated", self.document.changed(dates.rfc3339) or dates.rfc3339(NEVER))
        for link in self._chain():
            _link(feed, "link", link)
        self._mark(feed)

    def _chain(self) -> Iterator[Link]:
        """List the links to the hub and from document to document. Spec: WebSub section 4, RFC 5005 section 4."""
        if self.document.hub:
            yield Link("hub", self.document.hub)
        if older := self.document.older_url(self.names):
            yield Link("prev-archive", older, self.media_type)
        if self.document.page.number is not None:
            yield Link("current", self.document.subscription_url(self.names), self.media_type)

    def _mark(self, parent: etree._Element) -> None:
        if self.document.page.number is not None:
            etree.SubElement(parent, f"{{{HISTORY}}}archive")


class EntryExtension(NamedTuple):
    """What an entry needs besides."""

    entry: Rendered

    def extend_ns(self) -> dict[str, str]:
        """Name no namespace: the feed's root has them all."""
        return {}

    def extend_rss(self, item: etree._Element) -> None:
        """Add authors, the date if there is one, and the picture."""
        for author in self.entry.authors:
            _text(item, f"{{{DC}}}creator", author)
        if self.entry.published:
            _text(item, "pubDate", dates.rfc822(self.entry.published))
        if self.entry.image:
            _media(item, self.entry.image)

    def extend_atom(self, entry: etree._Element) -> None:
        """Mend the links, spell the dates in UTC, and add the picture."""
        for element, link in zip(entry.iterchildren("link"), links(self.entry), strict=True):
            _mend(element, link)
        _respell(entry, "updated", dates.rfc3339(self.entry.updated))
        if self.entry.published:
            _text(entry, "published", dates.rfc3339(self.entry.published))
        if self.entry.image:
            _media(entry, self.entry.image)


def links(entry: Rendered) -> tuple[Link, ...]:
    """List the links of an entry: the article, then its picture."""
    article = (Link("alternate", entry.link),) if entry.link else ()
    image = entry.image
    return (*article, Link("enclosure", image.url, image.type, image.length or 0)) if image else article


def _text(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = text


def _respell(parent: etree._Element, tag: str, instant: str) -> None:
    next(parent.iterchildren(tag)).text = instant  # feedgen writes no Atom without it


def _link(parent: etree._Element, tag: str, link: Link) -> None:
    _mend(etree.SubElement(parent, tag, {"href": link.href}), link)


def _mend(element: etree._Element, link: Link) -> None:
    element.set("rel", link.rel)
    if link.type is not None:
        element.set("type", link.type)
    if link.length is not None:
        element.set("length", str(link.length))


def _media(parent: etree._Element, image: Image) -> None:
    """Add the picture for readers that look neither at enclosures nor into the content; a zero is an error there."""
    size = {name: str(value) for name, value in (("width", image.width), ("height", image.height)) if value}
    content = {"url": image.url, "medium": "image", "type": image.type or "image/jpeg"}
    if image.length:
        content["fileSize"] = str(image.length)
    etree.SubElement(parent, _MEDIA_CONTENT, content | size)
    etree.SubElement(parent, _MEDIA_THUMBNAIL, {"url": image.url} | size)
