"""Notes for whoever gathers or announces: what it remembers from run to run. What they say is its own affair.

They lie in the index to be durable together with the captures that they are about, and never before them. Losing them
costs one more request for each source, and for each page that could not be had, one more reading of the seed files, and
that what was announced already is announced again.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from feedarchiver.archive.database import Database, key, long

TABLES = """
CREATE TABLE seeds (
    source TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL, refused TEXT, PRIMARY KEY (source, name)
) WITHOUT ROWID;
CREATE TABLE notes (
    about TEXT NOT NULL, name TEXT NOT NULL, said TEXT NOT NULL, PRIMARY KEY (about, name)
) WITHOUT ROWID;
"""
SAW = """INSERT INTO seeds VALUES (?, ?, ?, ?)
    ON CONFLICT (source, name) DO UPDATE SET stamp = excluded.stamp, refused = excluded.refused"""
_AT_ONCE = 500
_UNREAD = "index", "unread"
VERIFIED = "verify", "last"
"""What the last verification found: an index that `reindex` makes takes it over."""


class Notes:
    """Texts by what they are about (a sort of things) and the name of the thing, and what was last seen of files."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def read(self, about: str, name: str) -> str | None:
        """Return what is noted of a thing."""
        row = self._db.execute("SELECT said FROM notes WHERE about = ? AND name = ?", (about, key(name))).fetchone()
        return row[0] if row else None

    def all(self, about: str) -> Iterator[tuple[str, str]]:
        """Give every thing of a sort, by name, and what is noted of it."""
        yield from long(self._db, "SELECT name, said FROM notes WHERE about = ? ORDER BY name", (about,))

    def count(self, about: str) -> int:
        """Count the things of a sort."""
        return int(self._db.execute("SELECT count(*) FROM notes WHERE about = ?", (about,)).fetchone()[0])

    def weight(self, about: str) -> tuple[int, int]:
        """Count the things of a sort, and how long what is noted of them is."""
        row = self._db.execute("SELECT count(*), sum(length(said)) FROM notes WHERE about = ?", (about,)).fetchone()
        return row[0], int(row[1] or 0)

    def several(self, about: str, names: Iterable[str]) -> dict[str, str]:
        """Return what is noted of some things, by name, as far as it is."""
        found: dict[str, str] = {}
        for some in _some(map(key, names), _AT_ONCE):
            query = f"SELECT name, said FROM notes WHERE about = ? AND name IN ({', '.join('?' * len(some))})"
            found |= self._db.execute(query, (about, *some)).fetchall()
        return found

    def sorts(self, abouts: Iterable[str]) -> set[str]:
        """Return of which of some sorts of things anything is noted."""
        found: set[str] = set()
        for some in _some(abouts, _AT_ONCE):
            query = f"SELECT DISTINCT about FROM notes WHERE about IN ({', '.join('?' * len(some))})"
            found.update(about for (about,) in self._db.execute(query, some))
        return found

    def write(self, about: str, name: str, said: str | None) -> None:
        """Note something; None: forget it."""
        if said is None:
            self._db.execute("DELETE FROM notes WHERE about = ? AND name = ?", (about, key(name)))
        else:
            replacing = "ON CONFLICT (about, name) DO UPDATE SET said = excluded.said"
            self._db.execute(f"INSERT INTO notes VALUES (?, ?, ?) {replacing}", (about, key(name), said))

    def lack(self) -> str | None:
        """Say what the index lacks since it was made, and what is to be done then."""
        unread = self.read(*_UNREAD)
        return unread and (
            f"captures that could not be read, so what they tell of is in no feed: {unread}; restore what "
            "`feedarchiver verify` names from a copy, then call `feedarchiver reindex`"
        )

    def passed_over(self, unread: int) -> None:
        """Note how many captures could not be read when the index was made of them."""
        self.write(*_UNREAD, str(unread) if unread else None)

    def seeds(self, source: str) -> dict[str, tuple[str, str | None]]:
        """Tell what was seen of a folder's seed files: by name, the file's stamp and the reason it was refused for."""
        rows = self._db.execute("SELECT name, stamp, refused FROM seeds WHERE source = ?", (source,))
        return {name: (stamp, refused) for name, stamp, refused in rows}


def _some(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """Cut names into pieces."""
    rest = iter(names)
    while some := tuple(islice(rest, size)):
        yield some
