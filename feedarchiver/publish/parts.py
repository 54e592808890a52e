"""What files are put together from: bytes, and stretches of other files, which are copied a piece at a time."""

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_AT_ONCE = 512  # the least IOV_MAX of our systems is 1024
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an open file, as it is."""

    file: int
    start: int
    length: int

    def __len__(self) -> int:
        return self.length

    def __bytes__(self) -> bytes:
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Read it, as much at a time as is cheap to hold. Raises OSError where the file has become shorter."""
        # Not copied within the kernel: where it has no way of its own to do so it moves page by page, which saves
        # little, and takes half as long again on some processors when the bytes move on by less than a word or two.
        start, end = self.start, self.start + self.length
        while start < end:
            data = os.pread(self.file, min(end - start, _CHUNK), start)
            if not data:
                raise OSError(errno.EIO, "a published file has become shorter")
            yield data
            start += len(data)


Part = bytes | Stretch


def chunks(part: Part) -> Iterable[bytes]:
    """Give a part, as much of it at a time as is cheap to hold."""
    return part.chunks() if isinstance(part, Stretch) else (part,)


def write(file: int, parts: Iterable[Part]) -> None:
    """Write all parts, as many at a time as the system takes."""
    some: list[bytes | memoryview] = []
    for part in parts:
        if isinstance(part, Stretch):
            for chunk in part.chunks():
                _write(file, [*some, chunk])
                some.clear()
        else:
            some.append(part)
            if len(some) == _AT_ONCE:
                _write(file, some)
                some.clear()
    _write(file, some)


def _write(file: int, left: list[bytes | memoryview]) -> None:
    while left:
        written = os.writev(file, left)
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = memoryview(left[0])[written:]
