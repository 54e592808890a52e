"""Entries -> documents: the way through this wing.

Every entry is rendered once for all formats, and its pieces are all that is kept of it, so memory holds one document's
bytes, whatever the size of the archive.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from feedarchiver.model import Document, Entry, Feed
from feedarchiver.publish import atom, rss
from feedarchiver.publish.plan import plan
from feedarchiver.publish.rendered import render


class Pieces(NamedTuple):
    """One entry as it stands in each format."""

    rss: bytes
    atom: bytes


def pieces(entry: Entry) -> Pieces:
    """Render an entry. The result depends on nothing but the entry: no feed, no address of ours, no clock."""
    rendered = render(entry)
    return Pieces(rss.entry_piece(rendered), atom.entry_piece(rendered))


def documents(
    feed: Feed, entries: Iterable[Entry], base_url: str, pieces_of: Callable[[Entry], Pieces] = pieces
) -> Iterator[Document]:
    """Write a feed in every format. `entries`: newest first, read once. `pieces_of` may know pieces kept before."""
    kept: list[Pieces] = []

    def passing() -> Iterator[Entry]:
        for entry in entries:
            kept.append(pieces_of(entry))
            yield entry

    head = plan(feed, passing(), base_url)
    yield rss.document(head, (piece.rss for piece in kept))
    yield atom.document(head, (piece.atom for piece in kept))
