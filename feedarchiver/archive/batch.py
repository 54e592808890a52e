"""Writing to an index in a file: the rows of a batch are held back, and written many at a time.

What a writer asks again and again knows of the rows that wait. Whoever asks anything else has them written first.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from feedarchiver.archive import indexdb, schema
from feedarchiver.archive.database import Rows, key
from feedarchiver.archive.index import Index
from feedarchiver.model import ObjectId

if TYPE_CHECKING:
    from feedarchiver.archive.known import Known

_MOST = 10_000  # rows that wait
_ASKED = 500  # aliases in one question; SQLite takes 32,766 values


class Held:
    """A database with rows that are not written yet. `ask` does not see them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.ask = connection.execute
        self._waiting: dict[str, list[Sequence[Any]]] = {}
        self._count = 0

    def hold(self, query: str, row: Sequence[Any]) -> None:
        """Hold a row back. It is written in the order of those of its query, but not of others."""
        if self._count >= _MOST:
            self._write()
        self._waiting.setdefault(query, []).append(row)
        self._count += 1

    def execute(self, query: str, values: Sequence[Any] = ()) -> Rows:
        if self._count:
            self._write()
        return self._connection.execute(query, values)

    def executemany(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        self._write()
        self._connection.executemany(query, rows)

    def backup(self, target: sqlite3.Connection) -> None:
        """Copy all of it."""
        self._write()
        self._connection.backup(target)

    def close(self) -> None:
        self._connection.close()

    def _write(self) -> None:
        waiting, self._waiting, self._count = self._waiting, {}, 0
        for query, rows in waiting.items():
            self._connection.executemany(query, rows)


class FileBatch(Index):
    """An index in a file, to write to."""

    def __init__(self, db: Held) -> None:
        super().__init__(db)
        self._held = db
        self._next = 0  # the number of the next entry; 0: not known yet
        self._found: dict[str, int | None] = {}  # what aliases stand for; None: for nothing yet
        self._raws: set[tuple[ObjectId, str]] = set()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the index at `path`. Raises IndexDamaged."""
        return cls(Held(indexdb.opened(path, schema.SCHEMA, write=True)))

    def commit(self) -> None:
        super().commit()
        self._next = 0
        self._found.clear()
        self._raws.clear()

    def has_raw(self, raw: ObjectId, source: str) -> bool:
        query = "SELECT 1 FROM captures WHERE raw = ? AND source = ?"
        return (raw, source) in self._raws or self._held.ask(query, (raw, source)).fetchone() is not None

    def expect(self, aliases: Iterable[str]) -> None:
        names = [name for name in dict.fromkeys(map(key, aliases)) if name not in self._found]
        self._found |= dict.fromkeys(names)
        for start in range(0, len(names), _ASKED):
            some = names[start : start + _ASKED]
            query = f"SELECT alias, entry FROM aliases WHERE alias IN ({', '.join('?' * len(some))})"
            self._found |= self._held.ask(query, some)

    def find(self, aliases: Iterable[str]) -> int | None:
        for name in map(key, aliases):
            if name not in self._found:
                self.expect([name])
            if (entry := self._found[name]) is not None:
                return entry
        return None

    def add(self, known: "Known", *, is_new: bool = False) -> None:
        super().add(known, is_new=is_new)
        self._raws.add((known.raw, known.fact.source))

    def _enter(self, id_: str, aliases: Iterable[str]) -> int:
        if not self._next:
            self._next = int(self._held.ask("SELECT coalesce(max(entry), 0) + 1 FROM entries").fetchone()[0])
        entry, self._next = self._next, self._next + 1
        self._held.hold("INSERT INTO entries VALUES (?, ?)", (entry, id_))
        for name in map(key, aliases):
            self._held.hold(schema.ADD_ALIAS, (name, entry))
            self._found[name] = entry
        return entry

    def _name(self, entry: int, aliases: Iterable[str]) -> None:
        super()._name(entry, aliases)
        for name in map(key, aliases):
            if self._found.get(name, entry) is None:
                self._found[name] = entry

    def _write(self, query: str, *rows: Sequence[Any]) -> None:
        for row in rows:
            self._held.hold(query, row)
