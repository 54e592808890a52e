"""An archive in one file: a plain tar, or the same compressed with zstd.

What is written is the folder of an archive as a ustar file, format.json first and captures last, with no owner, no
time and one mode, so that the same choice gives the same bytes. What is read may come from a stranger: a member is
looked at by its name only, nothing is ever unpacked to a path, and what is no object of the right bytes is refused.
Spec: POSIX.1-2017 pax, ustar interchange format.
"""

import fcntl
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import CAPTURES, KINDS
from feedarchiver.archive.choosing import Chosen
from feedarchiver.archive.holdings import LEFT_OUT, OTHERS, Refuse, Wanted, check, check_size
from feedarchiver.archive.layout import check_format
from feedarchiver.archive.tarstream import BLOCK, Broken, Member, reading, zstd_library
from feedarchiver.durable import sync_folder
from feedarchiver.errors import ArchiveError, StorageError, UsageError
from feedarchiver.model import ObjectId, Refusal

_END = bytes(2 * BLOCK)
_KINDS = "|".join(KINDS)
_OBJECT = re.compile(rf"({_KINDS})/([0-9a-f]{{2}})/([0-9a-f]{{62}})\Z")
# What else lies in an archive's folder: whoever makes the tar with tar itself has it in there.
_BESIDES = re.compile(r"(lock|pending|tmp(/.*)?|format\.json\.new|(index|search)\.db[a-z.-]*)\Z", re.DOTALL)
_FOLDER = re.compile(rf"({_KINDS}|tmp)?(/[0-9a-f]{{2}})?/?\Z")


def write_tar(path: Path, archive: Archive, chosen: Chosen, advance: Callable[[str], None]) -> int:
    """Write what is chosen into a file that must not be there. Returns how many objects it holds.

    It gets its name when it is whole and durable. Raises UsageError, StorageError.
    """
    count = 0
    with _appearing(path) as file, _compressing(file, path) as out:
        _put(out, "format.json", archive.format)
        for kind, name, data in chain(chosen.others(lambda _kind, _id: True), chosen.captures()):
            _put(out, f"{kind}/{name[:2]}/{name[2:]}", data)
            advance(name)
            count += 1
        out.write(_END)
    return count


class TarHolding:
    """An archive in a tar file, compressed or not. It is read twice: once for the captures, once for what they need."""

    def __init__(self, path: Path, limit_bytes: int, refuse: Refuse) -> None:
        self.place = str(path)
        self._path = path
        self._limit_bytes = limit_bytes
        self._refuse = refuse

    def captures(self) -> Iterator[tuple[str, ObjectId, bytes]]:
        format_ = None
        for member in self._members():
            with self._refusing(member.name):
                found = self._look(member)
                if found == "format.json":
                    format_ = member.data(found, self._limit_bytes)
                    check_format(format_, self.place)
                elif isinstance(found, tuple) and found[0] in CAPTURES:
                    data = member.data(found[0], self._limit_bytes)
                    check(found[1], data)
                    yield *found, data
        if format_ is None:
            raise ArchiveError(f"{self.place} is no copy of an archive: it has no format.json; nothing was changed")

    def others(self, wanted: Wanted) -> Iterator[tuple[str, ObjectId, bytes]]:
        members = self._members(lambda _refusal: None)  # what is wrong with the file itself has been said
        for member in members:
            with suppress(ValueError):
                found = self._look(member)
                if isinstance(found, tuple) and found[0] in OTHERS and wanted(*found):
                    with self._refusing(member.name):
                        data = member.data(found[0], self._limit_bytes)
                        check(found[1], data)
                        yield *found, data

    def _look(self, member: "Member") -> tuple[str, ObjectId] | str:
        """Tell which object a member is, or what else. Raises ValueError for what does not belong in a copy."""
        name = member.name.removeprefix("./")
        if member.is_folder and _FOLDER.match(name.removeprefix(".")):
            return "folder"
        if not member.is_regular:
            raise ValueError(f"it is {member.kind}")
        if _BESIDES.match(name) or name == "format.json":
            return name
        found = _OBJECT.match(name)
        if not found:
            raise ValueError("it is no object of an archive")
        check_size(found[1], member.size_bytes, self._limit_bytes)
        return found[1], ObjectId(found[2] + found[3])

    def _members(self, refuse: Refuse | None = None) -> Iterator["Member"]:
        count = 0
        with reading(self._path) as stream:
            try:
                while member := stream.member():
                    count += 1
                    yield member
                    stream.skip()
            except Broken as error:
                if not count:
                    raise ArchiveError(f"{self.place} is no tar file; nothing was changed") from None
                reason = f"it is damaged or cut off after {count} members: {error}"
                (refuse or self._refuse)(Refusal(place=self.place, reason=reason, kept="what came before was read"))
            except OSError as error:
                raise StorageError.of(error, "read", self.place) from error

    @contextmanager
    def _refusing(self, name: str) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            self._refuse(Refusal(place=f"{self.place}: {name}", reason=str(error), kept=LEFT_OUT))


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """Have a file that gets its name when all of it is on the disk, and goes when something fails."""
    _check_free(path)
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with open(descriptor, "wb") as file:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.lexists(part) or not os.path.samestat(os.fstat(descriptor), os.lstat(part)):
                raise BlockingIOError  # noqa: TRY301 - another export has just given it its name
            try:
                os.ftruncate(descriptor, 0)  # what a killed export has left
                yield file
                file.flush()
                os.fsync(descriptor)
                _check_free(path)
                os.rename(part, path)
            except BaseException:
                os.unlink(part)
                raise
        sync_folder(str(path.parent))
    except BlockingIOError:
        raise UsageError(f"{path} is being written by another process; nothing was done") from None
    except OSError as error:
        raise StorageError.of(error, "write", str(path), "no file was made, the archive is as it was") from error


def _check_free(path: Path) -> None:
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already; it was left as it is; choose another name")


@contextmanager
def _compressing(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    if path.name.endswith(".zst"):
        zstd = zstd_library(f"export to {path.with_suffix('').name} instead")
        options = {zstd.CompressionParameter.checksum_flag: 1}
        compressed: AbstractContextManager[BinaryIO] = zstd.ZstdFile(file, "w", options=options)
        with compressed as out:
            yield out
    else:
        yield file


def _put(out: BinaryIO, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o444
    out.write(info.tobuf(tarfile.USTAR_FORMAT))
    out.write(data)
    out.write(bytes(-len(data) % BLOCK))
