"""The search index of the pages: small script files, of which a search in a browser loads the few that it needs.

Entries are numbered in the order of the log, so the index only grows. It is cut into *segments*: complete runs of 4096
entries, then of 512, 64 and 8, then what is left; eight complete segments become one of the next size and no more is
ever written again to one of 4096. Terms are cut into *cells* at the same places everywhere (`site_terms`), and a
segment's *shards* are a few cells each. A cell is a text: a line for each entry, with the terms of it that are of the
cell. So segments are put together by putting their lines together, nothing is ever sorted twice, and the same entries
give the same files, whether they came one at a time or all at once. What a result shows stands in *blocks* of 32.

Shards are scripts, not JSON, since a page opened from a disk may load scripts and nothing else.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, chain
from typing import IO, NamedTuple

from feedarchiver import SEARCH_VERSION
from feedarchiver.model import Document
from feedarchiver.publish.site_terms import BOUNDS, CELLS, PREFIX, found_by

LEVELS = ((4096, 384), (512, 96), (64, 24), (8, 6))
"""How many entries a segment has, and over how many shards they are spread: eight times, four times."""
MANIFEST = "search/index.js"
BLOCK = 32
_FAN = 8
_LARGEST, _SMALLEST = LEVELS[0][0], LEVELS[-1][0]
_BATCH = 64  # entries whose terms are in memory at once
_SHARDS = dict(LEVELS)
_START = 120
_QUOTED = json.JSONEncoder(ensure_ascii=False).encode

Read = Callable[[str], bytes]
"""Gives the bytes of a document that an earlier build published, by its path."""

Write = Callable[[str], list[str]]
"""Does what `site_terms.found_by` does; may have done it before."""


class Searchable(NamedTuple):
    """An entry as the index takes it: a row of JSON for the results, and its line in each cell."""

    row: str
    lines: list[str]


class Segment(NamedTuple):
    """A run of entries: those from `size * number` on."""

    size: int
    number: int

    @property
    def start(self) -> int:
        return self.size * self.number

    @property
    def end(self) -> int:
        return self.start + self.size

    @property
    def parts(self) -> "list[Segment]":
        """The segments of the size below."""
        return [Segment(self.size // _FAN, self.number * _FAN + place) for place in range(_FAN)]

    def path(self, shard: int) -> str:
        return f"search/{self.size}/{self.number:06}.{shard:03}.js"

    @property
    def paths(self) -> list[str]:
        return [self.path(shard) for shard in range(_SHARDS[self.size])]


def searchable(  # noqa: PLR0913, PLR0917 - each is one thing that is shown or searched
    page: str, title: str, text: str, shown: datetime, language: str | None, write: Write | None = None
) -> Searchable:
    """Prepare an entry. `page`: the path of its reading page; `shown`: the date that the results name."""
    start = text[:_START] + "…" * (len(text) > _START)
    said = map(_QUOTED, (page, shown.date().isoformat(), title, start))
    row = f"[{','.join(said)},{_QUOTED(language) if language else 'null'}]"
    return Searchable(row, (write or found_by)(f"{title}\n{text}"))


def segments(count: int) -> list[Segment]:
    """List the segments of an index of `count` entries, oldest first. The last one may be incomplete."""
    found, start = [], 0
    for size, _ in LEVELS:
        while count - start >= size:
            found.append(Segment(size, start // size))
            start += size
    return [*found, Segment(_SMALLEST, start // _SMALLEST)] if start < count else found


def paths(count: int) -> list[str]:
    """List every file of an index of `count` entries."""
    blocks = [_block_path(number) for number in range(-(-count // BLOCK))]
    return [*(path for segment in segments(count) for path in segment.paths), *blocks, MANIFEST]


def gone(before: int, after: int) -> set[str]:
    """List the files that an index of `before` entries has and one of `after` has no more. Remove them last."""
    left = segments(after)
    return {path for segment in segments(before) if segment not in left for path in segment.paths}


def grown(before: int, after: int, added: Iterable[Searchable], read: Read, room: IO[bytes]) -> Iterator[Document]:
    """Let an index of `before` entries grow to `after`, and yield every document that changes.

    `added`: oldest first, read once. The documents are to be written in their order: the manifest, which makes the
    others count, comes last. `read` is asked for files of the index before, so remove those that are gone afterwards.
    `room` is for what is to be merged: memory does not grow with the index.
    """
    index = _Growing(before, after, iter(added), read, room)
    for segment in segments(after) if after > before else ():
        if segment not in index.standing:
            yield from index.made(segment)
    yield from index.rest()


@dataclass
class _Growing:
    """An index on its way from `before` entries to `after`.

    `standing`: its complete segments. `taken`: how many entries are in it by now. `rows`: those of the last, incomplete
    block; `blocks`: those that have become complete.
    """

    before: int
    after: int
    added: Iterator[Searchable]
    read: Read
    room: IO[bytes]
    rows: list[str] = field(default_factory=list)
    blocks: list[Document] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.standing = {segment for segment in segments(self.before) if segment.end <= self.before}
        self.taken = self.before
        if self.before % BLOCK:
            self.rows = _rows(self.read(_block_path(self.before // BLOCK)))[: self.before % BLOCK]

    def made(self, segment: Segment) -> Iterator[Document]:
        """Make a segment, and the blocks of the entries that it takes."""
        shards = self._merged(segment) if segment.size == _LARGEST else _shards(self._joined(segment), segment.size)
        for number, shard in enumerate(shards):
            yield _script(segment.path(number), shard)
        yield from self.blocks
        self.blocks = []

    def rest(self) -> Iterator[Document]:
        """Give the block that is not complete, and the manifest."""
        if self.rows and self.after > self.before:
            yield self._block(self.after // BLOCK)
        said = {
            "block": BLOCK,
            "bounds": BOUNDS,
            "cells": CELLS,
            "count": self.after,
            "format": SEARCH_VERSION,
            "levels": LEVELS,
            "prefix": PREFIX,
        }
        yield _script(MANIFEST, json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())

    def _parts(self, segment: Segment) -> list[Segment]:
        """List what a segment is put together from: what stands, and runs of entries that are taken in at once."""
        is_new = segment.size <= _BATCH and segment.start >= self.before
        if segment in self.standing or is_new or segment.size == _SMALLEST:
            return [segment]
        return list(chain.from_iterable(map(self._parts, segment.parts)))

    def _joined(self, segment: Segment) -> list[bytes]:
        """Give the cells of a segment."""
        return list(map(b"|".join, zip(*map(self._cells, self._parts(segment)), strict=True)))

    def _merged(self, segment: Segment) -> Iterator[bytes]:
        """Give the shards of a segment of the largest size, for a few of its cells at a time."""
        parts = list(map(self._put_by, self._parts(segment)))
        for number in range(_SHARDS[_LARGEST // _FAN]):
            some = zip(*(part(number).split(b"/") for part in parts), strict=True)
            yield from _shards(list(map(b"|".join, some)), segment.size)
        self.room.seek(0)

    def _put_by(self, part: Segment) -> Callable[[int], bytes]:
        """Have the cells of a part at hand, in as many shards as its siblings of the largest size have."""
        size = _LARGEST // _FAN
        if part.size == size:
            return lambda number: _value(self.read(part.path(number)))
        start, shards = self.room.tell(), _shards(self._cells(part), size)
        ends = list(accumulate(map(len, shards), initial=start))
        self.room.writelines(shards)

        def shard(number: int) -> bytes:
            self.room.seek(ends[number])
            return self.room.read(ends[number + 1] - ends[number])

        return shard

    def _cells(self, part: Segment) -> list[bytes]:
        """Give the cells of a part."""
        if part in self.standing:
            return self._found(part)
        added = [self._take() for _ in range(max(part.start, self.before), min(part.end, self.after))]
        cells = ["|".join(column).encode() for column in zip(*added, strict=True)]
        if part.start >= self.before:
            return cells
        # A build that was killed may have written more entries here than its manifest counts.
        known = (cell.split(b"|")[: self.before - part.start] for cell in self._found(part))
        return [b"|".join((*had, cell)) for had, cell in zip(known, cells, strict=True)]

    def _found(self, segment: Segment) -> list[bytes]:
        return [cell for path in segment.paths for cell in _value(self.read(path)).split(b"/")]

    def _take(self) -> list[str]:
        """Take the next entry in. Returns its lines."""
        entry = next(self.added)
        self.rows.append(entry.row)
        self.taken += 1
        if self.taken % BLOCK == 0:
            self.blocks.append(self._block(self.taken // BLOCK - 1))
            self.rows = []
        return entry.lines

    def _block(self, number: int) -> Document:
        return _script(_block_path(number), b"[\n" + ",\n".join(self.rows).encode() + b"\n]")


def _shards(cells: list[bytes], size: int) -> list[bytes]:
    """Put cells together as they stand in the shards of a segment of some size."""
    count = CELLS // _SHARDS[size]
    return [b"/".join(cells[first : first + count]) for first in range(0, len(cells), count)]


def _block_path(number: int) -> str:
    return f"search/entries/{number:06}.js"


def _script(path: str, data: bytes) -> Document:
    """Write a file that hands its value to whoever loaded it."""
    value = data if data[:1] in (b"[", b"{") else b'"%b"' % data
    name = path.removeprefix("search/").removesuffix(".js").encode()
    return Document(path=path, media_type="text/javascript", data=b'arrived("%b",%b)\n' % (name, value))


def _value(script: bytes) -> bytes:
    return script[script.index(b',"') + 2 : script.rindex(b'"')]


def _rows(script: bytes) -> list[str]:
    return [line.removesuffix(",") for line in script.decode().split("\n")[1:-2]]
