"""The one extension registered with feedgen: it puts right what feedgen 1.0.0 lacks or gets wrong.

feedgen writes an element, then hands it to `extend_rss` or `extend_atom` here.

- Atom entry links lose their `rel`, `type` and `length`: written anew.
- RSS channels lose every `atom:link` but `self`: added.
- Dates: feedgen switches the locale of the whole process for RSS, which no other thread survives, and writes
  `+00:00` in Atom, where elfeed knows only `Z`. All dates come from `feedarchiver.dates`.
- `dc:creator` (an RSS `author` must be an e-mail address) and `media:*` directly in the item: its own extensions for
  these write other elements or a `media:group` besides.

feedgen asks for a class with these three methods and inherits nothing from its base class; `functools.partial` makes
one that carries its values.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from feedarchiver import dates
from feedarchiver.model import Image
from feedarchiver.publish.plan import NEVER, FeedDocument, Link
from feedarchiver.publish.rendered import Rendered

NAME = "readers"
ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"


class Unwritten(datetime):
    """An instant that counts as false, so that feedgen leaves `lastBuildDate` out and the locale alone."""

    def __bool__(self) -> bool:
        return False


UNWRITTEN = Unwritten(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FeedExtension:
    """What a feed's head needs besides."""

    document: FeedDocument

    def extend_ns(self) -> dict[str, str]:
        """Name the namespaces that the entries need too."""
        return {"dc": DC, "media": MEDIA}

    def extend_rss(self, rss: etree._Element) -> None:
        """Add the date of the last change, if there was one, and the links."""
        channel = rss[0]
        if self.document.updated:
            _text(channel, "lastBuildDate", dates.rfc822(self.document.updated))
        for link in self.document.links:
            _link(channel, f"{{{ATOM}}}link", link)

    def extend_atom(self, feed: etree._Element) -> None:
        """Spell the date in UTC."""
        _respell(feed, "updated", self.document.updated or NEVER)


@dataclass(frozen=True, slots=True)
class EntryExtension:
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
        """Write the links and dates anew, and add the picture."""
        for maimed in tuple(entry.iterchildren("link")):
            entry.remove(maimed)
        for link in links(self.entry):
            _link(entry, "link", link)
        _respell(entry, "updated", self.entry.updated)
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


def _respell(parent: etree._Element, tag: str, instant: datetime) -> None:
    next(parent.iterchildren(tag)).text = dates.rfc3339(instant)  # feedgen writes no Atom without it


def _link(parent: etree._Element, tag: str, link: Link) -> None:
    named = {"href": link.href, "rel": link.rel}
    if link.type is not None:
        named["type"] = link.type
    if link.length is not None:
        named["length"] = str(link.length)
    etree.SubElement(parent, tag, named)


def _media(parent: etree._Element, image: Image) -> None:
    """Add the picture for readers that look neither at enclosures nor into the content; a zero is an error there."""
    size = {"width": image.width, "height": image.height}
    content = {"url": image.url, "medium": "image", "type": image.type, "fileSize": image.length, **size}
    for tag, named in (("content", content), ("thumbnail", {"url": image.url, **size})):
        etree.SubElement(parent, f"{{{MEDIA}}}{tag}", {name: str(value) for name, value in named.items() if value})
