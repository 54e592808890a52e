"""Spaces: each index has one of its own, a schema in PostgreSQL's sense.

The table `feedarchiver.indexes` tells which one is that of which archive, so that several archives can share a
database. An index made anew gets another space. Whoever is reading the old one goes on reading it: readers hold a
shared advisory lock on their space, and the next writer drops the spaces on which there is none.
"""

import os
import re
from pathlib import Path

import psycopg

from feedarchiver.archive.indexdb import IndexDamaged
from feedarchiver.archive.postgres.index import pour
from feedarchiver.archive.postgres.locks import lock_number, try_lock, unlock
from feedarchiver.archive.postgres.session import Session
from feedarchiver.archive.schema import SCHEMA

_DIRECTORY = """
CREATE SCHEMA IF NOT EXISTS feedarchiver;
CREATE TABLE IF NOT EXISTS feedarchiver.indexes (
    space TEXT PRIMARY KEY, archive TEXT NOT NULL, version BIGINT NOT NULL, is_current BOOLEAN NOT NULL,
    seal TEXT NOT NULL
);
ALTER TABLE feedarchiver.indexes ADD COLUMN IF NOT EXISTS horizon BIGINT NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS feedarchiver.pending (
    archive TEXT, writer BIGINT, capture TEXT, PRIMARY KEY (archive, writer, capture)
)
"""
_ALL_SPACES = 0x_FEED_A2C4
_SPACE = re.compile(r"feedarchiver_[0-9a-f]{16}")  # whoever shares the database may have written another name


def current(session: Session, archive: str) -> tuple[str, int, str] | None:
    """Return the space of an archive's index, which schema its tables have, and its seal. Raises IndexDamaged."""
    query = "SELECT space, version, seal FROM feedarchiver.indexes WHERE archive = ? AND is_current"
    try:
        row = session.execute(query, (archive,)).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None
    if row and not _SPACE.fullmatch(row[0]):
        raise IndexDamaged("it is in a space of another name")
    return row and (str(row[0]), int(row[1]), str(row[2]))


def enter(session: Session, space: str) -> bool:
    """Let a session find the tables in a space, and keep them from being dropped. False: they are there no more."""
    session.execute("SELECT pg_advisory_lock_shared(?)", (lock_number(space),))
    if not session.execute("SELECT 1 FROM feedarchiver.indexes WHERE space = ?", (space,)).fetchone():
        return False
    session.execute(f"SET search_path TO {space}")
    return True


def standing(session: Session, archive: str) -> tuple[str, int] | None:
    """Tell which space is the current one, and up to which instant somebody has looked at all captures."""
    query = "SELECT space, horizon FROM feedarchiver.indexes WHERE archive = ? AND is_current AND version = ?"
    row = session.execute(query, (archive, SCHEMA)).fetchone()
    return row and (str(row[0]), int(row[1]))


def fill(session: Session, archive: str, path: Path, seal: str) -> None:
    """Copy an index in an SQLite file into a new space, which is that of the archive from then on."""
    space = f"feedarchiver_{os.urandom(8).hex()}"
    with session.transaction():
        session.execute("SELECT pg_advisory_xact_lock(?)", (_ALL_SPACES,))
        for statement in _DIRECTORY.split(";"):
            session.execute(statement)
        session.execute(f"CREATE SCHEMA {space}")
        session.execute(f"SET LOCAL search_path TO {space}")
        pour(path, session)
        disown(session, archive)
        row = space, archive, SCHEMA, seal
        session.execute("INSERT INTO feedarchiver.indexes VALUES (?, ?, ?, TRUE, ?)", row)
        look(session, space)


def disown(session: Session, archive: str) -> None:
    """Let an archive have no index."""
    session.execute("UPDATE feedarchiver.indexes SET is_current = FALSE WHERE archive = ?", (archive,))


def seal(session: Session, space: str, text: str) -> None:
    """Note what the last writer left in the archive's folder, too."""
    session.execute("UPDATE feedarchiver.indexes SET seal = ? WHERE space = ?", (text, space))


def look(session: Session, space: str) -> None:
    """Note that somebody looks at all captures."""
    session.execute(
        "UPDATE feedarchiver.indexes SET horizon = l.captured "
        "FROM (SELECT max(captured) AS captured FROM captures) AS l WHERE space = ? AND horizon < l.captured",
        (space,),
    )


def drop_old(session: Session, archive: str) -> None:
    """Drop the spaces of earlier indexes that nobody is reading."""
    query = "SELECT space FROM feedarchiver.indexes WHERE archive = ? AND NOT is_current"
    found = session.execute(query, (archive,)).fetchall()
    for space in (space for (space,) in found if _SPACE.fullmatch(space)):
        if try_lock(session, lock_number(space)):
            with session.transaction():
                session.execute(f"DROP SCHEMA IF EXISTS {space} CASCADE")
                session.execute("DELETE FROM feedarchiver.indexes WHERE space = ?", (space,))
            unlock(session, lock_number(space))
