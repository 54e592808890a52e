"""Folders: whether they are there, may be read and written, lie on one disk where files are renamed, and have room."""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.lock import holder
from feedarchiver.config import Config
from feedarchiver.doctor import Finding
from feedarchiver.errors import FeedarchiverError, StorageError
from feedarchiver.watching import verified
from feedarchiver.watching.room import look, size
from feedarchiver.watching.sources import minute

_WAIT_S = 2.0
_BLOCK = bytes(4096)
_PASSWORD = re.compile(r"//[^/@]*:[^/@]*@|[?&]password=")


def examine(config: Config) -> Iterator[Finding]:
    """Look at every folder that the configuration names, and at the archive."""
    if isinstance(config.store, Path):
        yield _written("archive", config.store)
        yield _within("archive", config.store)
    if isinstance(config.index, Path) and config.index.parent != config.store:
        yield _written("index", config.index.parent)
    yield _written("feeds", config.published)
    yield _within("feeds", config.published)
    yield from (_read(source.id, source.folder) for source in config.sources if source.folder)
    yield from _rooms(config)
    yield from _archive(config)


def _written(name: str, folder: Path) -> Finding:
    """Try to write a file that nobody sees."""
    there = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(_BLOCK)
            os.fsync(file.fileno())
    except OSError as error:
        reason = StorageError.of(error, "write", str(there)).reason
        return Finding(name, f"cannot write into {there}: {reason}", "give whoever runs this the right to write there")
    owner = os.stat(there).st_uid
    if os.geteuid() == 0 and owner != 0:
        advice = "call the doctor as that user: root may write everywhere"
        return Finding(name, f"{there} belongs to user {owner}, and this runs as root", advice)
    return Finding(name, f"{folder} can be written" + ("" if there == folder else ", once it is made"))


def _within(name: str, folder: Path) -> Finding:
    """See that what lies in a folder is this user's, and on the same disk: files are renamed into place."""
    try:
        own = os.stat(folder).st_dev
        with os.scandir(folder) as found:
            for one in found:
                if one.is_dir() and one.stat().st_dev != own:
                    advice = f"move it to the disk of {folder}: files are renamed into place, and not from disk to disk"
                    return Finding(name, f"{one.path} is on another disk", advice)
                if not one.is_symlink() and not os.access(one.path, os.W_OK):
                    told = f"cannot write {one.path}, which belongs to user {one.stat().st_uid}"
                    return Finding(name, told, f"give all of {folder} to whoever runs this (chown -R)")
    except FileNotFoundError:
        return Finding(name, f"there is no {folder} yet")
    except OSError as error:
        reason = StorageError.of(error, "read", str(folder)).reason
        return Finding(name, f"cannot read {folder}: {reason}", "give whoever runs this the right to read it")
    return Finding(name, f"all in {folder} is this user's, and on one disk")


def _read(source: str, folder: Path) -> Finding:
    """See that a folder of seeds can be read."""
    name = f"source {source}"
    try:
        os.scandir(os.path.join(folder, ".")).close()  # the dot: it can be entered, too
    except (FileNotFoundError, NotADirectoryError):
        return Finding(name, f"there is no folder {folder}", "make it, or correct `folder` in the configuration")
    except OSError as error:
        reason = StorageError.of(error, "read", str(folder)).reason
        return Finding(name, f"cannot read {folder}: {reason}", "give whoever runs this the right to read it")
    return Finding(name, f"{folder} can be read")


def secret(config: Config, path: Path) -> Iterator[Finding]:
    """See that what may be keys in the configuration at `path` is not for everybody."""
    what = "header fields" if any(source.asking and source.asking.headers for source in config.sources) else ""
    if isinstance(config.index, IndexAddress) and _PASSWORD.search(config.index.url):
        what = "address of the index" if not what else f"{what} and address of the index"
    if what:
        readable = path.stat().st_mode & stat.S_IROTH
        told = f"its {what} can be read by everybody here" if readable else f"not everybody can read its {what}"
        yield Finding("configuration", told, f"chmod o-r {path}" if readable else None)


def _rooms(config: Config) -> Iterator[Finding]:
    places = {"archive": config.store, "index": config.index_folder, "feeds": config.published}
    for room in look({name: place for name, place in places.items() if isinstance(place, Path)}):
        told = f"{size(room.free_bytes)} of {size(room.bytes)} left ({room.name})"
        told += f", names for {room.free_files:,} of {room.files:,} files" if room.files else ""
        yield Finding("disk", told, "make room, or move the archive to a larger disk" if room.is_low else None)


def _archive(config: Config) -> Iterator[Finding]:
    """Look at the archive itself: whether it can be read, who writes to it, what its last verification found."""
    if isinstance(config.store, Path) and _is_empty(config.store):
        yield Finding("archive", "there is none yet; `feedarchiver run` makes it")
        return
    try:
        with Archive.open(config.store, config.index, wait_s=_WAIT_S) as archive:
            yield _lock(archive)
            if not archive.index_stands():
                yield Finding("index", "not as its last writer left it; the next command makes it anew or completes it")
                return
            last = verified.read(archive.index)
    except FeedarchiverError as error:
        yield Finding("archive", str(error), "see above, or restore it from a copy")
        return
    if last is None:
        yield Finding("archive", "never verified; `feedarchiver verify` reads every object")
    elif last.faults:
        advice = "restore what `feedarchiver verify` names from a copy, and verify again"
        yield Finding("archive", f"verified at {minute(last.at)}, faults: {last.faults:,}", advice)
    else:
        yield Finding("archive", f"verified at {minute(last.at)}, no fault")


def _lock(archive: Archive) -> Finding:
    try:
        held = holder(Path(archive.bucket.root), _WAIT_S)
    except OSError as error:
        return Finding("lock", f"cannot be tried: {StorageError.of(error, 'lock', '').reason}")
    if held is None:
        unfinished = "" if archive.is_settled() else "; a run was cut short, and the next one completes it"
        return Finding("lock", f"nobody writes to the archive{unfinished}")
    return Finding("lock", f"held by {held}", "wait until that has finished; if it hangs, end it: nothing is lost")


def _nearest(folder: Path) -> Path:
    return next((one for one in (folder, *folder.parents) if os.path.exists(one)), folder)


def _is_empty(folder: Path) -> bool:
    """Tell whether there is nothing. Why a folder cannot be read is for the archive to say."""
    try:
        return not os.listdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
