"""The articles of sources, taken into a store: those that a source's rules take, as many as it may bring."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from feedarchiver.gather.kinds import Reading
from feedarchiver.model import Outcome, Received
from feedarchiver.updating import unread
from feedarchiver.updating.events import Notice, Updated
from feedarchiver.updating.foresight import Store
from feedarchiver.updating.source import WebSource, beyond_note, lacking
from feedarchiver.updating.unread import Note, Sorted, Unread
from feedarchiver.updating.waiting import Most, Rooms

Told = Callable[[Outcome, Received], None]
"""Called with each article that is, or would be, new or a version."""


class Taking:
    """Takes the articles of one update, and counts in `done` what that comes to."""

    def __init__(self, now: datetime, told: Told, most: Most, done: Updated) -> None:
        self._now, self._told, self._done = now, told, done
        self._most, self._rooms = most, Rooms(most)
        self._new: Counter[str] = Counter()  # articles, by source
        self._beyond: Counter[str] = Counter()
        self._lacking: set[str] = set()

    def begin(self, store: Store, sources: Iterable[str]) -> None:
        """Look up, before anything of a batch is written, of which of its sources articles were left out."""
        self._lacking = lacking(store.index, sources)

    def add(
        self, store: Store, source: WebSource, reading: Reading, found: Sorted | None, document: str | None = None
    ) -> bool:
        """Archive the articles that the source's rules take, and note whose pages are to be read.

        What is too much of a `document` is left out, and that is noted; None: it is one of the past, and taken whole.
        Tells whether something new was among them.
        """
        received = (
            (reading.received[-source.most :] if source.most else reading.received) if found is None else found.direct
        )
        taken = self.allowed(source, received)
        self._done.excluded += len(reading.received if found is None else received) - len(taken)
        wanted = found.wanted if found else ()
        beyond = [one for one in sorted(wanted, key=lambda one: one.age, reverse=True) if not self.note(store, one)]
        if source.kind == "feed":  # which soon tells of them no more
            known = self.allowed(source, tuple(one.known for one in reversed(beyond)))
            taken += tuple(one for one in known if not unread.has_page(store.index, one.article, source.id))
        is_past = document is None
        fresh, left = self.take(store, source, taken, past=is_past, most=None if is_past else self._most.new)
        if found is not None:
            self._done.known += found.settled
            self._done.excluded += found.excluded
        if document is not None:
            count = len(beyond) + left
            self._beyond[source.id] += count
            if count or source.id in self._lacking:
                self._lacking.add(source.id)
                write(store, [beyond_note(source.id, document, count)])
        return fresh or len(wanted) > len(beyond)

    def note(self, store: Store, one: Unread) -> bool:
        """Note that a page is to be read, or is not any more, if there is room; else the latter is forgotten."""
        is_taken = self._rooms.take(store.index, one) or unread.is_noted(store.index, one)
        if is_taken or one.due is None:
            write(store, unread.page_notes(one, done=not is_taken))
        return is_taken

    def take(
        self, store: Store, source: WebSource, taken: Sequence[Received], *, past: bool = False, most: int | None = None
    ) -> tuple[bool, int]:
        """Archive articles, the newest first if more of the source may be new than `most`.

        Tells whether something new was among them, and how many are left.
        """
        fresh = False
        if most is not None and len(taken) > most - self._new[source.id]:
            taken = taken[::-1]
        store.prepare(taken)
        for number, received in enumerate(taken):
            if most is not None and self._new[source.id] >= most:
                return fresh, len(taken) - number
            outcome = store.add(received, polled=True, past=past)
            self._done.count(outcome)
            if outcome is Outcome.NEW or outcome is Outcome.VERSION:
                fresh = True
                self._new[source.id] += 1
                self._told(outcome, received)
        return fresh, 0

    def allowed(self, source: WebSource, received: tuple[Received, ...]) -> tuple[Received, ...]:
        """Choose the articles that the source's rules take."""
        if source.filter is None:
            return received
        from feedarchiver.archive.selection import takes

        return tuple(one for one in received if takes(source.filter, one.article, source.id, self._now))

    def left_out(self) -> Iterator[Notice]:
        """Say of which sources articles were too many."""
        for source, count in (+self._beyond).items():
            most = f"at most {self._most.waiting:,} may wait for their pages, and {self._most.new:,} be new in one run"
            text = f"of its articles {count:,} are left out, the oldest, and taken when there is room: {most}"
            yield Notice(source, text)


def write(store: Store, notes: Iterable[Note]) -> None:
    """Note several things."""
    for note in notes:
        store.note(*note)
