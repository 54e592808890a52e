"""The SQLite file that the index is in: made, opened, told apart from one that is damaged. WAL: readers never wait."""

import os
import sqlite3
from pathlib import Path

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


def opened(path: Path, schema: int, *, write: bool) -> sqlite3.Connection:
    """Open the file at `path`. Raises IndexDamaged."""
    if not path.is_file():
        raise IndexDamaged(f"{path} is missing")
    try:
        connection = sqlite3.connect(address(path), uri=True, isolation_level=None, timeout=60)
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
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError) and "malformed" not in str(error):
            raise
        raise IndexDamaged(str(error)) from error
    if found != schema:
        connection.close()
        raise IndexDamaged(f"{path} has schema {found}, not {schema}")
    return connection


def is_doubtful(error: BaseException | None) -> bool:
    """Tell whether an error says that the file may be damaged: any of SQLite's but "in use" and "disk full"."""
    harmless = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF not in harmless


def address(path: Path) -> str:
    """Say how SQLite is to open a file: a reader that may write leaves no -wal or -shm, one that may not makes none."""
    wal = Path(f"{path}-wal")
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        mode = "mode=rw"
    else:
        mode = "mode=ro" if wal.exists() and wal.stat().st_size else "mode=ro&immutable=1"
    return f"{path.absolute().as_uri()}?{mode}"
