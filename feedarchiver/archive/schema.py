"""The tables of the index, and how what is taken in is written as their rows.

The schema is one integer; another integer means rebuild, not migrate. Instants are whole microseconds since 1970. The
tables of the feeds are in `feedlog` and `documents`, those of images in `imagelog` and `wanted`, those of whoever
gathers in `notes`.
"""

import os
from typing import TYPE_CHECKING

from feedarchiver.archive import documents, feedlog, imagelog, notes, wanted
from feedarchiver.archive.history import Event

if TYPE_CHECKING:
    from feedarchiver.archive.known import Known

SCHEMA = 13
_UNDATED = -(2**62)
LENGTHS = "raw_length, article_length, own_length, said_length"
FACT = "captured, published, updated, article, fingerprint, source, id, origin_captured"
CAPTURED = f"capture, {FACT}, raw, {LENGTHS}, origin, said"
"""What is kept of a capture, but for its entry: the capture itself, and what `row_of` gives."""

ADD_ENTRY = "INSERT INTO entries (id) VALUES (?)"
ADD_ALIAS = "INSERT INTO aliases VALUES (?, ?) ON CONFLICT DO NOTHING"
ADD_CAPTURE = f"INSERT INTO captures VALUES ({', '.join('?' * 17)})"
ADD_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)"
ADD_CHANGE = "INSERT INTO changes (entry) VALUES (?)"

# Captures have rowids: those of a batch, whose names are in no order, are written side by side, not each to a page of
# its own, and the other indexes hold numbers instead of names.
_OWN_TABLES = """
CREATE TABLE entries (entry INTEGER PRIMARY KEY, id TEXT NOT NULL);
CREATE TABLE aliases (alias TEXT PRIMARY KEY, entry INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE captures (
    capture TEXT NOT NULL PRIMARY KEY, entry INTEGER NOT NULL, captured INTEGER NOT NULL, published INTEGER,
    updated INTEGER, article TEXT NOT NULL, fingerprint TEXT NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL,
    origin_captured INTEGER, raw TEXT NOT NULL, raw_length INTEGER NOT NULL, article_length INTEGER NOT NULL,
    own_length INTEGER NOT NULL, said_length INTEGER, origin TEXT, said TEXT
);
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
CREATE TABLE mark (mark INTEGER NOT NULL);
"""
TABLES = f"{_OWN_TABLES} {feedlog.TABLES} {documents.TABLES} {imagelog.TABLES} {wanted.TABLES} {notes.TABLES}"


def marked() -> str:
    """Say the statement that tells a new index from all others."""
    return f"INSERT INTO mark VALUES ({int.from_bytes(os.urandom(7))});"


def row_of(known: "Known") -> tuple[object, ...]:
    """Write what is kept of a capture, in the order of the columns."""
    lengths = *known.lengths, *([None] if known.said is None else [])
    return *known.fact, known.raw, *lengths, known.origin, known.said


def row_of_event(event: Event, entry: int) -> tuple[str, int, int, str, int, int, int]:
    """Write an event of an entry, in the order of the columns."""
    published = _UNDATED if event.published is None else event.published
    return event.source, event.captured, published, event.article, entry, event.updated, int(event.kind)
