"""One task for a great many items, spread over as many processes as there are cores.

Only where there is enough to do: processes take a moment to start. They hear of the end of the one that started them,
however it ends, and end themselves. A `Crew` are such processes for items that come one by one.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from threading import Lock, Semaphore, Timer
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from feedarchiver.errors import ArchiveError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

_T = TypeVar("_T")
_R = TypeVar("_R")
ENOUGH = 10_000
"""As many items are worth starting processes for."""
_AT_ONCE = 250
_MOST = 16  # one process reads what the others send
_IDLE_S = 30.0


class _Other(NamedTuple):
    """Another process, and the way to it."""

    process: "BaseProcess"
    pipe: "Connection"


def spread(task: Callable[[_T], _R], items: Iterable[_T], enough: int = ENOUGH) -> Iterator[_R]:
    """Do a task for each item and give what comes of each, in the order of the items.

    The task, items and results travel between processes: they are picklable, and better plain. `enough`: that many
    items are. Memory does not grow with their number. What the task raises is raised here. Raises ArchiveError when
    another process was ended.
    """
    left = iter(items)
    first = list(islice(left, enough))
    cores = cores_here()
    with _others(task, cores if cores > 1 and len(first) == enough else 0) as others:
        every = chain(first, left)
        if not others:
            yield from map(task, every)
            return
        free, busy = deque(others), deque[_Other]()
        while batch := list(islice(every, _AT_ONCE)):
            done: list[_R] = []
            if not free:  # never more than one batch for each: whoever is sent something is about to read it
                done = _received(busy[0])
                free.append(busy.popleft())
            _send(free[0], batch)
            busy.append(free.popleft())
            yield from done
        while busy:
            yield from _received(busy.popleft())


class Crew(Generic[_T, _R]):
    """Processes that do a task for what several threads bring, each one item at a time; `most` of them.

    They begin when there is something to do, and end when there has been nothing for a while. `nice`: by how much they
    give way to everything else on this machine. To be closed: they outlast a polite request to end.
    """

    def __init__(self, task: Callable[[_T], _R], most: int, nice: int = 0) -> None:
        self._task, self._begin = task, partial(_give_way, nice)
        self._places, self._lock = Semaphore(most), Lock()
        self._free: list[_Other] = []
        self._busy: list[_Other] = []
        self._timer: Timer | None = None

    def do(self, item: _T) -> _R:
        """Do the task. Raises what it raises, ArchiveError when its process was ended, OSError when there is none."""
        with self._places:
            other = self._take()
            try:
                _send(other, [item])
                done: list[_R] = _received(other)
            except KeyboardInterrupt:
                other.process.kill()  # nobody hears what it has to say
                other.process.join()
                raise
            finally:
                self._give_back(other)
        return done[0]

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            for other in self._busy:
                other.process.kill()  # which ends what waits for it
        self._rest()

    def _take(self) -> _Other:
        with self._lock:
            if not self._free:
                _start(self._task, 1, self._free, self._begin)
            self._busy.append(self._free.pop())
            return self._busy[-1]

    def _give_back(self, other: _Other) -> None:
        with self._lock:
            self._busy.remove(other)
            if other.process.is_alive():
                self._free.append(other)
            else:
                other.pipe.close()
            if self._timer:
                self._timer.cancel()
            self._timer = None if self._busy else Timer(_IDLE_S, self._rest)
            if self._timer:
                self._timer.daemon = True
                self._timer.start()

    def _rest(self) -> None:
        with self._lock:
            free, self._free = self._free, []
        _end(free)


@contextmanager
def _others(task: Callable[[_T], _R], count: int) -> Iterator[list[_Other]]:
    """Have other processes that do a task, fewer than `count` where the system gives no more."""
    others: list[_Other] = []
    try:
        if count:
            with suppress(OSError):
                _start(task, count, others)
        yield others
    finally:
        _end(others)


def _end(others: list[_Other]) -> None:
    for other in others:
        other.pipe.close()
    for other in others:  # a process that waits, or has something to say, sees that nobody is there any more
        other.process.join()


def _start(task: Callable[[_T], _R], count: int, others: list[_Other], begin: Callable[[], None] | None = None) -> None:
    """Start processes. SIGINT is for this one only: it is what a person at a terminal sends to all of them."""
    from multiprocessing import get_context, resource_tracker  # most runs have too little to do

    context = get_context("spawn")  # to fork one with several threads is not safe
    resource_tracker.ensure_running()  # which lets SIGINT through, when it starts later
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            with theirs:
                process = context.Process(target=_serve, args=(task, theirs, begin), daemon=True)
                process.start()
            others.append(_Other(process, ours))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _give_way(nice: int) -> None:
    """Let everybody else on this machine go first; and let the other process decide when this one ends."""
    os.nice(nice)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which a service manager sends to all of them


def _serve(task: Callable[[_T], _R], pipe: "Connection", begin: Callable[[], None] | None) -> None:
    """Do the task for all that comes through the pipe, until nobody is there any more."""
    if begin:
        begin()
    with suppress(EOFError, ConnectionError):
        while True:
            batch = pipe.recv()
            done: list[_R] = []
            wrong = None
            try:
                done.extend(map(task, batch))
            except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for the results
                wrong = error
            pipe.send((done, wrong))


def _send(other: _Other, batch: list[_T]) -> None:
    try:
        other.pipe.send(batch)
    except OSError:
        raise _ended(other) from None


def _received(other: _Other) -> list[_R]:
    """Wait for what came of a batch."""
    done: list[_R]
    try:
        done, wrong = other.pipe.recv()
    except (EOFError, OSError):
        raise _ended(other) from None
    if wrong is not None:
        raise wrong
    return done


def _ended(other: _Other) -> ArchiveError:
    other.process.join()
    how = other.process.exitcode
    why = f"was ended by signal {-how}" if how is not None and how < 0 else f"ended with status {how}"
    return ArchiveError(
        f"process {other.process.pid}, which was reading objects, {why}; nothing was changed; try again"
    )


def cores_here() -> int:
    """Tell on how many cores this process may run."""
    try:
        return min(len(os.sched_getaffinity(0)), _MOST)
    except AttributeError:  # only Linux knows
        return min(os.cpu_count() or 1, _MOST)
