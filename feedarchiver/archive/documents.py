"""The documents that were written: what each was made from, the state of its file, and where its pieces are."""

import hashlib
from array import array
from collections.abc import Iterable
from contextlib import closing
from typing import NamedTuple

from feedarchiver.archive.database import Database, long

TABLES = """
CREATE TABLE documents (
    path TEXT PRIMARY KEY, feed TEXT NOT NULL, format TEXT NOT NULL, first INTEGER NOT NULL, "end" INTEGER NOT NULL,
    key TEXT NOT NULL, stamp TEXT NOT NULL, made TEXT NOT NULL, pieces BLOB NOT NULL
);
CREATE INDEX documents_first ON documents (feed, format, first);
"""
_REPLACING = """ON CONFLICT (path) DO UPDATE SET
    feed = excluded.feed, format = excluded.format, first = excluded.first, "end" = excluded."end",
    key = excluded.key, stamp = excluded.stamp, made = excluded.made, pieces = excluded.pieces"""


class Pieces(NamedTuple):
    """Where pieces are in a document: which event each shows, where it starts, where it ends."""

    events: "array[int]"
    starts: "array[int]"
    ends: "array[int]"

    @classmethod
    def at(cls, events: Iterable[int], starts: Iterable[int], ends: Iterable[int]) -> "Pieces":
        """Take three numbers of each piece. Raises OverflowError for a place beyond 4 GiB."""
        return cls(array("I", events), array("I", starts), array("I", ends))

    @classmethod
    def read(cls, data: bytes) -> "Pieces":
        """Read what `data` wrote."""
        numbers = array("I", data)
        count = len(numbers) // 3
        return cls(numbers[:count], numbers[count : 2 * count], numbers[2 * count :])

    def moved(self, by: int) -> "Pieces":
        """Tell where they are when what stands before them has grown."""
        return Pieces.at(self.events, [start + by for start in self.starts], [end + by for end in self.ends])

    @property
    def data(self) -> bytes:
        """The numbers as they are kept."""
        return (self.events + self.starts + self.ends).tobytes()


class Noted(NamedTuple):
    """A document that was written: what it was made from, the state of its file, and where its pieces are.

    It holds the events from `first` to before `end`. `made` names what its pieces were made by.
    """

    path: str
    feed: str
    format: str
    first: int
    end: int
    key: str
    stamp: str
    made: str
    pieces: Pieces


class Documents:
    """What is noted of the documents of all feeds."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def published(self) -> set[str]:
        """Tell which feeds have a document that is noted."""
        return {feed for (feed,) in self._db.execute("SELECT DISTINCT feed FROM documents")}

    def documents(self, feed: str) -> dict[str, tuple[str, str]]:
        """Tell what was noted of a feed's documents: by path, the key of what they were made from, the file's stamp."""
        rows = self._db.execute("SELECT path, key, stamp FROM documents WHERE feed = ?", (feed,))
        return {path: (key, stamp) for path, key, stamp in rows}

    def stamp(self, path: str) -> str | None:
        """Name the state of a document's file as it was noted; None: the document is not done."""
        row = self._db.execute("SELECT stamp FROM documents WHERE path = ?", (path,)).fetchone()
        return row[0] or None if row else None

    def digest(self) -> str:
        """Name the state of all documents together: another one means that something has been written or removed."""
        found = hashlib.sha256()
        with closing(long(self._db, "SELECT path, stamp FROM documents ORDER BY path")) as rows:
            for path, stamp in rows:
                found.update(f"{path}\n{stamp}\n".encode("utf-8", "surrogatepass"))
        return found.hexdigest()

    def holding(self, feed: str, format_: str, seq: int, span: int) -> Noted | None:
        """Return the document of a feed that has an event. None holds more than `span` events.

        While pages are cut anew there may be two: then the one that begins later.
        """
        query = (
            'SELECT * FROM documents WHERE feed = ? AND format = ? AND first BETWEEN ? AND ? AND "end" > ? '
            "ORDER BY first DESC LIMIT 1"
        )
        row = self._db.execute(query, (feed, format_, max(0, seq - span), seq, seq)).fetchone()
        return None if row is None else Noted._make((*row[:-1], Pieces.read(row[-1])))

    def note(self, noted: Noted) -> None:
        """Note a document that has been written."""
        row = (*noted[:-1], noted.pieces.data)
        self._db.execute(f"INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) {_REPLACING}", row)

    def forget_document(self, path: str) -> None:
        """Forget a document that is not as it should be, or is there no more."""
        self._db.execute("DELETE FROM documents WHERE path = ?", (path,))
