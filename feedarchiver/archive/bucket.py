"""Where objects lie: a folder now, other stores later.

A bucket knows kinds, ids and bytes, and nothing of what they mean. `put` hands bytes over, `flush` makes all that
was handed over durable: whoever reads a name after `flush`, even after a power cut, gets whole bytes or none.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from feedarchiver.errors import MissingObject, StorageError
from feedarchiver.model import ObjectId

KINDS = ("raw", "articles", "captures", "images")
_FOLDER_DIGITS, _NAME_DIGITS = 2, 62


class Bucket(Protocol):
    """Immutable bytes by kind and id. Writing what exists is a no-op; nothing is ever overwritten or removed."""

    def has(self, kind: str, object_id: ObjectId) -> bool:
        """Tell whether the object is there, handed over or durable."""

    def get(self, kind: str, object_id: ObjectId) -> bytes:
        """Return the object's bytes, unchecked. Raises MissingObject, StorageError."""

    def put(self, kind: str, object_id: ObjectId, data: bytes) -> None:
        """Hand `data` over. Raises StorageError."""

    def flush(self) -> None:
        """Make everything handed over durable, objects that others refer to first. Raises StorageError."""

    def names(self, kind: str) -> Iterator[str]:
        """Every name of a kind in ascending order; one that is no object id stands as its path. Raises StorageError."""


class FolderBucket:
    """A bucket in a folder: `<kind>/<first two digits>/<the other 62>`, read-only files.

    Bytes are written and fsynced below `tmp/`, then renamed into place, then the folders are fsynced. A crash leaves
    files in `tmp/` only, which `clear` removes.
    """

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self._tmp = os.path.join(self.root, "tmp")
        self._waiting: dict[tuple[str, ObjectId], str] = {}
        self._folders: set[str] = set()

    def has(self, kind: str, object_id: ObjectId) -> bool:
        return (kind, object_id) in self._waiting or os.path.lexists(self.path(kind, object_id))

    def path(self, kind: str, object_id: ObjectId) -> str:
        """Tell where the object lies once it is durable."""
        return f"{self.root}/{kind}/{object_id[:2]}/{object_id[2:]}"

    def get(self, kind: str, object_id: ObjectId) -> bytes:
        path = self._waiting.get((kind, object_id)) or self.path(kind, object_id)
        try:
            with open(path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            raise MissingObject(object_id) from None
        except OSError as error:
            raise StorageError.of(error, "read", path) from error

    def put(self, kind: str, object_id: ObjectId, data: bytes) -> None:
        if self.has(kind, object_id):
            return
        path = f"{self._tmp}/{kind}-{object_id}"
        try:
            _write_durably(path, data)
        except FileNotFoundError:
            os.makedirs(self._tmp, exist_ok=True)
            self.put(kind, object_id, data)
            return
        except OSError as error:
            _remove(path)
            raise StorageError.of(error, "write", self.path(kind, object_id)) from error
        self._waiting[kind, object_id] = path

    def flush(self) -> None:
        """Rename into place: first raw bytes, articles and images, then the captures that refer to them."""
        captures = {key: path for key, path in self._waiting.items() if key[0] == "captures"}
        others = {key: path for key, path in self._waiting.items() if key[0] != "captures"}
        for phase in (others, captures):
            try:
                self._settle(phase)
            except OSError as error:
                raise StorageError.of(error, "store", str(error.filename or self.root)) from error
        self._waiting.clear()

    def clear(self) -> None:
        """Forget what was handed over but not flushed, and what a crash left in `tmp/`. Needs the archive's lock."""
        self._waiting.clear()
        try:
            for name in os.listdir(self._tmp):
                os.unlink(f"{self._tmp}/{name}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError.of(error, "clear", self._tmp) from error

    def names(self, kind: str) -> Iterator[str]:
        root = f"{self.root}/{kind}"
        try:
            for folder in sorted(os.listdir(root)):
                if len(folder) != _FOLDER_DIGITS or not os.path.isdir(f"{root}/{folder}"):
                    yield f"{kind}/{folder}"
                    continue
                for name in sorted(os.listdir(f"{root}/{folder}")):
                    whole = folder + name
                    yield whole if len(name) == _NAME_DIGITS and _is_hexadecimal(whole) else f"{kind}/{folder}/{name}"
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError.of(error, "list", str(error.filename or root)) from error

    def _settle(self, waiting: dict[tuple[str, ObjectId], str]) -> None:
        targets = {path: self.path(*key) for key, path in waiting.items()}
        folders = sorted({os.path.dirname(target) for target in targets.values()})
        self._make([folder for folder in folders if folder not in self._folders])
        for path, target in targets.items():
            os.rename(path, target)
        for folder in folders:
            sync_folder(folder)

    def _make(self, folders: list[str]) -> None:
        """Make folders of objects, durably: a folder that a crash left may not be in its parent for good yet."""
        kinds = sorted({os.path.dirname(folder) for folder in folders})
        for folder in (*kinds, *folders):
            with suppress(FileExistsError):
                os.mkdir(folder)
        for parent in (self.root, *kinds) if folders else ():
            sync_folder(parent)
        self._folders.update(folders)


def sync_folder(folder: str) -> None:
    """Make the names in `folder` durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that cannot sync a folder say so
            raise
    finally:
        os.close(descriptor)


def _write_durably(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o444)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    with suppress(OSError):  # the write's own error is what matters; `clear` removes the file later
        os.unlink(path)


def _is_hexadecimal(text: str) -> bool:
    return all(character in "0123456789abcdef" for character in text)
