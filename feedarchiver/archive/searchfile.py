"""The search index's file: made when first needed, made anew when it is damaged or of another version."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from feedarchiver.errors import ArchiveError, StorageError

_T = TypeVar("_T")
_WAIT_S = 120
_KEPT = "the archive was not touched"
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NOT_DAMAGE = _BUSY | {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
}


class _Damaged(Exception):
    """The file is not what this program wrote."""


class SearchFile:
    """An SQLite file with the tables that `schema` makes, marked with `version`, a positive integer.

    Where nothing can be written it is a temporary file, copied from the one at `path` if that is there.
    """

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self._path, self._schema, self._version = path, schema, version
        self._db: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def work(self, task: Callable[[sqlite3.Connection], _T], before: Callable[[sqlite3.Connection], None]) -> _T:
        """Do a task on the file. When it turns out to be damaged, make it anew, do `before`, and the task again.

        Raises StorageError, and ArchiveError where SQLite has no FTS5.
        """
        try:
            with _complaints(self._path):
                return task(self._open())
        except _Damaged:
            self.close()
        try:
            with _complaints(self._path):
                db = self._open(anew=True)
                before(db)
                return task(db)
        except _Damaged as error:  # SQLite says so of a file that is seconds old: it is the disk
            raise StorageError("write", str(self._path), str(error.__cause__), _KEPT) from error

    def _open(self, *, anew: bool = False) -> sqlite3.Connection:
        if self._db is None:
            journal = Path(f"{self._path}-journal")
            if self._can_write():
                if anew:
                    journal.unlink(missing_ok=True)
                    self._path.unlink(missing_ok=True)
                self._db = _connect(f"{self._path.absolute().as_uri()}?mode=rwc")
            else:
                self._db = _connect("")
                if self._path.exists() and not journal.exists() and not anew:
                    with closing(_connect(f"{self._path.absolute().as_uri()}?mode=ro&immutable=1")) as kept:
                        kept.backup(self._db)
            self._prepare(self._db)
        return self._db

    def _can_write(self) -> bool:
        places = [self._path.parent, *([self._path] if self._path.exists() else [])]
        return all(os.access(place, os.W_OK) for place in places)

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Make the tables of an empty file. Raises _Damaged for a file of another version."""
        if _version(db) == self._version:
            return
        with transaction(db):
            if _version(db) == self._version:  # another process was quicker
                return
            if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise _Damaged
            for statement in self._schema.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {self._version}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Do all that is done within, or nothing; one process at a time."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _connect(address: str) -> sqlite3.Connection:
    db = sqlite3.connect(address, uri=bool(address), isolation_level=None, timeout=_WAIT_S)
    db.execute("PRAGMA cache_size = -16000")
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _complaints(path: Path) -> Iterator[None]:
    """Sort what SQLite says: this Python lacks something, the disk fails, the file is damaged."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if "no such module" in str(error):
            raise ArchiveError("searching needs FTS5, which the SQLite of this Python was built without") from error
        if code in _NOT_DAMAGE:
            reason = "another process is writing it" if code in _BUSY else str(error)
            raise StorageError("write", str(path), reason, _KEPT) from error
        raise _Damaged from error
    except OSError as error:
        raise StorageError.of(error, "write", str(path), _KEPT) from error
