"""Which requests to make, one after the other, and what each answer means: further requests, and an event to store.

One request of a source is under way at a time. Nothing here writes: what is remembered is read, and events say what
is to change.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request, Stopped, Target, target
from feedarchiver.updating.events import Event, Failed, Notice, Polled, Walked
from feedarchiver.updating.source import HOST, Remembered, WebSource, host_read, remembered

_MOST_DOCUMENTS = 1_000  # of one source's own archive, in one run
_MOST_AFTER_A_GAP = 20


class Manner(NamedTuple):
    """How to update: only what is due; also back through the sources' own archives; without storing anything."""

    due_only: bool = True
    backfill: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class _Walk:
    """A way back through a source's own archive, `until` a document has one of these keys; None: to its end.

    It has been gone to the addresses in `asked`, and has `met` articles of these keys.
    """

    until: frozenset[str] | None
    asked: set[str]
    met: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Job:
    """A source that is being asked."""

    source: WebSource
    known: Remembered
    walk: _Walk | None = None


class Asking:
    """The requests of one update, and what has been learned of `hosts` and for a person (`notices`)."""

    def __init__(self, archive: Archive, sources: Iterable[WebSource], now: datetime, manner: Manner) -> None:
        self._archive, self._sources, self._now, self._manner = archive, sources, now, manner
        self._jobs: dict[str, _Job] = {}
        self._next: deque[Request] = deque()
        self.hosts: dict[str, politeness.Host | None] = {}
        self.notices: list[Notice] = []

    def requests(self) -> Iterator[Request | None]:
        """Give what to ask, one at a time; None: nothing before another answer has been taken."""
        for source in self._sources:
            while self._next:
                yield self._next.popleft()
            if request := self._set_out(source):
                yield request
        while self._jobs:
            yield self._next.popleft() if self._next else None

    def take(self, request: Request, result: Answer | Failure) -> Event:
        """Say what a result means."""
        job = self._jobs.pop(request.label or "")
        self._learn(request, result)
        if isinstance(result, Answer):
            from feedarchiver.gather.kinds import NotAFeed

            try:
                return self._polled(job, request, result) if job.walk is None else self._walked(job, request, result)
            except NotAFeed as refused:
                result = Failure(request.url, Kind.MALFORMED, refused.reason)
        return Failed(job.source, result, walking=job.walk is not None)

    def _set_out(self, source: WebSource) -> Request | None:
        """Decide whether a source is asked now."""
        known = remembered(self._archive.index, source)
        gone = known.standing is not None and known.standing.due is None
        wants_past = self._manner.backfill and not known.complete
        wanted = not self._manner.due_only or (wants_past and not gone)
        url = known.address or source.url
        waits = politeness.wait(None if wanted else known.standing, self._host(url), self._now)
        if waits:
            if wanted and waits.until:
                until = f"{waits.until:%Y-%m-%d %H:%M:%S} UTC"
                self.notices.append(Notice(source.id, f"not asked: {waits.reason}, until {until}"))
            return None
        job = _Job(source, known)
        request = self._request(job, url)
        if known.standing and not (wants_past and known.older is None):
            request = request._replace(etag=known.standing.etag, modified=known.standing.modified)
        return request

    def _request(self, job: _Job, url: str) -> Request:
        source = job.source
        self._jobs[source.id] = job
        return Request(
            url,
            label=source.id,
            headers=source.headers if _is_home(url, source.url) else (),
            allow_private=source.allow_private,
            timeout_s=source.timeout_s,
        )

    def _polled(self, job: _Job, request: Request, answer: Answer) -> Polled:
        from feedarchiver.gather.kinds import KINDS, NotAFeed

        source, known = job.source, job.known
        wants_past = self._manner.backfill and not known.complete
        digest = blake2b(answer.body, digest_size=16).hexdigest() if answer.body is not None else None
        if digest is None or (digest == known.body and not wants_past):
            reading = None
        else:
            reading = KINDS[source.kind](answer, source.id, request.url)
            if known.keys and not reading.keys:
                raise NotAFeed(f"no articles, where there were {len(known.keys)}")
        older = reading.older if reading else None
        if wants_past:
            self._go_back(job, known.older or older, _Walk(None, {request.url}, set(reading.keys if reading else ())))
        elif reading and not known.is_continued(reading.keys):
            self._go_back(job, older, _Walk(frozenset(known.keys), {request.url}, set(reading.keys)))
        return Polled(source, answer._replace(body=None), reading, digest)

    def _walked(self, job: _Job, request: Request, answer: Answer) -> Walked:
        from feedarchiver.gather.kinds import KINDS

        walk = job.walk or _Walk(None, set())
        reading = KINDS[job.source.kind](answer, job.source.id, request.url)
        repeats = walk.met.issuperset(reading.keys)  # also when there are none
        walk.met.update(reading.keys)
        closes = walk.until is not None and not walk.until.isdisjoint(reading.keys)
        older = None if repeats or closes or reading.older in walk.asked else reading.older
        more = older is not None and len(walk.asked) > (_MOST_DOCUMENTS if walk.until is None else _MOST_AFTER_A_GAP)
        if not more:
            self._go_back(job, older, walk)
        return Walked(
            job.source, request.url, reading, older=older, backfill=walk.until is None, closes=closes, more=more
        )

    def _go_back(self, job: _Job, older: str | None, walk: _Walk) -> None:
        if older is not None:
            walk.asked.add(older)
            job.walk = walk
            self._next.append(self._request(job, older))

    def _host(self, url: str) -> politeness.Host | None:
        place = _place(url)
        if place is None:
            return None
        return self.hosts[place.site] if place.site in self.hosts else self._noted(place.site)

    def _noted(self, site: str) -> politeness.Host | None:
        return host_read(self._archive.index.notes.read(HOST, site))

    def _learn(self, request: Request, result: Answer | Failure) -> None:
        """Note what a result means for everything else on its host."""
        place, before = _place(request.url), self._host(request.url)
        after = politeness.host_after(before, result, self._now)
        if place is not None and after != before:
            self.hosts[place.site] = after


def _place(url: str) -> Target | None:
    try:
        return target(url)
    except Stopped:  # the client will say so
        return None


def _is_home(url: str, home: str) -> bool:
    """Tell whether what a source's own headers say may go there: to the same host, and no less safely."""
    place, own = _place(url), _place(home)
    return place is not None and own is not None and place.site == own.site and place.scheme >= own.scheme
