"""The published folder: whole files, replaced only when their bytes change.

A reader of a file, however it reads, sees the old bytes or the new ones, also after a power cut: temporary file in the
same folder, fsync, rename, fsync of the folder. Nothing is written outside: folders are opened one below the other and
a symbolic link among them is refused; one in the place of a file is replaced, what it points to is left alone.
One builder at a time: the caller sees to it. Two at once never tear a file, but one of them may fail.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Literal

from feedarchiver.errors import StorageError
from feedarchiver.model import Document

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """A folder that documents are published in. It is made when the first one is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._swept: set[PurePosixPath] = set()

    def write(self, document: Document) -> Literal["written", "unchanged"]:
        """Publish a document. Raises StorageError; ValueError for a path that is none below this folder."""
        path = _below(document.path)
        try:
            with self._opened(path.parent) as folder:
                if _holds(folder, path.name, document.data):
                    return "unchanged"
                self._sweep(folder, path.parent)
                _replace(folder, path.name, document.data)
                return "written"
        except OSError as error:
            raise StorageError.of(error, "write", str(self.root / path)) from error

    @contextmanager
    def _opened(self, path: PurePosixPath) -> Iterator[int]:
        """Open the folder `path` below the root, making what is missing on the way."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.root, _FOLDER)
        try:
            for name in path.parts:
                try:
                    os.mkdir(name, dir_fd=folder)
                except FileExistsError:
                    pass
                else:
                    os.fsync(folder)
                inner = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    def _sweep(self, folder: int, path: PurePosixPath) -> None:
        """Remove, once for each folder, what a killed builder left half written."""
        if path not in self._swept:
            self._swept.add(path)
            for name in os.listdir(folder):
                if name.startswith(".") and name.endswith(".tmp"):
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=folder)


def _below(text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in text or str(path) != text:
        raise ValueError(f"not a path below the published folder: {text!r}")
    return path


def _holds(folder: int, name: str, data: bytes) -> bool:
    """Tell whether the file `name` has just these bytes. Anything but a regular file has not."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=folder)
    except OSError:  # not there, a link, not ours to read: writing will tell
        return False
    with os.fdopen(file, "rb") as opened:
        state = os.fstat(file)
        return stat.S_ISREG(state.st_mode) and state.st_size == len(data) and opened.read() == data


def _replace(folder: int, name: str, data: bytes) -> None:
    temporary = f".{name}.{os.getpid()}.tmp"
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(file)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)
