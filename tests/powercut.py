"""What a power cut may leave, judged from the record of a run's calls: a strict model of a disk.

Bytes are durable once their file has been fsynced after the last write; a name once its folder has been. All else may
or may not have reached the disk, in any order. So a fault is looked for after every call, that is in every prefix of
the record, and what holds then holds for every state that the disk could be in.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from crash import Call

_OBJECT = re.compile(r"/archive/(raw|articles|images|captures|image-captures)/[0-9a-f]{2}/[0-9a-f]{62}$")
_HANDED_OVER = re.compile(r"/archive/tmp/(raw|articles|images|captures|image-captures)-[0-9a-f]{64}$")
_CAPTURE = re.compile(r"/(image-)?captures/[0-9a-f]{2}/[0-9a-f]{62}$")
_DOCUMENT = re.compile(r"/feeds/(.*/)?[^./][^/]*$")
_INDEX = re.compile(r"/archive/index\.db(\.new)?(-wal)?$")


class Disk:
    """What is durable, and what is not yet. `before`: the files and folders there were before the first call."""

    def __init__(self, before: Iterable[str]) -> None:
        self.names = set(before)
        self.torn: set[str] = set()  # files with bytes that may not have reached the disk
        self.loose: set[str] = set()  # names that may not have
        self.handed_over: dict[str, str] = {}  # objects that were put: the path they have now by their first one
        self.listed: set[str] = set()  # those that `pending` lists for good, by their first path; it only grows
        self.indexed: set[str] = set()  # those that an index row may refer to, by their first path
        self.committed: set[str] = set()  # those that one does for good

    def take(self, call: Call) -> None:
        """Let a call that took effect happen."""
        _EFFECTS[call.name.removesuffix("at").removesuffix("at2")](self, *call.paths, said=call.said)

    def is_safe(self, path: str) -> bool:
        """Tell whether a file survives with its name and all of its bytes."""
        return path in self.names and path not in self.torn and self.is_named(path)

    def is_named(self, path: str) -> bool:
        """Tell whether a name survives, with those of the folders above it."""
        return not any(path == loose or path.startswith(f"{loose}/") for loose in self.loose)

    def open(self, path: str, said: str) -> None:
        if path not in self.names:
            self.names.add(path)
            self.loose.add(path)
            if _HANDED_OVER.search(path) or _OBJECT.search(path):
                self.handed_over[path] = path
        if "O_TRUNC" in said or path in self.loose:
            self.torn.add(path)
            self.unlist(path)

    def write(self, path: str, said: str = "") -> None:
        self.torn.add(path)
        if _INDEX.search(path):
            self.indexed |= self.handed_over.keys()

    def fsync(self, path: str, said: str = "") -> None:
        self.torn.discard(path)
        self.loose = {loose for loose in self.loose if os.path.dirname(loose) != path}
        if path.endswith("/index.db-wal"):
            self.committed |= self.indexed
        elif path.endswith("/pending"):
            self.listed |= self.handed_over.keys()

    def syncfs(self, path: str, said: str = "") -> None:
        self.torn.clear()
        self.loose.clear()

    def mkdir(self, path: str, said: str = "") -> None:
        self.names.add(path)
        self.loose.add(path)

    def rename(self, old: str, new: str, said: str = "") -> None:
        self.unlink(new)
        self.names.add(new)
        self.loose.add(new)
        if old in self.torn:
            self.torn.add(new)
        first = next((first for first, now in self.handed_over.items() if now == old), None)
        self.unlink(old)
        if first:
            self.handed_over[first] = new
        if new.endswith("/index.db"):  # made anew: it knows all that had its name
            self.indexed |= {first for first, now in self.handed_over.items() if _OBJECT.search(now)}
            self.committed |= self.indexed

    def unlink(self, path: str, said: str = "") -> None:
        for all_paths in (self.names, self.torn, self.loose):
            all_paths.discard(path)
        self.handed_over = {first: now for first, now in self.handed_over.items() if now != path}
        self.unlist(path)

    def unlist(self, path: str) -> None:
        if path.endswith("/pending"):
            self.listed.clear()

    def keep(self, path: str, said: str = "") -> None:
        """Take a call that changes neither bytes nor names."""


_EFFECTS: dict[str, Callable[..., None]] = {
    "open": Disk.open, "creat": Disk.open, "write": Disk.write, "writev": Disk.write, "pwrite64": Disk.write,
    "truncate": Disk.write, "ftruncate": Disk.write, "fsync": Disk.fsync, "fdatasync": Disk.fsync,
    "syncfs": Disk.syncfs, "mkdir": Disk.mkdir, "rename": Disk.rename, "unlink": Disk.unlink, "rmdir": Disk.unlink,
    "chmod": Disk.keep, "fchmod": Disk.keep,
}  # fmt: skip


def audit(calls: Iterable[Call], before: Iterable[str], refers: Mapping[str, Iterable[str]]) -> list[str]:
    """Name each fault once, with the call after which a power cut brings it about.

    `refers`: by the path of a capture, those of the objects it refers to.
    """
    disk = Disk(before)
    found: dict[str, str] = {}
    last = None
    for number, call in enumerate(calls, start=1):
        if call.done:
            disk.take(call)
            for fault in _faults(disk, refers):
                found.setdefault(fault, f"after call {number}, {call.name} {' '.join(call.paths)}: {fault}")
            last = call
    for path in sorted(disk.names):
        if (_OBJECT.search(path) or _DOCUMENT.search(path)) and not disk.is_safe(path):
            found.setdefault(path, f"at the end, {last and last.name}: {path} is not durable")
    return list(found.values())


def _faults(disk: Disk, refers: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for path in disk.torn & disk.names:
        if _OBJECT.search(path) or _DOCUMENT.search(path) or path.endswith("/format.json"):
            yield f"{path} has its name before its bytes are durable"
        if path.endswith("/archive/index.db") and path in disk.loose:
            yield f"{path} takes the old one's place before its bytes are durable"
    for first in disk.indexed:
        now = disk.handed_over.get(first, first)
        if not (_OBJECT.search(now) and disk.is_safe(now)):
            yield f"the index may know {now}, which is not durable"
    for first, now in disk.handed_over.items():
        if _CAPTURE.search(now):
            yield from _capture_faults(disk, first, now, refers.get(now, ()))


def _capture_faults(disk: Disk, first: str, path: str, refers: Iterable[str]) -> Iterator[str]:
    for needed in refers:
        if not disk.is_safe(needed):
            yield f"{path} has its name before {needed} is durable"
    is_listed = first in disk.listed and disk.is_named(_CAPTURE.sub("/pending", path))
    if not is_listed and first not in disk.committed:
        yield f"{path} has its name, and neither the index nor a durable list knows it"
