"""The copy of the published folder in a bucket: what has changed is put there, in an order that breaks no link.

The folder on this machine is the original: built, kept and read as if there were no bucket. Beside it is noted what was
put into the bucket, with the tag that the bucket gave it. While all stands there, a mark says so; it goes before a
build and comes back when all that was built is there, so what a crash left out is found by comparing everything here
with the notes. What somebody else has changed in the bucket is found when its listing is compared with the notes: by a
full build. Where there are no notes, those of an earlier life are made out of the listing.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

from feedarchiver.archive.lock import locked
from feedarchiver.building.keys import COPIED, SETTLED, is_copied, state_of
from feedarchiver.building.target import Advance, Built
from feedarchiver.durable import sync_folder
from feedarchiver.errors import StorageError
from feedarchiver.publish.folder import Folder
from feedarchiver.publish.kinds import media_type, published
from feedarchiver.publish.opml import LIST
from feedarchiver.s3.address import Address
from feedarchiver.s3.remote import Remote

_TABLES = """
CREATE TABLE IF NOT EXISTS place (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    path TEXT PRIMARY KEY, tag TEXT NOT NULL, stamp TEXT NOT NULL, stands_in INTEGER NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
"""


class _Noted(NamedTuple):
    """What is noted of a document in the bucket.

    `stamp`: the state of the file here that it is the copy of; none is known when it is empty. `stands_in`: the file
    here is empty and only says that there is one in the bucket, whose bytes nobody here knows.
    """

    tag: str
    stamp: str
    stands_in: bool


class Copying:
    """One copying of the folder: `begin` before the build, `finish` after it. One process at a time."""

    def __init__(self, folder: Path, bucket: Address) -> None:
        self._root, self._folder = str(folder), Folder(folder)
        self._notes, self._name = folder / COPIED, repr(tuple(bucket))
        self._remote, self._bucket = Remote.connect(bucket), bucket
        self._was_settled = False
        self._left = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._notes.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError.of(error, "write", str(self._notes)) from error
        with ExitStack() as stack:
            stack.enter_context(locked(self._notes))
            self._db = self._open()
            stack.callback(self._db.close)
            self._left = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    def prepare(self) -> None:
        """Where there are no notes, or those of another bucket, make them out of a listing.

        What is not here gets an empty file, so that a build sees what was published.
        """
        if self._db.execute("SELECT name FROM place").fetchone() == (self._name,):
            return
        with self._noting():
            self._db.execute("DELETE FROM place")
            self._db.execute("DELETE FROM documents")
            for listed in self._remote.list():
                kind = published(listed.key)
                if kind is None:
                    continue
                stands_in = not kind.owned and not self._size(listed.key)
                if stands_in:
                    data = self._remote.get(LIST) if listed.key == LIST else None
                    self._folder.write_parts(listed.key, [data or b""])
                self._note(listed.key, _Noted(listed.tag, "", stands_in))
            self._db.execute("INSERT INTO place VALUES (?)", (self._name,))

    def begin(self) -> None:
        """Take the mark away."""
        self._was_settled = is_copied(self._notes.parent, self._bucket)
        with suppress(FileNotFoundError):
            os.unlink(self._notes / SETTLED)
            sync_folder(str(self._notes))
        self.prepare()

    def finish(self, done: Built, advance: Advance, *, full: bool) -> None:
        """Put what has changed into the bucket, take away what is no more, and mark that all stands there."""
        if full:
            self._compare()
        whole = full or not self._was_settled
        turns: dict[tuple[int, bool], list[str]] = {}
        for path in self._files() if whole else sorted(set(done.written)):
            kind, noted = published(path), self._noted(path)
            if kind and not self._stands_in(path, noted):
                turns.setdefault((kind.order, noted is not None), []).append(path)
        for turn in sorted(turns):  # what is new comes before what is replaced and may link to it
            self._put(turns[turn], advance)
        self._remove(
            [path for path in (self._paths() if whole else done.removed) if state_of(self._root, path) is None]
        )
        for path in self._paths() if whole else ():
            if self._stands_in(path, self._noted(path)):  # somebody else's: it stays there, and is nothing here
                self._folder.remove(path)
                self._forget(path)
        (self._notes / SETTLED).write_text(self._name, encoding="utf-8")

    def _put(self, paths: list[str], advance: Advance) -> None:
        """Put documents into the bucket, several at a time, but for those that are there already."""
        with self._noting():
            wanted = ((path, self._noted(path)) for path in paths)
            differing = [(path, was) for path, was in wanted if not was or was.stamp != state_of(self._root, path)]
            for (path, _), noted in zip(differing, self._remote.together(self._copy, differing), strict=True):
                if noted:
                    self._note(path, noted)
                advance(path)

    def _copy(self, document: tuple[str, _Noted | None]) -> _Noted | None:
        """Put a document into the bucket, if it is another one than that which `document` notes. None: it is gone."""
        path, was = document
        stamp, data, kind = state_of(self._root, path), self._folder.read(path), published(path)
        if stamp is None or data is None or kind is None:
            return None
        tag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
        if was is None or was.tag != tag:
            tag = self._remote.put(path, data, {"Content-Type": media_type(path), "Cache-Control": kind.holds})
        return _Noted(tag, stamp, stands_in=False)

    def _remove(self, paths: list[str]) -> None:
        """Take documents away that are not here any more. What nobody put there is left alone."""
        known = [path for path in paths if self._noted(path)]
        self._remote.remove(known)
        with self._noting():
            for path in known:
                self._forget(path)

    def _compare(self) -> None:
        """Forget what is noted of documents that are not in the bucket as they were put there."""
        with self._noting():
            self._db.execute("CREATE TEMPORARY TABLE listed (path TEXT PRIMARY KEY, tag TEXT NOT NULL) WITHOUT ROWID")
            listed = ((listed.key, listed.tag) for listed in self._remote.list())
            self._db.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?)", listed)
            self._db.execute("DELETE FROM documents WHERE path NOT IN (SELECT path FROM listed)")
            self._db.execute(
                "UPDATE documents SET tag = listed.tag, stamp = '' FROM listed "
                "WHERE listed.path = documents.path AND listed.tag != documents.tag"
            )

    def _files(self) -> Iterator[str]:
        """List everything that is published here."""
        for folder, below, names in os.walk(self._root):
            below[:] = [name for name in below if not name.startswith(".")]
            start = os.path.relpath(folder, self._root)
            yield from names if start == "." else (f"{start}/{name}" for name in names)

    def _stands_in(self, path: str, noted: _Noted | None) -> bool:
        """Tell whether the file here is nothing but the sign that there is one in the bucket."""
        return noted is not None and noted.stands_in and self._size(path) == 0

    def _size(self, path: str) -> int | None:
        """Tell how large the file here is: no document is empty. None: there is none."""
        with suppress(OSError):
            return os.lstat(f"{self._root}/{path}").st_size
        return None

    def _open(self) -> sqlite3.Connection:
        """Open the notes; those that are damaged are made anew."""
        path = self._notes / "documents.db"
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.executescript(_TABLES)
        except sqlite3.DatabaseError:
            db.close()
            path.unlink()
            db = sqlite3.connect(path, isolation_level=None)
            db.executescript(_TABLES)
        return db

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Keep what is noted together, also when something fails on the way: it has been done."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def _paths(self) -> list[str]:
        return [path for (path,) in self._db.execute("SELECT path FROM documents ORDER BY path")]

    def _noted(self, path: str) -> _Noted | None:
        row = self._db.execute("SELECT tag, stamp, stands_in FROM documents WHERE path = ?", (path,)).fetchone()
        return row and _Noted(row[0], row[1], bool(row[2]))

    def _note(self, path: str, noted: _Noted) -> None:
        self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (path, *noted))

    def _forget(self, path: str) -> None:
        self._db.execute("DELETE FROM documents WHERE path = ?", (path,))
