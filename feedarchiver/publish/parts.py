"""What files are put together from: bytes, and stretches of other files, which are copied without being read."""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

_AT_ONCE = 512  # the least IOV_MAX of our systems is 1024
_CHUNK = 1 << 20
_CANNOT_COPY = frozenset((errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an open file, as it is."""

    file: int
    start: int
    length: int

    def __len__(self) -> int:
        return self.length

    def __bytes__(self) -> bytes:
        return os.pread(self.file, self.length, self.start)


Part = bytes | Stretch


def write(file: int, parts: Sequence[Part]) -> None:
    """Write all parts, as many at a time as the system takes."""
    for is_stretch, some in groupby(parts, lambda part: isinstance(part, Stretch)):
        if is_stretch:
            for stretch in some:
                _copy(file, stretch)  # type: ignore[arg-type]
            continue
        left = [memoryview(part) for part in some]  # type: ignore[arg-type]
        while left:
            written = os.writev(file, left[:_AT_ONCE])
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if left:
                left[0] = left[0][written:]


def _copy(file: int, stretch: Stretch) -> None:
    """Copy a part of another file to the end of `file`: within the kernel, where that can be."""
    start, end = stretch.start, stretch.start + stretch.length
    try:
        while start < end and (copied := os.copy_file_range(stretch.file, file, end - start, start)):
            start += copied
    except (AttributeError, OSError) as error:  # not on this system, not on this file system
        if isinstance(error, OSError) and error.errno not in _CANNOT_COPY:
            raise
    while start < end:
        data = os.pread(stretch.file, min(end - start, _CHUNK), start)
        if not data:
            raise OSError(errno.EIO, "a published file has become shorter")
        start += os.write(file, data)
