"""What each answer means: it is read, and becomes an event to store; its job learns what else is to be asked.

Nothing here writes: what is remembered is read, and events say what is to change.
"""

from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from feedarchiver.archive.archive import Archive
from feedarchiver.gather import kinds
from feedarchiver.gather.kinds import Reading, Sought, Unreadable
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request
from feedarchiver.updating import places, unread
from feedarchiver.updating.events import Event, Failed, Paged, Parted, Polled, Walked
from feedarchiver.updating.job import Job, Walk
from feedarchiver.updating.manner import Manner
from feedarchiver.updating.source import ITSELF, WebSource, select_read
from feedarchiver.updating.unread import Part, Sorted, Unread, part_note

_MOST_BACK = 1_000, 100_000  # documents and articles of one source's own archive, in one run
_MOST_AFTER_A_GAP = 20, 10_000


class Answers:
    """Reads the answers of one update, which is carried out in a `manner`."""

    def __init__(self, archive: Archive, now: datetime, manner: Manner) -> None:
        self._archive, self._now, self._manner = archive, now, manner

    def event(self, job: Job, request: Request, result: Answer | Failure) -> Event:
        """Say what a result means for its source."""
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

    def _polled(self, job: Job, request: Request, answer: Answer) -> Polled:
        source, known = job.source, job.known
        wants_past = self._manner.wants_past(source, known)
        digest = sha256(answer.body).hexdigest()[:32] if answer.body is not None else None
        if source.kind == "sitemap":
            job.parts = {part.url: part for part in unread.parts(self._archive.index, source.id)}
        is_wanted = wants_past or ITSELF in job.again
        if digest is None or (digest == known.body and not is_wanted):
            if wants_past:
                job.go_back(known.older, Walk(None, {request.url}))
            return Polled(source, answer._replace(body=None), None, digest)
        reading = self._read(job, request, answer)
        if known.keys and not (reading.keys or reading.parts or reading.passed):
            raise Unreadable(f"no articles, where there were {len(known.keys)}")
        if wants_past:
            job.go_back(known.older or reading.older, Walk(None, {request.url}, set(reading.keys)))
        elif not known.is_continued(reading.keys):
            job.go_back(reading.older, Walk(frozenset(known.keys), {request.url}, set(reading.keys)))
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
            job.go_back(older, walk)
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
        job.want(found.wanted)
        return found

    def _has_room(self, source: WebSource) -> bool:
        return self._manner.most.has_room(self._archive.index, source.id)


def _is_about_host(failure: Failure) -> bool:
    """Tell whether other addresses of the host would fail in the same way now."""
    no_rules = "robots.txt cannot be had" in failure.reason
    return no_rules or failure.kind is Kind.UNREACHABLE or politeness.is_for_host(failure)
