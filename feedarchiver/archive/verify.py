"""Proving that nothing was lost or changed: every object against its name, every reference, and the index."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import KINDS, Bucket
from feedarchiver.archive.index import Index, IndexDamaged
from feedarchiver.archive.reindex import rebuild
from feedarchiver.errors import MissingObject, StorageError
from feedarchiver.model import Article, ObjectId


class Checked(NamedTuple):
    """An object that was looked at, and what is wrong with it, if anything."""

    kind: str
    name: str
    fault: str | None


def check_objects(bucket: Bucket) -> Iterator[Checked]:
    """Read every object; captures come last and are held against what they refer to."""
    for kind in (*(kind for kind in KINDS if kind != "captures"), "captures"):
        for name in bucket.names(kind):
            try:
                object_id = ObjectId.parse(name)
            except ValueError:
                yield Checked(kind, name, "is no object of this archive; it was left as it is")
                continue
            try:
                data = bucket.get(kind, object_id)
            except (MissingObject, StorageError) as error:
                yield Checked(kind, name, str(error))
                continue
            yield Checked(kind, name, _fault(bucket, kind, object_id, data))


def check_index(bucket: Bucket, index_path: Path, scratch: Path) -> Iterator[str]:
    """Hold the index against one made from the objects at `scratch`, where nothing may be, and say what differs."""
    try:
        Index.open(index_path, write=False).close()
    except IndexDamaged as error:
        yield f"the index is not readable ({error}); the next command makes it anew"
        return
    rebuild(bucket, scratch).close()
    with closing(sqlite3.connect(scratch.absolute().as_uri(), uri=True)) as db:
        db.execute("ATTACH ? AS kept", (f"{index_path.absolute().as_uri()}?mode=ro",))
        for table, columns in _DERIVED.items():
            for one, other, what in (("kept", "main", "not in the objects"), ("main", "kept", "not in the index")):
                query = " EXCEPT ".join(f"SELECT {columns} FROM {which}.{table}" for which in (one, other))
                try:
                    for row in db.execute(query):
                        yield f"the index is wrong: {table}: {row[0]} is {what}; `feedarchiver reindex` makes it anew"
                except sqlite3.DatabaseError as error:
                    yield f"the index is not readable ({error}); the next command makes it anew"
                    return


_DERIVED = {
    "captures": "capture, captured, published, updated, article, fingerprint, source, id, raw",
    "events": "article, source, captured, published, updated, kind",
    "entries": "id",
    "aliases": "alias",
}


def _fault(bucket: Bucket, kind: str, object_id: ObjectId, data: bytes) -> str | None:
    if objects.object_id(data) != object_id:
        return f"is damaged{_named(kind, data)}; it was left as it is; restore it from a copy"
    try:
        if kind == "articles":
            objects.decode_article(data)
        elif kind == "captures":
            capture = objects.decode_capture(data)
            lost = [
                f"{what} {which}"
                for what, which in (("articles", capture.article), ("raw", capture.raw))
                if not bucket.has(what, which)
            ]
            if lost:
                return f"refers to {' and '.join(lost)}, which is missing; restore it from a copy"
    except ValueError as error:
        return f"is not readable: {error}"
    return None


def _named(kind: str, data: bytes) -> str:
    """Name a damaged article by what can still be read of it."""
    if kind != "articles":
        return ""
    try:
        article: Article = objects.decode_article(data)
    except ValueError:
        return ""
    return f' ("{article.title}", {article.link})'
