"""The index: which captures there are, and what they make of each entry.

Disposable: all but the tables `seeds`, `notes` and `documents` is derived from the objects, and losing those costs one
more reading of the seed files, one more asking of the sources on the web and one more rendering of the feeds. The
tables are in `schema`. SQLite in WAL mode: readers never wait. Instants are whole microseconds since 1970.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from feedarchiver.archive import census, feedlog, imagelog, indexdb, notes, schema, wanted
from feedarchiver.archive.database import Database, key, long
from feedarchiver.archive.history import Fact, history
from feedarchiver.archive.schema import FACT, LENGTHS
from feedarchiver.model import HEALTH, ObjectId

if TYPE_CHECKING:
    from feedarchiver.archive.known import Known


class Taken(NamedTuple):
    """A capture as it is looked up: its entry, its id, its raw bytes, its fact."""

    entry: int
    capture: ObjectId
    raw: ObjectId
    fact: Fact


class Told(NamedTuple):
    """What a source has told of an entry at an instant. `said` of None: nobody has read the article's page for it."""

    captured: int
    article: ObjectId
    raw: ObjectId
    fingerprint: str
    said: ObjectId | None


class Index:
    """The index in one SQLite file, or in memory when `path` is None. `postgres.index` has one elsewhere."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @classmethod
    def create(cls, path: Path | None) -> Self:
        """Make an empty index at `path`, where nothing may be."""
        return cls(indexdb.made(path, f"{schema.TABLES} {schema.marked()}", schema.SCHEMA))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the index at `path`, to read. Raises IndexDamaged."""
        return cls(indexdb.opened(path, schema.SCHEMA, write=False))

    def copy(self) -> "Index":
        """Copy the index into a temporary file, to note there what cannot be noted here."""
        connection = sqlite3.connect("", isolation_level=None)
        cast("sqlite3.Connection", self._db).backup(connection)
        return Index(connection)

    def copy_to(self, path: Path) -> "Index":
        """Copy the index into a file at `path`, where nothing may be. The copy has a mark of its own."""
        connection = sqlite3.connect(path, isolation_level=None)
        cast("sqlite3.Connection", self._db).backup(connection)
        return Index(connection).remarked()

    def remarked(self) -> Self:
        """Give the index another mark: whoever follows it has to begin again."""
        self._db.execute("UPDATE mark SET mark = ?", (int.from_bytes(os.urandom(7)),))
        return self

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

    def expect(self, aliases: Iterable[str]) -> None:
        """Be told what is about to be looked up: some look it up at once, in less time than one by one."""

    def find(self, aliases: Iterable[str]) -> int | None:
        """Return the entry that the first known alias stands for."""
        for alias in aliases:
            if row := self._db.execute("SELECT entry FROM aliases WHERE alias = ?", (key(alias),)).fetchone():
                return int(row[0])
        return None

    def facts(self, entry: int) -> list[Fact]:
        """Every capture of an entry, in no order."""
        return [Fact(*row) for row in self._db.execute(f"SELECT {FACT} FROM captures WHERE entry = ?", (entry,))]

    def told(self, entry: int, source: str) -> list[Told]:
        """Return what a source has told of an entry, in no order."""
        query = "SELECT captured, article, raw, fingerprint, said FROM captures WHERE entry = ? AND source = ?"
        return [Told(*row) for row in self._db.execute(query, (entry, source))]

    def pages(self, source: str, after: int, limit: int) -> list[tuple[int, ObjectId]]:
        """Give the last capture of each article that a source has as its own page says, of entries beyond `after`."""
        later = (
            "SELECT 1 FROM captures l WHERE l.entry = c.entry AND l.source = c.source AND l.said IS NOT NULL "
            "AND (l.captured, l.capture) > (c.captured, c.capture)"
        )
        query = (
            "SELECT entry, capture FROM captures c WHERE source = ? AND said IS NOT NULL AND entry > ? "
            f"AND NOT EXISTS ({later}) ORDER BY entry LIMIT ?"
        )
        return [(entry, ObjectId(capture)) for entry, capture in self._db.execute(query, (source, after, limit))]

    def about(self, column: str, object_id: str) -> tuple[ObjectId, str] | None:
        """Find the article and the published id that an object is about. `column`: raw, article, said, capture."""
        row = self._db.execute(f"SELECT article, id FROM captures WHERE {column} = ? LIMIT 1", (object_id,)).fetchone()
        return (ObjectId(row[0]), row[1]) if row else None

    def lengths(self) -> Iterator[tuple[str, ObjectId, int]]:
        """Give the kind, id and length in bytes of every capture and what it refers to, once for each capture."""
        query = f"SELECT raw, article, capture, said, {LENGTHS} FROM captures"
        for raw, article, capture, said, *lengths in long(self._db, query):
            kinds = ("raw", "articles", "captures", *(["articles"] if said else []))
            for kind, name, length in zip(kinds, (raw, article, capture, said), lengths, strict=False):
                yield kind, ObjectId(name), length
        yield from self.images.lengths()

    def add(self, known: "Known", *, is_new: bool = False) -> None:
        """Take a capture in and derive its entry's history again. `is_new`: its aliases were asked for in vain."""
        entry = None if is_new else self.find(known.aliases)
        if entry is None:
            derived = history([known.fact])
            entry = self._enter(derived.id, known.aliases)
        else:
            derived = history([*self.facts(entry), known.fact])
            self._db.execute("UPDATE entries SET id = ? WHERE entry = ?", (derived.id, entry))
            self._db.execute("DELETE FROM events WHERE entry = ?", (entry,))
            self._name(entry, known.aliases)
        self._write(schema.ADD_CAPTURE, (known.capture, entry, *schema.row_of(known)))
        self._write(schema.ADD_EVENT, *(schema.row_of_event(event, entry) for event in derived.events))
        self._changed(entry)

    def saw(self, source: str, name: str, stamp: str, refused: str | None) -> None:
        """Note what was seen of a seed file."""
        self._write(notes.SAW, (source, name, stamp, refused))

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
        known = "capture BETWEEN ? AND ? OR article BETWEEN ? AND ? OR raw BETWEEN ? AND ?"
        return self._taken(known, *(prefix, f"{prefix}g") * 3)

    def shown(self, entries: Sequence[int]) -> list[feedlog.Line]:
        """Return what each of some entries shows now."""
        query = (
            "SELECT e.entry, n.id, e.article, e.source, e.captured, e.updated, NULL FROM events e JOIN entries n "
            f"USING (entry) WHERE e.entry IN ({', '.join('?' * len(entries))}) ORDER BY e.captured, e.source DESC"
        )
        last = {row[0]: row for row in self._db.execute(query, entries)}
        return [feedlog.Line.read(last[entry]) for entry in entries]

    def recaptured(self, entries: Sequence[int]) -> set[int]:
        """Return which of some entries have several captures."""
        query = f"SELECT entry FROM captures WHERE entry IN ({', '.join('?' * len(entries))}) "
        query += "GROUP BY entry HAVING count(*) > 1"
        return {entry for (entry,) in self._db.execute(query, entries)}

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

    def entries(self, source: str) -> int:
        """Count the entries that something was captured of from a source."""
        return int(
            self._db.execute("SELECT count(DISTINCT entry) FROM events WHERE source = ?", (source,)).fetchone()[0]
        )

    def _name(self, entry: int, aliases: Iterable[str]) -> None:
        """Let those aliases stand for an entry that do not stand for one yet."""
        self._db.executemany(schema.ADD_ALIAS, [(key(alias), entry) for alias in aliases])

    def _changed(self, entry: int) -> None:
        """Note that an entry has changed."""
        self._write(schema.ADD_CHANGE, (entry,))

    def _enter(self, id_: str, aliases: Iterable[str]) -> int:
        """Make an entry, with aliases that stand for none yet. Returns its number."""
        entry = cast("sqlite3.Cursor", self._db.execute(schema.ADD_ENTRY, (id_,))).lastrowid or 0
        self._name(entry, aliases)
        return entry

    def _write(self, query: str, *rows: Sequence[Any]) -> None:
        """Write rows, by a query that depends on nothing but the earlier ones by the same query."""
        self._db.executemany(query, rows)

    def _taken(self, condition: str, *values: str | int) -> list[Taken]:
        rows = self._db.execute(f"SELECT entry, capture, raw, {FACT} FROM captures WHERE {condition}", values)
        found = [Taken(entry, ObjectId(capture), ObjectId(raw), Fact(*fact)) for entry, capture, raw, *fact in rows]
        return sorted(found, key=lambda taken: (taken.fact.order, taken.capture))

    def _any(self, query: str, *values: str) -> bool:
        return self._db.execute(query, values).fetchone() is not None
