"""Seed files in their folder: found, told apart from what is no seed, and read whole.

A seed is a regular file. Its name means nothing and may hold any byte; the first folder below the seed folder names
its source. Hidden names (a leading dot) are passed over. Refused, one by one: pipes, sockets, devices, links that
lead out of the folder or to a folder, what cannot be read, and what is above the caller's limit.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from feedarchiver.errors import SeedRefused
from feedarchiver.model import Refusal

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY
_FUTURE_S = 600  # the longest that an import takes, about


class SeedFile(NamedTuple):
    """A seed file as a scan met it. A tuple: a run makes one for each file, and a frozen dataclass costs thrice that.

    `path` opens it (a link is resolved already). `name` is its path below `folder` with forward slashes, valid text:
    bytes that are not UTF-8 are percent-encoded. `stamp` holds mtime_ns, ctime_ns, inode and size in
    hexadecimal: while these four are the same, so are the bytes of a settled file.
    """

    path: str
    source: str
    folder: str
    name: str
    size_bytes: int
    stamp: str

    @property
    def place(self) -> str:
        """Where it is, as its owner would write it."""
        return _place(self.folder, self.name)

    def is_settled(self, now: datetime) -> bool:
        """Tell whether any change after `now` will change the stamp: the last one is older than the clock's tick."""
        ctime_ns = int(self.stamp.split()[1], 16)
        tick_s = 0.02 if ctime_ns % 1_000_000_000 else 2.0  # Linux: 100 Hz or more; FAT: every other second
        return ctime_ns / 1_000_000_000 < now.timestamp() - tick_s

    def is_young(self, now: datetime, quiet_s: float) -> bool:
        """Tell whether it changed less than `quiet_s` seconds before `now`, or after it: it may be half written.

        One that changed long after `now` is as old as any other: the clock was set.
        """
        age_s = now.timestamp() - int(self.stamp.split()[1], 16) / 1_000_000_000
        return -_FUTURE_S < age_s < quiet_s


def scan(folder: Path, source: str, start: str = "") -> Iterator[SeedFile | Refusal]:
    """Walk `folder` once, files before subfolders, each in the order of names. Given a file, take that one.

    Files in it belong to `source`, those of a subfolder to the source the subfolder names. `start`: the path of a
    file or subfolder in it to begin at, rather than at the top.
    """
    root = os.fspath(folder)
    todo = [(start, _text(start.partition("/")[0]) if start else source)]
    while todo:
        below, owner = todo.pop()
        try:
            files, folders = _listed(os.path.join(root, below))
        except NotADirectoryError as error:
            if not below:
                yield single(folder, source)
            elif below == start:
                yield _met(root, owner if "/" in start else source, start)
            else:
                yield Refusal(place=_place(root, below), reason=_cannot(error))
            continue
        except OSError as error:
            yield Refusal(place=_place(root, below), reason=_cannot(error), kept="nothing in it was read")
            continue
        prefix = below and below + "/"
        for name in files:
            yield _met(root, owner, prefix + name)
        todo += [(prefix + name, owner if below else _text(name)) for name in reversed(folders)]


def folders(folder: Path) -> Iterator[str]:
    """Name `folder` and every folder below it that `scan` lists, as far as they can be read."""
    todo = [os.fspath(folder)]
    while todo:
        path = todo.pop()
        yield path
        with suppress(OSError):
            todo += [f"{path}/{name}" for name in _listed(path)[1]]


def owners(folder: Path, source: str) -> tuple[str, ...]:
    """Name the sources that the files in `folder` belong to: `source`, and those that its subfolders name."""
    try:
        return source, *map(_text, _listed(os.fspath(folder))[1])
    except OSError:  # whoever reads the files will say so
        return (source,)


def single(path: Path, source: str) -> SeedFile | Refusal:
    """Take one file that a person named; being named, it may be a link to anywhere."""
    place = os.fspath(path)
    folder, name = os.path.split(place)
    try:
        real = os.path.realpath(place, strict=True)
        return _seed(real, source, folder, name, os.lstat(real))
    except SeedRefused as error:
        return Refusal(place=_text(place), reason=error.reason)
    except OSError as error:
        return Refusal(place=_text(place), reason=_cannot(error))


def read(seed: SeedFile, limit_bytes: int) -> bytes:
    """Read a seed whole. Raises SeedRefused: gone, unreadable, no regular file any more, or above `limit_bytes`."""
    try:
        descriptor = os.open(seed.path, _FLAGS)
    except OSError as error:
        # It was one when it was met: ELOOP is O_NOFOLLOW's answer to a link, ENXIO the answer of a socket.
        changed = error.errno in {errno.ELOOP, errno.ENXIO}
        raise SeedRefused("not a regular file any more" if changed else _cannot(error)) from error
    try:
        now = os.fstat(descriptor)
        if not stat.S_ISREG(now.st_mode):
            raise SeedRefused(f"not a regular file any more but {_kind(now.st_mode)}")
        _within(now.st_size, limit_bytes)
        pieces, size = [], 0
        while piece := os.read(descriptor, max(now.st_size + 1 - size, 65_536)):
            pieces.append(piece)
            size += len(piece)
            _within(size, limit_bytes)  # it may grow while it is read
    except OSError as error:
        raise SeedRefused(_cannot(error)) from error
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def _listed(path: str) -> tuple[list[str], list[str]]:
    """List the names in a folder that are not hidden, in order: what is no folder, and folders. Raises OSError."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(path) as found:
        for entry in found:  # only the names are kept: the entries of a large folder cost as much as its stats
            if entry.name[0] != ".":
                (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
    return sorted(files), sorted(folders)


def _met(root: str, source: str, name: str) -> SeedFile | Refusal:
    """Take what a walk met, or say why not."""
    path = f"{root}/{name}"
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            path = _resolved(path, root)
            found = os.lstat(path)
        return _seed(path, source, root, name, found)
    except SeedRefused as error:
        return Refusal(place=_place(root, name), reason=error.reason)
    except OSError as error:
        return Refusal(place=_place(root, name), reason=_cannot(error))


def _resolved(link: str, root: str) -> str:
    """Follow a link that stays within `root`. Raises SeedRefused, OSError."""
    real = os.path.realpath(link, strict=True)
    if os.path.isdir(real):
        raise SeedRefused("a link to a folder; links to folders are not followed")
    if not real.startswith(os.path.join(os.path.realpath(root), "")):
        raise SeedRefused("a link out of the seed folder")
    return real


def _seed(path: str, source: str, folder: str, name: str, found: os.stat_result) -> SeedFile:
    """Take the regular file at `path`. Raises SeedRefused if it is none."""
    if not stat.S_ISREG(found.st_mode):
        raise SeedRefused(f"not a regular file but {_kind(found.st_mode)}")
    size = found.st_size
    stamp = "%x %x %x %x" % (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, size)  # noqa: UP031 - twice as fast
    return SeedFile(path, source, folder, _text(name), size, stamp)


def _within(size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise SeedRefused(f"{size_bytes:,} bytes long, above the limit of {limit_bytes:,}")


def _kind(mode: int) -> str:
    """Name a file's type for a person."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _cannot(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def _place(root: str, name: str) -> str:
    """Name a file as its owner would: the folder as configured, then the path below it."""
    return _text(os.path.join(root, name) if name else root)


def _text(name: str) -> str:
    """Make a file name valid text: each byte that is no UTF-8 percent-encoded, and then the percent signs as well."""
    try:
        name.encode()
    except UnicodeEncodeError:  # such bytes are U+DC80 to U+DCFF in names, see os.fsdecode
        return re.sub("[%\udc80-\udcff]", lambda char: f"%{ord(char[0]) & 0xFF:02X}", name)
    return name
