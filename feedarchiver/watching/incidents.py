"""What is wrong, told once, and told again when it is so no more: the entries of a feed of health.

An incident is an article that the archive captures from itself, in the source `HEALTH`: so it is kept like any other,
outlasts the index, and is published by the same builder in the same formats. Its guid says what it is about, and
which are under way is read from the guids alone; what is not known (a source that has not been asked since the index
was lost) neither begins nor ends one. Nothing is captured unless somebody asks for it, with a feed of health.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.history import microseconds, moment
from feedarchiver.archive.index import Index
from feedarchiver.model import HEALTH, Article, Received
from feedarchiver.watching import verified
from feedarchiver.watching.room import Room
from feedarchiver.watching.sources import Watched, look, minute
from feedarchiver.watching.verdicts import OF_SOURCES, Said, of_archive, of_room, of_source

_OPENED, _CLOSED = "opened", "closed"


class Incident(NamedTuple):
    """Something that is wrong since it was noticed: of which kind, with what: a source's id, or a place."""

    kind: str
    subject: str
    noticed: datetime

    @property
    def about(self) -> str:
        """Name the source, or the place. Of a gap, the subject says also when it began."""
        return self.subject.partition("\t")[0]


def under_way(index: Index) -> list[Incident]:
    """List the incidents that have not ended, in the order in which they were noticed."""
    found: dict[str, Incident] = {}
    ended = set()
    for guid in index.census.guids(HEALTH):
        what, _, about = guid.partition(" ")
        if what == _CLOSED:
            ended.add(about)
        elif what == _OPENED:
            noticed, kind, subject = about.split(" ", 2)
            found[about] = Incident(kind, subject, moment(int(noticed)))
    return sorted((one for about, one in found.items() if about not in ended), key=lambda one: (one.noticed, one))


def tell(archive: Archive, sources: Iterable[Watched], rooms: Iterable[Room], now: datetime) -> int:
    """Capture the incidents that begin and end now. Returns how many; when there is none the archive is not locked."""
    sources, rooms = tuple(sources), tuple(rooms)
    if next(_news(archive.index, sources, rooms, now), None) is None:
        return 0
    with archive.writing(now) as writer:
        news = list(_news(writer.index, sources, rooms, now))  # another process may have been quicker
        for received in news:
            writer.add(received)
    return len(news)


def _news(index: Index, sources: tuple[Watched, ...], rooms: tuple[Room, ...], now: datetime) -> Iterator[Received]:
    open_ = {(one.kind, one.subject): one for one in under_way(index)}
    last = verified.read(index)
    verdicts = [verdict for source in sources for verdict in of_source(look(index, source, now))]
    verdicts += [*map(of_room, rooms), *([of_archive(last)] if last else [])]
    for verdict in verdicts:
        incident = open_.pop((verdict.kind, verdict.subject), None)
        if incident is None and verdict.is_so:
            yield _received(_OPENED, Incident(verdict.kind, verdict.subject, now), verdict.said, now)
        elif incident is not None and verdict.is_so is False and verdict.after:
            yield _received(_CLOSED, incident, verdict.after, now)
    configured = {source.id for source in sources}
    for incident in open_.values():  # what is not looked at any more
        if incident.kind in OF_SOURCES and incident.about not in configured:
            yield _received(_CLOSED, incident, Said(f"{incident.about} is not a source any more"), now)


def _received(what: str, incident: Incident, said: Said, now: datetime) -> Received:
    """Write the beginning or the end of an incident as an article."""
    guid = f"{what} {microseconds(incident.noticed)} {incident.kind} {incident.subject}"
    ended = (f"It was noticed at {minute(incident.noticed)}.",) if what == _CLOSED else ()
    text = (*said.text, *ended)
    article = Article(
        title=said.title,
        guid=guid,
        published=now.astimezone(UTC).replace(microsecond=0),
        categories=(incident.kind,),
        language="en",
        content="".join(f"<p>{_html(line)}</p>" for line in text),
    )
    raw = json.dumps({"guid": guid, "at": now.isoformat(), "title": said.title, "text": text}, ensure_ascii=False)
    return Received(article=article, raw=raw.encode(), source=HEALTH, url=None)


def _html(line: str) -> str:
    """Write a line whose commands stand between backquotes."""
    parts = escape(line).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
