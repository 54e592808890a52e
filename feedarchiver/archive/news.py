"""News: what has happened to entries, as a feed's log may take it.

- An event is told once, though several of the feed's sources may have it.
- That a further source of the feed has captured an entry as it stands is no news to the feed.
- What the archive tells of itself is news only to who asks for that source.
- News of a change tells also what the feed's sources had before. An entry's first event is no change.

Instants are whole microseconds since 1970.
"""

from collections.abc import Generator
from contextlib import closing
from typing import NamedTuple

from feedarchiver.archive.database import Database, long
from feedarchiver.archive.history import Kind
from feedarchiver.model import HEALTH, ObjectId

_FIELDS = "e.entry, e.article, e.source, e.captured, e.updated FROM events e"


class News(NamedTuple):
    """An event that a log may take. `before`: of a change, the event that it changed."""

    entry: int
    article: ObjectId
    source: str
    captured: int
    updated: int
    before: "News | None" = None


def news(db: Database, sources: tuple[str, ...] | None, after: int, until: int) -> Generator[News]:
    """Yield the events of these sources (None: all) in the order of the log, each once."""
    when = "e.captured > ? AND e.captured <= ?"
    order = "ORDER BY e.captured, e.published, e.article, e.kind"
    values: tuple[str | int, ...] = (after, until)
    if sources is None:
        query = f"SELECT {_FIELDS} WHERE e.kind = {Kind.MADE:d} AND e.source <> ? AND {when} {order}"
        values = (HEALTH, *values)
    elif len(sources) == 1:
        query, values = f"SELECT {_FIELDS} WHERE e.source = ? AND {when} {order}", (*sources, *values)
    else:
        among = f"source IN ({', '.join('?' * len(sources))})"
        earlier = f"SELECT 1 FROM events p WHERE p.entry = e.entry AND p.{among} AND p.captured < e.captured"
        joined = f"(e.kind = {Kind.JOINED:d} AND EXISTS ({earlier}))"
        query = f"SELECT {_FIELDS} WHERE e.{among} AND {when} AND NOT {joined} {order}"
        values = (*sources, *values, *sources)
    last = None
    with closing(long(db, query, values)) as rows:
        for row in rows:
            if (told := (row[0], row[3])) != last:
                yield _read(row)
            last = told


def changes(db: Database, sources: tuple[str, ...] | None, after: int, until: int) -> Generator[News]:
    """Yield those of the events of `news` that put another article in the place of an earlier one."""
    among = "" if sources is None else f"AND e.source IN ({', '.join('?' * len(sources))})"
    query = f"SELECT {_FIELDS} WHERE e.entry = ? AND e.captured < ? {among} ORDER BY e.captured DESC, e.kind, e.source"
    with closing(news(db, sources, after, until)) as found:
        for one in found:
            earlier = db.execute(f"{query} LIMIT 1", (one.entry, one.captured, *(sources or ()))).fetchone()
            if earlier and earlier[1] != one.article:
                yield one._replace(before=_read(earlier))


def _read(row: tuple[int, str, str, int, int]) -> News:
    entry, article, source, captured, updated = row
    return News(entry, ObjectId(article), source, captured, updated)
