"""The search index of the pages: small script files, of which a search in a browser loads the few that it needs.

Entries are numbered in the order of the log, so the index only grows. It is cut into *segments*: complete runs of 4096
entries, then of 512, 64 and 8, then what is left; eight complete segments become one of the next size and no more is
ever written again to one of 4096. A segment's terms are spread over its *shards* by their hash, and a shard is a text:
`|term ` and two characters for each entry that has it, its number modulo 4096. So segments are put together, never
computed anew, and the same entries give the same files, whether they came one at a time or all at once. What a result
shows of an entry stands in *blocks* of 32. A term is a pair of characters, in scripts without spaces, or a word.

Shards are scripts, not JSON, since a page opened from a disk may load scripts and nothing else.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import add
from typing import NamedTuple
from zlib import crc32

from feedarchiver.model import Document
from feedarchiver.words import UNSPACED, folded

LEVELS = ((4096, 256), (512, 64), (64, 16), (8, 4))
"""How many entries a segment has, and over how many shards they are spread: eight times, four times."""
MANIFEST = "search/index.js"
BLOCK = 32
_FAN = 8
_LARGEST, _SMALLEST = LEVELS[0][0], LEVELS[-1][0]
_BATCH = _LARGEST // _FAN**2  # entries whose terms are in memory at once
_SHARDS = dict(LEVELS)
_MOST_TEXT = 50_000
_LONGEST_WORD = 32
_KEY = 3  # characters of a term that decide its shard, so that words with one beginning are together
_START = 120
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_WORD = re.compile(rf"[^\W_{UNSPACED}]+")
_UNSPACED = re.compile(f"[{UNSPACED}]+")

Read = Callable[[str], bytes]
"""Gives the bytes of a document that an earlier build published, by its path."""


class Searchable(NamedTuple):
    """An entry as the index takes it: a row of JSON for the results, and its terms, apart by spaces."""

    row: str
    terms: str


class Segment(NamedTuple):
    """A run of entries: those from `size * number` on."""

    size: int
    number: int

    def path(self, shard: int) -> str:
        return f"search/{self.size}/{self.number:06}.{shard:03}.js"

    @property
    def paths(self) -> list[str]:
        return [self.path(shard) for shard in range(_SHARDS[self.size])]


def searchable(page: str, title: str, text: str, shown: datetime, language: str | None) -> Searchable:
    """Prepare an entry. `page`: the path of its reading page; `shown`: the date that the results name."""
    start = text[:_START] + "…" * (len(text) > _START)
    row = [page, shown.strftime("%Y-%m-%d").zfill(10), title, start, language]
    return Searchable(json.dumps(row, ensure_ascii=False, separators=(",", ":")), " ".join(terms(f"{title}\n{text}")))


def terms(text: str) -> set[str]:
    """List what `text` is found by. A single character of a script without spaces is not."""
    text = folded(text[:_MOST_TEXT])
    found = {word[:_LONGEST_WORD] for word in _WORD.findall(text)}
    for run in _UNSPACED.findall(text):
        found.update(map(add, run, run[1:]))
    return found


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


def grown(before: int, added: Iterable[Searchable], read: Read) -> Iterator[Document]:
    """Add entries to an index of `before` entries, and yield every document that changes. Memory does not grow with it.

    `added`: oldest first, read once. The documents are to be written in their order: the manifest, which makes the
    others count, comes last. `read` is asked for files of the index before, so remove those that are gone afterwards.
    """
    index = _Growing(before, read)
    for entry in added:
        yield from index.take(entry)
    yield from index.rest()


@dataclass
class _Growing:
    """An index on its way from `before` entries to more.

    `start`: how many stand in complete segments; `found`: the terms of those after them. `made`: complete segments that
    may still become part of a larger one. `rows`: those of the last, incomplete block.
    """

    before: int
    read: Read
    start: int = 0
    rows: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    made: dict[Segment, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start = self.before - self.before % _SMALLEST
        if self.before % BLOCK:
            self.rows = _rows(self.read(_block_path(self.before // BLOCK)))
        if self.start < self.before:
            self.found = self._reopened(Segment(_SMALLEST, self.start // _SMALLEST))

    @property
    def count(self) -> int:
        return self.start + len(self.found)

    def take(self, entry: Searchable) -> Iterator[Document]:
        self.rows.append(entry.row)
        self.found.append(entry.terms)
        if self.count % BLOCK == 0:
            yield self._block(self.count // BLOCK - 1)
            self.rows = []
        if self.count % _BATCH == 0:
            yield from self._close()

    def rest(self) -> Iterator[Document]:
        """Give what is not complete, and the manifest."""
        if self.count > self.before:
            yield from self._close()
            for segment, texts in self.made.items():
                yield from (_script(segment.path(shard), text) for shard, text in enumerate(texts))
            if self.found:
                last = Segment(_SMALLEST, self.start // _SMALLEST)
                texts = _inverted(self.start, self.found, last.size)
                yield from (_script(last.path(shard), text) for shard, text in enumerate(texts))
            if self.rows:
                yield self._block(self.count // BLOCK)
        said = {"block": BLOCK, "count": self.count, "digits": _DIGITS, "key": _KEY, "levels": LEVELS}
        yield _script(MANIFEST, json.dumps(said, separators=(",", ":")).encode())

    def _reopened(self, segment: Segment) -> list[str]:
        """Read back which terms the entries of an incomplete segment have."""
        places = {_code(self.start + place): place for place in range(self.before - self.start)}
        found: list[list[str]] = [[] for _ in places]
        for path in segment.paths:
            for term, codes in _postings([_shard_text(self.read(path))]).items():
                for at in range(0, len(codes), 2):
                    # A build that was killed may have written more entries here than its manifest counts.
                    if (place := places.get(codes[at : at + 2])) is not None:
                        found[place].append(term)
        return [" ".join(held) for held in found]

    def _close(self) -> Iterator[Document]:
        """Make complete segments, the largest that fit, of the entries in memory."""
        while len(self.found) >= _SMALLEST:
            size = next(size for size, _ in LEVELS if self.start % size == 0 and size <= min(len(self.found), _BATCH))
            segment = Segment(size, self.start // size)
            self.made[segment] = _inverted(self.start, self.found[:size], size)
            del self.found[:size]
            self.start += size
            yield from self._merge(segment)

    def _merge(self, segment: Segment) -> Iterator[Document]:
        """Make the segment of the next size, and the next, as long as eight are complete."""
        while segment.size < _LARGEST and segment.number % _FAN == _FAN - 1:
            larger = Segment(segment.size * _FAN, segment.number // _FAN)
            parts = [Segment(segment.size, larger.number * _FAN + place) for place in range(_FAN)]
            merged = _merged([self._texts(part) for part in parts], larger.size)
            if larger.size == _LARGEST:
                yield from (_script(larger.path(shard), text) for shard, text in merged)
                return
            self.made[larger] = [text for _, text in sorted(merged)]
            segment = larger

    def _texts(self, segment: Segment) -> list[bytes]:
        made = self.made.pop(segment, None)
        return made or [_shard_text(self.read(path)) for path in segment.paths]

    def _block(self, number: int) -> Document:
        return _script(_block_path(number), b"[\n" + ",\n".join(self.rows).encode() + b"\n]")


def _inverted(start: int, found: Iterable[str], size: int) -> list[bytes]:
    """Spread the terms of entries, numbered from `start`, over the shards of a segment."""
    codes: dict[str, str] = {}
    known = codes.get
    for number, held in enumerate(found, start):
        code = _code(number)
        for term in held.split():
            codes[term] = known(term, "") + code
    return _spread(codes, {shard: [] for shard in range(_SHARDS[size])}, size)


def _merged(texts: list[list[bytes]], size: int) -> Iterator[tuple[int, bytes]]:
    """Put segments together, one shard of theirs at a time: its terms go to a few shards of the larger segment."""
    for place in range(len(texts[0])):
        shards: dict[int, list[str]] = {shard: [] for shard in range(place, _SHARDS[size], len(texts[0]))}
        yield from zip(shards, _spread(_postings([part[place] for part in texts]), shards, size), strict=True)


def _spread(codes: dict[str, str], shards: dict[int, list[str]], size: int) -> list[bytes]:
    """Write terms, in order, into the shards that theirs are among."""
    last = _SHARDS[size] - 1
    for term in sorted(codes):
        shards[crc32(term[:_KEY].encode()) & last].append(f"|{term} {codes[term]}")
    return ["".join(shard).encode() for shard in shards.values()]


def _code(number: int) -> str:
    high, low = divmod(number % _LARGEST, len(_DIGITS))
    return _DIGITS[high] + _DIGITS[low]


def _postings(texts: Iterable[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        for line in text.decode().split("|")[1:]:
            term, _, codes = line.partition(" ")
            found[term] = found.get(term, "") + codes
    return found


def _block_path(number: int) -> str:
    return f"search/entries/{number:06}.js"


def _script(path: str, data: bytes) -> Document:
    """Write a file that hands its value to whoever loaded it."""
    value = data if data[:1] in (b"[", b"{") else b'"%b"' % data
    name = path.removeprefix("search/").removesuffix(".js").encode()
    return Document(path=path, media_type="text/javascript", data=b'arrived("%b",%b)\n' % (name, value))


def _shard_text(script: bytes) -> bytes:
    return script[script.index(b',"') + 2 : script.rindex(b'"')]


def _rows(script: bytes) -> list[str]:
    return [line.removesuffix(",") for line in script.decode().split("\n")[1:-2]]
