"""What sources have said, stored: batch by batch, so that nobody who writes beside waits for the web.

The archive is locked while a batch is written, and not while answers are awaited. What is remembered of a source is
written behind its articles, in the same transaction or a later one: after a crash, it is asked again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.index import Index
from feedarchiver.archive.writer import Writer
from feedarchiver.gather.kinds import Reading
from feedarchiver.gather.web import politeness
from feedarchiver.model import Outcome, Received
from feedarchiver.updating.events import Event, Failed, Notice, Polled, Updated, Walked
from feedarchiver.updating.source import HOST, SOURCE, Remembered, WebSource, host_written, remembered, written

_BATCH_BYTES = 8_000_000
_BATCH_EVENTS = 500
_MOST_KEYS = 1_000
_MOST_GAPS = 20

Told = Callable[[Outcome, Received], None]
"""Called with each article that is, or would be, new or a version."""


class _Store(Protocol):
    """Where articles and notes go."""

    index: Index

    def add(self, received: Received, *, polled: bool) -> Outcome: ...

    def note(self, about: str, name: str, said: str | None) -> None: ...


class _Foresight:
    """A store that stores nothing, and says what would come of it."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self.index = writer, writer.index
        self._seen: set[bytes] = set()

    def add(self, received: Received, *, polled: bool) -> Outcome:  # noqa: ARG002 - it is all polled
        if received.raw in self._seen:
            return Outcome.KNOWN
        self._seen.add(received.raw)
        return self._writer.foresee(received)

    def note(self, about: str, name: str, said: str | None) -> None:
        """Note nothing."""


class Storing:
    """Takes the events of one update and stores them. `chance` spreads what would come at once."""

    def __init__(self, archive: Archive, now: datetime, chance: Callable[[], float], told: Told) -> None:
        self._archive, self._now, self._chance, self._told = archive, now, chance, told
        self._events: list[Event] = []
        self._size_bytes = 0
        self._foresight: _Foresight | None = None
        self.done = Updated()

    def put(self, event: Event) -> None:
        """Take an event, to be stored with others."""
        self._events.append(event)
        self._size_bytes += 0 if isinstance(event, Failed) else _size(event.reading)

    def is_full(self) -> bool:
        """Tell whether there is enough to be stored."""
        return self._size_bytes > _BATCH_BYTES or len(self._events) >= _BATCH_EVENTS

    def flush(self, hosts: dict[str, politeness.Host | None]) -> None:
        """Store what is waiting, and what has been learned of hosts."""
        if self._events:
            with self._archive.writing(self._now) as writer:
                self._store(writer)
                for site, host in hosts.items():
                    writer.note(HOST, site, host_written(host))
        self._size_bytes = 0

    def foresee(self) -> None:
        """Count what storing would come to."""
        self._foresight = self._foresight or _Foresight(self._archive.foreseeing(self._now))
        self._store(self._foresight)

    def _store(self, store: _Store) -> None:
        for event in self._events:
            known = remembered(store.index, event.source)
            if isinstance(event, Polled):
                known = self._polled(store, known, event)
            elif isinstance(event, Walked):
                known = self._walked(store, known, event)
            else:
                known = self._failed(known, event)
            store.note(SOURCE, event.source.id, written(known))
        self._events.clear()

    def _polled(self, store: _Store, known: Remembered, event: Polled) -> Remembered:
        """Archive what a source has said, then decide when it is asked again."""
        source, answer, reading = event.source, event.answer, event.reading
        self.done.asked += 1
        self.done.unchanged += reading is None
        before, found, bounds = known.standing, politeness.Found.NOTHING_NEW, source.bounds
        if reading is not None:
            fresh = self._add(store, source, reading)
            found = politeness.Found.NEW if fresh else found
            if reading.patience is not None:
                bounds = bounds._replace(shortest=min(max(bounds.shortest, reading.patience), bounds.longest))
            if not known.is_continued(reading.keys):
                found, bounds = politeness.Found.GAP, source.bounds
                known = self._with_gap(source, known)
            if new := [problem for problem in reading.problems if problem not in known.problems]:
                self._notice(source, "; ".join(new))
            known = known._replace(keys=reading.keys[-_MOST_KEYS:], problems=reading.problems)
        standing = politeness.succeeded(before, answer, found, bounds, self._now, chance=self._chance())
        if standing.moved != known.address:
            self._notice(
                source,
                f"moved permanently to {standing.moved}, and is asked there from now on; "
                "write that address into the configuration",
            )
        return known._replace(standing=standing, body=event.digest or known.body)

    def _with_gap(self, source: WebSource, known: Remembered) -> Remembered:
        """Remember that articles may be missing. One gap behind the other is one, and told once."""
        since = known.standing.answered if known.standing else None
        if since is None:
            return known
        if known.gaps and known.gaps[-1][1] == since:
            return known._replace(gaps=(*known.gaps[:-1], (known.gaps[-1][0], self._now)))
        text = (
            f"a gap: nothing of what was there at {_said(since)} is there now; what came and went in between is missing"
        )
        self._notice(source, text)
        return known._replace(gaps=(*known.gaps, (since, self._now))[-_MOST_GAPS:])

    def _walked(self, store: _Store, known: Remembered, event: Walked) -> Remembered:
        """Archive what a document of a source's own archive says, and remember where the way goes on."""
        if event.reading is not None:
            self._add(store, event.source, event.reading)
        if event.closes:
            self._notice(event.source, "the gap is closed, out of the source's own archive")
            known = known._replace(gaps=known.gaps[:-1])
        if event.backfill:
            if event.more:
                self._notice(event.source, "its archive goes on; call `update --backfill` again")
            known = known._replace(older=event.older, complete=event.older is None)
        return known

    def _failed(self, known: Remembered, event: Failed) -> Remembered:
        """Say what is wrong, and decide when the source is asked again."""
        source, failure = event.source, event.failure
        if event.walking:
            self.done.failures.append(
                Notice(source.id, f"on the way back through its archive: {failure}; what came before it is kept")
            )
            return known
        self.done.asked += 1
        bounds, chance = source.bounds, self._chance()
        standing = politeness.failed(known.standing, failure, bounds, self._now, chance=chance)
        after = f"asked again from {_said(standing.due)} on" if standing.due else "not asked again until it is named"
        self.done.failures.append(Notice(source.id, f"{failure}; what is archived stays; {after}"))
        return known._replace(standing=standing)

    def _add(self, store: _Store, source: WebSource, reading: Reading) -> bool:
        """Archive the articles that the source's rules take. Tells whether something new was among them."""
        taken = self._taken(source, reading)
        self.done.excluded += len(reading.received) - len(taken)
        fresh = False
        for received in taken:
            outcome = store.add(received, polled=True)
            self.done.count(outcome)
            if outcome in {Outcome.NEW, Outcome.VERSION}:
                fresh = True
                self._told(outcome, received)
        return fresh

    def _taken(self, source: WebSource, reading: Reading) -> tuple[Received, ...]:
        received = reading.received[-source.most :] if source.most else reading.received
        if source.filter is None:
            return received
        from feedarchiver.archive.selection import takes

        return tuple(one for one in received if takes(source.filter, one.article, source.id, self._now))

    def _notice(self, source: WebSource, text: str) -> None:
        self.done.notices.append(Notice(source.id, text))


def _size(reading: Reading | None) -> int:
    return sum(2 * len(one.raw) for one in reading.received) if reading else 0


def _said(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else "an unknown time"
