"""What is served: each published file's hash, kept while nothing touches the file, and the bytes most asked for.

Only `Names` decides what there is; a file is opened below its folder without following a link. Files are replaced by
renaming, never written into, so what is read through one descriptor is one version.
"""

import asyncio
import gzip
import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from feedarchiver.publish.folder import Folder
from feedarchiver.server.kinds import told
from feedarchiver.server.names import Names

_CHUNK = 64 * 1024
_HELD = 64 * 1024 * 1024  # bytes of files in memory, as they are and packed
_LARGEST = 8 * 1024 * 1024  # above it a file is sent from the disk, as it is
_LEAST = 1024  # below it packing saves nothing
_TICK_NS = 20_000_000
_LEVEL = 6

_Stamp = tuple[int, int, int, int]
_T = TypeVar("_T")


class Item(NamedTuple):
    """A published file in one version. `tag` is the hash of its bytes; `modified_s` in whole seconds since 1970."""

    name: str
    stamp: _Stamp
    settled: bool
    size: int
    tag: str
    modified_s: int
    modified: bytes

    @property
    def packs(self) -> bool:
        """Tell whether it is sent packed to those who ask for that."""
        return _LEAST <= self.size <= _LARGEST and told(self.name).packs


class Content:
    """The bytes of one version: in memory, or in an open file, which is to be closed."""

    def __init__(self, held: bytes | int, size: int) -> None:
        self._held, self.size = held, size

    async def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Give the bytes from `start` to before `end`. Ends early when somebody has cut the file short."""
        for first in range(start, end, _CHUNK):
            length = min(_CHUNK, end - first)
            if isinstance(self._held, bytes):
                yield self._held[first : first + length]
            else:
                yield await asyncio.to_thread(os.pread, self._held, length, first)

    def close(self) -> None:
        """Close the file."""
        if isinstance(self._held, int):
            os.close(self._held)


class Shelf:
    """A published folder, for one event loop."""

    def __init__(self, root: Path) -> None:
        self._root, self._folder, self.names = os.fspath(root), Folder(root), Names(root)
        self._items: dict[str, Item] = {}
        self._bodies: OrderedDict[tuple[str, str, bool], bytes] = OrderedDict()
        self._held = 0
        self._pending: dict[object, asyncio.Task[Any]] = {}

    async def find(self, name: str) -> Item | None:
        """Find the file `name` as it now is."""
        item = self._items.get(name)
        if item and item.settled and item.stamp == _stamp_of(f"{self._root}/{name}"):
            return item
        item = await self._once(name, lambda: self._look(name))
        if item is None:
            self._items.pop(name, None)
        else:
            self._items[name] = item
        return item

    async def is_folder(self, name: str) -> bool:
        """Tell whether there is a folder of this name."""
        return await asyncio.to_thread(self.names.kind, name) == "folder"

    async def count(self) -> int:
        """Count the published files."""
        return await asyncio.to_thread(self.names.count)

    async def content(self, item: Item, *, packed: bool) -> "Content | None":
        """Open the bytes of an item, `packed` by gzip or not. None: it is not in that version any more."""
        held: bytes | int | None = await (
            self._body(item, packed=packed) if item.size <= _LARGEST else self._open(item)
        )
        return None if held is None else Content(held, len(held) if isinstance(held, bytes) else item.size)

    async def _body(self, item: Item, *, packed: bool) -> bytes | None:
        """Have the bytes of an item in memory."""
        key = (item.name, item.tag, packed)
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
            return body
        if packed:
            plain = await self._body(item, packed=False)
            body = plain and await self._once(key, lambda: gzip.compress(plain, _LEVEL, mtime=0))
        else:
            body = await self._once(key, lambda: self._read(item))
        if body is not None and key not in self._bodies:
            self._bodies[key] = body
            self._held += len(body)
            while self._held > _HELD:
                self._held -= len(self._bodies.popitem(last=False)[1])
        return body

    async def _open(self, item: Item) -> int | None:
        file = await asyncio.to_thread(self._folder.open, item.name)
        if file is not None and _stamp(os.fstat(file)) != item.stamp:
            os.close(file)
            return None
        return file

    async def _once(self, key: object, work: Callable[[], _T]) -> _T:
        """Do `work` in a thread; who wants the same meanwhile waits for it, too."""
        task = self._pending.get(key)
        if task is None:
            task = self._pending[key] = asyncio.create_task(asyncio.to_thread(work))
            task.add_done_callback(lambda _: self._pending.pop(key, None))
        done: _T = await asyncio.shield(task)
        return done

    def _look(self, name: str) -> Item | None:
        """Read a file for its hash. None when there is no such file."""
        file = self._folder.open(name) if self.names.kind(name) == "file" else None
        if file is None:
            return None
        with os.fdopen(file, "rb") as opened:
            state = os.fstat(file)
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        seconds = state.st_mtime_ns // 1_000_000_000
        settled = state.st_ctime_ns < time.time_ns() - _TICK_NS
        modified = formatdate(seconds, usegmt=True).encode()
        return Item(name, _stamp(state), settled, state.st_size, digest[:32], seconds, modified)

    def _read(self, item: Item) -> bytes | None:
        file = self._folder.open(item.name)
        if file is None:
            return None
        with os.fdopen(file, "rb") as opened:
            return opened.read() if _stamp(os.fstat(file)) == item.stamp else None


def _stamp(state: os.stat_result) -> _Stamp:
    return (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _stamp_of(path: str) -> _Stamp | None:
    try:
        return _stamp(os.lstat(path))
    except OSError:
        return None
