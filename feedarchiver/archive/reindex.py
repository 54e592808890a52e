"""Making the index from the objects: every capture in the order of the log, through the same derivation as a run's."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from feedarchiver.archive.bucket import Store
from feedarchiver.archive.imagelog import KnownImage
from feedarchiver.archive.index import Index
from feedarchiver.archive.known import Known
from feedarchiver.errors import DamagedObject, MissingObject
from feedarchiver.model import ObjectId

_T = TypeVar("_T")
_BATCH = 5_000


def rebuild(bucket: Store, path: Path | None) -> Index:
    """Make an index at `path` (None: in memory). What is damaged or missing is passed over: `verify` names it.

    Memory is flat: captures wait in a temporary table until all of them are there to be taken in order.
    """
    index = Index.create(path)
    index.begin()
    for known in bucket.together(partial(_read, bucket, Known.read), bucket.names("captures")):
        if known is not None:
            index.wait(known)
    for image in bucket.together(partial(_read, bucket, KnownImage.read), bucket.names("image-captures")):
        if image is not None:
            index.images.add(image)
    index.commit()
    index.begin()
    for count, known in enumerate(index.waiting(), start=1):
        index.add(known)
        if count % _BATCH == 0:
            index.commit()
            index.begin()
    index.commit()
    return index


def _read(bucket: Store, read: Callable[[Store, ObjectId], _T], name: str) -> _T | None:
    """Read a capture. None for what is none, and for one that is damaged, or lacks what it refers to."""
    with suppress(DamagedObject, MissingObject, ValueError):
        return read(bucket, ObjectId.parse(name))
    return None
