"""Reading a tar file from one end to the other, one member at a time, whoever made it.

Headers are checked, nothing is kept of members that have gone by, and no more is read into memory than is asked for.
A file that unpacks to absurdly much is read no further. Spec: POSIX.1-2017 pax, ustar interchange format; RFC 8878.
"""

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from feedarchiver.archive.holdings import check_size
from feedarchiver.errors import StorageError, UsageError

BLOCK = 512
_PIECE = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"
# Thousands of near-copies of a long page compress a thousandfold; zeros, thirty thousandfold.
_GROWTH, _GROWTH_FREE = 1_000, 256_000_000
_BARE = {tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE}
_EXTENSIONS = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}


class Member:
    """A member of a tar file, while the reading stands at it."""

    def __init__(self, info: tarfile.TarInfo, stream: "_Stream") -> None:
        self._info = info
        self._stream = stream
        self.name = info.name
        self.size_bytes = info.size
        self.is_regular = info.type in {tarfile.REGTYPE, tarfile.AREGTYPE}
        self.is_folder = info.type == tarfile.DIRTYPE

    @property
    def kind(self) -> str:
        kinds = {tarfile.SYMTYPE: "a link", tarfile.LNKTYPE: "a link", tarfile.FIFOTYPE: "a pipe"}
        kinds |= {tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.DIRTYPE: "a folder of another name"}
        return kinds.get(self._info.type, "not a regular file")

    def data(self, kind: str, limit_bytes: int) -> bytes:
        """Read it whole. Raises ValueError."""
        check_size(kind, self.size_bytes, limit_bytes)
        try:
            return self._stream.read(self.size_bytes)
        except Broken:  # `skip` finds this out again
            raise ValueError("the file is damaged or cut off here") from None


class Broken(Exception):
    """A file that cannot be read on as a tar file, for the reason that it is raised with."""


class _Stream:
    """The unpacked bytes of a tar file, read from one end to the other."""

    def __init__(self, file: BinaryIO, packed: BinaryIO | None) -> None:
        self._file = file
        self._packed = packed
        self._position = 0
        self._next = 0
        self._broken: Broken | None = None
        self._errors = _errors()
        self._size = os.fstat(file.fileno()).st_size if packed is None else None

    def member(self) -> Member | None:
        """Read the next header; None at the end. Extension headers are passed over: no object's name needs one."""
        while True:
            block = self.read(BLOCK)
            if block == bytes(BLOCK):
                return None
            try:
                info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.TarError as error:
                raise Broken(str(error)) from None
            if info.size < 0:
                raise Broken("a member has less than no bytes")
            self._next = self._position + (0 if info.type in _BARE else -(-info.size // BLOCK) * BLOCK)
            if info.type not in _EXTENSIONS:
                return Member(info, self)
            self.skip()

    def skip(self) -> None:
        """Go on to where the next header is."""
        if self._size is not None:
            if self._next > self._size:
                raise Broken("it ends within a member")
            self._file.seek(self._next)
            self._position = self._next
        while self._position < self._next:
            self.read(min(self._next - self._position, _PIECE))

    def read(self, size_bytes: int) -> bytes:
        """Read so many bytes. Raises Broken."""
        if self._broken:
            raise self._broken
        pieces, missing = [], size_bytes
        while missing:
            try:
                piece = self._file.read(min(missing, _PIECE))
            except self._errors as error:
                self._broken = Broken(str(error))
                raise self._broken from None
            if not piece:
                raise Broken("it ends too early")
            pieces.append(piece)
            missing -= len(piece)
            self._position += len(piece)
            if self._packed and self._position > _GROWTH_FREE + _GROWTH * self._packed.tell():
                self._broken = Broken(f"it unpacks to more than {_GROWTH:,} times its size")
                raise self._broken
        return b"".join(pieces)


@contextmanager
def reading(path: Path) -> Iterator[_Stream]:
    """Open a tar file, compressed or not. Raises StorageError, and UsageError without the library for zstd."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise StorageError.of(error, "read", str(path), "nothing was changed") from error
    with file:
        if file.peek(len(_ZSTD))[: len(_ZSTD)] != _ZSTD:
            yield _Stream(file, None)
            return
        with zstd_library(f"unpack it with `zstd -d {path.name}`").ZstdFile(file) as unpacked:
            yield _Stream(unpacked, file)


def zstd_library(otherwise: str) -> Any:
    """Load the library for zstd: Python's own since 3.14, the same for older ones. Raises UsageError."""
    for name in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            return import_module(name)
    raise UsageError(f"zstd is not installed here: install feedarchiver[zstd], or {otherwise}; nothing was done")


def _errors() -> tuple[type[Exception], ...]:
    """Name what the library raises for a file that is cut off or not in its format."""
    with suppress(UsageError):
        return EOFError, zstd_library("").ZstdError
    return (EOFError,)
