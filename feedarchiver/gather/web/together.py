"""Many requests at once: never two for one host, a pause between two, and no host waits for another.

What one host keeps from being asked is set aside, up to a limit; nothing else is read ahead of what workers take, so
memory is bounded by the number of workers. Redirects are taken one hop at a time, each in the turn of its own host.
A host that cannot be reached, or asks to be left alone, is not asked again before the end.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from enum import Enum
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from threading import Thread

from feedarchiver.gather.web.client import Client, Journey
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request
from feedarchiver.gather.web.politeness import is_for_host

_BEAT_S = 1.0
_MOST_WAITING = 1_000

Result = tuple[Request, Answer | Failure]


class _End(Enum):
    """There are no more requests."""

    END = None


_END = _End.END


class Turns:
    """Whose turn it is: journeys in the order of their hosts' readiness. Pure: seconds of any clock are handed in."""

    def __init__(self) -> None:
        self.waiting = 0
        self._queues: dict[str, deque[Journey]] = {}
        self._ready: list[tuple[float, int, str]] = []  # hosts that have a queue and are not being asked
        self._free_at: dict[str, float] = {}
        self._asked: set[str] = set()
        self._count = 0

    def add(self, journey: Journey, now_s: float, *, first: bool = False) -> None:
        """Put a journey at the end of its host's queue, or at its front."""
        site = journey.target.site
        queue = self._queues.setdefault(site, deque())
        queue.appendleft(journey) if first else queue.append(journey)
        self.waiting += 1
        if len(queue) == 1 and site not in self._asked:
            self._line_up(site, now_s)

    def take(self, now_s: float) -> Journey | None:
        """Take the journey whose turn it is; its host is being asked until `give_back`."""
        if not self._ready or self._ready[0][0] > now_s:
            return None
        site = heappop(self._ready)[2]
        self._asked.add(site)
        self.waiting -= 1
        return self._queues[site].popleft()

    def give_back(self, journey: Journey, now_s: float, pause_s: float) -> None:
        """Note that a host has answered, and wants a pause."""
        site = journey.target.site
        self._asked.remove(site)
        self._free_at[site] = now_s + pause_s
        if self._queues[site]:
            self._line_up(site, now_s)
        else:
            del self._queues[site]
        if len(self._free_at) > _MOST_WAITING:
            self._free_at = {name: free for name, free in self._free_at.items() if free > now_s}

    def next_at(self) -> float | None:
        """Return when the next host is ready."""
        return self._ready[0][0] if self._ready else None

    def _line_up(self, site: str, now_s: float) -> None:
        self._count += 1  # among hosts that are ready at the same time, the first comes first
        heappush(self._ready, (max(now_s, self._free_at.get(site, now_s)), self._count, site))


def ask_all(
    client: Client,
    requests: Iterable[Request | None],
    *,
    workers: int = 20,
    gap_s: float = 1.0,
    beat: Callable[[], None] = lambda: None,
) -> Generator[Result, None, None]:
    """Ask every one of `requests`, and give back each with what came of it, as they finish.

    `requests` is read in the caller's thread. What it gives may follow from results: None says that there is nothing
    to ask now, but may be after the next result. `gap_s` is the pause between two requests to one host; its robots.txt
    may want a longer one. `beat` is called in the caller's thread every second, and may raise an error to end it all.
    """
    run = _Run(client, workers, gap_s, beat)
    try:
        yield from run.results(iter(requests))
    finally:
        run.stop()


class _Run:
    """The workers of one call of `ask_all`, and what is known in it of hosts."""

    def __init__(self, client: Client, workers: int, gap_s: float, beat: Callable[[], None]) -> None:
        self._client, self._workers, self._gap_s, self._beat = client, workers, gap_s, beat
        self._turns = Turns()
        self._left_alone: dict[str, Failure] = {}
        self._jobs: SimpleQueue[Journey | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Journey, Journey | Answer | Failure | BaseException]] = SimpleQueue()
        self._threads: list[Thread] = []
        self._busy = 0

    def results(self, requests: Iterator[Request | None]) -> Generator[Result, None, None]:
        """Give back every request with its result."""
        reading = True
        while reading or self._busy or self._turns.waiting:
            self._beat()
            while self._busy < self._workers:
                journey = self._turns.take(time.monotonic())
                if journey is not None:
                    if left := self._left_alone.get(journey.target.site):
                        self._turns.give_back(journey, time.monotonic(), 0)
                        yield journey.request, not_asked(journey.request, left)
                    else:
                        self._send(journey)
                    continue
                if not reading or self._turns.waiting >= _MOST_WAITING:
                    break
                request = next(requests, _END)
                if request is None or isinstance(request, _End):
                    reading = request is None and bool(self._busy or self._turns.waiting)
                    break
                at = self._client.start(request)
                if isinstance(at, Failure):
                    yield request, at
                else:
                    self._turns.add(at, time.monotonic())
            result = self._received()
            if result is not None:
                yield result

    def stop(self) -> None:
        """Send the workers home; one that is still asking goes when its time is over."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads if not self._busy else ():
            thread.join()

    def _send(self, journey: Journey) -> None:
        self._busy += 1
        if self._busy > len(self._threads):
            self._threads.append(Thread(target=self._work, daemon=True))
            self._threads[-1].start()
        self._jobs.put(journey)

    def _work(self) -> None:
        while (journey := self._jobs.get()) is not None:
            try:
                self._done.put((journey, self._client.go(journey)))
            except BaseException as error:  # noqa: BLE001 - raised again where the results are read
                self._done.put((journey, error))

    def _received(self) -> Result | None:
        """Wait for a worker, or until a host is ready that a worker is free for, or the next beat."""
        now_s, ready_s = time.monotonic(), self._turns.next_at()
        if not self._busy and ready_s is None:
            return None
        waits = ready_s is not None and self._busy < self._workers
        try:
            journey, outcome = self._done.get(
                timeout=min(_BEAT_S, max(ready_s - now_s, 0)) if waits and ready_s else _BEAT_S
            )
        except Empty:
            return None
        self._busy -= 1
        now_s = time.monotonic()
        self._turns.give_back(journey, now_s, max(self._gap_s, self._client.delay_s(journey)))
        if isinstance(outcome, BaseException):
            raise outcome
        if isinstance(outcome, Journey):
            self._turns.add(outcome, now_s, first=True)
            return None
        if isinstance(outcome, Failure) and ends_asking(outcome):
            self._left_alone[journey.target.site] = outcome
        return journey.request, outcome


def ends_asking(failure: Failure) -> bool:
    """Tell whether a host is not to be asked again before the end."""
    return failure.kind is Kind.UNREACHABLE or is_for_host(failure)


def not_asked(request: Request, failure: Failure) -> Failure:
    """Say why a request was not made: its host has failed."""
    return failure._replace(url=request.url, reason=f"not asked, as its host failed just now: {failure.reason}")
