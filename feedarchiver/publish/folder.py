"""The published folder: whole files, replaced only when their bytes change.

A reader of a file, however it reads, sees the old bytes or the new ones, also after a power cut: temporary file in the
same folder, fsync, rename, and at last (`settle`) fsync of the folder. Nothing is written outside: folders are opened
one below the other and a symbolic link among them is refused; one in the place of a file is replaced, what it points to
is left alone.
One builder at a time: the caller sees to it. Two at once never tear a file, but one of them may fail.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Literal

from feedarchiver.errors import StorageError
from feedarchiver.model import Document

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC
_AT_ONCE = 512  # the least IOV_MAX of our systems is 1024


class Folder:
    """A folder that documents are published in. It is made when the first one is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._swept: set[PurePosixPath] = set()
        self._unsettled: set[PurePosixPath] = set()

    def write(self, document: Document) -> Literal["written", "unchanged"]:
        """Publish a document. Raises StorageError; ValueError for a path that is none below this folder."""
        return self.write_parts(document.path, [document.data])

    def write_parts(self, place: str, parts: Sequence[bytes | memoryview]) -> Literal["written", "unchanged"]:
        """Publish a document that comes in parts, which are never put together in memory."""
        path = _below(place)
        try:
            with self._opened(path.parent, make=True) as folder:
                if _holds(folder, path.name, parts):
                    return "unchanged"
                self._sweep(folder, path.parent)
                _replace(folder, path.name, parts)
                self._unsettled.add(path.parent)
                return "written"
        except OSError as error:
            raise StorageError.of(error, "write", str(self.root / path)) from error

    def settle(self) -> None:
        """Make the names of what was written or removed durable. What is written after it refers to what was before."""
        for path in self._unsettled:
            try:
                with suppress(FileNotFoundError), self._opened(path) as folder:
                    os.fsync(folder)
            except OSError as error:
                raise StorageError.of(error, "write", str(self.root / path)) from error
        self._unsettled.clear()

    def open(self, path: str) -> int | None:
        """Open a published file to read. None when there is no regular file, or it cannot be read."""
        place = _below(path)
        with suppress(OSError), self._opened(place.parent) as folder:
            file = os.open(place.name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=folder)
            if stat.S_ISREG(os.fstat(file).st_mode):
                return file
            os.close(file)
        return None

    def read(self, path: str) -> bytes | None:
        """Read a published file. None when there is no regular file, or it cannot be read."""
        file = self.open(path)
        if file is not None:
            with suppress(OSError), os.fdopen(file, "rb") as opened:
                return opened.read()
        return None

    def names(self, path: str) -> list[str]:
        """List what a folder below this one holds."""
        try:
            with self._opened(_below(path)) as folder:
                return sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StorageError.of(error, "read", str(self.root / path)) from error

    def remove(self, path: str) -> bool:
        """Take a file away, and its folders if they are empty then. Returns False when there is none."""
        place = _below(path)
        try:
            with self._opened(place.parent) as folder:
                os.unlink(place.name, dir_fd=folder)
            self._unsettled.add(place.parent)
            for parent in place.parents[:-1]:
                with self._opened(parent.parent) as folder:
                    os.rmdir(parent.name, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise StorageError.of(error, "remove", str(self.root / path)) from error
        return True

    @contextmanager
    def _opened(self, path: PurePosixPath, *, make: bool = False) -> Iterator[int]:
        """Open the folder `path` below the root. `make` what is missing on the way."""
        if make:
            self._make_root()
        folder = os.open(self.root, _FOLDER)
        try:
            for name in path.parts:
                if make:
                    _make(folder, name)
                inner = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    def _make_root(self) -> None:
        for missing in reversed([folder for folder in (self.root, *self.root.parents) if not folder.exists()]):
            parent = os.open(missing.parent, _FOLDER)
            try:
                _make(parent, missing.name)
            finally:
                os.close(parent)

    def _sweep(self, folder: int, path: PurePosixPath) -> None:
        """Remove, once for each folder, what a killed builder left half written."""
        if path not in self._swept:
            self._swept.add(path)
            for name in os.listdir(folder):
                if name.startswith(".") and name.endswith(".tmp"):
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=folder)


def _make(folder: int, name: str) -> None:
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return
    os.fsync(folder)


def _below(text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in text or str(path) != text:
        raise ValueError(f"not a path below the published folder: {text!r}")
    return path


def _holds(folder: int, name: str, parts: Sequence[bytes | memoryview]) -> bool:
    """Tell whether the file `name` has just these bytes. Anything but a regular file has not."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=folder)
    except OSError:  # not there, a link, not ours to read: writing will tell
        return False
    with os.fdopen(file, "rb") as opened:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode) or state.st_size != sum(map(len, parts)):
            return False
        return all(opened.read(len(part)) == part for part in parts)


def _replace(folder: int, name: str, parts: Sequence[bytes | memoryview]) -> None:
    temporary = f".{name}.{os.getpid()}.tmp"
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666, dir_fd=folder)
    try:
        try:
            _write(file, parts)
            os.fsync(file)
        finally:
            os.close(file)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _write(file: int, parts: Sequence[bytes | memoryview]) -> None:
    """Write all parts, as many at a time as the system takes."""
    for first in range(0, len(parts), _AT_ONCE):
        some = [memoryview(part) for part in parts[first : first + _AT_ONCE]]
        while some:
            written = os.writev(file, some)
            while some and written >= len(some[0]):
                written -= len(some.pop(0))
            if some:
                some[0] = some[0][written:]
