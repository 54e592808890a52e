"""The published folder: whole files, replaced only when their bytes change.

A reader of a file, however it reads, sees the old bytes or the new ones, also after a power cut: temporary file in the
same folder, fsync, rename, and at last (`settle`) fsync of the folder. Many files may wait for each other, to be made
durable together, which costs a quarter, and then get their names.
Nothing is written outside: folders are opened one below the other and a symbolic link among them is refused; one in the
place of a file is replaced, what it points to is left alone.
One builder at a time: the caller sees to it. Two at once never tear a file, but one of them may fail.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Literal

from feedarchiver.durable import sync_files
from feedarchiver.errors import StorageError
from feedarchiver.model import Document
from feedarchiver.publish.parts import Part, chunks, write

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_WAITING = 256


class Folder:
    """A folder that documents are published in. It is made when the first one is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._swept: set[str] = set()
        self._unsettled: set[str] = set()
        self._waiting: list[tuple[str, str, str]] = []
        self._held: tuple[str, int] | None = None

    def __del__(self) -> None:
        self._let_go()

    def write(self, document: Document) -> Literal["written", "unchanged"]:
        """Publish a document. Raises StorageError; ValueError for a path that is none below this folder."""
        return self.write_parts(document.path, [document.data])

    def write_parts(self, place: str, parts: Sequence[Part], *, waits: bool = False) -> Literal["written", "unchanged"]:
        """Publish a document that comes in parts, which are never put together in memory.

        One that `waits` gets its name together with others, at the latest when all is settled. Write it only once.
        """
        parent, name = _below(place)
        temporary = f".{name}.{os.getpid()}.tmp"
        try:
            folder = self._hold(parent)
            if _holds(folder, name, parts):
                return "unchanged"
            self._sweep(folder, parent)
            _create(folder, temporary, parts, sync=not waits)
            if not waits:
                _rename(folder, temporary, name)
        except OSError as error:
            self._give_up()
            raise StorageError.of(error, "write", str(self.root / place)) from error
        self._unsettled.add(parent)
        if waits:
            self._waiting.append((parent, temporary, name))
            if len(self._waiting) == _MOST_WAITING:
                self._name()
        return "written"

    @property
    def is_waiting(self) -> bool:
        """Whether something was written that has not got its name yet."""
        return bool(self._waiting)

    def settle(self) -> None:
        """Make the names of what was written or removed durable. What is written after it refers to what was before."""
        self._name()
        self._let_go()
        for path in self._unsettled:
            try:
                with suppress(FileNotFoundError), self._opened(path) as folder:
                    os.fsync(folder)
            except OSError as error:
                raise StorageError.of(error, "write", str(self.root / path)) from error
        self._unsettled.clear()

    def _name(self) -> None:
        """Make the files that wait durable, and give them their names."""
        try:
            sync_files([f"{self.root}/{parent}/{temporary}" for parent, temporary, _ in self._waiting], str(self.root))
            for parent, waiting in groupby(self._waiting, itemgetter(0)):
                with self._opened(parent) as folder:
                    for _, temporary, name in waiting:
                        _rename(folder, temporary, name)
        except OSError as error:
            self._give_up()
            raise StorageError.of(error, "write", error.filename or str(self.root)) from error
        self._waiting.clear()

    def _give_up(self) -> None:
        """Take away the files that wait: the disk may be full."""
        self._let_go()
        for parent, temporary, _ in self._waiting:
            with suppress(OSError), self._opened(parent) as folder:
                os.unlink(temporary, dir_fd=folder)
        self._waiting.clear()

    def open(self, path: str) -> int | None:
        """Open a published file to read. None when there is no regular file, or it cannot be read."""
        parent, name = _below(path)
        with suppress(OSError), self._opened(parent) as folder:
            file = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=folder)
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
            with self._opened("/".join(_below(path))) as folder:
                return sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StorageError.of(error, "read", str(self.root / path)) from error

    def remove(self, path: str) -> bool:
        """Take a file away, and its folders if they are empty then. Returns False when there is none."""
        parent, name = _below(path)
        self._let_go()
        try:
            with self._opened(parent) as folder:
                os.unlink(name, dir_fd=folder)
            self._unsettled.add(parent)
            while parent:
                parent, _, name = parent.rpartition("/")
                with self._opened(parent) as folder:
                    os.rmdir(name, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise StorageError.of(error, "remove", str(self.root / path)) from error
        return True

    def _hold(self, path: str) -> int:
        """Open the folder `path` below the root, or make it, and hold it: most of what comes next goes there, too."""
        if self._held is None or self._held[0] != path:
            self._let_go()
            try:
                folder = self._open(path)
            except FileNotFoundError:
                self._make_root()
                folder = self._open(path, make=True)
            self._held = path, folder
        return self._held[1]

    def _let_go(self) -> None:
        """Close the folder that is held: it may go away, or nothing more may come."""
        held, self._held = self._held, None
        if held is not None:
            os.close(held[1])

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        """Open the folder `path` below the root."""
        folder = self._open(path)
        try:
            yield folder
        finally:
            os.close(folder)

    def _open(self, path: str, *, make: bool = False) -> int:
        folder = os.open(self.root, _FOLDER)
        try:
            for name in filter(None, path.split("/")):
                if make:
                    _make(folder, name)
                inner = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
                os.close(folder)
                folder = inner
        except OSError:
            os.close(folder)
            raise
        return folder

    def _make_root(self) -> None:
        for missing in reversed([folder for folder in (self.root, *self.root.parents) if not folder.exists()]):
            parent = os.open(missing.parent, _FOLDER)
            try:
                _make(parent, missing.name)
            finally:
                os.close(parent)

    def _sweep(self, folder: int, path: str) -> None:
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


def _below(path: str) -> tuple[str, str]:
    """Take a path below the published folder apart: its folder and its name."""
    if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
        raise ValueError(f"not a path below the published folder: {path!r}")
    parent, _, name = path.rpartition("/")
    return parent, name


def _holds(folder: int, name: str, parts: Sequence[Part]) -> bool:
    """Tell whether the file `name` has just these bytes. Anything but a regular file has not."""
    try:
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(state.st_mode) or state.st_size != sum(map(len, parts)):
            return False
        file = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=folder)
    except OSError:  # not there, not ours to read: writing will tell
        return False
    with os.fdopen(file, "rb") as opened:
        return all(opened.read(len(chunk)) == chunk for part in parts for chunk in chunks(part))


def _create(folder: int, name: str, parts: Sequence[Part], *, sync: bool) -> None:
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666, dir_fd=folder)
    try:
        try:
            write(file, parts)
            if sync:
                os.fsync(file)
        finally:
            os.close(file)
    except OSError:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise


def _rename(folder: int, old: str, new: str) -> None:
    try:
        os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(old, dir_fd=folder)
        raise
