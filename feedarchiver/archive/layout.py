"""The beginning of an archive: the file that says that this is one, and of which layout, in a folder or in a bucket."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from feedarchiver.archive.bucket import Store
from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.errors import ArchiveError
from feedarchiver.s3.address import Address

LAYOUT = 1


def store_at(place: Path | Address, desk: Path) -> Store:
    """Give the bucket at `place`. One that is far away works in the folder `desk`. Raises UsageError."""
    if isinstance(place, Path):
        return FolderBucket(place)
    from feedarchiver.archive.remotebucket import RemoteBucket  # who keeps everything here does without it
    from feedarchiver.s3.remote import Remote

    return RemoteBucket(Remote.connect(place), desk)


def lay_out(store: Store, place: str, now: datetime) -> bytes:
    """Begin an archive where there is nothing yet. Returns its format.json. Raises ArchiveError."""
    data = store.format()
    if data is None and store.is_bare():
        said = {"layout": LAYOUT, "created": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}
        said["id"] = os.urandom(8).hex()
        store.begin((json.dumps(said, sort_keys=True) + "\n").encode())
        data = store.format()
    return _checked(store, place, data)


def check_layout(store: Store, place: str) -> bytes:
    """See that there is an archive of this layout. Returns its format.json. Raises ArchiveError."""
    return _checked(store, place, store.format())


def _checked(store: Store, place: str, data: bytes | None) -> bytes:
    if data is None:
        if store.is_bare():
            raise ArchiveError(f"there is no archive in {place} yet; `feedarchiver import` makes one")
        if store.announced() is not None:
            raise ArchiveError(f"the archive has not come to {place} whole; `feedarchiver migrate` goes on with it")
        raise ArchiveError(f"{place} is not an archive: it has no format.json; it was left as it is")
    check_format(data, place)
    return data


def check_format(data: bytes, place: str) -> None:
    """See that `data`, the format.json of the archive at `place`, is that of this layout. Raises ArchiveError."""
    try:
        layout = json.loads(data)["layout"]
    except (ValueError, KeyError, TypeError, RecursionError):
        name = os.path.join(place, "format.json")
        raise ArchiveError(f"{name} is damaged; restore it from a copy; nothing was changed") from None
    if layout != LAYOUT:
        raise ArchiveError(
            f"{place} has layout {layout}, which this program (layout {LAYOUT}) does not know; "
            "use a newer feedarchiver; nothing was changed"
        )
