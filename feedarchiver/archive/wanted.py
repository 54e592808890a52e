"""The pictures that are wanted: named by articles of sources whose pictures are kept, and not archived yet.

Which pictures an article names, and of which there is a copy, stands in the objects. So this is no queue that could be
lost: with the index goes only how often each picture has been asked for in vain. A picture goes from here when its
first copy comes, from wherever. Addresses are canonical, as those of images are.

Instants are whole microseconds since 1970. The caller holds the archive's lock and a transaction where it writes.
"""

from collections.abc import Iterable
from typing import NamedTuple

from feedarchiver.archive.database import Database, key
from feedarchiver.model import ObjectId

TABLES = """
CREATE TABLE wanted (
    address TEXT NOT NULL, source TEXT NOT NULL, url TEXT NOT NULL, link TEXT, due INTEGER,
    failed INTEGER NOT NULL DEFAULT 0, since INTEGER, trouble TEXT, PRIMARY KEY (address, source)
) WITHOUT ROWID;
CREATE INDEX wanted_due ON wanted (due, address, source) WHERE due IS NOT NULL;
"""
_FIELDS = "address, source, url, link, due, failed, since, trouble"

Place = tuple[int, int, str]
"""A place in the log of a source's articles: captured, published, article."""
START: Place = (-(2**63), 0, "")


class Picture(NamedTuple):
    """A picture that a source wants, at the address `url`, named by the article at `link`.

    It is asked for at `due`; None: never again, as it is gone. `failed` counts failures in a row, the first at `since`,
    the last for `trouble`.
    """

    address: str
    source: str
    url: str
    link: str | None
    due: int | None
    failed: int = 0
    since: int | None = None
    trouble: str | None = None


class Lacking(NamedTuple):
    """How many pictures of a source are still to be asked for, and how many could not be had so far.

    `latest`: the one of those that failed last to begin with.
    """

    waiting: int
    failed: int
    latest: Picture | None


class Wanted:
    """The pictures that are wanted, in the file of the index."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def named(self, source: str, after: Place, limit: int) -> list[tuple[Place, ObjectId]]:
        """Return up to `limit` articles that a source has shown, those behind a place of its log, in order."""
        query = (
            "SELECT captured, published, article FROM events "
            "WHERE source = ? AND (captured, published, article) > (?, ?, ?) "
            "ORDER BY captured, published, article LIMIT ?"
        )
        rows = self._db.execute(query, (source, *after, limit))
        return [((captured, published, article), ObjectId(article)) for captured, published, article in rows]

    def add(self, pictures: Iterable[Picture]) -> None:
        """Want pictures of which there is no copy yet. One that is wanted already stays as it is."""
        self._db.executemany(
            f"INSERT INTO wanted ({_FIELDS}) SELECT ?, ?, ?, ?, {', '.join(['CAST(? AS BIGINT)'] * 3)}, ? "
            "WHERE NOT EXISTS (SELECT 1 FROM images WHERE address = ?) ON CONFLICT DO NOTHING",
            ((key(picture.address), *picture[1:], key(picture.address)) for picture in pictures),
        )

    def had(self, address: str) -> None:
        """Note that there is a copy."""
        self._db.execute("DELETE FROM wanted WHERE address = ?", (key(address),))

    def failed(self, picture: Picture) -> None:
        """Note that a picture could not be had, whoever wants it."""
        self._db.execute(
            "UPDATE wanted SET due = ?, failed = ?, since = ?, trouble = ? WHERE address = ?",
            (picture.due, picture.failed, picture.since, picture.trouble, key(picture.address)),
        )

    def forget(self, source: str) -> None:
        """Forget what a source wants."""
        self._db.execute("DELETE FROM wanted WHERE source = ?", (source,))

    def due(self, now: int, never: int, last: Picture | None, limit: int) -> list[Picture]:
        """Return up to `limit` pictures that are due, the latest first, those behind `last`.

        None is put off beyond `never`: one that is was put off under a wrong clock.
        """
        begin = (2**63 - 1, "", "") if last is None else (last.due, last.address, last.source)
        query = (
            f"SELECT {_FIELDS} FROM wanted WHERE (due <= ? OR due > ?) AND (due, address, source) < (?, ?, ?) "
            "AND due IS NOT NULL ORDER BY due DESC, address DESC, source DESC LIMIT ?"
        )
        return [Picture(*row) for row in self._db.execute(query, (now, never, *begin, limit))]

    def of(self, addresses: Iterable[str]) -> list[Picture]:
        """Return the pictures at some addresses, each once for each source that wants it."""
        query = f"SELECT {_FIELDS} FROM wanted WHERE address = ? AND due IS NOT NULL ORDER BY source"
        return [Picture(*row) for address in addresses for row in self._db.execute(query, (key(address),))]

    def due_counts(self, now: int, never: int) -> dict[str, int]:
        """Count what is due, by source."""
        query = "SELECT source, count(*) FROM wanted WHERE due <= ? OR due > ? GROUP BY source"
        return dict(self._db.execute(query, (now, never)).fetchall())

    def every(self, last: Picture | None, limit: int) -> list[Picture]:
        """Return up to `limit` pictures, due or not, by their addresses, those behind `last`."""
        begin = ("", "") if last is None else (last.address, last.source)
        query = f"SELECT {_FIELDS} FROM wanted WHERE (address, source) > (?, ?) ORDER BY address, source LIMIT ?"
        return [Picture(*row) for row in self._db.execute(query, (*begin, limit))]

    def lacking(self, source: str) -> Lacking:
        """Count what a source wants."""
        query = (
            "SELECT count(*) FILTER (WHERE failed = 0), count(*) FILTER (WHERE failed > 0) FROM wanted WHERE source = ?"
        )
        waiting, failed = self._db.execute(query, (source,)).fetchone()
        query = f"SELECT {_FIELDS} FROM wanted WHERE source = ? AND failed > 0 ORDER BY since DESC, address LIMIT 1"
        row = self._db.execute(query, (source,)).fetchone() if failed else None
        return Lacking(waiting, failed, Picture(*row) if row else None)
