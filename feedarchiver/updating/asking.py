"""Which requests to make, one after the other, and what each answer means: further requests, and an event to store.

One request of a source is under way at a time: first the source itself, then its further documents, then the pages of
its articles. Nothing here writes: what is remembered is read, and events say what is to change.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from itertools import chain, islice
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import key
from feedarchiver.gather import kinds
from feedarchiver.gather.kinds import Reading, Sought, Unreadable
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request
from feedarchiver.updating import places, unread
from feedarchiver.updating.events import Event, Failed, Notice, Paged, Parted, Polled, Walked
from feedarchiver.updating.hosts import Hosts
from feedarchiver.updating.job import Job, Walk
from feedarchiver.updating.robots import ROBOTS, RobotsFiles, stale
from feedarchiver.updating.source import (
    ITSELF,
    SOURCE,
    Remembered,
    WebSource,
    beyond,
    lacking,
    remembered_as,
    select_read,
)
from feedarchiver.updating.unread import Note, Part, Sorted, Unread, part_note
from feedarchiver.updating.waiting import Most

_AT_ONCE = 50
_MOST_BACK = 1_000, 100_000  # documents and articles of one source's own archive, in one run
_MOST_AFTER_A_GAP = 20, 10_000
_LONGEST_PAGE = 10_000_000  # bytes


class Manner(NamedTuple):
    """How to update: only what is due; also back through the sources' own archives; without storing anything.

    `most` is what one source may bring.
    """

    due_only: bool = True
    backfill: bool = False
    dry_run: bool = False
    most: Most = Most()


class Scope(NamedTuple):
    """What of its sources an update is about: the pages that are on one host, and, but for `pages_only`, the rest.

    `site` is a `key`: there are longer names than there are hosts.
    """

    site: str
    pages_only: bool = False

    def holds(self, page: Unread) -> bool:
        """Tell whether a page is on that host."""
        return key(places.site(page.known.article.link or "")) == self.site


class Asking:
    """The requests of one update, and what has been learned of `robots` and for a person (`notices`).

    `is_late`: tells that no more pages are to be asked for in this run. `scope` of None: everything.
    """

    def __init__(  # noqa: PLR0913 - each is one thing that a caller knows
        self,
        archive: Archive,
        sources: Iterable[WebSource],
        now: datetime,
        manner: Manner,
        is_late: Callable[[], bool] = lambda: False,
        *,
        scope: Scope | None = None,
    ) -> None:
        self._archive, self._sources, self._now, self._manner = archive, sources, now, manner
        self._is_late, self._scope = is_late, scope
        self._jobs: dict[str, Job] = {}
        self._next: deque[Request] = deque()
        self._hosts = Hosts(archive, now)
        self.robots = RobotsFiles()
        self.notices: list[Notice] = []
        self._is_tidy = scope is not None  # a whole run tidies up

    def requests(self) -> Iterator[Request | None]:
        """Give what to ask, one at a time; None: nothing before another answer has been taken."""
        for source, known, lacks in self._remembered():
            while self._next:
                yield self._next.popleft()
            if request := self._set_out(source, known, lacks=lacks):
                yield request
        while self._jobs:
            yield self._next.popleft() if self._next else None

    def take(self, request: Request, result: Answer | Failure) -> Event:
        """Say what a result means."""
        job = self._jobs.pop(request.label or "")
        self._hosts.take(places.site(request.url), result)
        event = self._event(job, request, result)
        if job.source.id not in self._jobs and (following := self._go_on(job)):
            self._next.append(following)
        return event

    def learned(self) -> Iterator[Note]:
        """Give what has been learned of hosts, to be noted."""
        yield from self._hosts.learned()
        yield from ((ROBOTS, origin, said) for origin, said in self.robots.learned())
        if not self._is_tidy:
            self._is_tidy = True
            yield from stale(self._archive.index, self._now)

    def _event(self, job: Job, request: Request, result: Answer | Failure) -> Event:
        at, job.at = job.at, None
        if isinstance(result, Failure) and _is_about_host(result):
            job.closed.add(places.site(request.url))
        if isinstance(at, Unread):
            return self._paged(job, at, result)
        if isinstance(result, Answer):
            try:
                if isinstance(at, Part):
                    return self._parted(job, at, request, result)
                return self._polled(job, request, result) if job.walk is None else self._walked(job, request, result)
            except Unreadable as refused:
                result = Failure(request.url, Kind.MALFORMED, refused.reason)
        if isinstance(at, Part):
            return Parted(job.source, failure=result)
        return Failed(job.source, result, walking=job.walk is not None)

    def _remembered(self) -> Iterator[tuple[WebSource, Remembered, bool]]:
        """Give the sources, what is remembered of each, and whether something of it was left out."""
        left = iter(self._sources)
        while some := list(islice(left, _AT_ONCE)):
            index = self._archive.index  # another one after a batch has been written
            noted = index.notes.several(SOURCE, (source.id for source in some))
            known = [remembered_as(noted.get(source.id), source) for source in some]
            lacks = lacking(index, (source.id for source in some))
            self._hosts.recall(places.site(one.address or source.url) for source, one in zip(some, known, strict=True))
            yield from ((source, one, source.id in lacks) for source, one in zip(some, known, strict=True))

    def _set_out(self, source: WebSource, known: Remembered, *, lacks: bool) -> Request | None:
        """Decide whether a source is asked now, or at least the pages of articles that wait."""
        gone = known.standing is not None and known.standing.due is None
        wants_past = self._wants_past(source, known)
        by_name = not self._manner.due_only
        is_wanted = by_name or (wants_past and not gone)
        url = known.address or source.url
        waits = politeness.wait(None if is_wanted else known.standing, self._hosts.at(places.site(url)), self._now)
        job = Job(source, known)
        if source.full_text:
            self._recall(job, by_name=by_name)
        if waits or (self._scope and self._scope.pages_only):
            if waits and is_wanted and waits.until:
                until = f"{waits.until:%Y-%m-%d %H:%M:%S} UTC"
                self.notices.append(Notice(source.id, f"not asked: {waits.reason}, until {until}"))
            return self._go_on(job)
        if lacks and self._has_room(source):
            job.again = frozenset(beyond(self._archive.index, source.id))
        request = self._request(job, url, crawl=source.crawls)
        if known.standing and not (wants_past and known.older is None) and ITSELF not in job.again:
            request = request._replace(etag=known.standing.etag, modified=known.standing.modified)
        return request

    def _wants_past(self, source: WebSource, known: Remembered) -> bool:
        """Tell whether to go back through a source's own archive; only feeds have one."""
        return self._manner.backfill and source.kind == "feed" and not known.complete

    def _recall(self, job: Job, *, by_name: bool) -> None:
        """Read which pages wait; when somebody asks for the source, also those that are not tried any more."""
        index, source = self._archive.index, job.source
        noted = chain(unread.pages(index, source.id), unread.left(index, source.id) if by_name else ())
        self._want(job, (one for one in noted if one.is_due(self._now, source.settings, anyway=by_name)))

    def _want(self, job: Job, found: Iterable[Unread]) -> None:
        """Have pages read in this update, as far as it is about them."""
        job.want(one for one in found if self._scope is None or self._scope.holds(one))

    def _request(self, job: Job, url: str, *, crawl: bool = False) -> Request:
        source = job.source
        self._jobs[source.id] = job
        job.began = True
        place = places.place(url) if crawl else None
        if place:
            self.robots.recall(self._archive.index, place.origin)
        return Request(
            url,
            label=source.id,
            headers=source.headers if places.is_home(url, source.url) else (),
            allow_private=source.allow_private,
            crawl=crawl,
            timeout_s=source.timeout_s,
        )

    def _go_on(self, job: Job) -> Request | None:
        """Find what else of a source is to be asked: a further document, or the page of an article."""
        if part := job.next_part():
            job.at = part
            return self._request(job, part.url, crawl=True)._replace(etag=part.etag, modified=part.http_modified)
        while not self._is_late() and (page := job.next_page(foreseen=self._manner.dry_run)):
            url = page.known.article.link or ""
            site = places.site(url)
            if site not in job.closed and politeness.wait(None, self._hosts.at(site), self._now) is None:
                job.at = page
                return self._request(job, url, crawl=True)._replace(limit_bytes=_LONGEST_PAGE)
            job.pass_over()
        if job.parts_beyond:
            text = f"names more sitemaps than are remembered; {job.parts_beyond:,} are left out"
            self.notices.append(Notice(job.source.id, text))
        if job.began and job.unread:
            why = "a dry run asks for few" if self._manner.dry_run else "left for another run"
            self.notices.append(Notice(job.source.id, f"pages of articles that were not read: {job.unread:,}, {why}"))
        return None

    def _polled(self, job: Job, request: Request, answer: Answer) -> Polled:
        source, known = job.source, job.known
        wants_past = self._wants_past(source, known)
        digest = sha256(answer.body).hexdigest()[:32] if answer.body is not None else None
        if source.kind == "sitemap":
            job.parts = {part.url: part for part in unread.parts(self._archive.index, source.id)}
        is_wanted = wants_past or ITSELF in job.again
        if digest is None or (digest == known.body and not is_wanted):
            if wants_past:
                self._go_back(job, known.older, Walk(None, {request.url}))
            return Polled(source, answer._replace(body=None), None, digest)
        reading = self._read(job, request, answer)
        if known.keys and not (reading.keys or reading.parts or reading.passed):
            raise Unreadable(f"no articles, where there were {len(known.keys)}")
        if wants_past:
            self._go_back(job, known.older or reading.older, Walk(None, {request.url}, set(reading.keys)))
        elif not known.is_continued(reading.keys):
            self._go_back(job, reading.older, Walk(frozenset(known.keys), {request.url}, set(reading.keys)))
        parts = tuple(job.name_parts(reading.parts, request.url))
        return Polled(source, answer._replace(body=None), reading, digest, self._sorted(job, reading), parts)

    def _walked(self, job: Job, request: Request, answer: Answer) -> Walked:
        walk = job.walk or Walk(None, set())
        reading = self._read(job, request, answer)
        repeats = walk.met.issuperset(reading.keys)  # also when there are none
        walk.met.update(reading.keys)
        closes = walk.until is not None and not walk.until.isdisjoint(reading.keys)
        older = None if repeats or closes or reading.older in walk.asked else reading.older
        documents, articles = _MOST_BACK if walk.until is None else _MOST_AFTER_A_GAP
        is_enough = len(walk.asked) > documents or len(walk.met) > articles or not self._has_room(job.source)
        more = older is not None and is_enough
        if not more:
            self._go_back(job, older, walk)
        return Walked(
            job.source,
            request.url,
            reading,
            older=older,
            backfill=walk.until is None,
            closes=closes,
            more=more,
            sorted=self._sorted(job, reading, past=True),
        )

    def _go_back(self, job: Job, older: str | None, walk: Walk) -> None:
        if older is not None:
            walk.asked.add(older)
            job.walk = walk
            self._next.append(self._request(job, older))

    def _parted(self, job: Job, part: Part, request: Request, answer: Answer) -> Parted:
        seen = part._replace(seen=self._now, read=part.modified, etag=answer.etag, http_modified=answer.modified)
        job.parts[part.url] = seen
        if answer.body is None:
            return Parted(job.source, (part_note(job.source.id, seen),))
        reading = self._read(job, request, answer)
        notes = *job.name_parts(reading.parts, part.url), part_note(job.source.id, seen)
        return Parted(job.source, notes, reading, self._sorted(job, reading), document=part.url)

    def _paged(self, job: Job, page: Unread, result: Answer | Failure) -> Paged:
        """Read the page of an article."""
        read, url = None, page.known.article.link or ""
        size_bytes = len(result.body or b"") if isinstance(result, Answer) else 0
        if isinstance(result, Answer):
            try:
                read = kinds.page(result, page.known, job.source.select)
                if read.lacks and (read.barred or not unread.has_text(read.received.article)):
                    result = Failure(url, Kind.FAULTY if read.barred else Kind.MALFORMED, read.lacks)
            except Unreadable as refused:
                result = Failure(url, Kind.MALFORMED, refused.reason)
        failure = result if isinstance(result, Failure) else None
        job.came(size_bytes, may_pass=failure is not None and politeness.may_pass(failure))
        return Paged(job.source, page, None if failure else read, failure)

    def _read(self, job: Job, request: Request, answer: Answer) -> Reading:
        """Read a document of a source."""
        source, read = job.source, kinds.KINDS[job.source.kind]
        sought = Sought(source.id, request.url, source.select, unread.since(source, self._now))
        if guessed := select_read(job.known.guessed):
            with suppress(Unreadable):  # the page may look otherwise now: then it is guessed anew
                return read(answer, sought._replace(select=kinds.merged(guessed, source.select)))
        return read(answer, sought)

    def _sorted(self, job: Job, reading: Reading, *, past: bool = False) -> Sorted | None:
        """Tell which articles' pages are to be read, and have them read."""
        if not job.source.full_text:
            return None
        found = unread.sort(self._archive, job.source, reading.received, past=past)
        self._want(job, found.wanted)
        return found

    def _has_room(self, source: WebSource) -> bool:
        return self._manner.most.has_room(self._archive.index, source.id)


def _is_about_host(failure: Failure) -> bool:
    """Tell whether other addresses of the host would fail in the same way now."""
    no_rules = "robots.txt cannot be had" in failure.reason
    return no_rules or failure.kind is Kind.UNREACHABLE or politeness.is_for_host(failure)
