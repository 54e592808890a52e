"""What changed from one text to another: removed and added words, and single characters in scripts without spaces.

Two passes of Myers' algorithm ("An O(ND) Difference Algorithm", 1986): sentences first, then words within the
sentences that differ. Work is bounded: parts that have too little in common count as replaced whole. Crumbs that two
changes happen to have in common are given to the changes, for whoever reads them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from feedarchiver.words import UNSPACED

_SENTENCE = re.compile(r".+?(?:[。！？!?…\n]+[”’」』》）)\"']*\s*|\.[”’)\"']*\s+|\Z)", re.DOTALL)
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+|\s+|.", re.DOTALL)
_LETTERS = re.compile(rf"[^\W_{UNSPACED}]+")
_LETTERS_BEFORE = re.compile(rf"[^\W_{UNSPACED}]+\Z")
_MOST_EDITS = 600
_MOST_STEPS = 6_000_000
_CRUMB = 5


_Hunk = tuple[str, str]


class Kind(Enum):
    """What became of a piece."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    LEFT_OUT = "left out"  # the same in both, and not shown


class Piece(NamedTuple):
    """A piece of text and what became of it."""

    kind: Kind
    text: str


def diff(old: str, new: str) -> tuple[Piece, ...]:
    """Tell what changed from `old` to `new`.

    The same and removed pieces together are `old`, the same and added ones `new`. What was removed stands before what
    was added in its place; no two neighbours are of one kind.
    """
    hunks: list[_Hunk] = []
    for before, after in _hunks(_SENTENCE.findall(old), _SENTENCE.findall(new)):
        hunks += [(before, after)] if before == after else _hunks(_WORD.findall(before), _WORD.findall(after))
    return tuple(piece for before, after in _without_crumbs(_joined(hunks)) for piece in _told(before, after))


def shortened(pieces: Iterable[Piece], around: int = 40) -> tuple[Piece, ...]:
    """Leave out what is the same, but for `around` characters next to each change, and no part of a word."""
    pieces = tuple(pieces)
    kept: list[Piece] = []
    for place, piece in enumerate(pieces):
        head = around if place > 0 else 0
        tail = around if place + 1 < len(pieces) else 0
        if piece.kind is not Kind.SAME or len(piece.text) <= head + tail + _CRUMB:
            kept.append(piece)
            continue
        start, stop = _between_words(piece.text, head, len(piece.text) - tail)
        shown = (
            Piece(Kind.SAME, piece.text[:start]),
            Piece(Kind.LEFT_OUT, piece.text[start:stop]),
            Piece(Kind.SAME, piece.text[stop:]),
        )
        kept += [part for part in shown if part.text]
    return tuple(kept)


def _between_words(text: str, start: int, stop: int) -> tuple[int, int]:
    """Let what is left out take in the words that it begins and ends in, unless nothing else would be shown."""
    if _LETTERS.match(text, start) and (begun := _LETTERS_BEFORE.search(text[:start])):
        start = begun.start() or start
    if _LETTERS.match(text, stop - 1) and (ended := _LETTERS.match(text, stop)):
        stop = ended.end() if ended.end() < len(text) else stop
    return start, stop


def _told(before: str, after: str) -> list[Piece]:
    if before == after:
        return [Piece(Kind.SAME, before)]
    told = Piece(Kind.REMOVED, before), Piece(Kind.ADDED, after)
    return [piece for piece in told if piece.text]


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[_Hunk]:
    """Pair what is the same with itself, and what was replaced with what came in its place."""
    shortest = min(len(old), len(new))
    head = next((place for place in range(shortest) if old[place] != new[place]), shortest)
    rest = shortest - head
    tail = next((place for place in range(rest) if old[-1 - place] != new[-1 - place]), rest)
    same = "".join(old[:head])
    yield same, same
    begin_old = begin_new = head
    middle = old[head : len(old) - tail], new[head : len(new) - tail]
    for start_old, start_new, length in [*_matches(*middle), (len(middle[0]), len(middle[1]), tail)]:
        stop_old, stop_new = head + start_old, head + start_new
        yield "".join(old[begin_old:stop_old]), "".join(new[begin_new:stop_new])
        begin_old, begin_new = stop_old + length, stop_new + length
        same = "".join(old[stop_old:begin_old])
        yield same, same


def _matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Find what both have in common, in order: place in each, and length. Nothing when they differ in too much."""
    most = min(len(old) + len(new), _MOST_EDITS, _MOST_STEPS // (len(old) + len(new) + 1))
    reached = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(most + 1):
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1])
            x = reached[diagonal + 1] if down else reached[diagonal - 1] + 1
            y = x - diagonal
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            reached[diagonal] = x
            if x >= len(old) and y >= len(new):
                return _walked_back(trace, edits, x, y)
        trace.append(reached.copy())
    return []


def _walked_back(trace: list[dict[int, int]], edits: int, x: int, y: int) -> list[tuple[int, int, int]]:
    """Follow the shortest way back to the start and collect its diagonal stretches."""
    found: list[tuple[int, int, int]] = []
    for before in range(edits - 1, -1, -1):
        reached = trace[before]
        diagonal = x - y
        down = diagonal == -(before + 1) or (diagonal != before + 1 and reached[diagonal - 1] < reached[diagonal + 1])
        came_x = reached[diagonal + 1] if down else reached[diagonal - 1]
        came_y = came_x - (diagonal + 1 if down else diagonal - 1)
        start = came_x if down else came_x + 1
        if x > start:
            found.append((start, start - diagonal, x - start))
        x, y = came_x, came_y
    if x:
        found.append((0, 0, x))
    return found[::-1]


def _joined(hunks: Iterable[_Hunk]) -> list[_Hunk]:
    """Drop what is empty, and join neighbours that are both the same or both changed."""
    groups = groupby((hunk for hunk in hunks if any(hunk)), key=lambda hunk: hunk[0] == hunk[1])
    pairs = (tuple(zip(*group, strict=True)) for _, group in groups)
    return [("".join(before), "".join(after)) for before, after in pairs]


def _without_crumbs(hunks: list[_Hunk]) -> list[_Hunk]:
    """Give what is the same for no longer than the changes on both sides of it, and for a few characters, to them."""
    kept: list[_Hunk] = []
    place = 0
    while place < len(hunks):
        before, after = hunks[place]
        if before == after and kept and place + 1 < len(hunks):
            following = hunks[place + 1]
            if len(before) <= min(_CRUMB, max(map(len, kept[-1])), max(map(len, following))):
                kept[-1] = kept[-1][0] + before + following[0], kept[-1][1] + after + following[1]
                place += 2
                continue
        kept.append((before, after))
        place += 1
    return kept
