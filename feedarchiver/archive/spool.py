"""Values that this run may want again and that cost much to make: in memory, then in a nameless file, until it ends."""

import os
import pickle
import tempfile
from collections.abc import Hashable
from typing import IO, Any

_MEMORY_BYTES = 4_000_000
_MOST_BYTES = 256_000_000
_MOST = 20_000


class Spool:
    """Values by key. What does not fit is not kept, and has to be made again."""

    def __init__(self, folder: str) -> None:
        """Begin. `folder`: where the file is made."""
        self._folder = folder
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._places: dict[int, tuple[int, int]] = {}  # by the key's hash: the keys themselves take as much as the rest
        self._end = 0

    def keep(self, key: Hashable, value: object) -> None:
        """Keep a value, if there is room."""
        if self._end > _MOST_BYTES or len(self._places) >= _MOST:
            return
        data = pickle.dumps((key, value), pickle.HIGHEST_PROTOCOL)
        if self._end + len(data) <= _MEMORY_BYTES:
            self._memory += data
        elif not self._write(data):
            return
        self._places[hash(key)] = self._end, len(data)
        self._end += len(data)

    def __contains__(self, key: Hashable) -> bool:
        return hash(key) in self._places

    def find(self, key: Hashable) -> Any:
        """Give the value that was kept last for a key, or None."""
        place = self._places.get(hash(key))
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
        self._places.clear()
        self._memory.clear()
        self._end = _MOST_BYTES + 1
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, data: bytes) -> bool:
        """Write behind what is in the file. A full disk ends it: what is written next elsewhere will say so."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - see `close`
            if os.pwrite(self._file.fileno(), data, self._end) == len(data):
                return True
        except OSError:
            pass
        self.close()
        return False

    def _read(self, start: int, length: int) -> bytes | bytearray:
        if self._file is None or start < len(self._memory):
            return self._memory[start : start + length]
        return os.pread(self._file.fileno(), length, start)
