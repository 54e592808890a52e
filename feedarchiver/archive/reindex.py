"""Making the index from the objects: what each capture says, then whose it is, then what became of each entry.

Reading is spread over processes. The rest is done for all captures at once: rows are sorted and then written where the
last ones were written, so that memory is flat and no table is searched at random, however many there are.

An entry is that of the first capture, in the order of the log, that has one of its aliases. A run that adds one capture
says the same, though it only looks its aliases up, the link before the guid: what an alias stands for was decided by
the first capture that has it, and that one lies further back in the log.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from feedarchiver.archive import imagelog, indexdb, schema
from feedarchiver.archive.batch import FileBatch
from feedarchiver.archive.bucket import Store
from feedarchiver.archive.database import key
from feedarchiver.archive.history import Fact, history
from feedarchiver.archive.imagelog import KnownImage
from feedarchiver.archive.index import Index
from feedarchiver.archive.known import Known
from feedarchiver.archive.notes import VERIFIED, Notes
from feedarchiver.archive.survey import Survey, Surveyor, alone
from feedarchiver.errors import DamagedObject, MissingObject
from feedarchiver.model import ObjectId, parse_object_id

_Row = tuple[Any, ...]
_AT_ONCE = 1_000
_WORKING = """
CREATE TEMP TABLE waiting (number INTEGER PRIMARY KEY, link, guid, {columns});
CREATE TEMP TABLE ordered (place INTEGER PRIMARY KEY, number, link, guid);
CREATE TEMP TABLE named (alias, place, number, is_guid, PRIMARY KEY (alias, place, is_guid)) WITHOUT ROWID;
CREATE TEMP TABLE again (number INTEGER PRIMARY KEY, place, first);
CREATE TEMP TABLE placed (number INTEGER PRIMARY KEY, entry);
CREATE TEMP TABLE told (source, captured, published, article, entry, updated, kind);
"""
_FIRST = "SELECT alias, number, min(place) FROM named GROUP BY alias"  # the number is that of the least place
_PLACED = f"""
INSERT INTO ordered (number, link, guid) SELECT number, link, guid FROM waiting
    ORDER BY captured, published IS NOT NULL, published, article, source, number;
INSERT INTO named SELECT * FROM (
    SELECT link AS alias, place, number, 0 FROM ordered WHERE link IS NOT NULL UNION ALL
    SELECT guid, place, number, 1 FROM ordered WHERE guid IS NOT NULL
) ORDER BY 1, 2, 4;
INSERT OR IGNORE INTO again SELECT n.number, n.place, f.number
    FROM ({_FIRST} HAVING count(*) > 1) f CROSS JOIN named n USING (alias) WHERE n.number <> f.number
    ORDER BY n.is_guid;
INSERT INTO placed SELECT o.number, row_number() OVER (ORDER BY o.place)
    FROM ordered o LEFT JOIN again a USING (number) WHERE a.number IS NULL;
DROP TABLE ordered
"""
_FILLED = f"""
INSERT INTO aliases SELECT f.alias, p.entry FROM ({_FIRST}) f CROSS JOIN placed p USING (number);
INSERT INTO captures SELECT capture, entry, {{rest}} FROM waiting w CROSS JOIN placed p USING (number)
    ORDER BY w.number;
DROP TABLE waiting; DROP TABLE named; DROP TABLE again; DROP TABLE placed
"""
_DERIVED = """
INSERT INTO events SELECT * FROM told ORDER BY source, captured, published, article;
INSERT INTO changes (entry) SELECT entry FROM entries ORDER BY entry;
DROP TABLE told
"""


def rebuild(
    bucket: Store, path: Path | None, surveyor: Surveyor | None = None, last_verified: str | None = None
) -> Index:
    """Make an index at `path` (None: in memory).

    What is damaged or missing is passed over, and counted in the notes of the index: `verify` names it. What that has
    found when it was called last is noted, too.
    """
    tables, indexes = indexdb.parted(schema.TABLES)
    db = indexdb.made(path, f"{tables}; {schema.marked()}", schema.SCHEMA)
    if path is not None:
        db.execute("PRAGMA main.journal_mode = OFF")  # a file that was not finished is nobody's index
    db.execute("PRAGMA cache_size = -32000")
    db.execute("BEGIN")
    unread = _read_all(surveyor or alone(bucket), db)
    Notes(db).passed_over(unread)
    Notes(db).write(*VERIFIED, last_verified)
    _place(db)
    _derive(db)
    for statement in indexes:
        db.execute(statement)
    db.execute("COMMIT")
    if path is None:
        return Index(db)
    db.execute("PRAGMA main.journal_mode = WAL")
    db.close()  # what was put aside goes with it
    return FileBatch.open(path)


def _read_all(surveyor: Surveyor, db: sqlite3.Connection) -> int:
    """Put what the captures say aside, in the order of their ids, and take the images in.

    Returns how many cannot be read.
    """
    unread = 0

    def rows(found: Iterable[_Row | None]) -> Iterator[_Row]:
        nonlocal unread
        for row in found:
            if row:
                yield row
            else:
                unread += row is not None

    for statement in _WORKING.format(columns=schema.CAPTURED).split(";"):
        db.execute(statement)
    found = surveyor(READING, ["captures"])
    _insert(db, "waiting (link, guid, " + schema.CAPTURED + ")", rows(found))
    found = surveyor(READING, ["image-captures"])
    _insert(db, f"images ({imagelog.COLUMNS})", rows(found))
    return unread


def _read(bucket: Store, named: tuple[str, str]) -> _Row | None:
    """Read a capture. None for a file that is none, and nothing for one that is damaged, or lacks what it refers to."""
    kind, name = named
    try:
        capture = parse_object_id(name)
    except ValueError:
        return None
    with suppress(DamagedObject, MissingObject, ValueError):
        return _READ[kind](bucket, capture)
    return ()


def _captured(bucket: Store, capture: ObjectId) -> _Row:
    known = Known.read(bucket, capture)
    names = (*map(key, known.aliases), None)
    return (*names[:2], known.capture, *schema.row_of(known))


def _imaged(bucket: Store, capture: ObjectId) -> _Row:
    return imagelog.row_of(KnownImage.read(bucket, capture))


_READ = {"captures": _captured, "image-captures": _imaged}
READING = Survey("reindex", _read, told=lambda row: row or None, heard=lambda _, row: tuple(row))
"""Reads a row of the index out of each capture."""


def _place(db: sqlite3.Connection) -> None:
    """Find the entry of each capture, numbered in the order of the log."""
    _run(db, _PLACED)
    for number, first in db.execute("SELECT number, first FROM again ORDER BY place"):
        db.execute("INSERT INTO placed SELECT ?, entry FROM placed WHERE number = ?", (number, first))
    _run(db, _FILLED.format(rest=schema.CAPTURED.partition(", ")[2]))


def _derive(db: sqlite3.Connection) -> None:
    """Derive the history of each entry from its captures."""
    facts = db.execute(f"SELECT entry, {schema.FACT} FROM captures ORDER BY entry, capture")
    entries = groupby(facts, key=itemgetter(0))
    while some := list(islice(((entry, history(Fact(*row[1:]) for row in rows)) for entry, rows in entries), _AT_ONCE)):
        _insert(db, "entries", ((entry, derived.id) for entry, derived in some))
        _insert(db, "told", (schema.row_of_event(event, entry) for entry, derived in some for event in derived.events))
    _run(db, _DERIVED)


def _insert(db: sqlite3.Connection, into: str, rows: Iterable[_Row]) -> None:
    left = iter(rows)
    if (first := next(left, None)) is not None:
        values = ", ".join("?" * len(first))
        db.executemany(f"INSERT INTO {into} VALUES ({values})", chain([first], left))


def _run(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        db.execute(statement)
