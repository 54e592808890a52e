"""A bucket in a folder: what every archive begins with, and what an object store is held against."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import TypeVar

from feedarchiver.archive.bucket import ANNOUNCED, CAPTURES, KINDS, Length, empty, is_hexadecimal
from feedarchiver.archive.lock import locked
from feedarchiver.archive.spread import spread
from feedarchiver.durable import make_folders, sync_files, sync_folder, sync_folders
from feedarchiver.errors import MissingObject, StorageError, UnreadableObject
from feedarchiver.model import ObjectId

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY
_WRITING = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_FORMAT = "format.json"
_BEFORE_FORMAT = ("lock", ANNOUNCED)  # all that a killed run can leave of an archive that was being made
_FOLDER_DIGITS, _NAME_DIGITS = 2, 62
_T = TypeVar("_T")
_R = TypeVar("_R")


class FolderBucket:
    """A bucket in a folder: `<kind>/<first two digits>/<the other 62>`, read-only files.

    Bytes are written below `tmp/`. `flush` makes them durable, renames them into place, and makes the names durable.
    A crash leaves files in `tmp/` only, which `clear` removes.
    """

    def __init__(self, root: Path, tmp: str = "tmp") -> None:
        self.root = str(root)
        self.tmp = os.path.join(self.root, tmp)
        self._waiting: dict[tuple[str, ObjectId], str] = {}
        self._folders: set[str] = set()
        self._is_beside = tmp != "tmp"
        self._met: set[str] = set()  # folders with names that somebody else may have given just now

    def beside(self) -> "FolderBucket":
        return FolderBucket(Path(self.root), f"tmp/{os.urandom(8).hex()}")

    def length(self, kind: str, object_id: ObjectId) -> int | None:
        try:
            return os.lstat(self._waiting.get((kind, object_id)) or self.path(kind, object_id)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def path(self, kind: str, object_id: ObjectId) -> str:
        """Tell where the object lies once it is durable."""
        return f"{self.root}/{kind}/{object_id[:2]}/{object_id[2:]}"

    def get(self, kind: str, object_id: ObjectId) -> bytes:
        path = self._waiting.get((kind, object_id)) or self.path(kind, object_id)
        try:
            return _content(path) or b""  # as no object is empty, that does not match its name
        except (FileNotFoundError, NotADirectoryError):
            raise MissingObject(object_id) from None
        except OSError as error:
            if error.errno == errno.EIO:
                raise UnreadableObject(object_id) from error
            raise StorageError.of(error, "read", path) from error

    def put(self, kind: str, object_id: ObjectId, data: bytes) -> bool:
        named = self.path(kind, object_id)
        if (kind, object_id) in self._waiting:
            return False
        if os.access(named, os.F_OK, follow_symlinks=False):
            if self._is_beside:
                self._met.add(os.path.dirname(named))
            return False
        path = f"{self.tmp}/{kind}-{object_id}"
        try:
            try:
                _write(path, data)
            except FileNotFoundError:
                os.makedirs(self.tmp, exist_ok=True)
                _write(path, data)
        except OSError as error:
            _remove(path)
            raise StorageError.of(error, "write", named) from error
        self._waiting[kind, object_id] = path
        return True

    def flush(self) -> None:
        """Rename into place: first raw bytes, articles and images, then the captures that refer to them."""
        captures = {key: path for key, path in self._waiting.items() if key[0] in CAPTURES}
        others = {key: path for key, path in self._waiting.items() if key[0] not in CAPTURES}
        try:
            sync_files(self._waiting.values(), self.root)
            self._settle(others)
            sync_folders(sorted(self._met), self.root)
            self._settle(captures)
        except OSError as error:
            raise StorageError.of(error, "store", str(error.filename or self.root)) from error
        self._waiting.clear()
        self._met.clear()

    def resume(self, captures: list[ObjectId]) -> None:
        """Give the captures in `tmp/` their names.

        When the first has its name, what they refer to is in place, and all of them are durable in `tmp/`.
        """
        missing = [capture for capture in captures if all(self.length(kind, capture) is None for kind in CAPTURES)]
        if len(missing) == len(captures):
            return
        for kind, capture in product(CAPTURES, missing):
            path = f"{self.tmp}/{kind}-{capture}"
            with suppress(OSError), open(path, "rb") as file:
                if hashlib.sha256(file.read()).hexdigest() == capture:
                    self._waiting[kind, capture] = path
        self.flush()

    def clear(self) -> None:
        self._waiting.clear()
        empty(self.tmp)

    def harden(self) -> None:
        kinds = [f"{self.root}/{kind}" for kind in KINDS]
        kinds = [kind for kind in kinds if os.path.isdir(kind)]
        try:
            folders = [f"{kind}/{name}" for kind in kinds for name in os.listdir(kind) if len(name) == _FOLDER_DIGITS]
            sync_folders([self.root, *kinds, *filter(os.path.isdir, folders)], self.root)
        except OSError as error:
            raise StorageError.of(error, "store", str(error.filename or self.root)) from error

    def names(self, kind: str, prefix: str = "") -> Iterator[str]:
        root = f"{self.root}/{kind}"
        try:
            for folder in sorted(os.listdir(root)):
                if not folder.startswith(prefix[:_FOLDER_DIGITS]):
                    continue
                if len(folder) != _FOLDER_DIGITS or not os.path.isdir(f"{root}/{folder}"):
                    if not prefix:
                        yield f"{kind}/{folder}"
                    continue
                for name in sorted(os.listdir(f"{root}/{folder}")):
                    whole = folder + name
                    if len(name) != _NAME_DIGITS or not is_hexadecimal(whole):
                        whole = f"{kind}/{folder}/{name}"
                    if whole.startswith(prefix):
                        yield whole
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError.of(error, "list", str(error.filename or root)) from error

    def format(self) -> bytes | None:
        return self._said(_FORMAT)

    def sight(self) -> str:
        path = f"{self.root}/{_FORMAT}"
        try:
            return str(os.stat(path).st_ctime_ns)
        except OSError as error:
            raise StorageError.of(error, "read", path) from error

    def announced(self) -> bytes | None:
        return self._said(ANNOUNCED)

    def is_bare(self) -> bool:
        try:
            with os.scandir(self.root) as items:
                return all(item.name in _BEFORE_FORMAT for item in items)
        except FileNotFoundError:
            return True
        except OSError as error:
            raise StorageError.of(error, "read", self.root) from error

    def begin(self, data: bytes) -> None:
        """Make the folder and in it format.json. The folders of objects come with the first."""
        root = Path(self.root)
        try:
            self._make()
            with locked(root):
                if self.format() is None:
                    self._note(data)
                    (root / ANNOUNCED).replace(root / _FORMAT)
                    sync_folder(self.root)
        except OSError as error:
            raise StorageError.of(error, "make the archive", self.root) from error

    def announce(self, data: bytes) -> None:
        try:
            self._make()
            self._note(data)
            sync_folder(self.root)
        except OSError as error:
            raise StorageError.of(error, "make the archive", self.root) from error

    def together(self, task: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
        return map(task, items)

    def spread(self, task: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
        return spread(task, items)

    def lengths(self) -> Length:
        return self.length

    def expect(self, objects: Iterable[tuple[str, ObjectId]]) -> None:
        """Do nothing: a file is read as quickly when it is wanted."""

    def _make(self) -> None:
        parents = reversed(Path(self.root).parents)
        make_folders([*(str(folder) for folder in parents if not folder.exists()), self.root])

    def _note(self, data: bytes) -> None:
        with Path(self.root, ANNOUNCED).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _said(self, name: str) -> bytes | None:
        try:
            return _content(f"{self.root}/{name}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageError.of(error, "read", f"{self.root}/{name}") from error

    def _settle(self, waiting: dict[tuple[str, ObjectId], str]) -> None:
        folders = sorted({f"{self.root}/{kind}/{name[:_FOLDER_DIGITS]}" for kind, name in waiting})
        fresh = [folder for folder in folders if folder not in self._folders]
        make_folders(sorted({os.path.dirname(folder) for folder in fresh}))
        make_folders(fresh)
        self._folders.update(fresh)
        for (kind, name), path in waiting.items():
            os.rename(path, self.path(kind, name))
        sync_folders(folders, self.root)


def _content(path: str) -> bytes | None:
    """Read a regular file. None for anything else: a pipe would be waited for, and a device may have no end."""
    try:
        descriptor = os.open(path, _READING | os.O_NONBLOCK)
    except BlockingIOError:  # it is a file, of which somebody, like a file server, has a lease
        descriptor = os.open(path, _READING)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            return None
        data = os.read(descriptor, state.st_size + 1)
        while len(data) < state.st_size and (more := os.read(descriptor, state.st_size - len(data))):
            data += more
        return data
    finally:
        os.close(descriptor)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, _WRITING, 0o444)
    try:
        done = os.write(descriptor, data)
        while done < len(data):
            done += os.write(descriptor, memoryview(data)[done:])
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    with suppress(OSError):  # the write's own error is what matters; `clear` removes the file later
        os.unlink(path)
