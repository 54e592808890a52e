"""What there is in an archive, counted from the index alone: no object is looked at.

Instants are whole microseconds since 1970. What the archive tells of itself is left out, but where it is asked for.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from feedarchiver.archive.database import Database, long
from feedarchiver.archive.feedlog import Line
from feedarchiver.archive.history import Kind, moment
from feedarchiver.model import HEALTH

_SECOND = 1_000_000
DAY = 86_400 * _SECOND

# Only here may two captures be about the same bytes; to look among all of them would mean to sort them.
_AGAIN = (
    "entry IN (SELECT entry FROM captures GROUP BY entry HAVING count(*) > 1) "
    "OR raw IN (SELECT raw FROM captures GROUP BY raw HAVING count(*) > 1)"
)
_SAID = "said <> article"  # which was read from a page and is as it was known before: one object


class Size(NamedTuple):
    """How many objects there are, how many bytes they have, and how many they take on the disk."""

    objects: int
    bytes: int
    on_disk: int


class Arrival(NamedTuple):
    """A run that brought something: its instant, how many captures it made, and from which sources."""

    captured: int
    captures: int
    sources: tuple[str, ...]

    @property
    def at(self) -> datetime:
        """The instant."""
        return moment(self.captured)


class Census:
    """Questions to an index."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def size(self, block: int) -> Size:
        """Add up all objects, the archive's own words among them. A file takes whole blocks of the disk."""
        lengths = ("raw_length", "article_length", "own_length")
        added = [(1, f"SELECT 1 AS k, {length} AS n FROM captures") for length in lengths]
        added += [(1, "SELECT 1 AS k, own_length AS n FROM images"), (1, "SELECT 1 AS k, length AS n FROM images")]
        added.append((1, f"SELECT 1 AS k, said_length AS n FROM captures WHERE {_SAID}"))
        raw = f"SELECT raw AS o, raw_length AS n FROM captures WHERE {_AGAIN}"
        articles = f"SELECT article AS o, article_length AS n FROM captures WHERE {_AGAIN}"
        articles += f" UNION ALL SELECT said, said_length FROM captures WHERE {_SAID} AND ({_AGAIN})"
        for again in (raw, articles):
            added.append((-1, f"SELECT count(*) - 1 AS k, max(n) AS n FROM ({again}) AS again GROUP BY o"))
        added.append((-1, "SELECT count(*) - 1 AS k, max(length) AS n FROM images GROUP BY image"))
        whole = f"(n + {block - 1}) / {block} * {block}"
        objects = size = on_disk = 0
        for sign, rows in added:
            sums = "coalesce(sum(k), 0), coalesce(sum(k * n), 0), coalesce(sum(k * w), 0)"
            counted = f"(SELECT k, n, {whole} AS w FROM ({rows}) AS objects) AS sized"
            row = self._db.execute(f"SELECT {sums} FROM {counted}").fetchone()
            objects, size, on_disk = (
                had + sign * int(more) for had, more in zip((objects, size, on_disk), row, strict=True)
            )
        return Size(objects, size, on_disk)

    def published(self) -> tuple[int | None, int | None]:
        """Return the oldest and the newest date that an article carries."""
        query = "SELECT min(published), max(published) FROM captures WHERE source <> ?"
        oldest, newest = self._db.execute(query, (HEALTH,)).fetchone()
        return oldest, newest

    def arrivals(self, limit: int) -> list[Arrival]:
        """Return the latest runs that brought something, the last one first."""
        found: list[Arrival] = []
        query = "SELECT max(captured) FROM captures WHERE captured < ? AND source <> ?"
        before = 2**62
        while len(found) < limit and (last := self._db.execute(query, (before, HEALTH)).fetchone()[0]) is not None:
            before = last - last % _SECOND  # the captures of a run have one second
            rows = self._db.execute(
                "SELECT source, count(*) FROM captures WHERE captured BETWEEN ? AND ? AND source <> ? "
                "GROUP BY source ORDER BY source",
                (before, last, HEALTH),
            ).fetchall()
            found.append(Arrival(last, sum(count for _, count in rows), tuple(source for source, _ in rows)))
        return found

    def days(self, source: str, limit: int) -> list[int]:
        """Return the latest days (since 1970, UTC) on which a source had something new, the last one first."""
        query = (
            f"SELECT captured FROM events WHERE source = ? AND captured < ? AND kind <> {Kind.SHARED:d} "
            "ORDER BY captured DESC LIMIT 1"
        )
        found: list[int] = []
        before = 2**62
        while len(found) < limit and (row := self._db.execute(query, (source, before)).fetchone()):
            found.append(row[0] // DAY)
            before = found[-1] * DAY
        return found

    def last_news(self, source: str) -> int | None:
        """Return when a source last had something new."""
        query = f"SELECT max(captured) FROM events WHERE source = ? AND kind <> {Kind.SHARED:d}"
        row = self._db.execute(query, (source,)).fetchone()
        return None if row[0] is None else int(row[0])

    def refused(self, source: str) -> int:
        """Count the seed files of a source that were refused when they were last seen."""
        query = "SELECT count(*) FROM seeds WHERE source = ? AND refused IS NOT NULL"
        return int(self._db.execute(query, (source,)).fetchone()[0])

    def latest(self, limit: int) -> list[Line]:
        """Return what has come last, the newest first."""
        query = (
            "SELECT e.entry, n.id, e.article, e.source, e.captured, e.updated, NULL FROM events e "
            f"JOIN entries n USING (entry) WHERE e.kind = {Kind.MADE:d} AND e.source <> ? "
            "ORDER BY e.captured DESC, e.published DESC, e.article DESC LIMIT ?"
        )
        return [Line.read(row) for row in self._db.execute(query, (HEALTH, limit))]

    def guids(self, source: str) -> Iterator[str]:
        """Give the guids of everything that a source ever had."""
        query = "SELECT alias FROM aliases WHERE alias > ? AND alias < ?"
        for (alias,) in long(self._db, query, (f"{source}\n", f"{source}\x0b")):
            yield alias[len(source) + 1 :]
