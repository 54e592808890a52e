"""Where objects lie: in a folder (`folderbucket`), or in an object store (`remotebucket`).

A bucket knows kinds, ids and bytes, and nothing of what they mean. `put` hands bytes over, `flush` makes all that
was handed over durable: whoever reads a name after `flush`, even after a power cut, gets whole bytes or none.
"""

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol, TypeVar

from feedarchiver.errors import DamagedObject, StorageError
from feedarchiver.model import ObjectId

KINDS = ("raw", "articles", "images", "captures", "image-captures")
CAPTURES = ("captures", "image-captures")
"""The kinds that refer to objects of the others."""
Length = Callable[[str, ObjectId], int | None]
AT_ONCE = 64
"""As many objects are worth expecting at a time."""
ANNOUNCED = "format.json.new"
_T = TypeVar("_T")
_R = TypeVar("_R")


class Bucket(Protocol):
    """Immutable bytes by kind and id. Writing what exists is a no-op; nothing is ever overwritten or removed."""

    def length(self, kind: str, object_id: ObjectId) -> int | None:
        """Tell how many bytes the object has, handed over or durable; None when it is not there."""

    def get(self, kind: str, object_id: ObjectId) -> bytes:
        """Return the object's bytes, unchecked. Raises UnreadableObject, MissingObject, StorageError."""

    def put(self, kind: str, object_id: ObjectId, data: bytes) -> bool:
        """Hand `data` over. False: the object is known to be there, be it whole or not. Raises StorageError."""

    def flush(self) -> None:
        """Make everything handed over durable, objects that others refer to first. Raises StorageError."""

    def names(self, kind: str, prefix: str = "") -> Iterator[str]:
        """Every name of a kind in ascending order; one that is no object id stands as its path. Raises StorageError.

        `prefix`: only the object ids that begin with it.
        """


class Ground(Protocol):
    """What an archive stands on: a place of its own, and in it the file that says so."""

    def format(self) -> bytes | None:
        """Read format.json. None: there is none. Raises StorageError."""

    def is_bare(self) -> bool:
        """Tell whether there is nothing that anybody may want to keep. Raises StorageError."""

    def begin(self, data: bytes) -> None:
        """Make the place, and write format.json unless another process was quicker. Raises StorageError."""

    def sight(self) -> str:
        """Say when that file came here, the same to all machines; of a copy it says another. Raises StorageError."""

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


def empty(folder: str) -> None:
    """Remove the files in `folder` and below, if there is one. Raises StorageError, also where it is a link."""
    try:
        if os.path.islink(folder):  # what it leads to is somebody else's
            raise NotADirectoryError(errno.ENOTDIR, "it is a link to another folder, which was left as it is")
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
