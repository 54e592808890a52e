"""Work in partitions: told to workers as jobs, done by them and by who asks for it, and what came of it, in order.

Who asks needs no worker: he does partitions himself, in processes of his own, and also those that a worker has failed
to do, or does not do in time. When the database goes away, he does all that is left. What a worker does too late is of
no use to anybody, and harms nobody.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from itertools import count, islice
from typing import Any, NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.postgres.session import FAILURES
from feedarchiver.archive.postgres.session import told as why
from feedarchiver.archive.spread import Crew, cores_here
from feedarchiver.errors import ArchiveError
from feedarchiver.working.board import Board
from feedarchiver.working.carrying import crew
from feedarchiver.working.queue import SILENT_S, Hands, Queue
from feedarchiver.working.works import MOST_BYTES, Part, unpacked

AHEAD = 32
"""How many partitions are put up at a time."""

_LOOK_S = 0.1
_LATE_S, _LATE_TIMES = 5.0, 3  # that, or so many times what one takes here


class Help(NamedTuple):
    """What there is of help: so many `workers`, beside this machine."""

    parts: "Parts"
    workers: int


@contextmanager
def helped(engine: IndexAddress, archive: Archive, told: Callable[[str], None]) -> Iterator[Help | None]:
    """Have workers help, if any is alive; None: there is nobody.

    `told` hears what keeps them from it, and what one could not do. Then the work is done all the same. Nothing is
    said where nobody has begun to work: that may be on purpose.
    """

    def lost(error: Exception) -> None:
        told(f"no worker can be reached any more: {why(error) or error}; the rest is done here")

    board, hands = None, Hands(0, 0)
    try:
        with closing(Queue(engine, archive.format)) as queue:
            hands = queue.hands()
            if hands.alive:
                board = Board(queue, lost)
            elif hands.silent:
                told(f"all workers ({hands.silent}) have been silent for {SILENT_S:.0f} seconds; all is done here")
    except (*FAILURES, ArchiveError, ImportError) as error:
        told(f"no worker can be reached: {why(error) or error}; all is done here")
    if board is None:
        yield None
        return
    with closing(board), closing(crew(archive)) as mine:
        yield Help(Parts(board, mine, cores_here(), archive.sight(), told), hands.alive)


class Parts:
    """Has work done in partitions. `sight` tells of which archive; `crew`: who does it here, `hands` at a time.

    `failed` hears, once for each worker, why it could not do what is therefore done here.
    """

    def __init__(
        self, board: Board, crew: "Crew[Part, bytes]", hands: int, sight: str, failed: Callable[[str], None]
    ) -> None:
        self._board, self._crew, self._hands, self._sight, self._failed = board, crew, hands, sight, failed
        self._failing: set[str] = set()
        self._number, self._longest_s = 0, 0.0
        self._window: dict[int, Part] = {}
        self._mine: dict[int, Future[bytes]] = {}

    def each(self, work: str, arguments: Iterable[str]) -> Generator[tuple[str, Any]]:
        """Have a work (of `works.WORKS`) done for each argument, and give what came of each, in their order.

        Raises what the work raises here.
        """
        left = (Part(work, argument, self._sight) for argument in arguments)
        with ThreadPoolExecutor(self._hands) as threads:
            try:
                while self._fill(left):
                    number, part = next(iter(self._window.items()))
                    said = self._waited(number, threads)
                    del self._window[number]
                    yield part.argument, self._read(part, said)
            finally:
                self._leave()

    def _fill(self, left: Iterator[Part]) -> bool:
        """Put up as many partitions as may lie there. Tells whether any is left."""
        fresh = [*zip(count(self._number), islice(left, AHEAD - len(self._window)), strict=False)]
        if fresh:
            self._number += len(fresh)
            self._window.update(fresh)
            self._board.put(fresh)
        return bool(self._window)

    def _waited(self, number: int, threads: ThreadPoolExecutor) -> bytes:
        """Wait for what comes of a partition, doing meanwhile what nobody has begun; at last, do it here."""
        since_s = time.monotonic()
        while True:
            if mine := self._mine.get(number):
                if mine.done():
                    self._board.drop(number)
                    return self._mine.pop(number).result()
            elif came := self._board.take(number):
                if came.said is not None:
                    return came.said
                self._hear(came.fault or "")
                self._begin(number, threads)
            self._help(threads)
            running = self._running()
            is_late = time.monotonic() - since_s > max(_LATE_S, _LATE_TIMES * self._longest_s)
            if number not in self._mine and len(running) < self._hands and (is_late or not self._board.is_there):
                self._begin(number, threads)
            elif running:
                wait(running, _LOOK_S, FIRST_COMPLETED)
            else:
                time.sleep(_LOOK_S)

    def _help(self, threads: ThreadPoolExecutor) -> None:
        """Begin what nobody has begun, as long as there are hands, and room for what comes of it."""
        while len(self._running()) < self._hands and len(self._mine) < 2 * self._hands:
            number = self._board.claim() if self._board.is_there else None
            if not self._board.is_there:
                number = next((number for number in self._window if number not in self._mine), None)
            if number is None:
                return
            if number in self._window and number not in self._mine:  # else it was late, and done here meanwhile
                self._begin(number, threads)

    def _begin(self, number: int, threads: ThreadPoolExecutor) -> None:
        self._mine[number] = threads.submit(self._do, self._window[number])

    def _do(self, part: Part) -> bytes:
        began_s = time.monotonic()
        said = self._crew.do(part)
        self._longest_s = max(self._longest_s, time.monotonic() - began_s)
        return said

    def _running(self) -> list[Future[bytes]]:
        return [future for future in self._mine.values() if not future.done()]

    def _hear(self, fault: str) -> None:
        worker, _, _ = fault.partition(": ")
        if worker not in self._failing:
            self._failing.add(worker)
            self._failed(f"{fault}; it was done here")

    def _read(self, part: Part, said: bytes) -> Any:
        """Read what came of a partition. What is not readable, or endless, was damaged on its way, and is done here."""
        with suppress(ValueError):
            return unpacked(said, MOST_BYTES)
        return unpacked(self._crew.do(part))

    def _leave(self) -> None:
        """Let what is left be: nobody wants it any more."""
        if self._running():
            self._crew.close()
        if self._window:
            self._board.clear()
        self._window.clear()
        self._mine.clear()
