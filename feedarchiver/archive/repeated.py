"""Whether what a source says again and again is something new: decided from what it has told of the entry before.

What it said in its last run is known. What it had said before that, and took back, comes again as an event of its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

from feedarchiver.archive.index import Told
from feedarchiver.model import ObjectId

_SECOND = 1_000_000  # runs are apart by whole seconds, captures of one run by less


class Saying(NamedTuple):
    """What is said now: the article, the bytes that it was read from, and what was known before its page was read."""

    article: ObjectId
    raw: ObjectId
    said: ObjectId | None = None


def is_known(saying: Saying, told: Sequence[Told], *, past: bool = False) -> bool:
    """Tell whether a source has said this, and nothing else since. `past`: it is of the past, which cannot return."""
    before = [one for one in told if _is_same(saying, one)]
    if past or not before:
        return bool(before)
    now = latest(told)
    return any(one.fingerprint in now for one in before)


def latest(told: Sequence[Told]) -> frozenset[str]:
    """Name the versions that a source told in its last run; one document may hold two."""
    last = max((one.captured for one in told), default=0) // _SECOND
    return frozenset(one.fingerprint for one in told if one.captured // _SECOND == last)


def _is_same(saying: Saying, one: Told) -> bool:
    if saying.said is not None:
        return (one.article, one.said) == (saying.article, saying.said)
    return one.raw == saying.raw or saying.article in (one.article, one.said)
