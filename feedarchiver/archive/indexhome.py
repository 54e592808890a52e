"""Where the index of an archive is, and how to get at it: in a file, or in PostgreSQL."""

from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import Store
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.indexfile import IndexFile
from feedarchiver.archive.notes import VERIFIED
from feedarchiver.errors import NewerIndex, UsageError
from feedarchiver.s3.address import Address

if TYPE_CHECKING:
    from feedarchiver.archive.postgres.place import PostgresPlace


def home(
    index_at: Path | IndexAddress, bucket: Store, place: Path | Address, format_: bytes, wait_s: float
) -> "IndexFile | PostgresPlace":
    """Find the place for the index of the archive at `place`. Raises UsageError where a package is missing."""
    if isinstance(index_at, Path):
        # An index beside the objects is theirs; another one may be that of an archive that was here before.
        far = place if isinstance(place, Address) else None
        owner = objects.object_id(repr((*far, format_)).encode()) if far else ""
        return IndexFile(index_at, bucket, owner)
    try:
        from feedarchiver.archive.postgres.place import PostgresPlace
    except ImportError as error:
        raise UsageError(
            f"an index in PostgreSQL needs {error.name}, which is not here: "
            "python -m pip install 'feedarchiver[postgres]'; nothing was done"
        ) from error
    return PostgresPlace(index_at, bucket, format_, wait_s, is_sealed=isinstance(place, Path))


def last_verified(at: "IndexFile | PostgresPlace") -> str | None:
    """Read what the last verification found, in an index on which nobody need rely any more."""
    with suppress(NewerIndex, at.trouble):
        if at.stands() and (index := at.found()):
            with closing(index):
                return index.notes.read(*VERIFIED)
    return None
