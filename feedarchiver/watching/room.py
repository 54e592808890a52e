"""What is left of the disks that archive and feeds lie on: bytes, and names for files, of which an archive has many."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_SHARE = 20  # low: less than one part in so many, but not for more than these
_BYTES, _FILES = 1_000_000_000, 100_000
_THOUSAND, _UNITS = 1_000, ("kB", "MB", "GB", "TB")


class Room(NamedTuple):
    """What is left, and what there is, on the disk that something lies on. `files` of 0: they are not counted."""

    name: str
    free_bytes: int
    bytes: int
    free_files: int
    files: int

    @property
    def is_low(self) -> bool:
        """Tell whether it runs out."""
        return self._is_below(1)

    @property
    def is_ample(self) -> bool:
        """Tell whether it runs out no more: twice as much is left, so that nobody is told to and fro."""
        return not self._is_below(2)

    def _is_below(self, times: int) -> bool:
        few = self.files > 0 and self.free_files < times * min(_FILES, self.files // _SHARE)
        return few or self.free_bytes < times * min(_BYTES, self.bytes // _SHARE)


def look(places: dict[str, Path]) -> Iterator[Room]:
    """Look at the disks of some folders, by name; each disk once. A folder that is not there yet is as its parent."""
    seen = set()
    for name, place in places.items():
        there = next((folder for folder in (place, *place.parents) if os.path.exists(folder)), None)
        if there is None or (device := os.stat(there).st_dev) in seen:
            continue
        seen.add(device)
        disk = os.statvfs(there)
        yield Room(
            name, disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize, disk.f_favail, max(disk.f_files, 0)
        )


def size(number: int) -> str:
    """Write a number of bytes for a person."""
    if number < _THOUSAND:
        return f"{number} byte{'' if number == 1 else 's'}"
    power = min(len(_UNITS), (len(str(number)) - 1) // 3)
    return f"{number / _THOUSAND**power:.1f} {_UNITS[power - 1]}"
