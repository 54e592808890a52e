"""Pieces that wait to be put together: in memory as long as they are few, then in a file without a name.

So a build takes no more memory where articles are long. What the disk has no room for stays in memory.
"""

import os
import shutil
import tempfile
from typing import IO, Self

from feedarchiver.publish.parts import Part, Stretch

_MEMORY_BYTES = 16_000_000


class Pile:
    """The pieces of one page. A context: what was put into the file can be read as long as it lasts."""

    def __init__(self, folder: str) -> None:
        """Begin. `folder`: where the file is made."""
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._room = self._size = self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def put(self, piece: bytes) -> Part:
        """Keep a piece."""
        self._size += len(piece)
        if self._size <= _MEMORY_BYTES:
            return piece
        try:
            return self._filed(piece)
        except OSError:  # the archive cannot be written to, or the disk is full: what is written next will say so
            return piece

    def all(self, pieces: dict[str, bytes]) -> dict[str, Part]:
        """Keep pieces by name."""
        return {name: self.put(piece) for name, piece in pieces.items()}

    def _filed(self, piece: bytes) -> Part:
        if self._file is None:
            os.makedirs(self._folder, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - see `__exit__`
            self._room = shutil.disk_usage(self._folder).free // 2  # the rest is for what is published
        if self._end + len(piece) > self._room or os.pwrite(self._file.fileno(), piece, self._end) < len(piece):
            return piece
        kept = Stretch(self._file.fileno(), self._end, len(piece))
        self._end += len(piece)
        return kept
