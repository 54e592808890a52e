"""What is wrong, told once, and told again when it is so no more: the entries of a feed of health.

An incident is an article that the archive captures from itself, in the source `HEALTH`: so it is kept like any other,
outlasts the index, and is published by the same builder in the same formats. Its guid says what it is about, and
which are under way is read from the guids alone; what is not known (a source that has not been asked since the index
was lost) neither begins nor ends one. Nothing is captured unless somebody asks for it, with a feed of health.
"""

import json
import re
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
from feedarchiver.watching.verdicts import DAMAGE, Said, of_archive, of_room, of_source

_OPENED, _CLOSED, _TOLD = "opened", "closed", "told"
_GUID = re.compile(
    r"(?P<what>opened|closed|told) (?P<which>(?P<noticed>\d{1,16}) (?P<kind>[a-z]+) (?P<subject>.+))", re.ASCII
)


class Incident(NamedTuple):
    """Something that is wrong since it was noticed: of which kind, with what: a source's id, or a place."""

    kind: str
    subject: str
    noticed: datetime


def under_way(index: Index) -> list[Incident]:
    """List the incidents that have not ended, in the order in which they were noticed."""
    said = _said(index)
    return sorted(
        (one for which, one in said[_OPENED].items() if which not in said[_CLOSED]), key=lambda one: one[::-1]
    )


def _said(index: Index) -> dict[str, dict[str, Incident]]:
    """Read what was said, by what was said of which incident. Another archive may have said anything."""
    found: dict[str, dict[str, Incident]] = {_OPENED: {}, _CLOSED: {}, _TOLD: {}}
    for guid in index.census.guids(HEALTH):
        if said := _GUID.fullmatch(guid):
            found[said["what"]][said["which"]] = Incident(said["kind"], said["subject"], moment(int(said["noticed"])))
    return found


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
    told = {(one.kind, one.subject) for one in _said(index)[_TOLD].values()}
    last = verified.read(index)
    verdicts = [verdict for source in sources for verdict in of_source(look(index, source, now))]
    verdicts += [*map(of_room, rooms), *([of_archive(last)] if last else [])]
    for verdict in verdicts:
        subject = verdict.kind, verdict.subject
        incident = open_.pop(subject, None)
        if incident is None and verdict.is_so and subject not in told:
            what = _OPENED if verdict.after else _TOLD
            yield _received(what, Incident(*subject, now), verdict.said, now)
        elif incident is not None and verdict.is_so is False and verdict.after:
            yield _received(_CLOSED, incident, verdict.after, now)
    for incident in open_.values():  # nobody looks there any more; but for damage, of which nothing is known then
        if incident.kind != DAMAGE:
            yield _received(_CLOSED, incident, Said(f"{incident.subject} is not watched any more"), now)


def _received(what: str, incident: Incident, said: Said, now: datetime) -> Received:
    """Write the beginning or the end of an incident as an article."""
    guid = f"{what} {microseconds(incident.noticed)} {incident.kind} {incident.subject}"
    ended = (f"It was noticed at {minute(incident.noticed)}.",) if what == _CLOSED else ()
    text = (*said.text, *ended)
    article = Article(
        title=escape(said.title, quote=False),  # titles are HTML
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
