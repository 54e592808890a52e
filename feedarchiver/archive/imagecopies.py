"""The images of another archive, on their way into this one: the half of `copies` that is about them.

Which copy of an address is shown depends on when it was captured, and on nothing that is published. So captures of
images are taken as they are, whenever they come. What they say of an image is believed after looking at its bytes.
"""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from feedarchiver import imagefile, urls
from feedarchiver.archive import objects
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import Length
from feedarchiver.archive.imagelog import KnownImage
from feedarchiver.errors import ImageRefused, MissingObject
from feedarchiver.model import ImageCapture, ObjectId

if TYPE_CHECKING:
    from feedarchiver.archive.index import Index
    from feedarchiver.archive.writer import Writer

_KIND = "image-captures"
_TABLES = """
CREATE TABLE images (
    capture TEXT PRIMARY KEY, image TEXT NOT NULL, data BLOB NOT NULL, known INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""
_LAST_YEAR = 9998


class IncomingImages:
    """The captures of images of a holding, looked over. `refusing` names one that cannot be taken, and goes on."""

    def __init__(self, db: sqlite3.Connection, refusing: Callable[[str, str], AbstractContextManager[None]]) -> None:
        self._db, self._refusing = db, refusing
        db.executescript(_TABLES)

    def read(self, name: ObjectId, data: bytes) -> None:
        """Read a capture. Raises ValueError."""
        row = name, _sound(data).image, data
        self._db.execute("INSERT OR IGNORE INTO images (capture, image, data) VALUES (?, ?, ?)", row)

    def judge(self, length: Length, index: "Index") -> bool:
        """Find out what is known here and whole. False: everything is."""
        for capture, image in self._db.execute("SELECT capture, image FROM images"):
            here = all(length(*which) is not None for which in ((_KIND, capture), ("images", image)))
            known = here and index.images.has_capture(capture)
            self._db.execute("UPDATE images SET known = ? WHERE capture = ?", (known, capture))
        return self._db.execute("SELECT 1 FROM images WHERE NOT known LIMIT 1").fetchone() is not None

    def take(self, archive: Archive, writer: "Writer") -> tuple[int, int]:
        """Take in what is not known. Returns how many are new, and how many were known and have come back whole."""
        new = restored = 0
        rows = self._db.execute("SELECT capture, data FROM images WHERE NOT known ORDER BY capture")
        for name, data in rows:
            with self._refusing(_KIND, name):
                capture = objects.decode_image_capture(data)
                _compare(archive, capture)
                if writer.index.images.has_capture(name):
                    writer.keep(_KIND, name, data)
                    restored += 1
                else:
                    writer.take_image(data, KnownImage.of(capture, data))
                    new += 1
        return new, restored


def _sound(data: bytes) -> ImageCapture:
    """Read a capture that a stranger may have written. Raises ValueError."""
    if not objects.is_canonical(data):
        raise ValueError("it is no capture of an image in this format")
    capture = objects.decode_image_capture(data)
    if urls.encoded(capture.url) != capture.url:
        raise ValueError("its address is none")
    if capture.captured.year > _LAST_YEAR:
        raise ValueError("it was captured at the end of the calendar")
    return capture


def _compare(archive: Archive, capture: ImageCapture) -> None:
    """See that an image is what its capture says. Raises ValueError, DamagedObject."""
    try:
        data = archive.read("images", capture.image)
        said = imagefile.read(data)
    except MissingObject:
        raise ValueError(f"it refers to image {capture.image}, which it did not bring along") from None
    except ImageRefused as error:
        raise ValueError(f"image {capture.image} cannot be taken: {error.reason}") from error
    if (*said, len(data)) != (capture.type, capture.width, capture.height, capture.length):
        raise ValueError(f"it says of image {capture.image} what is not so")
