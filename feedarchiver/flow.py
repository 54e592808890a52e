"""The corridor, its first part: from seed files into the archive. updating/ is the second, building/ the third.

    seed files -> gather.seeds -> archive.writer -> archive.index -> building -> published folder

Here the wings meet; nothing here knows the configuration file, prints, or reads a clock. Heavy wings are imported
where there is work for them: a run that finds nothing new loads neither the HTML nor the XML libraries.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.errors import ImageRefused, SeedRefused
from feedarchiver.gather.folder import SeedFile, read, scan
from feedarchiver.model import Outcome, Received, Refusal

if TYPE_CHECKING:
    from feedarchiver.archive.writer import Writer

_TOGETHER = 100  # files
_TOGETHER_BYTES = 4_000_000

Advance = Callable[[str], None]
"""Called with the name of each thing done, for whoever shows progress."""
File = tuple[Received, ...] | str
"""The articles that a file holds, or why it is refused."""


@dataclass(slots=True)
class Imported:
    """What an import came to. `refused` files are left as they are, `young` ones may still be being written."""

    new: int = 0
    versions: int = 0
    noise: int = 0
    known: int = 0
    young: int = 0
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
class ImportedImages:
    """What an import of images came to. `others`: files that are no images. `refused` files are left as they are."""

    new: int = 0
    versions: int = 0
    known: int = 0
    others: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """Count what adding an image came to."""
        setattr(self, outcome.value, getattr(self, outcome.value) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFolder:
    """A folder of seed files and the source that owns it, or the part of it that begins at `start`.

    `remembers`: a file that has not changed since it was last seen is not read again.
    """

    path: Path
    source: str
    start: str = ""
    remembers: bool = True


def import_seeds(  # noqa: PLR0913 - each is one thing that a caller knows
    archive: Archive,
    folders: Iterable[SeedFolder],
    *,
    now: datetime,
    limit_bytes: int,
    advance: Advance,
    quiet_s: float = 0,
) -> Imported:
    """Archive what is new in the folders. The archive is locked only when there is something to add.

    Files that changed within the last `quiet_s` seconds are left for the next time.
    A crash or an error on the way keeps every batch that was committed; running again completes the rest.
    """
    done = Imported()
    with ExitStack() as stack:
        writer = None if archive.is_settled() else stack.enter_context(archive.writing(now))
        for folder in folders:
            index = writer.index if writer else archive.index
            seen = index.notes.seeds(folder.source) if folder.remembers else {}
            for some in _changed(folder, seen, now, limit_bytes, quiet_s, done, advance):
                refused = [one for one in some if isinstance(one, Refusal)]
                if len(refused) == len(some):
                    done.refused += refused
                    continue
                writer = writer or stack.enter_context(archive.writing(now))
                files = (one[1] for one in some if not isinstance(one, Refusal))
                writer.prepare(one for file in files if not isinstance(file, str) for one in file)
                for one in some:
                    if isinstance(one, Refusal):
                        done.refused.append(one)
                        continue
                    seed, file = one
                    reason = _take(writer, file, seed, done)
                    if folder.remembers and seed.is_settled(now):
                        writer.saw_seed(folder.source, seed.name, seed.stamp, reason)
                    if reason is not None:
                        done.refused.append(Refusal(place=seed.place, reason=reason))
                    advance(seed.name)
    return done


def import_git(
    archive: Archive, repository: SeedFolder, *, now: datetime, limit_bytes: int, advance: Advance
) -> Imported:
    """Archive every version of every seed file that a git repository remembers, in the order of the commits.

    Each commit's captures have an instant of their own, so that of two undated versions the later one is shown.
    """
    from feedarchiver.gather.git import history

    done = Imported()
    versions = history(repository.path, repository.start or None, limit_bytes=limit_bytes)
    with archive.writing(now) as writer:
        last = None
        for version in versions:
            if isinstance(version, Refusal):
                done.refused.append(version)
                continue
            if version.commit != last:
                writer.step()
                last = version.commit
            folder, inner, _ = version.name.partition("/")
            source = folder if inner else repository.source
            seed = SeedFile(version.name, source, "", version.name, len(version.data), "")
            if reason := _take(writer, _received(seed, version.data), seed, done):
                done.refused.append(Refusal(place=version.name, reason=reason, kept=f"commit {version.commit[:12]}"))
            advance(version.name)
    return done


def import_images(archive: Archive, mirror: Path, *, now: datetime, advance: Advance) -> ImportedImages:
    """Archive the images in a folder whose paths are addresses: `<host>/<path>`."""
    from feedarchiver.gather.mirror import images

    done = ImportedImages()
    with archive.writing(now) as writer:
        for found in images(mirror):
            if found is None:
                done.others += 1
            elif isinstance(found, Refusal):
                done.refused.append(found)
            else:
                try:
                    done.count(writer.add_image(found.url, found.data))
                except ImageRefused as refused:
                    done.refused.append(Refusal(place=found.place, reason=refused.reason))
                advance(found.place)
    return done


def _changed(  # noqa: PLR0913, PLR0917 - what an import knows
    folder: SeedFolder,
    seen: dict[str, tuple[str, str | None]],
    now: datetime,
    limit_bytes: int,
    quiet_s: float,
    done: Imported,
    advance: Advance,
) -> Iterator[list[Refusal | tuple[SeedFile, File]]]:
    """Read the files that have changed since they were `seen`, some at a time, with what is refused between them."""
    some: list[Refusal | tuple[SeedFile, File]] = []
    size_bytes = 0
    for seed in scan(folder.path, folder.source, folder.start):
        if isinstance(seed, Refusal):
            some.append(seed)
            continue
        stamp, reason = seen.get(seed.name, (None, None))
        if stamp == seed.stamp:
            if reason is None:
                done.known += 1
            else:
                some.append(Refusal(place=seed.place, reason=reason))
            advance(seed.name)
        elif quiet_s and seed.is_young(now, quiet_s):
            done.young += 1
        else:
            some.append((seed, _read(seed, limit_bytes)))
            size_bytes += seed.size_bytes
        if len(some) >= _TOGETHER or size_bytes >= _TOGETHER_BYTES:
            yield some
            some, size_bytes = [], 0
    yield some


def _read(seed: SeedFile, limit_bytes: int) -> File:
    """Read the articles that a seed file holds, or say why it is refused."""
    try:
        return _received(seed, read(seed, limit_bytes))
    except SeedRefused as refused:
        return refused.reason


def _received(seed: SeedFile, data: bytes) -> File:
    from feedarchiver.gather.files import received

    try:
        return received(data, source=seed.source, name=seed.name)
    except SeedRefused as refused:
        return refused.reason


def _take(writer: "Writer", file: File, seed: SeedFile, done: Imported) -> str | None:
    """Archive what a file holds, and count it. Returns the reason when it is refused."""
    if isinstance(file, str):
        return file
    for article in file:
        done.warnings += [f"{seed.place}: {warning}" for warning in article.warnings]
        done.count(writer.add(article))
    return None
