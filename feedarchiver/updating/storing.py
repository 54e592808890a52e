"""What sources have said, stored: batch by batch, so that nobody who writes beside waits for the web.

The archive is locked while a batch is written, and not while answers are awaited. What is remembered of a source is
written behind its articles, in the same transaction or a later one: after a crash, it is asked again.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.writer import Writer
from feedarchiver.gather.kinds import Reading
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Failure
from feedarchiver.updating import unread
from feedarchiver.updating.events import Event, Failed, Notice, Paged, Parted, Polled, Updated, Walked
from feedarchiver.updating.foresight import Foresight, Store
from feedarchiver.updating.source import ITSELF, SOURCE, Remembered, WebSource, remembered_as, select_written, written
from feedarchiver.updating.taking import Taking, Told, write
from feedarchiver.updating.unread import Note, Unread
from feedarchiver.updating.waiting import Most

_BATCH_BYTES = 8_000_000
_BATCH_EVENTS = 500
_MOST_KEYS = 1_000
_MOST_GAPS = 20

Writing = Callable[[], AbstractContextManager[Writer]]
"""Opens the archive for a batch."""


class Storing:
    """Takes the events of one update and stores them. `chance` spreads what would come at once.

    `writing`: how to write a batch, when it is not to be captured `now`.
    """

    def __init__(  # noqa: PLR0913 - each is one thing that a caller knows
        self,
        archive: Archive,
        now: datetime,
        chance: Callable[[], float],
        told: Told,
        most: Most,
        *,
        writing: Writing | None = None,
    ) -> None:
        self._archive, self._now, self._chance = archive, now, chance
        self._writing = writing or (lambda: archive.writing(now))
        self._events: list[Event] = []
        self._size_bytes = 0
        self._foresight: Foresight | None = None
        self._failures: dict[tuple[str, str, str], list[str]] = {}  # pages, by source, reason and what follows
        self.done = Updated()
        self._taking = Taking(now, told, most, self.done)

    def put(self, event: Event) -> None:
        """Take an event, to be stored with others."""
        self._events.append(event)
        self._size_bytes += size_of(event)

    def is_full(self) -> bool:
        """Tell whether there is enough to be stored."""
        return self._size_bytes > _BATCH_BYTES or len(self._events) >= _BATCH_EVENTS

    def flush(self, learned: Iterable[Note]) -> None:
        """Store what is waiting, and what has been learned of hosts."""
        if self._events:
            with self._writing() as writer:
                self._store(writer)
                write(writer, learned)
        self._size_bytes = 0

    def foresee(self) -> None:
        """Count what storing would come to."""
        self._foresight = self._foresight or Foresight(self._archive.foreseeing(self._now))
        self._store(self._foresight)

    def _store(self, store: Store) -> None:
        sources = {event.source.id: event.source for event in self._events}
        noted = store.index.notes.several(SOURCE, sources)
        self._taking.begin(store, sources)
        before = {name: remembered_as(noted.get(name), source) for name, source in sources.items()}
        after = before.copy()
        for event in self._events:
            name = event.source.id
            known = after[name]
            if isinstance(event, Polled):
                known = self._polled(store, known, event)
            elif isinstance(event, Walked):
                known = self._walked(store, known, event)
            elif isinstance(event, Parted):
                self._parted(store, event)
            elif isinstance(event, Paged):
                known = self._paged(store, known, event)
            else:
                known = self._failed(known, event)
            after[name] = known
        for name, known in after.items():
            if known != before[name]:  # pages, which seldom change it, may be stored beside a poll
                store.note(SOURCE, name, written(known))
        self._events.clear()

    def _polled(self, store: Store, known: Remembered, event: Polled) -> Remembered:
        """Archive what a source has said, then decide when it is asked again."""
        source, answer, reading = event.source, event.answer, event.reading
        self.done.asked += 1
        self.done.unchanged += reading is None
        before, found, bounds = known.standing, politeness.Found.NOTHING_NEW, source.bounds
        if reading is not None:
            fresh = self._taking.add(store, source, reading, event.sorted, ITSELF)
            write(store, event.notes)
            found = politeness.Found.NEW if fresh or event.notes else found
            if reading.patience is not None:
                bounds = bounds._replace(shortest=min(max(bounds.shortest, reading.patience), bounds.longest))
            if not known.is_continued(reading.keys):
                found, bounds = politeness.Found.GAP, source.bounds
                known = self._with_gap(source, known)
            if new := [problem for problem in reading.problems if problem not in known.problems]:
                self._notice(source, "; ".join(new))
            known = known._replace(keys=reading.keys[-_MOST_KEYS:], problems=reading.problems)
            known = self._with_guess(source, known, reading)
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
        text = f"a gap: nothing of what was there at {_said(since)} is there now; "
        text += "what came and went in between, if anything did, is missing"
        self._notice(source, text)
        return known._replace(gaps=(*known.gaps, (since, self._now))[-_MOST_GAPS:])

    def _with_guess(self, source: WebSource, known: Remembered, reading: Reading) -> Remembered:
        """Remember which selectors were guessed, and tell."""
        guessed = select_written(reading.guessed) if reading.guessed else known.guessed
        if guessed is not None and guessed != known.guessed:
            told = ", ".join(f"{key} = {json.dumps(said)}" for key, said in json.loads(guessed).items() if said)
            self._notice(
                source,
                f"found {len(reading.keys):,} articles by a guess; if it is right, keep it with select = {{ {told} }}",
            )
        return known._replace(guessed=guessed)

    def _walked(self, store: Store, known: Remembered, event: Walked) -> Remembered:
        """Archive what a document of a source's own archive says, and remember where the way goes on."""
        if event.reading is not None:
            self._taking.add(store, event.source, event.reading, event.sorted)
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

    def _parted(self, store: Store, event: Parted) -> None:
        """Archive what a further document of a source says."""
        if event.reading is not None:
            self._taking.add(store, event.source, event.reading, event.sorted, event.document)
        write(store, event.notes)
        if event.failure is not None:
            self.done.failures.append(Notice(event.source.id, f"{event.failure}; it is asked again with the source"))

    def _paged(self, store: Store, known: Remembered, event: Paged) -> Remembered:
        """Archive an article with what its page says, or note why it could not be read."""
        source, one, read = event.source, event.unread, event.read
        self.done.pages += 1
        if read is None:
            self._page_failed(store, source, one, event.failure)
            return known
        taken = self._taking.allowed(source, (read.received,))
        self._taking.take(store, source, taken)
        self.done.excluded += not taken
        if not unread.is_wanted_anew(store.index, one):
            write(store, unread.page_notes(one, done=True))
            if not taken:
                self._taking.note(store, one._replace(due=None, excluded=True, under=source.settings))
        unmatched = next((problem for problem in read.problems if problem.startswith("the selector")), None)
        if unmatched and not known.unmatched:
            text = f"{read.received.url}: {unmatched}; the text that was found without it is archived"
            self.done.failures.append(Notice(source.id, text))
        return known._replace(unmatched=unmatched)

    def _page_failed(self, store: Store, source: WebSource, one: Unread, failure: Failure | None) -> None:
        """Archive what the source itself says of an article, where that is something, and decide when to try again."""
        if failure is None:
            return
        after = one.after(failure, bounds=source.bounds, now=self._now, chance=self._chance())
        article = one.known.article
        worth = unread.has_text(article) or source.kind == "feed" or (after.due is None and article.title != "")
        if not unread.has_page(store.index, article, source.id) and worth:
            self._taking.take(store, source, self._taking.allowed(source, (one.known,)))
        then = "tried again later"
        if not self._taking.note(store, after):
            then = "too many wait to remember it"
        elif after.due is None:
            then = "not tried again until the source is named, or says that it changed"
        kept = "what the source itself says of it is archived" if worth else "nothing of it is archived yet"
        self._failures.setdefault((source.id, failure.reason, f"{kept}; {then}"), []).append(failure.url)

    def finish(self, notices: Iterable[Notice]) -> Updated:
        """Say what it all came to; `notices` came before."""
        for (source, reason, then), addresses in self._failures.items():
            more = f" (and {len(addresses) - 1:,} more pages)" if len(addresses) > 1 else ""
            self.done.failures.append(Notice(source, f"{addresses[0]}{more}: {reason}; {then}"))
        self.done.notices += self._taking.left_out()
        self.done.notices[:0] = notices
        return self.done

    def _notice(self, source: WebSource, text: str) -> None:
        self.done.notices.append(Notice(source.id, text))


def size_of(event: Event) -> int:
    """Tell about how much memory an event takes."""
    if isinstance(event, Paged):
        return 2 * len(event.read.received.raw) if event.read else 0
    reading = None if isinstance(event, Failed) else event.reading
    return sum(2 * len(one.raw) for one in reading.received) if reading else 0


def _said(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else "an unknown time"
