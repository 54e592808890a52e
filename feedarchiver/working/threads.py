"""Threads that do what a loop of asyncio waits for. They end with the process, whatever they are still waiting for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread


class Threads:
    """Threads that carry out what they are given, each one thing at a time."""

    def __init__(self, most: int) -> None:
        self._most, self._count = most, 0
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def give(self, work: Callable[[], None]) -> None:
        """Have something done."""
        if self._count < self._most:
            self._count += 1
            Thread(target=self._run, daemon=True).start()
        self._work.put(work)

    def _run(self) -> None:
        while True:
            self._work.get()()


def tell(loop: asyncio.AbstractEventLoop, ended: "asyncio.Future[None]", error: Exception | None) -> None:
    """Say from a thread that a job has ended."""

    def end() -> None:
        if not ended.done():
            if error is None:
                ended.set_result(None)
            else:
                ended.set_exception(error)

    with suppress(RuntimeError):  # the loop has ended, and the job was left to others
        loop.call_soon_threadsafe(end)
