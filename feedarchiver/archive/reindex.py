"""Making the index from the objects: every capture in the order of the log, through the same derivation as a run's."""

from pathlib import Path

from feedarchiver.archive.bucket import Bucket
from feedarchiver.archive.imagelog import KnownImage
from feedarchiver.archive.index import Index
from feedarchiver.archive.known import Known
from feedarchiver.errors import DamagedObject, MissingObject
from feedarchiver.model import ObjectId

_BATCH = 5_000


def rebuild(bucket: Bucket, path: Path | None) -> Index:
    """Make an index at `path` (None: in memory). What is damaged or missing is passed over: `verify` names it.

    Memory is flat: captures wait in a temporary table until all of them are there to be taken in order.
    """
    index = Index.create(path)
    index.begin()
    for name in bucket.names("captures"):
        try:
            index.wait(Known.read(bucket, ObjectId.parse(name)))
        except (DamagedObject, MissingObject, ValueError):
            continue
    for name in bucket.names("image-captures"):
        try:
            index.images.add(KnownImage.read(bucket, ObjectId.parse(name)))
        except (DamagedObject, MissingObject, ValueError):
            continue
    index.commit()
    index.begin()
    for count, known in enumerate(index.waiting(), start=1):
        index.add(known)
        if count % _BATCH == 0:
            index.commit()
            index.begin()
    index.commit()
    return index
