"""Which requests to make, one after the other.

One request of a source is under way at a time: first the source itself, then the documents on the way back through its
own archive, its further documents, the pages of its articles. Nothing here writes: what is remembered is read.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice

from feedarchiver.archive.archive import Archive
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure, Request
from feedarchiver.updating import places, unread
from feedarchiver.updating.answers import Answers
from feedarchiver.updating.events import Event, Notice
from feedarchiver.updating.hosts import Hosts
from feedarchiver.updating.job import Job
from feedarchiver.updating.manner import Manner, Scope
from feedarchiver.updating.robots import ROBOTS, RobotsFiles, stale
from feedarchiver.updating.source import ITSELF, SOURCE, Remembered, WebSource, beyond, lacking, remembered_as
from feedarchiver.updating.unread import Note

_AT_ONCE = 50
_LONGEST_PAGE = 10_000_000  # bytes


class Asking:
    """The requests of one update, and what has been learned of `robots` and for a person (`notices`).

    `is_late`: tells that of each source only its own document, and another one, is still to be asked for in this run,
    and no page. `scope` of None: everything.
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
        self._answers = Answers(archive, now, manner)
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
        event = self._answers.event(job, request, result)
        if following := self._go_on(job):
            self._next.append(following)
        return event

    def learned(self) -> Iterator[Note]:
        """Give what has been learned of hosts, to be noted."""
        yield from self._hosts.learned()
        yield from ((ROBOTS, origin, said) for origin, said in self.robots.learned())
        if not self._is_tidy:
            self._is_tidy = True
            yield from stale(self._archive.index, self._now)

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
        wants_past = self._manner.wants_past(source, known)
        by_name = not self._manner.due_only
        is_wanted = by_name or (wants_past and not gone)
        url = known.address or source.url
        waits = politeness.wait(None if is_wanted else known.standing, self._hosts.at(places.site(url)), self._now)
        job = Job(source, known, self._scope)
        if source.full_text:
            self._recall(job, by_name=by_name)
        if waits or (self._scope and self._scope.pages_only):
            if waits and is_wanted and waits.until:
                until = f"{waits.until:%Y-%m-%d %H:%M:%S} UTC"
                self.notices.append(Notice(source.id, f"not asked: {waits.reason}, until {until}"))
            return self._go_on(job)
        if lacks and self._manner.most.has_room(self._archive.index, source.id):
            job.again = frozenset(beyond(self._archive.index, source.id))
        request = self._request(job, url, crawl=source.crawls)
        if known.standing and not (wants_past and known.older is None) and ITSELF not in job.again:
            request = request._replace(etag=known.standing.etag, modified=known.standing.modified)
        return request

    def _recall(self, job: Job, *, by_name: bool) -> None:
        """Read which pages wait; when somebody asks for the source, also those that are not tried any more."""
        index, source = self._archive.index, job.source
        noted = chain(unread.pages(index, source.id), unread.left(index, source.id) if by_name else ())
        job.want(one for one in noted if one.is_due(self._now, source.settings, anyway=by_name))

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
        """Find what else of a source is to be asked: an older document, a further one, or the page of an article."""
        has_time = not (job.has_lingered and self._is_late())
        if has_time and job.older is not None:
            older, job.older = job.older, None
            return self._request(job, older)
        if has_time and (part := job.next_part()):
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
