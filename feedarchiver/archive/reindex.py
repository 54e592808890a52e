"""Making the index from the objects: every capture in the order of the log, through the same derivation as a run's."""

from pathlib import Path

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import Bucket
from feedarchiver.archive.index import Index
from feedarchiver.archive.writer import aliases, known
from feedarchiver.errors import MissingObject
from feedarchiver.model import ObjectId

_BATCH = 5_000


def rebuild(bucket: Bucket, path: Path | None) -> Index:
    """Make an index at `path` (None: in memory). What is damaged or missing is passed over: `verify` names it."""
    index = Index.create(path)
    index.begin()
    for count, name in enumerate(bucket.names("captures"), start=1):
        try:
            capture_id = ObjectId.parse(name)
            data = bucket.get("captures", capture_id)
            if objects.object_id(data) != capture_id:
                continue
            capture = objects.decode_capture(data)
            article = objects.decode_article(bucket.get("articles", capture.article))
        except (MissingObject, ValueError):
            continue
        index.add(known(capture_id, capture, article, aliases(article, capture.source)))
        if count % _BATCH == 0:
            index.commit()
            index.begin()
    index.commit()
    return index
