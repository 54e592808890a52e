"""The corridor, and the program on one page: import seeds, build feeds, and `run` = both.

    seed files -> gather.seeds -> archive.writer -> archive.index -> publish.build -> published folder

Here the wings meet; nothing here knows the configuration file, prints, or reads a clock. Heavy wings are imported
where there is work for them: a run that finds nothing new loads neither the HTML nor the XML libraries.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from feedarchiver import CLEANER_VERSION, RENDERER_VERSION
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.index import Line
from feedarchiver.errors import ArchiveError, SeedRefused
from feedarchiver.gather.folder import SeedFile, read, scan
from feedarchiver.model import Entry, Feed, Outcome, Refusal

if TYPE_CHECKING:
    from feedarchiver.archive.writer import Writer

Advance = Callable[[str], None]
"""Called with the name of each thing done, for whoever shows progress."""


@dataclass(slots=True)
class Imported:
    """What an import came to. `refused` files are left as they are."""

    new: int = 0
    versions: int = 0
    noise: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """Count what adding an article came to."""
        setattr(self, outcome.value, getattr(self, outcome.value) + 1)

    @property
    def articles(self) -> int:
        """Every article that was looked at and not refused."""
        return self.new + self.versions + self.noise + self.known


@dataclass(slots=True)
class Built:
    """What a build came to. `faults`: one line for each entry that could not be published."""

    feeds: int = 0
    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFolder:
    """A folder of seed files and the source that owns it, or the part of it that begins at `start`.

    `remembers`: a file that has not changed since it was last seen is not read again.
    """

    path: Path
    source: str
    start: str = ""
    remembers: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """Where feeds are published: a folder, and the address that it is reached at."""

    folder: Path
    base_url: str


def import_seeds(
    archive: Archive, folders: Iterable[SeedFolder], *, now: datetime, limit_bytes: int, advance: Advance
) -> Imported:
    """Archive what is new in the folders. The archive is locked only when there is something to add.

    A crash or an error on the way keeps every batch that was committed; running again completes the rest.
    """
    done = Imported()
    with ExitStack() as stack:
        writer = None if archive.is_settled() else stack.enter_context(archive.writing(now))
        for folder in folders:
            index = writer.index if writer else archive.index
            seen = index.seeds(folder.source) if folder.remembers else {}
            for seed in scan(folder.path, folder.source, folder.start):
                if isinstance(seed, Refusal):
                    done.refused.append(seed)
                    continue
                stamp, reason = seen.get(seed.name, (None, None))
                if stamp != seed.stamp:
                    writer = writer or stack.enter_context(archive.writing(now))
                    reason = _take(writer, seed, done, limit_bytes)
                    if folder.remembers and seed.is_settled(now):
                        writer.saw_seed(folder.source, seed.name, seed.stamp, reason)
                elif reason is None:
                    done.known += 1
                if reason is not None:
                    done.refused.append(Refusal(place=seed.place, reason=reason))
                advance(seed.name)
    return done


def _take(writer: "Writer", seed: SeedFile, done: Imported, limit_bytes: int) -> str | None:
    """Archive one seed file and count it. Returns the reason when it is refused."""
    from feedarchiver.gather.seeds import received

    try:
        article = received(seed, read(seed, limit_bytes))
    except SeedRefused as refused:
        return refused.reason
    done.warnings += [f"{seed.place}: {warning}" for warning in article.warnings]
    done.count(writer.add(article))
    return None


def build(archive: Archive, feeds: Iterable[Feed], target: Target, *, size: int, advance: Advance) -> Built:
    """Publish the newest `size` entries of each feed. What has not changed is neither read nor written."""
    done = Built()
    stale = []
    for feed in feeds:
        done.feeds += 1
        if unchanged := _unchanged(archive, feed, target, size):
            done.unchanged += unchanged
            advance(feed.id)
        else:
            stale.append(feed)
    if stale:
        with archive.publishing():
            for feed in stale:
                lines = archive.newest(feed.sources, size)
                states = _publish(feed, _entries(archive, lines, done.faults), target, done)
                key = _key(feed, target.base_url, lines)
                archive.note_documents(feed.id, {path: (key, stamp) for path, stamp in states.items()})
                advance(feed.id)
    return done


def _unchanged(archive: Archive, feed: Feed, target: Target, size: int) -> int:
    """Count a feed's documents if all of them stand as they were left and would be written the same, else none."""
    kept = archive.index.documents(feed.id)
    if not kept:
        return 0
    key = _key(feed, target.base_url, archive.newest(feed.sources, size))
    return len(kept) if all(state == (key, _stamp(target.folder / path)) for path, state in kept.items()) else 0


def _publish(feed: Feed, entries: Iterable[Entry], target: Target, done: Built) -> dict[str, str | None]:
    """Write a feed's documents. Returns the state of each file, or nothing when an entry could not be read."""
    from feedarchiver.publish.build import documents
    from feedarchiver.publish.folder import Folder

    folder, faults = Folder(target.folder), len(done.faults)
    states = {}
    for document in documents(feed, entries, target.base_url):
        if folder.write(document) == "written":
            done.written.append(document.path)
        else:
            done.unchanged += 1
        states[document.path] = _stamp(target.folder / document.path)
    return states if len(done.faults) == faults else {}


def _entries(archive: Archive, lines: Iterable[Line], faults: list[str]) -> Iterator[Entry]:
    """Read the entries that lines stand for. One that is damaged is named and leaves the others alone."""
    for line in lines:
        try:
            yield archive.entry(line)
        except ArchiveError as error:
            faults.append(f"{error}; {line.id} is left out of the feeds until then")


def _key(feed: Feed, base_url: str, lines: Iterable[Line]) -> str:
    """Name everything that decides the bytes of a feed's documents."""
    parts = [
        repr((CLEANER_VERSION, RENDERER_VERSION, feed, base_url)),
        *(f"{line.id} {line.article} {line.updated}" for line in lines),
    ]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _stamp(path: Path) -> str | None:
    """Name the state of a published file, to see later that nothing has touched it. None when it is not there."""
    try:
        state = os.lstat(path)
    except OSError:
        return None
    return f"{state.st_ino} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"
