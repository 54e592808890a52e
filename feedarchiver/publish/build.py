"""Entries -> documents: the formats, and the way through this wing. The corridor (building.py) drives it.

A *format* writes one entry as a piece of bytes, and what stands round the pieces of a document, newest first. A piece
depends on its entry and the stored copies of its images alone: no feed, no page, no clock; so it is written once,
stands in the documents of every feed that has the entry, and is taken out of them again when they are put together
anew.

To add a format, write a module with the five names of `Format` and put it into FORMATS.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from feedarchiver.model import Document
from feedarchiver.publish import atom, feedpage, jsonfeed, opml, rss
from feedarchiver.publish.forms import Draft
from feedarchiver.publish.pages import Names
from feedarchiver.publish.parts import Part
from feedarchiver.publish.plan import Around, FeedDocument, Site
from feedarchiver.publish.rendered import Rendered
from feedarchiver.publish.site import assets, index_page, search_page


class Format(Protocol):
    """A way to write feeds: a module such as `rss`.

    `SEALED`: what it writes of a sealed page never changes. Else the newest sealed page is written again when another
    one follows, so that it can link to it.
    """

    NAMES: Names
    MEDIA_TYPE: str
    SEALED: bool

    def entry_piece(self, draft: Draft) -> bytes:
        """Write one entry: `draft.entry`."""

    def around(self, head: FeedDocument) -> Around:
        """Write what stands round the pieces of a document."""


FORMATS: dict[str, Format] = {"rss": rss, "atom": atom, "json": jsonfeed, "html": feedpage}


def entry_pieces(entry: Rendered, formats: Iterable[Format]) -> list[bytes]:
    """Write an entry in these formats."""
    draft = Draft(entry)
    return [format_.entry_piece(draft) for format_ in formats]


class Assembled(NamedTuple):
    """A document in the parts that it is written from, and where each of its pieces starts."""

    path: str
    parts: list[Part]
    starts: list[int]

    @property
    def data(self) -> bytes:
        """The whole document."""
        return b"".join(map(bytes, self.parts))


def assemble(head: FeedDocument, format_: Format, pieces: Iterable[Part]) -> Assembled:
    """Put a document together. Pieces that already have between them what belongs there may come as one."""
    before, between, after = format_.around(head)
    parts: list[Part] = [before]
    starts: list[int] = []
    position = len(before)
    for piece in pieces:
        if starts:
            parts.append(between)
            position += len(between)
        parts.append(piece)
        starts.append(position)
        position += len(piece)
    parts.append(after)
    return Assembled(head.path(format_.NAMES), parts, starts)


def site_documents(site: Site, cards: Iterable[bytes]) -> Iterator[Document]:
    """Write what is about all feeds: the lists to subscribe to them at once, the first page and what pages look like.

    `cards`: what "html" writes of the newest entries, newest first.
    """
    yield from assets()
    for name, format_ in FORMATS.items():
        if format_ is not feedpage:
            yield opml.document(site, name, format_.NAMES)
    if site.pages:
        yield search_page()
        yield index_page(site, cards)
