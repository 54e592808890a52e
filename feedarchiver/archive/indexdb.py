"""The SQLite file that the index is in: made, opened, told apart from one that is damaged. WAL: readers never wait."""

import os
import sqlite3
from pathlib import Path

_LACKING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}
_LACKING |= {sqlite3.SQLITE_CANTOPEN}
_SHARING = {sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP}
_WRITERS_CACHE = "PRAGMA cache_size = -6000"  # kibibytes: a batch touches pages all over the file, each many times


class IndexDamaged(Exception):
    """The index is missing, of another schema, or not readable: rebuild it from the objects."""


def made(path: Path | None, tables: str, schema: int) -> sqlite3.Connection:
    """Make a file with these tables at `path`, where nothing may be, or one in memory (None)."""
    connection = sqlite3.connect(path or ":memory:", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(_WRITERS_CACHE)
    connection.executescript(f"BEGIN; {tables} PRAGMA user_version = {schema}; COMMIT;")
    return connection


def parted(tables: str) -> tuple[str, list[str]]:
    """Take what makes indexes out of what makes tables: it is quicker when all rows are there."""
    statements = list(filter(None, map(str.strip, tables.split(";"))))
    indexes = [statement for statement in statements if statement.startswith("CREATE INDEX")]
    return "; ".join(statement for statement in statements if statement not in indexes), indexes


def opened(path: Path, schema: int, *, write: bool, is_full: bool = False) -> sqlite3.Connection:
    """Open the file at `path`. Raises IndexDamaged. `is_full`: the disk is, so nobody writes, and nothing is shared."""
    if not path.is_file():
        raise IndexDamaged(f"{path} is missing")
    try:
        connection = sqlite3.connect(address(path, is_full=is_full), uri=True, isolation_level=None, timeout=60)
    except sqlite3.Error as error:
        raise IndexDamaged(f"{path}: {error}") from error
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("SELECT count(*) FROM (SELECT 1 FROM entries LIMIT 1)")
        connection.execute("PRAGMA synchronous = FULL" if write else "PRAGMA query_only = TRUE")
        if write:
            connection.execute(_WRITERS_CACHE)
    except sqlite3.DatabaseError as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE and not write and not is_full:
            return opened(path, schema, write=False, is_full=True)
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError) and "malformed" not in str(error):
            raise
        raise IndexDamaged(str(error)) from error
    if found != schema:
        connection.close()
        raise IndexDamaged(f"{path} has schema {found}, not {schema}")
    return connection


def is_doubtful(error: BaseException | None) -> bool:
    """Tell whether an error says that the file may be damaged: any of SQLite's but those that say what is lacking.

    An index is not to be made anew because somebody else has it, or there is no room, memory or descriptor.
    """
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, sqlite3.Error) and not (code in _SHARING or code & 0xFF in _LACKING)


def address(path: Path, *, is_full: bool = False) -> str:
    """Say how SQLite is to open a file: a reader that may write leaves no -wal or -shm, one that may not makes none.

    Where the disk is full, none can be made.
    """
    wal = Path(f"{path}-wal")
    if not is_full and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        mode = "mode=rw"
    else:
        mode = "mode=ro" if wal.exists() and wal.stat().st_size else "mode=ro&immutable=1"
    return f"{path.absolute().as_uri()}?{mode}"
