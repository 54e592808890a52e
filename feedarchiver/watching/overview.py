"""All that `status`, the status page and the metrics tell, as one value; what costs much is counted when it changes."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.census import Arrival, Size
from feedarchiver.archive.history import moment
from feedarchiver.archive.index import Index
from feedarchiver.errors import FeedarchiverError
from feedarchiver.watching import incidents, verified
from feedarchiver.watching.incidents import Incident
from feedarchiver.watching.room import Room
from feedarchiver.watching.sources import Seen, State, Watched, look
from feedarchiver.watching.verified import Verified

_RUNS, _LATEST = 5, 10
_BLOCK = 4096


class Totals(NamedTuple):
    """What the archive holds, apart from what it tells of itself. `size` is that of all objects.

    `oldest` and `newest` are the dates that articles carry.
    """

    articles: int
    versions: int
    captures: int
    size: Size
    index_bytes: int
    oldest: datetime | None
    newest: datetime | None


class Came(NamedTuple):
    """An article that came lately: the published id of its entry, its title, from where, and when."""

    id: str
    title: str
    source: str
    at: datetime


class Overview(NamedTuple):
    """How everything is.

    `others`: sources of the archive that are not configured. `published`: when a feed was last changed. `runs` are
    those that brought something, and `latest` what they brought, the last one first.
    """

    at: datetime
    totals: Totals
    sources: tuple[Seen, ...]
    others: tuple[str, ...]
    incidents: tuple[Incident, ...]
    runs: tuple[Arrival, ...]
    latest: tuple[Came, ...]
    verified: Verified | None
    published: datetime | None
    rooms: tuple[Room, ...]

    def states(self) -> dict[State, int]:
        """Count the sources by state."""
        return {state: sum(seen.state is state for seen in self.sources) for state in State}


class Overseer:
    """Looks at an archive again and again."""

    def __init__(self) -> None:
        self._mark: tuple[int, int, int] | None = None
        self._counted: tuple[Totals, tuple[Arrival, ...], tuple[Came, ...]]

    def look(
        self, archive: Archive, watched: Iterable[Watched], published: Path, rooms: Iterable[Room], now: datetime
    ) -> Overview:
        """See how everything is. Feeds are published in the folder `published`."""
        index, sources = archive.index, tuple(watched)
        mark = (*index.mark(), index.last_captured() or 0)
        if mark != self._mark:
            self._counted, self._mark = self._count(archive, index), mark
        totals, runs, latest = self._counted
        known = {source.id for source in sources}
        return Overview(
            at=now,
            totals=totals,
            sources=tuple(look(index, source, now) for source in sources),
            others=tuple(name for name in index.sources() if name not in known),
            incidents=tuple(incidents.under_way(index)),
            runs=runs,
            latest=latest,
            verified=verified.read(index),
            published=_changed(published.glob("*/rss.xml")),
            rooms=tuple(rooms),
        )

    def _count(self, archive: Archive, index: Index) -> tuple[Totals, tuple[Arrival, ...], tuple[Came, ...]]:
        counts, (oldest, newest) = index.counts(), index.census.published()
        totals = Totals(
            articles=counts["entries"],
            versions=counts["versions"],
            captures=counts["captures"],
            size=index.census.size(os.statvfs(archive.desk).f_frsize or _BLOCK),
            index_bytes=archive.index_bytes(),
            oldest=None if oldest is None else moment(oldest),
            newest=None if newest is None else moment(newest),
        )
        return totals, tuple(index.census.arrivals(_RUNS)), _latest(archive, index)


def _latest(archive: Archive, index: Index) -> tuple[Came, ...]:
    from feedarchiver.markup import plain

    found = []
    for line in index.census.latest(_LATEST):
        try:
            article = archive.article(line.article)
        except FeedarchiverError:
            found.append(Came(line.id, "(damaged)", line.source, moment(line.captured)))
            continue
        title = plain(article.title) or article.link or line.id
        found.append(Came(line.id, title, line.source, moment(line.captured)))
    return tuple(found)


def _changed(feeds: Iterable[Path]) -> datetime | None:
    """Tell when one of some files changed last."""
    changed = [feed.stat().st_mtime_ns for feed in feeds if feed.is_file()]
    return moment(max(changed) // 1_000) if changed else None
