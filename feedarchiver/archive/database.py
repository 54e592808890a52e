"""The database that an index is in, as its rooms use it: sqlite3's own connection, or one to PostgreSQL made like it.

Queries are written once, in what both understand: `?` for values, ON CONFLICT, `"end"` in quotation marks, numbers
rather than truths. How tables are made is told to SQLite; `postgres.dialect` knows what PostgreSQL calls it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

_LONGEST_KEY = 500


class IndexAddress(NamedTuple):
    """Where an index lies in PostgreSQL, and the folder on this machine for what is on its way there."""

    url: str
    parent: Path

    @property
    def name(self) -> str:
        """What to call files that go with it."""
        return "index"

    def __str__(self) -> str:
        """Name it in a message: without user, password and parameters."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


class Rows(Protocol):
    """What a query gives."""

    def __iter__(self) -> Iterator[Any]: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def close(self) -> None: ...


class Database(Protocol):
    """What the rooms of an index ask of the database."""

    def execute(self, query: str, values: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Any: ...

    def close(self) -> None: ...


def key(text: str) -> str:
    """Name by a shorter text what is looked up by one that is too long: an index of PostgreSQL takes 2,700 bytes."""
    if len(text) <= _LONGEST_KEY:
        return text
    return f"{text[: _LONGEST_KEY - 65]} {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def long(db: Database, query: str, values: Sequence[Any] = ()) -> Rows:
    """Ask for rows that may be too many for memory. SQLite gives all rows as it finds them; PostgreSQL is told to."""
    rows: Rows = getattr(db, "stream", db.execute)(query, values)
    return rows
