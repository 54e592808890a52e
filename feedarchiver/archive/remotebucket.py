"""A bucket in an object store: the keys are those of a folder's files, so that either can be copied to the other.

What is handed over waits in memory until `flush` stores it, several objects at a time: first raw bytes, articles and
images, then the captures that refer to them. Those are in a journal on this machine before the first of them is
stored, so that a flush that was killed among them can be finished.
"""

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from threading import Lock
from typing import TypeVar

from feedarchiver.archive.bucket import ANNOUNCED, CAPTURES, Length, empty, is_hexadecimal
from feedarchiver.archive.objects import object_id as name_of
from feedarchiver.durable import sync_folder
from feedarchiver.errors import MissingObject, StorageError
from feedarchiver.model import ObjectId
from feedarchiver.s3.remote import Remote

_T = TypeVar("_T")
_R = TypeVar("_R")
_Key = tuple[str, ObjectId]
_FORMAT = "format.json"
_DIGITS, _FOLDER_DIGITS = "0123456789abcdef", 2
_NEAR_BYTES = 64_000_000


class RemoteBucket:
    """A bucket in an object store. `root`: the folder on this machine that it works in."""

    def __init__(self, remote: Remote, root: Path, *, keeps_journal: bool = True) -> None:
        self.remote, self.root = remote, str(root)
        self.tmp = os.path.join(self.root, "tmp")
        self._journal = os.path.join(self.tmp, "captures")
        self._keeps_journal = keeps_journal
        self._waiting: dict[_Key, bytes] = {}
        self._near = _Near()
        self._keeps: bool | None = None  # whether the store keeps what is there; None: not known yet

    def length(self, kind: str, object_id: ObjectId) -> int | None:
        waiting = self._waiting.get((kind, object_id))
        return self.remote.length(_key(kind, object_id)) if waiting is None else len(waiting)

    def get(self, kind: str, object_id: ObjectId) -> bytes:
        key = kind, object_id
        for found in (self._waiting.get, self._near.get, self._fetch):
            data = found(key)
            if data is not None:
                return data
        raise MissingObject(object_id)

    def put(self, kind: str, object_id: ObjectId, data: bytes) -> bool:
        self._waiting.setdefault((kind, object_id), data)
        return True

    def flush(self) -> None:
        captures = [key for key in self._waiting if key[0] in CAPTURES]
        self._store([key for key in self._waiting if key[0] not in CAPTURES])
        if captures:
            if self._keeps_journal:
                self._write_journal(captures)
            self._store(captures)
        for key, data in self._waiting.items():
            if key[0] == "articles":
                self._near.keep(key, data)  # it is about to be published
        self._waiting.clear()

    def beside(self) -> "RemoteBucket":
        return RemoteBucket(self.remote, Path(self.root), keeps_journal=False)

    def resume(self, captures: list[ObjectId]) -> None:
        """Store the captures in the journal. When the first is stored, what they refer to is, too."""
        journal = {key: data for key, data in self._read_journal().items() if key[1] in captures}
        if any(self.remote.length(_key(*key)) is not None for key in journal):
            self._waiting.update(journal)
            self.flush()

    def clear(self) -> None:
        self._waiting.clear()
        if self._keeps_journal:
            empty(self.tmp)

    def harden(self) -> None:
        """Do nothing: what a store has confirmed is durable."""

    def names(self, kind: str, prefix: str = "") -> Iterator[str]:
        if not prefix:
            yield from (_name(listed.key) for listed in self.remote.list(kind))
            return
        first, rest = prefix[:_FOLDER_DIGITS], prefix[_FOLDER_DIGITS:]
        for end in product(_DIGITS, repeat=_FOLDER_DIGITS - len(first)):
            yield from filter(is_hexadecimal, self._behind(f"{kind}/{first}{''.join(end)}", rest))

    def format(self) -> bytes | None:
        return self.remote.get(_FORMAT)

    def sight(self) -> str:
        return self.remote.made(_FORMAT) or ""

    def is_bare(self) -> bool:
        return self.remote.is_empty()

    def begin(self, data: bytes) -> None:
        if self.format() is None:
            self.remote.create(_FORMAT, data)
        if self.announced() is not None:
            with suppress(StorageError):  # who may not remove anything leaves it there: it harms nobody
                self.remote.remove([ANNOUNCED])

    def announce(self, data: bytes) -> None:
        self.remote.create(ANNOUNCED, data)

    def announced(self) -> bytes | None:
        return self.remote.get(ANNOUNCED)

    def together(self, task: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
        return self.remote.together(task, items)

    def spread(self, task: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
        """Stay in this process: what is waited for is the store."""
        return self.together(task, items)

    def expect(self, objects: Iterable[_Key]) -> None:
        wanted = [key for key in dict.fromkeys(objects) if key not in self._near and key not in self._waiting]
        if len(wanted) > 1:
            for key, data in zip(wanted, self.remote.together(self._fetch, wanted), strict=True):
                if data is not None:
                    self._near.keep(key, data)

    def lengths(self) -> Length:
        """List everything, which takes one request for a thousand objects, into a file that has no name."""
        db = sqlite3.connect("", isolation_level=None)
        db.execute("CREATE TABLE listed (key TEXT PRIMARY KEY, length INTEGER NOT NULL) WITHOUT ROWID")
        db.execute("BEGIN")
        waiting = ((_key(*key), len(data)) for key, data in self._waiting.items())
        for found in ((listed[:2] for listed in self.remote.list()), waiting):
            db.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?)", found)
        db.execute("COMMIT")

        def length(kind: str, object_id: ObjectId) -> int | None:
            row = db.execute("SELECT length FROM listed WHERE key = ?", (_key(kind, object_id),)).fetchone()
            return row and int(row[0])

        return length

    def _store(self, keys: list[_Key]) -> None:
        """Store what waits under these keys, in any order, and return when all of it is stored."""
        left = iter(keys)
        while self._keeps is None and (key := next(left, None)):
            self._keeps = self._learn(key)
        for _ in self.remote.together(self._create, left):
            pass

    def _behind(self, folder: str, begins: str) -> Iterator[str]:
        """Name what lies in a folder and begins with something."""
        for listed in self.remote.list(folder, after=f"{folder}/{begins}"):
            if not listed.key.startswith(f"{folder}/{begins}"):
                return
            yield _name(listed.key)

    def _fetch(self, key: _Key) -> bytes | None:
        return self.remote.get(_key(*key))

    def _create(self, key: _Key) -> None:
        if self._keeps or self.remote.length(_key(*key)) is None:
            self.remote.create(_key(*key), self._waiting[key])

    def _learn(self, key: _Key) -> bool | None:
        """Store an object, and find out whether the store keeps it when told to create it again.

        None: it was there already, and nothing has been found out.
        """
        path, data = _key(*key), self._waiting[key]
        if self.remote.length(path) is not None:
            return None
        self.remote.create(path, data)
        return not self.remote.create(path, data)

    def _write_journal(self, captures: list[_Key]) -> None:
        """Make captures durable here: canonical JSON is one line each."""
        try:
            os.makedirs(self.tmp, exist_ok=True)
            with open(self._journal, "wb") as file:
                file.writelines(kind.encode() + b" " + self._waiting[kind, which] + b"\n" for kind, which in captures)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.tmp)
        except OSError as error:
            raise StorageError.of(error, "write", self._journal) from error

    def _read_journal(self) -> dict[_Key, bytes]:
        try:
            with open(self._journal, "rb") as file:
                lines = [line.rstrip(b"\n").partition(b" ") for line in file]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StorageError.of(error, "read", self._journal) from error
        return {(kind.decode("ascii", "replace"), name_of(data)): data for kind, _, data in lines}


class _Near:
    """Objects at hand: those that were stored or fetched last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._size_bytes = 0
        self._lock = Lock()  # the threads of a worker share an archive to read

    def __contains__(self, key: _Key) -> bool:
        return key in self._kept

    def get(self, key: _Key) -> bytes | None:
        return self._kept.get(key)

    def keep(self, key: _Key, data: bytes) -> None:
        with self._lock:
            self._size_bytes += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._size_bytes > _NEAR_BYTES:
                self._size_bytes -= len(self._kept.popitem(last=False)[1])


def _key(kind: str, object_id: ObjectId) -> str:
    return f"{kind}/{object_id[:2]}/{object_id[2:]}"


def _name(key: str) -> str:
    """Name what a key stands for: an object by its id, anything else by the key."""
    with suppress(ValueError):
        _, folder, rest = key.split("/")
        whole = folder + rest
        if (len(folder), len(rest)) == (2, 62) and is_hexadecimal(whole):
            return whole
    return key
