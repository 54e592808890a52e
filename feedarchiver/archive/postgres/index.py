"""The index in PostgreSQL: the queries of `archive.index` over another connection, and its rows on their way.

Making one anew means: make one in an SQLite file, then copy it here in one transaction. So it is there whole or not.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from feedarchiver.archive.index import Index
from feedarchiver.archive.indexdb import parted
from feedarchiver.archive.postgres.dialect import statements
from feedarchiver.archive.postgres.session import Session
from feedarchiver.archive.schema import ADD_ENTRY, SCHEMA, TABLES


class PostgresIndex(Index):
    """An index whose tables the connection finds by their names."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session

    @property
    def session(self) -> Session:
        """The connection."""
        return self._session

    def begin(self) -> None:
        self._session.begin()

    def commit(self) -> None:
        self._session.commit()

    def settle(self) -> bool:
        return True

    def copy(self) -> Index:
        return Index(fetched(self._session, None))

    def copy_to(self, path: Path) -> Index:
        db = fetched(self._session, path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA user_version = {SCHEMA}")
        return Index(db).remarked()

    def _enter(self, id_: str, aliases: Iterable[str]) -> int:
        entry = int(self._db.execute(f"{ADD_ENTRY} RETURNING entry", (id_,)).fetchone()[0])
        self._name(entry, aliases)
        return entry


def fetched(session: Session, path: Path | None, only: Collection[str] = ()) -> sqlite3.Connection:
    """Copy an index, or `only` some of its tables, into an SQLite file at `path`, or a temporary one."""
    db = sqlite3.connect(path or "", isolation_level=None)
    db.executescript(f"BEGIN; {TABLES}")
    for table, columns in _tables(db):
        if only and table not in only:
            continue
        into = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        with closing(session.stream(f"SELECT {', '.join(columns)} FROM {table}")) as rows:
            db.executemany(into, rows)
    db.execute("COMMIT")
    return db


def pour(path: Path, session: Session) -> None:
    """Make the tables of an index and copy into them what is in the SQLite file at `path`. Needs a transaction."""
    tables, indexes = parted(TABLES)
    for statement in statements(tables):
        session.execute(statement)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        for table, columns in _tables(db):
            named = ", ".join(columns)
            with session.copy(f"COPY {table} ({named}) FROM STDIN") as copy:
                for row in db.execute(f"SELECT {named} FROM {table}"):
                    copy.write_row(row)
            if number := _numbered(db, table):
                last = db.execute(f"SELECT max({number}) FROM {table}").fetchone()[0] or 0
                session.execute("SELECT setval(pg_get_serial_sequence(?, ?), ?)", (table, number, last + 1))
    for statement in statements(";".join(indexes)):
        session.execute(statement)
    session.execute("ANALYZE")


def _tables(db: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    """Name every table and its columns."""
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
        yield table, [f'"{column}"' for _, column, *_ in db.execute(f"PRAGMA table_info({table})")]


def _numbered(db: sqlite3.Connection, table: str) -> str | None:
    """Name the column of a table that gets a number by itself."""
    keys = [(name, type_) for _, name, type_, *_, key in db.execute(f"PRAGMA table_info({table})") if key]
    return keys[0][0] if len(keys) == 1 and keys[0][1] == "INTEGER" else None
