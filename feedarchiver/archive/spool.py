"""Values that this run may want again and that cost much to make: in memory, then in a nameless file, until it ends.

What is kept is its own index, so that memory does not grow with it: before each value stands where the one before it in
the same bucket lies. It takes no more of the disk than it leaves free.
"""

import os
import pickle
import shutil
import struct
import tempfile
from array import array
from collections.abc import Hashable
from typing import IO, Any

_MEMORY_BYTES = 4_000_000
_STEP_BYTES = 64_000_000  # after which the disk is asked again: others fill it, too
_BUCKETS = 1 << 16
_HEAD = struct.Struct("=qqq")
"""Where the value before this one in its bucket begins, the hash of its key, its length."""


class Spool:
    """Values by key. What the disk has no room for is not kept, and has to be made again."""

    def __init__(self, folder: str) -> None:
        """Begin. `folder`: where the file is made."""
        self._folder = folder
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._latest = array("q")  # by bucket, where its last value begins
        self._end = self._most = 0
        self._is_closed = False

    def keep(self, key: Hashable, value: object) -> None:
        """Keep a value, if there is room."""
        if self._is_closed:
            return
        try:
            if not self._latest:
                self._begin()
            if self._has_room():
                self._append(hash(key), pickle.dumps((key, value), pickle.HIGHEST_PROTOCOL))
        except OSError:  # a full disk: what is written next will say so
            self.close()

    def __contains__(self, key: Hashable) -> bool:
        return self._place(hash(key)) is not None

    def find(self, key: Hashable) -> Any:
        """Give the value that was kept last for a key, or None."""
        place = self._place(hash(key))
        if place is None:
            return None
        try:
            kept, value = pickle.loads(self._read(*place))  # noqa: S301 - ours, in a file that has no name
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):
            self.close()
            return None
        return value if kept == key else None

    def close(self) -> None:
        """Drop everything, and keep no more."""
        self._is_closed = True
        self._latest = array("q")
        self._memory.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        os.makedirs(self._folder, exist_ok=True)
        self._latest = array("q", [-1]) * _BUCKETS

    def _has_room(self) -> bool:
        """Tell whether as much is left free on the disk as is kept."""
        if self._end >= self._most:
            left = shutil.disk_usage(self._folder).free - self._end
            self._most = self._end + min(left // 2, _STEP_BYTES)
        return self._end < self._most

    def _append(self, hashed: int, data: bytes) -> None:
        """Write behind what is there: in memory, or in the file, where a place is the same number."""
        bucket = hashed % _BUCKETS
        written = _HEAD.pack(self._latest[bucket], hashed, len(data)) + data
        if self._end + len(written) <= _MEMORY_BYTES:
            self._memory += written
        else:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - see `close`
            if os.pwrite(self._file.fileno(), written, self._end) < len(written):
                raise OSError("the disk is full")
        self._latest[bucket] = self._end
        self._end += len(written)

    def _place(self, hashed: int) -> tuple[int, int] | None:
        """Find the last value whose key has this hash: where it begins, and its length. None: there is none."""
        place = self._latest[hashed % _BUCKETS] if self._latest else -1
        try:
            while place >= 0:
                before, known, length = _HEAD.unpack(self._read(place, _HEAD.size))
                if known == hashed:
                    return place + _HEAD.size, length
                place = before
        except (OSError, struct.error):
            self.close()
        return None

    def _read(self, start: int, length: int) -> bytes | bytearray:
        if self._file is None or start < len(self._memory):
            return self._memory[start : start + length]
        return os.pread(self._file.fileno(), length, start)
