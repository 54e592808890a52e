"""Pieces kept from earlier builds: the published documents themselves hold them.

What is noted of a document says where each piece of it lies. A piece is taken out of the file as long as that is just
as it was left (inode, size, times); else it is written again. So nothing is stored twice, and nothing is lost with the
notes but time.
"""

import os
from array import array
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from feedarchiver.archive.documents import Noted, Pieces
from feedarchiver.archive.feedlog import FeedLog, Line
from feedarchiver.building.keys import SITE, stamp
from feedarchiver.publish.parts import Stretch


@dataclass(frozen=True)
class _Opened:
    """A document that pieces are taken out of."""

    noted: Noted
    file: int

    @cached_property
    def places(self) -> dict[int, int]:
        """Tell which piece shows an event."""
        return {event: place for place, event in enumerate(self.noted.pieces.events)}

    def read(self, place: int) -> bytes | None:
        """Read a piece."""
        start, end = self.noted.pieces.starts[place], self.noted.pieces.ends[place]
        data = os.pread(self.file, end - start, start)
        return data if len(data) == end - start else None


class Kept:
    """The pieces that documents below `root` hold, if they were made by `made`. A context: it keeps files open.

    No document holds more than `span` events.
    """

    def __init__(self, log: FeedLog, root: Path, made: str, span: int) -> None:
        self._log, self._root, self._made, self._span = log, root, made, span
        self._opened: dict[tuple[str, str], _Opened] = {}
        self._had = log.published() - {SITE}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in self._opened.values():
            os.close(opened.file)
        self._opened.clear()

    def pieces(self, feed: str, seq: int, line: Line, formats: tuple[str, ...]) -> dict[str, bytes]:
        """Find the pieces of what a feed's event shows: in its own documents, else in those of another feed."""
        found = self._found(feed, seq, formats) if feed in self._had else {}
        if len(found) < len(formats) and self._had - {feed}:
            for other, place in self._log.places(line):
                missing = tuple(name for name in formats if name not in found)
                if missing and other in self._had and other != feed:
                    found |= self._found(other, place, missing)
        return found

    def add(self, feed: str) -> None:
        """Have the pieces of a feed, too, whose documents have been written."""
        self._had.add(feed)

    def whole(self, feed: str, name: str, events: "array[int]") -> Pieces | None:
        """Tell where the pieces of a page are, if a document of the feed shows just these events."""
        opened = self._at(feed, name, events[0]) if events else None
        return opened.noted.pieces if opened and opened.noted.pieces.events == events else None

    def body(self, feed: str, name: str, events: "array[int]") -> Stretch | None:
        """Tell where all pieces of such a page lie with what is between them. It can be copied until the next call."""
        opened = self._at(feed, name, events[0])
        if opened is None:
            return None
        start, end = opened.noted.pieces.starts[0], opened.noted.pieces.ends[-1]
        return Stretch(opened.file, start, end - start)

    def _found(self, feed: str, seq: int, formats: tuple[str, ...]) -> dict[str, bytes]:
        found = {}
        for name in formats:
            opened = self._at(feed, name, seq)
            if opened is not None and (place := opened.places.get(seq)) is not None:
                data = opened.read(place)
                if data is not None:
                    found[name] = data
        return found

    def _at(self, feed: str, name: str, seq: int) -> _Opened | None:
        """Open the document of a feed that has an event."""
        opened = self._opened.get((feed, name))
        return opened if opened and opened.noted.first <= seq < opened.noted.end else self._open(feed, name, seq)

    def _open(self, feed: str, name: str, seq: int) -> _Opened | None:
        noted = self._log.holding(feed, name, seq, self._span)
        if noted is None or noted.made != self._made:
            return None
        try:
            file = os.open(f"{self._root}/{noted.path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        if stamp(os.fstat(file)) != noted.stamp:
            os.close(file)
            return None
        if before := self._opened.pop((feed, name), None):
            os.close(before.file)
        opened = _Opened(noted, file)
        self._opened[feed, name] = opened
        return opened
