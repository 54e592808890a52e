"""One task for a great many items, spread over as many processes as there are cores.

Only where there is enough to do: processes take a moment to start. They hear of the end of the one that started them,
however it ends, and end themselves.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

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
    cores = _cores()
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
        for other in others:
            other.pipe.close()
        for other in others:  # a process that waits, or has something to say, sees that nobody is there any more
            other.process.join()


def _start(task: Callable[[_T], _R], count: int, others: list[_Other]) -> None:
    """Start processes. SIGINT is for this one only: it is what a person at a terminal sends to all of them."""
    from multiprocessing import get_context, resource_tracker  # most runs have too little to do

    context = get_context("spawn")  # to fork one with several threads is not safe
    resource_tracker.ensure_running()  # which lets SIGINT through, when it starts later
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            with theirs:
                process = context.Process(target=_serve, args=(task, theirs), daemon=True)
                process.start()
            others.append(_Other(process, ours))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(task: Callable[[_T], _R], pipe: "Connection") -> None:
    """Do the task for all that comes through the pipe, until nobody is there any more."""
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


def _cores() -> int:
    """Tell on how many cores this process may run."""
    try:
        return min(len(os.sched_getaffinity(0)), _MOST)
    except AttributeError:  # only Linux knows
        return min(os.cpu_count() or 1, _MOST)
