"""Where objects lie: a folder here, an object store in `remotebucket`.

A bucket knows kinds, ids and bytes, and nothing of what they mean. `put` hands bytes over, `flush` makes all that
was handed over durable: whoever reads a name after `flush`, even after a power cut, gets whole bytes or none.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice, product
from pathlib import Path
from typing import Protocol, TypeVar

from feedarchiver.archive.lock import locked
from feedarchiver.archive.spread import spread
from feedarchiver.durable import make_folders, sync_files, sync_folder, sync_folders
from feedarchiver.errors import DamagedObject, MissingObject, StorageError
from feedarchiver.model import ObjectId

KINDS = ("raw", "articles", "images", "captures", "image-captures")
CAPTURES = ("captures", "image-captures")
"""The kinds that refer to objects of the others."""
Length = Callable[[str, ObjectId], int | None]
AT_ONCE = 64
"""As many objects are worth expecting at a time."""
_WRITING = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_FORMAT = "format.json"
ANNOUNCED = "format.json.new"
_BEFORE_FORMAT = ("lock", ANNOUNCED)  # all that a killed run can leave of an archive that was being made
_T = TypeVar("_T")
_R = TypeVar("_R")
_FOLDER_DIGITS, _NAME_DIGITS = 2, 62


class Bucket(Protocol):
    """Immutable bytes by kind and id. Writing what exists is a no-op; nothing is ever overwritten or removed."""

    def length(self, kind: str, object_id: ObjectId) -> int | None:
        """Tell how many bytes the object has, handed over or durable; None when it is not there."""

    def get(self, kind: str, object_id: ObjectId) -> bytes:
        """Return the object's bytes, unchecked. Raises MissingObject, StorageError."""

    def put(self, kind: str, object_id: ObjectId, data: bytes) -> None:
        """Hand `data` over. Raises StorageError."""

    def flush(self) -> None:
        """Make everything handed over durable, objects that others refer to first. Raises StorageError."""

    def names(self, kind: str) -> Iterator[str]:
        """Every name of a kind in ascending order; one that is no object id stands as its path. Raises StorageError."""


class Ground(Protocol):
    """What an archive stands on: a place of its own, and in it the file that says so."""

    def format(self) -> bytes | None:
        """Read format.json. None: there is none. Raises StorageError."""

    def is_bare(self) -> bool:
        """Tell whether there is nothing that anybody may want to keep. Raises StorageError."""

    def begin(self, data: bytes) -> None:
        """Make the place, and write format.json unless another process was quicker. Raises StorageError."""

    def announce(self, data: bytes) -> None:
        """Make the place, and note there with which format.json it is going to begin. Raises StorageError."""

    def announced(self) -> bytes | None:
        """Read that note, which goes when the archive begins. None: there is none. Raises StorageError."""


class Store(Bucket, Ground, Protocol):
    """A bucket that an archive keeps its objects in, and the folder on this machine that it works in.

    `root` holds the lock, the list of what is being stored, and `tmp/`, for what is on its way.
    """

    root: str
    tmp: str

    def beside(self) -> "Store":
        """Give a store for the same objects to somebody who hands over others at the same time, in a `tmp` of its own.

        A flush of it that is killed cannot be finished: it got as far as it got.
        """

    def resume(self, captures: list[ObjectId]) -> None:
        """Finish a flush that was killed while it gave these captures their names. Needs the archive's lock."""

    def clear(self) -> None:
        """Forget what was handed over but not flushed, and what a crash left in `tmp/`. Needs the archive's lock."""

    def harden(self) -> None:
        """Make every name durable: one that a killed writer gave may not be, and somebody is about to rely on it."""

    def together(self, task: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
        """Do a task that reads objects for each item, several at a time if that is quicker. Results are in order."""

    def spread(self, task: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
        """Do what `together` does, in other processes if that is quicker: task, items and results are picklable."""

    def lengths(self) -> Length:
        """Give what tells the lengths of a great many objects as `length` does, as of now."""

    def expect(self, objects: Iterable[tuple[str, ObjectId]]) -> None:
        """Fetch objects that are about to be read one after the other, if that is quicker."""


def ahead(store: Store, objects: Iterable[tuple[str, ObjectId]]) -> Iterator[tuple[str, ObjectId]]:
    """Give kinds and ids as they come, with the store expecting some of them at a time."""
    left = iter(objects)
    while some := list(islice(left, AT_ONCE)):
        store.expect(some)
        yield from some


def read(bucket: Bucket, kind: str, object_id: ObjectId) -> bytes:
    """Read an object and check it against its name. Raises DamagedObject, MissingObject, StorageError."""
    data = bucket.get(kind, object_id)
    if hashlib.sha256(data).hexdigest() != object_id:
        raise DamagedObject(object_id)
    return data


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
            with open(path, "rb", buffering=0) as file:
                return file.readall()
        except (FileNotFoundError, NotADirectoryError):
            raise MissingObject(object_id) from None
        except OSError as error:
            raise StorageError.of(error, "read", path) from error

    def put(self, kind: str, object_id: ObjectId, data: bytes) -> None:
        if self.length(kind, object_id) is not None:
            return
        path = f"{self.tmp}/{kind}-{object_id}"
        try:
            try:
                _write(path, data)
            except FileNotFoundError:
                os.makedirs(self.tmp, exist_ok=True)
                _write(path, data)
        except OSError as error:
            _remove(path)
            raise StorageError.of(error, "write", self.path(kind, object_id)) from error
        self._waiting[kind, object_id] = path

    def flush(self) -> None:
        """Rename into place: first raw bytes, articles and images, then the captures that refer to them."""
        captures = {key: path for key, path in self._waiting.items() if key[0] in CAPTURES}
        others = {key: path for key, path in self._waiting.items() if key[0] not in CAPTURES}
        try:
            sync_files(self._waiting.values(), self.root)
            self._settle(others)
            self._settle(captures)
        except OSError as error:
            raise StorageError.of(error, "store", str(error.filename or self.root)) from error
        self._waiting.clear()

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

    def names(self, kind: str) -> Iterator[str]:
        root = f"{self.root}/{kind}"
        try:
            for folder in sorted(os.listdir(root)):
                if len(folder) != _FOLDER_DIGITS or not os.path.isdir(f"{root}/{folder}"):
                    yield f"{kind}/{folder}"
                    continue
                for name in sorted(os.listdir(f"{root}/{folder}")):
                    whole = folder + name
                    yield whole if len(name) == _NAME_DIGITS and is_hexadecimal(whole) else f"{kind}/{folder}/{name}"
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError.of(error, "list", str(error.filename or root)) from error

    def format(self) -> bytes | None:
        return self._said(_FORMAT)

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
            return Path(self.root, name).read_bytes()
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


def empty(folder: str) -> None:
    """Remove the files in `folder` and below, if there is one. Raises StorageError."""
    try:
        for item in list(os.scandir(folder)):
            if item.is_dir(follow_symlinks=False):
                empty(item.path)
                os.rmdir(item.path)
            else:
                os.unlink(item.path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError.of(error, "clear", folder) from error


def is_hexadecimal(text: str) -> bool:
    """Tell whether there is nothing but digits of a hash."""
    return not text.strip("0123456789abcdef")
