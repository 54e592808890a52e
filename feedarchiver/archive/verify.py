"""Proving that nothing was lost or changed: every object against its name, every reference, and the index.

Nothing is repaired and nothing is written: what is wrong is named, with the title and link of the article it is about.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import CAPTURES, KINDS, Bucket, Store
from feedarchiver.archive.index import Index
from feedarchiver.archive.indexdb import address
from feedarchiver.archive.survey import Survey, Surveyor, alone
from feedarchiver.errors import MissingObject, StorageError, UnreadableObject
from feedarchiver.model import ObjectId, parse_object_id

_RESTORE = "it was left as it is; restore it from a copy"
# The tables that the objects decide, with what decides them; numbers of entries differ from index to index.
_DERIVED = {
    "events": "article, source, captured, published, updated, kind",
    "entries": "id",
    "aliases": "alias",
}
# What is compared of captures; first comes the capture itself and what it is about.
_CAPTURED = {
    "captures": "captured, published, updated, fingerprint, source, id, raw, raw_length, article_length, own_length, "
    "said_length, origin, origin_captured, said",
    "image-captures": "address, type, width, height, length, captured, own_length",
}
# An entry that has got a capture meanwhile is another one in either index, however it got there.
_OTHERS = """
WHERE entry NOT IN (
    SELECT entry FROM {one}.captures WHERE capture IN fresh UNION SELECT entry FROM {one}.captures WHERE capture IN (
        SELECT capture FROM {other}.captures WHERE entry IN (
            SELECT entry FROM {other}.captures WHERE capture IN fresh
        )
    )
)
"""
_TABLES = {"captures": ("captures", "capture, article"), "image-captures": ("images", "capture, image")}
_COLUMNS = {"raw": ("raw",), "articles": ("article", "said"), "captures": ("capture",)}
_IMAGE_COLUMNS = {"images": "image", "image-captures": "capture"}


class Checked(NamedTuple):
    """A thing that was looked at, and what is wrong with it, if anything."""

    kind: str
    name: str
    fault: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.fault or 'is in order'}"


class _Looked(NamedTuple):
    """What looking at one object has shown. It may have travelled from another process."""

    kind: str
    name: str
    wanted: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    fault: str | None = None
    error: Exception | None = None
    damaged: bytes | None = None  # where they may still tell title and link


class Verifier:
    """One verification: the objects first, then the index against them."""

    def __init__(self, bucket: Store, index: Index | None, surveyor: Surveyor | None = None) -> None:
        self._bucket = bucket
        self._survey = surveyor or alone(bucket)
        self._index = index
        self._faulty: set[str] = set()

    def objects(self) -> Iterator[Checked]:
        """Read every object; captures come last and are held against what they refer to."""
        kinds = sorted(KINDS, key=lambda kind: kind in CAPTURES)
        for looked in self._survey(LOOKING, kinds):
            yield self._seen(Checked(looked.kind, looked.name, self._fault(looked)))

    def names_and_sizes(self) -> Iterator[Checked]:
        """Look at names and sizes only: whether all that the index knows of is there, as long as it was."""
        lengths = self._index.lengths() if self._index else iter(())
        length_of = self._bucket.lengths()
        for kind, name, expected in lengths:
            length = length_of(kind, name) or self._bucket.length(kind, name)  # which may have come since
            if length is None:
                yield self._seen(Checked(kind, name, f"is missing{self.about(kind, name)}; restore it from a copy"))
            elif length != expected:
                fault = f"has {length} bytes instead of {expected}{self.about(kind, name)}; {_RESTORE}"
                yield self._seen(Checked(kind, name, fault))
            else:
                yield Checked(kind, name)

    def index(self, kept: Callable[[], Path], begun: Callable[[], set[str]], scratch: Path) -> Iterator[Checked]:
        """Hold the index in the file `kept` against one made from the objects at `scratch`, where nothing may be.

        Others may add to the archive meanwhile: `begun` names the captures that the index is about to know.
        """
        from feedarchiver.archive.reindex import rebuild

        rebuild(self._bucket, scratch, self._survey).close()
        coming = begun()  # what has gone out of this list is in the index
        path = kept()
        with closing(sqlite3.connect(scratch.absolute().as_uri(), uri=True, isolation_level=None)) as db:
            db.execute("ATTACH ? AS kept", (address(path),))
            db.execute("CREATE TEMP TABLE fresh (capture TEXT PRIMARY KEY)")
            db.execute("BEGIN")
            try:
                for kind in CAPTURES:
                    yield from self._captures(db, kind, coming)
                if not self._faulty:  # what is damaged or lost is named already, and the tables must differ by it
                    for table, columns in _DERIVED.items():
                        for row, what in _differences(db, table, columns, _OTHERS):
                            yield Checked("index", f"{table} {row[0]}", f"is {what}; `feedarchiver reindex` mends it")
            except sqlite3.DatabaseError as error:
                yield Checked("index", str(path), f"is not readable ({error}); `feedarchiver reindex` makes it anew")

    def _captures(self, db: sqlite3.Connection, kind: str, coming: set[str]) -> Iterator[Checked]:
        """Compare which captures there are. One that the index knows and the archive has not is lost.

        Those that have come since the objects were listed, or are just coming, are noted as fresh.
        """
        table, key = _TABLES[kind]
        for row, what in list(_differences(db, table, f"{key}, {_CAPTURED[kind]}")):
            capture = row[0]
            if capture in self._faulty:
                continue
            if self._bucket.length(kind, ObjectId(capture)) is None:
                told = self.about(kind, capture)
                yield self._seen(Checked(kind, capture, f"is missing{told}; restore it from a copy"))
                continue
            if self._faulty.intersection(row):  # what it refers to, or what that measures, is named already
                continue
            query = f"SELECT count(*) FROM (SELECT capture FROM {{}}.{table} WHERE capture = ?)"
            is_here, is_kept = (db.execute(query.format(one), (capture,)).fetchone()[0] for one in ("main", "kept"))
            if is_kept != is_here and (is_kept or capture in coming):
                db.execute("INSERT INTO fresh VALUES (?)", (capture,))
                if fault := self._fault(_look(self._bucket, (kind, capture))):
                    yield self._seen(Checked(kind, capture, fault))
            else:
                yield Checked("index", f"{kind} {capture}", f"is {what}; `feedarchiver reindex` mends it")

    def _fault(self, looked: _Looked) -> str | None:
        """Say what is wrong with an object, and which article it is about."""
        of = looked.kind, looked.name
        if isinstance(looked.error, UnreadableObject):
            return f"cannot be read{self.about(*of)}: the disk reports an error; {_RESTORE}"
        if looked.error:
            return f"cannot be read{self.about(*of)}: {looked.error}"
        if looked.damaged is not None:
            return f"is damaged{self.about(*of, looked.damaged)}; {_RESTORE}"
        if looked.lost:
            self._faulty.update(looked.wanted)
            return f"refers to {' and '.join(looked.lost)}, missing{self.about(*of)}; restore it from a copy"
        return looked.fault

    def _seen(self, checked: Checked) -> Checked:
        if checked.fault:
            self._faulty.add(checked.name)
        return checked

    def about(self, kind: str, name: str, damaged: bytes = b"") -> str:
        """Name the article that an object is about, by its title and link, as far as anything still tells them.

        Of an image and its captures, name the address.
        """
        if kind in _IMAGE_COLUMNS:
            address = self._index and self._index.images.about(_IMAGE_COLUMNS[kind], name)
            return f" ({address})" if address else ""
        title, link = None, None
        article_id = None
        for column in _COLUMNS.get(kind, ()) if self._index else ():
            if self._index and (known := self._index.about(column, name)):
                article_id, link = known
                break
        for data in (damaged if kind == "articles" else b"", self._article(article_id)):
            try:
                article = objects.decode_article(data)
                title, link = article.title, article.link or link
            except ValueError:
                continue
        said = ", ".join(filter(None, (title and f'"{title}"', link)))
        return f" ({said})" if said else ""

    def _article(self, article_id: ObjectId | None) -> bytes:
        try:
            return self._bucket.get("articles", article_id) if article_id else b""
        except (UnreadableObject, MissingObject, StorageError):
            return b""


def _look(bucket: Bucket, named: tuple[str, str]) -> _Looked:
    """Read an object, and see whether what it refers to is there."""
    kind, name = named
    try:
        object_id = parse_object_id(name)
    except ValueError:
        return _Looked(kind, name, fault="is no object of this archive; it was left as it is")
    try:
        data = bucket.get(kind, object_id)
    except (UnreadableObject, MissingObject, StorageError) as error:
        return _Looked(kind, name, error=error)
    if objects.object_id(data) != object_id:
        return _Looked(kind, name, damaged=data if kind == "articles" else b"")
    try:
        if kind == "articles":
            objects.decode_article(data)
        wanted = objects.references(kind, data)
    except ValueError as error:
        return _Looked(kind, name, fault=f"is not readable: {error}")
    lost = tuple(f"{what} {which}" for what, which in wanted if bucket.length(what, which) is None)
    return _Looked(kind, name, tuple(str(which) for _, which in wanted) if lost else (), lost)


def _told(looked: _Looked) -> int | None:
    """Say that an object is in order. What is not is looked at once more by who asks, who knows more about it."""
    return 1 if looked == _Looked(looked.kind, looked.name) else None


LOOKING = Survey("verify", _look, told=_told, heard=lambda named, _: _Looked(*named))
"""Checks each object against its name, and whether what it refers to is there."""


def _differences(
    db: sqlite3.Connection, table: str, columns: str, which: str = ""
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give the rows that one index has, as far as `which` lets it, and the other one lacks."""
    for one, other, what in (("kept", "main", "not in the objects"), ("main", "kept", "not in the index")):
        chosen = which.format(one=one, other=other)
        query = f"SELECT {columns} FROM {one}.{table} {chosen} EXCEPT SELECT {columns} FROM {other}.{table}"
        for row in db.execute(query):
            yield row, what
