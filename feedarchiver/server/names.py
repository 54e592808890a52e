"""The names that the published folder holds, listed from the disk and looked up as whole strings.

A request never becomes a path: what was not met in a listing is not there, however it is spelled. Names that begin
with a dot (files still being written among them) and symbolic links are not listed.
"""

import os
import stat
import time
from pathlib import Path
from typing import Literal, NamedTuple

_TICK_NS = 2_000_000_000  # FAT's clock ticks every other second
_SHARE = 20  # listing a folder takes at most one part in so many of the time


class _Listing(NamedTuple):
    """What a folder held. `stamp` of 0: it was changing just then. Not listed anew before `until` (monotonic)."""

    files: frozenset[str]
    folders: frozenset[str]
    stamp: int
    until: float


class Names:
    """The names in a folder and below it, with forward slashes. May be asked from several threads."""

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)
        self._listings: dict[str, _Listing] = {}

    def kind(self, name: str) -> Literal["file", "folder"] | None:
        """Tell what there is of this name."""
        place = ""
        *above, last = name.split("/")
        for folder in above:
            if folder not in self._listed(place).folders:
                return None
            place += folder + "/"
        listing = self._listed(place)
        if last in listing.files:
            return "file"
        return "folder" if last in listing.folders else None

    def count(self, place: str = "") -> int:
        """Count the files."""
        listing = self._listed(place)
        return len(listing.files) + sum(self.count(f"{place}{folder}/") for folder in listing.folders)

    def _listed(self, place: str) -> _Listing:
        """List a folder, "" or one that ends with a slash. One that is not there is empty."""
        known, now = self._listings.get(place), time.monotonic()
        path = f"{self._root}/{place}".rstrip("/")
        try:
            state = os.stat(path, follow_symlinks=not place)
            if known and (known.stamp == state.st_mtime_ns or now < known.until):
                return known
            files, folders = _found(path) if stat.S_ISDIR(state.st_mode) else (frozenset(), frozenset())
        except OSError:
            self._listings.pop(place, None)
            return _Listing(frozenset(), frozenset(), 0, 0)
        stamp = state.st_mtime_ns if abs(time.time_ns() - state.st_mtime_ns) > _TICK_NS else 0
        done = time.monotonic()
        fresh = self._listings[place] = _Listing(files, folders, stamp, done + _SHARE * (done - now))
        return fresh


def _found(path: str) -> tuple[frozenset[str], frozenset[str]]:
    files, folders = [], []
    with os.scandir(path) as found:
        for entry in found:
            if entry.name[0] == ".":
                continue
            if entry.is_file(follow_symlinks=False):
                files.append(entry.name)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
    return frozenset(files), frozenset(folders)
