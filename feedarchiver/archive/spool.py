"""Values that this run may want again and that cost much to make: in memory, then in a nameless file, until it ends.

The file is its own index, so that memory does not grow with it: before each value stands where the one before it in the
same bucket lies. It takes no more than half of what is free on the disk.
"""

import os
import pickle
import shutil
import struct
import tempfile
from array import array
from collections.abc import Hashable
from typing import Any

_MEMORY_BYTES = 4_000_000
_BUCKETS = 1 << 16
_HEAD = struct.Struct("=qqq")
"""Where the value before this one in its bucket begins, the hash of its key, its length."""


class Spool:
    """Values by key. What the disk has no room for is not kept, and has to be made again."""

    def __init__(self, folder: str) -> None:
        """Begin. `folder`: where the file is made."""
        self._folder = folder
        self._file: Any = None
        self._latest = array("q")  # by bucket, where its last value begins
        self._end = self._most = 0
        self._is_closed = False

    def keep(self, key: Hashable, value: object) -> None:
        """Keep a value, if there is room."""
        if self._is_closed:
            return
        try:
            if self._file is None:
                self._begin()
            if self._end < self._most:
                self._append(hash(key), pickle.dumps((key, value), pickle.HIGHEST_PROTOCOL))
        except OSError:  # a full disk: what is written next will say so
            self.close()

    def __contains__(self, key: Hashable) -> bool:
        return self._length(hash(key)) is not None

    def find(self, key: Hashable) -> Any:
        """Give the value that was kept last for a key, or None."""
        length = self._length(hash(key))
        if length is None:
            return None
        try:
            kept, value = pickle.loads(self._file.read(length))  # noqa: S301 - ours, in a file that has no name
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):
            self.close()
            return None
        return value if kept == key else None

    def close(self) -> None:
        """Drop everything, and keep no more."""
        self._is_closed = True
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        os.makedirs(self._folder, exist_ok=True)
        self._most = shutil.disk_usage(self._folder).free // 2
        self._file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=self._folder)  # noqa: SIM115 - see `close`
        self._latest = array("q", [-1]) * _BUCKETS

    def _append(self, hashed: int, data: bytes) -> None:
        bucket = hashed % _BUCKETS
        self._file.seek(self._end)
        self._file.write(_HEAD.pack(self._latest[bucket], hashed, len(data)) + data)
        self._latest[bucket] = self._end
        self._end += _HEAD.size + len(data)

    def _length(self, hashed: int) -> int | None:
        """Go to the last value whose key has this hash, and tell how long it is. None: there is none."""
        if self._file is None:
            return None
        place = self._latest[hashed % _BUCKETS]
        try:
            while place >= 0:
                self._file.seek(place)
                place, known, length = _HEAD.unpack(self._file.read(_HEAD.size))
                if known == hashed:
                    return int(length)
        except (OSError, struct.error):
            self.close()
        return None
