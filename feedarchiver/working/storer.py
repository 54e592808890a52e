"""What comes of several jobs, stored together by one thread: the archive is opened once for all that came meanwhile.

A job has ended when what came of it is durable. While the database is away, or the disk full, what came waits here, and
those who bring more wait with it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from threading import Condition, Thread
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.postgres.session import is_away
from feedarchiver.archive.wanted import Picture
from feedarchiver.archive.writer import Writer
from feedarchiver.errors import ArchiveInUse, Crossed
from feedarchiver.gather.web.exchange import Answer, Failure
from feedarchiver.model import Received
from feedarchiver.updating.events import Event, Failed, Paged, Updated
from feedarchiver.updating.shelving import Fetched, Shelving
from feedarchiver.updating.storing import Storing, size_of
from feedarchiver.updating.taking import Told
from feedarchiver.updating.unread import Note
from feedarchiver.updating.waiting import Most
from feedarchiver.updating.wanting import Illustrated, look
from feedarchiver.working.patience import Patience

_EACH_S = 0.05
_MOST, _MOST_BYTES = 500, 16_000_000


class Came(NamedTuple):
    """Some of what came of a job, to be captured at `instant`; `ended` is called when it is durable, or with why not.

    `learned`: notes of hosts; `brought`: how many bytes of pictures each source has brought.
    """

    instant: datetime
    events: tuple[Event, ...] = ()
    pictures: tuple[tuple[Picture, Answer | Failure], ...] = ()
    learned: tuple[Note, ...] = ()
    brought: Mapping[str, int] = {}
    ended: Callable[[Exception | None], None] | None = None

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes."""
        events = sum(size_of(event) for event in self.events)
        return events + sum(len(answer.body or b"") for _, answer in self.pictures if isinstance(answer, Answer))


class Desk(NamedTuple):
    """What a storer works with. `archive`: its own, to write.

    `chance` spreads what would come at once; `told` hears of each article that is new or a version, `done` what
    batches came to.
    """

    archive: Archive
    illustrated: Mapping[str, Illustrated]
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    told: Told
    done: Callable[[Updated, Fetched], None]


class Storer:
    """The thread that stores. `most_s`: how long `close` waits for it."""

    def __init__(self, known: Desk, patience: Patience) -> None:
        self._known, self._patience = known, patience
        self._changed = Condition()
        self._waiting: deque[Came] = deque()
        self._size_bytes = 0
        self._closed = self._gives_up = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, came: Came) -> None:
        """Take what came, as soon as there is room."""
        with self._changed:
            while (len(self._waiting) > _MOST or self._size_bytes > _MOST_BYTES) and not self._closed:
                self._changed.wait()
            self._waiting.append(came)
            self._size_bytes += came.size_bytes
            self._changed.notify_all()

    def close(self, most_s: float) -> None:
        """Store what is waiting, and end; after `most_s` seconds leave it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(most_s)
        with self._changed:
            self._gives_up = True
            self._changed.notify_all()
        self._thread.join(1)

    def _run(self) -> None:
        while batch := self._next():
            self._store(batch)
            with self._changed:
                self._changed.notify_all()

    def _next(self) -> list[Came]:
        """Wait for something to store, and a moment for more of it. Nothing: this is the end."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                self._changed.wait()
            until_s = time.monotonic() + _EACH_S
            while not self._closed and len(self._waiting) < _MOST and (left_s := until_s - time.monotonic()) > 0:
                self._changed.wait(left_s)
            batch: list[Came] = []
            size_bytes = 0
            while self._waiting and len(batch) < _MOST and size_bytes < _MOST_BYTES:
                batch.append(self._waiting.popleft())
                size_bytes += batch[-1].size_bytes
            self._size_bytes -= size_bytes
            return batch

    def _store(self, batch: Sequence[Came]) -> None:
        """Store a batch, however often it takes; when there is something wrong with it, each of it by itself."""
        while True:
            try:
                self._write(batch)
            except Crossed:
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the fault of a job, which hears of it
                if is_away(error) or isinstance(error, ArchiveInUse | OSError):
                    if self._waits(error):
                        continue
                elif len(batch) > 1:
                    for came in batch:
                        self._store([came])
                    return
                _end(batch, error)
            else:
                _end(batch, None)
            return

    def _waits(self, error: Exception) -> bool:
        """Wait before trying again. Tells whether there is still time."""
        with self._changed:
            if not self._gives_up:
                self._changed.wait(self._patience.how_long(error))
            return not self._gives_up

    def _write(self, batch: Sequence[Came]) -> None:
        known, now = self._known, self._known.clock()
        for instant in dict.fromkeys(came.instant for came in batch):
            some = [came for came in batch if came.instant == instant]
            storing = Storing(
                known.archive, now, known.chance, known.told, Most(), writing=partial(self._writing, instant, some)
            )
            for came in some:
                for event in came.events:
                    storing.put(event)
            storing.flush(note for came in some if came.events for note in came.learned)
            fetched = self._shelve(some, instant, now)
            for source in _fresh(some):
                if illustrated := known.illustrated.get(source):
                    fetched.notices += look(known.archive, illustrated, instant, lambda: None)
            known.done(storing.finish(()), fetched)

    @contextmanager
    def _writing(self, instant: datetime, some: Iterable[Came]) -> Iterator[Writer]:
        with self._known.archive.writing_beside(instant) as writer:
            writer.expect(received for came in some for event in came.events for received in _received(event))
            yield writer

    def _shelve(self, some: Iterable[Came], instant: datetime, now: datetime) -> Fetched:
        fetched = Fetched()
        shelving = Shelving(partial(self._writing, instant, some), now, self._known.chance, fetched)
        brought: dict[str, int] = {}
        for came in some:
            for picture, result in came.pictures:
                shelving.put(picture, result)
            for source, size_bytes in came.brought.items():
                brought[source] = brought.get(source, 0) + size_bytes
        shelving.flush((note for came in some if came.pictures for note in came.learned), brought)
        fetched.notices += shelving.notices()
        return fetched


def _end(batch: Iterable[Came], error: Exception | None) -> None:
    for came in batch:
        if came.ended:
            came.ended(error)


def _received(event: Event) -> tuple[Received, ...]:
    """Name the articles that an event tells of."""
    if isinstance(event, Paged):
        return (event.read.received,) if event.read else ()
    return () if isinstance(event, Failed) or event.reading is None else event.reading.received


def _fresh(some: Iterable[Came]) -> Iterator[str]:
    """Name the sources of whose articles something came."""
    said = (event for came in some for event in came.events if not isinstance(event, Failed))
    yield from dict.fromkeys(event.source.id for event in said)
