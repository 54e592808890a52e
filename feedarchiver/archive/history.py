"""What became of one entry: its versions and its events, derived from its captures alone.

The same function serves a run that adds one capture and a rebuild of the whole index, so the two cannot differ.
Instants are whole microseconds since 1970; `None` is "not said".
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import groupby
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND, _SECOND = timedelta(microseconds=1), 1_000_000
_LAST = 253_402_300_799 * _SECOND  # 9999-12-31T23:59:59Z, the last second that RFC 3339 can write


class Fact(NamedTuple):
    """One capture of an entry, with what its article says. Sorting facts with `order` gives the order of the log.

    `origin_captured`: when another archive had captured it, before it came here.
    """

    captured: int
    published: int | None
    updated: int | None
    article: str
    fingerprint: str
    source: str
    id: str
    origin_captured: int | None = None

    @property
    def first(self) -> int:
        """The instant at which the article was received first, here or in the archive that it came from."""
        return self.captured if self.origin_captured is None else min(self.origin_captured, self.captured)

    @property
    def order(self) -> tuple[int, bool, int, str, str]:
        """Captured, then published (undated first), then object id, then source: the same on every machine."""
        return self.captured, self.published is not None, self.published or 0, self.article, self.source

    @property
    def stamp(self) -> int | None:
        """The instant that the publisher gave this state of the article."""
        return self.published if self.updated is None else self.updated


class Kind(IntEnum):
    """Why a source's log holds an event."""

    MADE = 0  # a capture from this source made the version current
    SHARED = 1  # a capture from another source did, of an entry that this source has too
    JOINED = 2  # the source has captured an entry that was there before, in its current version


class Event(NamedTuple):
    """A line of a source's log: from `captured` on, the entry shows `article`."""

    source: str
    captured: int
    published: int | None
    article: str
    updated: int
    kind: Kind


class History(NamedTuple):
    """An entry's published id, its events in order, and each version's shown article by fingerprint, oldest first."""

    id: str
    events: tuple[Event, ...]
    versions: dict[str, str]


class _Version:
    def __init__(self, shown: Fact) -> None:
        self.shown, self.stamp, self.last = shown, shown.stamp, shown.first

    @property
    def rank(self) -> tuple[bool, int, int, tuple[int, bool, int, str, str]]:
        """A dated version beats an undated one, then the latest stamp wins, then the later capture."""
        return self.stamp is not None, self.stamp or 0, self.last, self.shown.order


def history(facts: Iterable[Fact]) -> History:
    """Derive an entry's history from its captures, in any order. Raises ValueError without captures."""
    ordered = list(facts)
    if not ordered:
        raise ValueError("an entry has at least one capture")
    if len(ordered) == 1:  # as nearly all have
        return _first(ordered[0])
    ordered.sort(key=lambda fact: fact.order)
    versions: dict[str, _Version] = {}
    events: list[Event] = []
    sources: set[str] = set()
    current: str | None = None
    updated: int | None = None
    for captured, run in groupby(ordered, key=lambda fact: fact.captured):
        group = list(run)
        for fact in group:
            _see(versions, fact)
        joined = {fact.source for fact in group} - sources
        sources |= joined
        best = max(versions, key=lambda name: versions[name].rank)
        shown = versions[best].shown
        if best != current:
            maker = next(fact for fact in group if fact.fingerprint == best)
            updated = _updated(shown.stamp, maker.first, updated)
            kinds = {source: Kind.MADE if source == maker.source else Kind.SHARED for source in sources}
        else:
            kinds = dict.fromkeys(joined, Kind.JOINED)
        current = best
        told = (captured, shown.published, shown.article, updated or 0)
        events.extend(Event(source, *told, kinds[source]) for source in sorted(kinds))
    return History(ordered[0].id, tuple(events), {name: version.shown.article for name, version in versions.items()})


def _first(fact: Fact) -> History:
    """Derive what the general rules come to for a single capture."""
    updated = _updated(fact.stamp, fact.first, None)
    event = Event(fact.source, fact.captured, fact.published, fact.article, updated, Kind.MADE)
    return History(fact.id, (event,), {fact.fingerprint: fact.article})


def _see(versions: dict[str, _Version], fact: Fact) -> None:
    version = versions.setdefault(fact.fingerprint, _Version(fact))
    version.last = max(version.last, fact.first)
    if version.shown.stamp is None and fact.captured == version.shown.captured:
        version.shown = fact  # within one run, a dated telling is better than an undated one
    if fact.stamp is not None:
        version.stamp = fact.stamp if version.stamp is None else max(version.stamp, fact.stamp)


def _updated(stamp: int | None, captured: int, previous: int | None) -> int:
    """Date an event: as the source said; an edit that the source did not date (or dated back) by its capture."""
    if previous is None:
        return captured if stamp is None else stamp
    if stamp is not None and stamp > previous:
        return stamp
    return max(captured, min(previous + _SECOND, _LAST))


def microseconds(instant: datetime) -> int:
    """Count whole microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def moment(microseconds_: int) -> datetime:
    """Read whole microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds_)
