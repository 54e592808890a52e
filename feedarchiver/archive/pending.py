"""The list of captures that are being stored: durable before the first has its name, gone when the index knows them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from feedarchiver.durable import sync_folder
from feedarchiver.errors import StorageError
from feedarchiver.model import ObjectId, parse_object_id


class Pending(Protocol):
    """Such a list, of one writer at a time."""

    def add(self, captures: Sequence[ObjectId]) -> None:
        """List captures, and those that are listed already with them. Raises StorageError."""

    def read(self) -> list[ObjectId] | None:
        """Read what a writer has left that did not finish; None: nothing. Raises StorageError."""

    def settle(self) -> None:
        """Remove the list. Raises StorageError."""


class PendingFile:
    """The list in the file `pending`, in the folder that a writer works in."""

    def __init__(self, folder: str) -> None:
        self._folder, self._path = folder, os.path.join(folder, "pending")

    def add(self, captures: Sequence[ObjectId]) -> None:
        with self._doing("write"):
            with open(self._path, "a", encoding="ascii") as file:  # what is listed already must stay so
                file.writelines(f"{capture}\n" for capture in captures)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._folder)

    def read(self) -> list[ObjectId] | None:
        with self._doing("read"):
            try:
                names = Path(self._path).read_text("ascii", "replace").split()
            except FileNotFoundError:
                return None
        captures = []
        for name in names:
            with suppress(ValueError):  # a line that a crash cut short names nothing that was stored
                captures.append(parse_object_id(name))
        return captures

    def settle(self) -> None:
        with self._doing("remove"):
            os.unlink(self._path)

    @contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError.of(error, what, self._path) from error
