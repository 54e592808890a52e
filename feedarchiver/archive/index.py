"""The index: which captures there are, what they make of each entry, and what was last seen of files.

Disposable: all but the tables `seeds`, `notes` and `documents` is derived from the objects, and losing those costs one
more reading of the seed files, one more asking of the sources on the web and one more rendering of the feeds. The
tables of the feeds are in `feedlog`, those of images in `imagelog` and `wanted`, those of the web in `notes`.
The schema is one integer; another integer means rebuild, not migrate. SQLite in WAL mode: readers never wait. Instants
are whole microseconds since 1970.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from feedarchiver.archive import census, feedlog, imagelog, indexdb, notes, wanted
from feedarchiver.archive.history import Event, Fact, history
from feedarchiver.model import HEALTH, ObjectId

if TYPE_CHECKING:
    from feedarchiver.archive.known import Known

SCHEMA = 10
_UNDATED = -(2**62)
_FACT = "captured, published, updated, article, fingerprint, source, id, origin_captured"

_TABLES = """
CREATE TABLE entries (entry INTEGER PRIMARY KEY, id TEXT NOT NULL);
CREATE TABLE aliases (alias TEXT PRIMARY KEY, entry INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE captures (
    capture TEXT PRIMARY KEY, entry INTEGER NOT NULL, captured INTEGER NOT NULL, published INTEGER, updated INTEGER,
    article TEXT NOT NULL, fingerprint TEXT NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL, origin_captured INTEGER,
    raw TEXT NOT NULL, lengths TEXT NOT NULL, origin TEXT
) WITHOUT ROWID;
CREATE INDEX captures_entry ON captures (entry);
CREATE INDEX captures_raw ON captures (raw, source);
CREATE INDEX captures_captured ON captures (captured);
CREATE INDEX captures_origin ON captures (origin) WHERE origin IS NOT NULL;
CREATE TABLE events (
    source TEXT NOT NULL, captured INTEGER NOT NULL, published INTEGER NOT NULL, article TEXT NOT NULL,
    entry INTEGER NOT NULL, updated INTEGER NOT NULL, kind INTEGER NOT NULL,
    PRIMARY KEY (source, captured, published, article)
) WITHOUT ROWID;
CREATE INDEX events_entry ON events (entry);
CREATE INDEX events_made ON events (captured, published, article) WHERE kind = 0;
CREATE TABLE changes (number INTEGER PRIMARY KEY, entry INTEGER NOT NULL);
CREATE TABLE mark AS SELECT random() AS mark;
CREATE TABLE seeds (
    source TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL, refused TEXT, PRIMARY KEY (source, name)
) WITHOUT ROWID;
"""


class Taken(NamedTuple):
    """A capture as it is looked up: its entry, its id, its raw bytes, its fact."""

    entry: int
    capture: ObjectId
    raw: ObjectId
    fact: Fact


class Index:
    """The index in one SQLite file, or in memory when `path` is None."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def create(cls, path: Path | None) -> Self:
        """Make an empty index at `path`, where nothing may be."""
        tables = f"{_TABLES} {feedlog.TABLES} {imagelog.TABLES} {wanted.TABLES} {notes.TABLES}"
        return cls(indexdb.made(path, tables, SCHEMA))

    @classmethod
    def open(cls, path: Path, *, write: bool) -> Self:
        """Open the index at `path`. Raises IndexDamaged."""
        return cls(indexdb.opened(path, SCHEMA, write=write))

    def copy(self) -> "Index":
        """Copy the index into a temporary file, to note there what cannot be noted here."""
        connection = sqlite3.connect("", isolation_level=None)
        self._db.backup(connection)
        return Index(connection)

    @property
    def feeds(self) -> feedlog.FeedLog:
        """The logs of the feeds."""
        return feedlog.FeedLog(self._db)

    @property
    def images(self) -> imagelog.ImageLog:
        """The images."""
        return imagelog.ImageLog(self._db)

    @property
    def wanted(self) -> wanted.Wanted:
        """The pictures that are to be fetched."""
        return wanted.Wanted(self._db)

    @property
    def census(self) -> census.Census:
        """What there is, counted."""
        return census.Census(self._db)

    @property
    def notes(self) -> notes.Notes:
        """What whoever gathers remembers."""
        return notes.Notes(self._db)

    def close(self) -> None:
        """Close the file; what was not committed is gone."""
        self._db.close()

    def settle(self) -> bool:
        """Move all that was written into the file itself. False while another process reads an older state."""
        busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    def begin(self) -> None:
        """Start a batch."""
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make the batch durable."""
        self._db.execute("COMMIT")

    def last_captured(self) -> int | None:
        """Return the latest instant of any capture."""
        row = self._db.execute("SELECT max(captured) FROM captures").fetchone()
        return row[0] if row[0] is not None else None

    def has_raw(self, raw: ObjectId, source: str) -> bool:
        """Tell whether these bytes have been captured from this source."""
        return self._any("SELECT 1 FROM captures WHERE raw = ? AND source = ?", raw, source)

    def has_capture(self, capture: ObjectId) -> bool:
        """Tell whether this capture is indexed."""
        return self._any("SELECT 1 FROM captures WHERE capture = ?", capture)

    def has_event(self, origin: ObjectId) -> bool:
        """Tell whether this capture is indexed, be it as it was taken, be it as it came from another archive."""
        return self.has_capture(origin) or self._any("SELECT 1 FROM captures WHERE origin = ?", origin)

    def entry_of(self, capture: ObjectId) -> int | None:
        """Return the entry that a capture belongs to."""
        row = self._db.execute("SELECT entry FROM captures WHERE capture = ?", (capture,)).fetchone()
        return row[0] if row else None

    def find(self, aliases: Iterable[str]) -> int | None:
        """Return the entry that the first known alias stands for."""
        for alias in aliases:
            if row := self._db.execute("SELECT entry FROM aliases WHERE alias = ?", (alias,)).fetchone():
                return int(row[0])
        return None

    def facts(self, entry: int) -> list[Fact]:
        """Every capture of an entry, in no order."""
        return [Fact(*row) for row in self._db.execute(f"SELECT {_FACT} FROM captures WHERE entry = ?", (entry,))]

    def wait(self, known: "Known") -> None:
        """Put a capture aside, to be taken in when all are there to be put in order."""
        self._db.execute(f"CREATE TEMP TABLE IF NOT EXISTS waiting (capture, aliases, {_FACT}, raw, lengths, origin)")
        row = known.capture, json.dumps(known.aliases), *known.fact, known.raw, _written(known.lengths), known.origin
        self._db.execute(f"INSERT INTO waiting VALUES ({', '.join('?' * len(row))})", row)

    def waiting(self) -> "Iterator[Known]":
        """Give the captures that were put aside, in the order of the log."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS waiting (capture, captured, published, article, source)")
        from feedarchiver.archive.known import Known  # only making an index anew needs it

        query = "SELECT * FROM waiting ORDER BY captured, published IS NOT NULL, published, article, source"
        for capture, aliases, *fact, raw, lengths, origin in self._db.execute(query):
            raw_length, article_length, capture_length = map(int, lengths.split())
            yield Known(
                ObjectId(capture),
                tuple(json.loads(aliases)),
                Fact(*fact),
                ObjectId(raw),
                (raw_length, article_length, capture_length),
                None if origin is None else ObjectId(origin),
            )

    def about(self, column: str, object_id: str) -> tuple[ObjectId, str] | None:
        """Find the article and the published id that an object is about. `column`: raw, article or capture."""
        row = self._db.execute(f"SELECT article, id FROM captures WHERE {column} = ? LIMIT 1", (object_id,)).fetchone()
        return (ObjectId(row[0]), row[1]) if row else None

    def lengths(self) -> Iterator[tuple[str, ObjectId, int]]:
        """Give the kind, id and length in bytes of every capture and what it refers to, once for each capture."""
        for capture, article, raw, lengths in self._db.execute("SELECT capture, article, raw, lengths FROM captures"):
            ids = zip(("raw", "articles", "captures"), (raw, article, capture), lengths.split(), strict=True)
            for kind, name, length in ids:
                yield kind, ObjectId(name), int(length)
        yield from self.images.lengths()

    def add(self, known: "Known") -> None:
        """Take a capture in and derive its entry's history again."""
        entry = self.find(known.aliases)
        if entry is None:
            derived = history([known.fact])
            entry = self._db.execute("INSERT INTO entries (id) VALUES (?)", (derived.id,)).lastrowid or 0
        else:
            derived = history([*self.facts(entry), known.fact])
            self._db.execute("UPDATE entries SET id = ? WHERE entry = ?", (derived.id, entry))
            self._db.execute("DELETE FROM events WHERE entry = ?", (entry,))
        self._db.executemany("INSERT OR IGNORE INTO aliases VALUES (?, ?)", [(alias, entry) for alias in known.aliases])
        fact = known.fact
        self._db.execute(
            "INSERT INTO captures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (known.capture, entry, *fact, known.raw, _written(known.lengths), known.origin),
        )
        self._db.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", [_row(event, entry) for event in derived.events]
        )
        self._db.execute("INSERT INTO changes (entry) VALUES (?)", (entry,))

    def mark(self) -> tuple[int, int]:
        """Tell which index this is (one made anew has another mark) and the number of its last change."""
        row = self._db.execute("SELECT mark, (SELECT max(number) FROM changes) FROM mark").fetchone()
        return row[0], row[1] or 0

    def changes(self, after: int, limit: int) -> list[tuple[int, int]]:
        """Return up to `limit` changes after the one numbered `after`, in order: number, and entry that changed."""
        query = "SELECT number, entry FROM changes WHERE number > ? ORDER BY number LIMIT ?"
        return self._db.execute(query, (after, limit)).fetchall()

    def captures(self, entry: int) -> list[Taken]:
        """Every capture of an entry, in the order of the log."""
        return self._taken("entry = ?", entry)

    def named(self, prefix: str) -> list[Taken]:
        """Every capture whose own id, article or raw bytes have an id that begins with `prefix`."""
        known = "capture BETWEEN ?1 AND ?2 OR article BETWEEN ?1 AND ?2 OR raw BETWEEN ?1 AND ?2"
        return self._taken(known, prefix, f"{prefix}g")

    def shown(self, entry: int) -> feedlog.Line:
        """Return what an entry shows now."""
        query = (
            "SELECT e.entry, n.id, e.article, e.source, e.captured, e.updated, NULL FROM events e "
            "JOIN entries n USING (entry) WHERE e.entry = ? ORDER BY e.captured DESC LIMIT 1"
        )
        return feedlog.Line.read(self._db.execute(query, (entry,)).fetchone())

    def sources(self) -> list[str]:
        """Every source that something was captured from, but for what the archive tells of itself."""
        found = [""]
        query = "SELECT min(source) FROM events WHERE source > ?"
        while (following := self._db.execute(query, found[-1:]).fetchone()[0]) is not None:
            found.append(following)
        return [name for name in found[1:] if name != HEALTH]

    def counts(self) -> dict[str, int]:
        """Count entries, captures and versions, but for what the archive tells of itself."""
        several = "SELECT entry FROM captures GROUP BY entry HAVING count(*) > 1"  # the others have one version each
        again = f"SELECT count(*) - count(DISTINCT entry || fingerprint) FROM captures WHERE entry IN ({several})"
        counted = "SELECT (SELECT count(*) FROM entries), count(*) FROM captures"
        told = self._db.execute("SELECT count(*) FROM events WHERE source = ?", (HEALTH,)).fetchone()[0]
        entries, captures = (number - told for number in self._db.execute(counted).fetchone())
        return {
            "entries": entries,
            "captures": captures,
            "versions": captures - self._db.execute(again).fetchone()[0],
        }

    def seeds(self, source: str) -> dict[str, tuple[str, str | None]]:
        """Tell what was seen of a folder's seed files: by name, the file's stamp and the reason it was refused for."""
        rows = self._db.execute("SELECT name, stamp, refused FROM seeds WHERE source = ?", (source,))
        return {name: (stamp, refused) for name, stamp, refused in rows}

    def saw(self, source: str, name: str, stamp: str, refused: str | None) -> None:
        """Note what was seen of a seed file."""
        self._db.execute("INSERT OR REPLACE INTO seeds VALUES (?, ?, ?, ?)", (source, name, stamp, refused))

    def entries(self, source: str) -> int:
        """Count the entries that something was captured of from a source."""
        return int(
            self._db.execute("SELECT count(DISTINCT entry) FROM events WHERE source = ?", (source,)).fetchone()[0]
        )

    def _taken(self, condition: str, *values: str | int) -> list[Taken]:
        rows = self._db.execute(f"SELECT entry, capture, raw, {_FACT} FROM captures WHERE {condition}", values)
        found = [Taken(entry, ObjectId(capture), ObjectId(raw), Fact(*fact)) for entry, capture, raw, *fact in rows]
        return sorted(found, key=lambda taken: (taken.fact.order, taken.capture))

    def _any(self, query: str, *values: str) -> bool:
        return self._db.execute(query, values).fetchone() is not None


def _written(lengths: tuple[int, int, int]) -> str:
    return " ".join(map(str, lengths))


def _row(event: Event, entry: int) -> tuple[str, int, int, str, int, int, int]:
    published = _UNDATED if event.published is None else event.published
    return event.source, event.captured, published, event.article, entry, event.updated, int(event.kind)
