"""Archived pages read again, after an improvement of what reads them or of a source's selectors. Asks nobody.

Of each article the page that came last is read, with what was known of it before, as it was then. What comes of it is
archived only where it says something else. Whatever was done stays done when this is killed, and is found done by the
next call.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.objects import decode_capture
from feedarchiver.errors import ArchiveError
from feedarchiver.gather import kinds
from feedarchiver.gather.web.exchange import Answer
from feedarchiver.model import Article, ObjectId, Outcome, Received
from feedarchiver.updating.events import Notice
from feedarchiver.updating.source import WebSource

_AT_ONCE = 200
_KEPT = "the version that is archived stays"


@dataclass(slots=True)
class ReadAgain:
    """What reading archived pages again came to."""

    pages: int = 0
    versions: int = 0
    failures: list[Notice] = field(default_factory=list)


def reprocess(
    archive: Archive,
    sources: Iterable[WebSource],
    *,
    now: datetime,
    advance: Callable[[str], None],
    told: Callable[[Outcome, Received], None],
) -> ReadAgain:
    """Read the archived pages of some sources again, and archive new versions where their text has changed.

    `told` is called with each new version. The archive is locked only while some are stored.
    """
    done = ReadAgain()
    for source in sources:
        last = 0
        while found := archive.index.pages(source.id, last, _AT_ONCE):
            changed = [*_changed(archive, source, (capture for _, capture in found), now, advance, done)]
            if changed:
                _store(archive, changed, now, told, done)
            last = found[-1][0]
    return done


def _changed(  # noqa: PLR0913, PLR0917 - each is one thing that the caller knows
    archive: Archive,
    source: WebSource,
    captures: Iterable[ObjectId],
    now: datetime,
    advance: Callable[[str], None],
    done: ReadAgain,
) -> Iterator[Received]:
    """Give what says something else now."""
    writer = archive.foreseeing(now)
    for capture in captures:
        done.pages += 1
        try:
            received = _read(archive, source, capture)
        except (ArchiveError, kinds.Unreadable, ValueError) as error:
            done.failures.append(Notice(source.id, f"{error}; {_KEPT}"))
            continue
        advance(received.article.title)
        if writer.foresee(received) is Outcome.VERSION:
            yield received


def _read(archive: Archive, source: WebSource, capture_id: ObjectId) -> Received:
    """Read a page again. Raises ArchiveError, Unreadable; ValueError where less is found than is archived."""
    capture = decode_capture(archive.read("captures", capture_id))
    if capture.said is None or capture.url is None:
        raise ValueError(f"capture {capture_id} is not of an article's page")
    known = Received(archive.article(capture.said), b"", source.id, None)
    data, before = archive.read("raw", capture.raw), archive.article(capture.article)
    read = kinds.page(Answer(capture.url, data, charset=capture.charset), known, source.select)
    found, said = read.received.article.content, known.article.content
    if before.content not in (None, said) and found in (None, said):
        raise ValueError(f"{capture.url}: {read.lacks or 'its own text is not found any more'}")
    return read.received._replace(article=_dated(read.received.article, before))


def _dated(article: Article, before: Article) -> Article:
    """Let a new reading not be older than the one that it is to replace: the later stamp is the one that is shown."""
    stamp, earlier = article.updated or article.published, before.updated or before.published
    if earlier is None or (stamp is not None and stamp >= earlier):
        return article
    return article._replace(published=before.published, published_from=before.published_from, updated=before.updated)


def _store(
    archive: Archive,
    changed: Iterable[Received],
    now: datetime,
    told: Callable[[Outcome, Received], None],
    done: ReadAgain,
) -> None:
    with archive.writing(now) as writer:
        for received in changed:
            if writer.foresee(received) is Outcome.VERSION:  # somebody else may have been here
                writer.add(received, polled=True)
                done.versions += 1
                told(Outcome.VERSION, received)
