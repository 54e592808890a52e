"""What a job does: it asks its one host, one request after the other, and hands over what comes.

What is said in the job is only where to look: whether a source, a page or a picture is due is asked once more here, of
the index. So a job that is carried out twice asks once.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from feedarchiver.archive.archive import Archive
from feedarchiver.errors import UsageError
from feedarchiver.gather.web.client import Client, Turn
from feedarchiver.gather.web.exchange import Answer, Failure, Request
from feedarchiver.gather.web.robots import RobotsFile
from feedarchiver.gather.web.together import ends_asking, not_asked
from feedarchiver.updating import places
from feedarchiver.updating.asking import Asking
from feedarchiver.updating.manner import Manner, Scope
from feedarchiver.updating.pictures import Fetching, PictureAsking
from feedarchiver.updating.source import WebSource
from feedarchiver.updating.wanting import Illustrated
from feedarchiver.working.patience import Ended
from feedarchiver.working.queue import Batch, Kind
from feedarchiver.working.storer import Came, Storer

_LONGEST_S = 300.0  # after that, no more pages are asked for in a job

Done = Callable[[Exception | None], None]
"""Called when what came of a job is durable, or with why it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """What the jobs of a worker share. `archive`: to read, by several threads. `contact`: who runs this."""

    archive: Archive
    sources: Mapping[str, WebSource]
    illustrated: Mapping[str, Illustrated]
    storer: Storer
    turn: Turn
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    contact: str | None

    def carry_out(self, batch: Batch, done: Done, is_over: Callable[[], bool]) -> None:
        """Do a job, until it `is_over`: then what is left of it is due, and is made a job of again."""
        work = self._pictures if batch.place.kind is Kind.PICTURES else self._sources
        last: Came | None = None
        for came in work(batch, is_over):
            if last:
                self.storer.put(last)
            last = came
        if last:
            self.storer.put(last._replace(ended=done))
        else:
            done(None)

    def _sources(self, batch: Batch, is_over: Callable[[], bool]) -> Iterator[Came]:
        """Ask sources, and for the pages of their articles, as far as they are on this host."""
        if missing := [name for name in batch.names if name not in self.sources]:
            raise UsageError(f"source {missing[0]} is not in the configuration here; restart workers when it changes")
        sources = [self.sources[name] for name in batch.names]
        now, began_s = self.clock(), time.monotonic()
        scope = Scope(batch.place.site, pages_only=batch.place.kind is Kind.PAGES)
        asking = Asking(
            self.archive, sources, now, Manner(), lambda: time.monotonic() - began_s > _LONGEST_S, scope=scope
        )
        came = None
        for request, result in self._asked(asking.requests(), asking.robots.known, now, is_over):
            if came:
                yield came
            came = Came(batch.instant, events=(asking.take(request, result),))
        if came:
            yield came._replace(learned=tuple(asking.learned()))

    def _pictures(self, batch: Batch, is_over: Callable[[], bool]) -> Iterator[Came]:
        """Fetch pictures."""
        now = self.clock()
        manner = Fetching(
            now=now,
            contact=self.contact,
            chance=self.chance,
            is_over=is_over,
            advance=lambda _: None,
            beat=lambda: None,
        )
        wanted = self.archive.index.wanted.of(batch.names)
        asking = PictureAsking(self.archive, dict(self.illustrated), manner, wanted)
        came = None
        for request, result in self._asked(asking.requests(), asking.robots.known, now, is_over):
            if came:
                yield came
            came = Came(batch.instant, pictures=((asking.take(request, result), result),))
        if came:
            yield came._replace(learned=tuple(asking.learned()), brought=asking.rations.learned())

    def _asked(
        self,
        requests: Iterable[Request | None],
        robots: dict[str, RobotsFile],
        now: datetime,
        is_over: Callable[[], bool],
    ) -> Iterator[tuple[Request, Answer | Failure]]:
        """Make requests one after the other. A host that fails as a whole is not asked again."""
        closed: dict[str, Failure] = {}
        with Client(now=now, contact=self.contact, robots=robots, turn=self.turn) as client:
            for request in requests:
                if request is None or is_over():
                    return
                site = places.site(request.url)
                if site in closed:
                    yield request, not_asked(request, closed[site])
                    continue
                try:
                    result = client.ask(request)
                except Ended:
                    return
                if isinstance(result, Failure) and ends_asking(result):
                    closed[site] = result
                yield request, result
