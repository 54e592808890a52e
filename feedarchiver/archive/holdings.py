"""What another archive holds, before it comes here: its captures (of articles and of images), and what they are about.

Whoever hands objects over has checked each against its name; what cannot be handed over is told, and the rest goes on.
An archive in a folder is read like what a stranger left there: links are not followed, only regular files are opened.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from feedarchiver import imagefile
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import CAPTURES, KINDS
from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.objects import object_id
from feedarchiver.errors import StorageError
from feedarchiver.model import ObjectId, Refusal, parse_object_id

OTHERS = tuple(kind for kind in KINDS if kind not in CAPTURES)
LEFT_OUT = "it was left out, the rest goes on"

Refuse = Callable[[Refusal], None]
Wanted = Callable[[str, ObjectId], bool]

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Holding(Protocol):
    """The objects of another archive. `captures` comes first, `others` once after it."""

    place: str

    def captures(self) -> Iterator[tuple[str, ObjectId, bytes]]:
        """Give every capture, with its kind. Raises ArchiveError when there is no archive, or one of a newer layout."""

    def others(self, wanted: Wanted) -> Iterator[tuple[str, ObjectId, bytes]]:
        """Give the articles, raw bytes and images that are wanted, with their kinds."""


class FolderHolding:
    """An archive in a folder."""

    def __init__(self, folder: Path, limit_bytes: int, refuse: Refuse) -> None:
        self.place = str(folder)
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._refuse = refuse

    def captures(self) -> Iterator[tuple[str, ObjectId, bytes]]:
        Archive.open(self._folder, self._folder / "index.db")
        for kind in CAPTURES:
            yield from self._objects(kind, lambda _kind, _id: True)

    def others(self, wanted: Wanted) -> Iterator[tuple[str, ObjectId, bytes]]:
        for kind in OTHERS:
            yield from self._objects(kind, wanted)

    def _objects(self, kind: str, wanted: Wanted) -> Iterator[tuple[str, ObjectId, bytes]]:
        bucket = FolderBucket(self._folder)
        for name in bucket.names(kind):
            try:
                which = parse_object_id(name)
                data = self._read(kind, bucket.path(kind, which)) if wanted(kind, which) else None
                if data is None:
                    continue
                check(which, data)
            except ValueError as error:
                reason = "it is no object of an archive" if name.startswith(f"{kind}/") else str(error)
                self._refuse(Refusal(place=os.path.join(self.place, _path(kind, name)), reason=reason, kept=LEFT_OUT))
                continue
            yield kind, which, data

    def _read(self, kind: str, path: str) -> bytes:
        """Read a regular file whole. Raises ValueError for anything else."""
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            raise ValueError(f"it cannot be read: {error.strerror}") from error
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("it is not a regular file")
            size_bytes = os.fstat(descriptor).st_size
            check_size(kind, size_bytes, self._limit_bytes)
            try:
                data = file.read(size_bytes)
            except OSError as error:
                raise StorageError.of(error, "read", path, "what came before was taken") from error
        return data


def check(name: ObjectId, data: bytes) -> None:
    """See that an object's bytes match its name. Raises ValueError."""
    if object_id(data) != name:
        raise ValueError("its bytes do not match its name")


def check_size(kind: str, size_bytes: int, limit_bytes: int) -> None:
    """See that an object is not too large to be taken; for images seeds are no measure. Raises ValueError."""
    if kind == "images":
        limit_bytes, which = imagefile.LIMIT_BYTES, "the limit of images"
    else:
        which = "twice max_seed_size"
    if size_bytes > limit_bytes:
        raise ValueError(f"it is larger than {limit_bytes:,} bytes, {which}")


def _path(kind: str, name: str) -> str:
    return name if "/" in name else f"{kind}/{name[:2]}/{name[2:]}"
