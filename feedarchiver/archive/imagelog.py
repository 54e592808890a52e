"""The part of the index that is about images: which is the copy of which address, who names it, what shows it.

`images` is derived from the captures of images; of several copies of one address the latest is the one to show.
Addresses are compared like links (`urls.canonical`). The other tables are notes of the builder, and go with the index:

- `uses`: which entries name an address, whether there is a copy of it or not. Only grows; too much costs time only.
- `shown`: which images a published document shows.
- `fresh` marks copies that the published documents may not show yet.

There, addresses and images are the first 64 bits of a hash. The caller holds the archive's lock and a transaction
where it writes.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import Bucket, read
from feedarchiver.archive.database import Database, key, long
from feedarchiver.archive.history import microseconds
from feedarchiver.archive.wanted import Wanted
from feedarchiver.model import ImageCapture, ObjectId

TABLES = """
CREATE TABLE images (
    capture TEXT PRIMARY KEY, address TEXT NOT NULL, image TEXT NOT NULL, type TEXT NOT NULL, width INTEGER NOT NULL,
    height INTEGER NOT NULL, length INTEGER NOT NULL, captured INTEGER NOT NULL, own_length INTEGER NOT NULL,
    fresh INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE INDEX images_address ON images (address, captured, capture);
CREATE INDEX images_image ON images (image);
CREATE INDEX images_fresh ON images (address) WHERE fresh = 1;
CREATE TABLE uses (address INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (address, entry)) WITHOUT ROWID;
CREATE TABLE shown (number INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, images BLOB NOT NULL);
"""
COLUMNS = "capture, address, image, type, width, height, length, captured, own_length"
_HALF = 1 << 63


class Copy(NamedTuple):
    """An image as a copy of an address: what its bytes say, and when it was captured (microseconds since 1970)."""

    image: ObjectId
    type: str
    width: int
    height: int
    length: int
    captured: int


class KnownImage(NamedTuple):
    """A capture of an image as the index keeps it. `address` is canonical, `own_length` the capture's own in bytes."""

    capture: ObjectId
    address: str
    copy: Copy
    own_length: int

    @classmethod
    def of(cls, capture: ImageCapture, data: bytes) -> "KnownImage":
        """Gather what the index keeps of a capture, whose bytes are `data`."""
        from feedarchiver.urls import canonical  # a run with nothing new does without it

        copy = Copy(
            image=capture.image,
            type=capture.type,
            width=capture.width,
            height=capture.height,
            length=capture.length,
            captured=microseconds(capture.captured),
        )
        return cls(objects.object_id(data), key(canonical(capture.url)), copy, len(data))

    @classmethod
    def read(cls, bucket: Bucket, capture_id: ObjectId) -> "KnownImage":
        """Read what the index keeps of a capture. Raises DamagedObject, MissingObject, ValueError."""
        data = read(bucket, "image-captures", capture_id)
        return cls.of(objects.decode_image_capture(data), data)


def row_of(known: KnownImage) -> tuple[object, ...]:
    """Write what is kept of a capture, in the order of `COLUMNS`."""
    return known.capture, known.address, *known.copy, known.own_length


class ImageLog:
    """The images, in the file of the index."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, known: KnownImage) -> None:
        """Take a capture in: nobody wants that picture any more."""
        row = row_of(known)
        values = ", ".join("?" * len(row))
        self._db.execute(f"INSERT INTO images ({COLUMNS}) VALUES ({values}) ON CONFLICT DO NOTHING", row)
        Wanted(self._db).had(known.address)

    def has_capture(self, capture: ObjectId) -> bool:
        """Tell whether this capture is indexed."""
        return self._any("SELECT 1 FROM images WHERE capture = ?", capture)

    def is_empty(self) -> bool:
        """Tell whether there is no image."""
        return not self._any("SELECT 1 FROM images")

    def copy(self, address: str) -> Copy | None:
        """Return the copy of a canonical address, if there is one."""
        query = (
            "SELECT image, type, width, height, length, captured FROM images WHERE address = ? "
            "ORDER BY captured DESC, capture DESC LIMIT 1"
        )
        row = self._db.execute(query, (key(address),)).fetchone()
        return Copy(ObjectId(row[0]), *row[1:]) if row else None

    def about(self, column: str, object_id: str) -> str | None:
        """Return an address that an object is about. `column`: image or capture."""
        row = self._db.execute(f"SELECT min(address) FROM images WHERE {column} = ?", (object_id,)).fetchone()
        return None if row is None else row[0]

    def lengths(self) -> Iterator[tuple[str, ObjectId, int]]:
        """Give the kind, id and length in bytes of every image and of its captures, once for each capture."""
        for image, length, capture, own in long(self._db, "SELECT image, length, capture, own_length FROM images"):
            yield "images", ObjectId(image), length
            yield "image-captures", ObjectId(capture), own

    def is_fresh(self) -> bool:
        """Tell whether there are copies that the published documents may not show yet."""
        return self._any("SELECT 1 FROM images WHERE fresh = 1")

    def news(self) -> set[int]:
        """Return the entries that name an address of which there is a fresh copy."""
        found: set[int] = set()
        for (address,) in self._db.execute("SELECT DISTINCT address FROM images WHERE fresh = 1"):
            rows = self._db.execute("SELECT entry FROM uses WHERE address = ?", (_number(address),))
            found.update(entry for (entry,) in rows)
        return found

    def settle(self, but: Iterable[ObjectId]) -> None:
        """Note that the published documents show every copy, but some images."""
        self._db.execute("UPDATE images SET fresh = 0 WHERE fresh = 1")
        self._db.executemany("UPDATE images SET fresh = 1 WHERE image = ?", ((image,) for image in but))

    def use(self, entry: int, addresses: Iterable[str]) -> None:
        """Note that an entry names canonical addresses."""
        rows = ((_number(key(address)), entry) for address in addresses)
        self._db.executemany("INSERT INTO uses VALUES (?, ?) ON CONFLICT DO NOTHING", rows)

    def show(self, path: str, images: Iterable[ObjectId]) -> set[int]:
        """Note which images a document shows. Returns those that it does not show any more."""
        before = set(self._shown(path))
        now = sorted({int(image[:16], 16) for image in images})
        if before:
            self._db.execute("DELETE FROM shown WHERE path = ?", (path,))
        if now:  # under a new number: what was noted last comes first
            self._db.execute("INSERT INTO shown (path, images) VALUES (?, ?)", (path, array("Q", now).tobytes()))
        return before.difference(now)

    def showing(self) -> Iterator["array[int]"]:
        """Give what each document shows, those noted last first."""
        for (data,) in long(self._db, "SELECT images FROM shown ORDER BY number DESC"):
            yield array("Q", data)

    def forget_shown(self) -> None:
        """Forget what any document shows."""
        self._db.execute("DELETE FROM shown")

    def named(self, number: int) -> tuple[ObjectId, str] | None:
        """Return the image and the media type that 64 bits stand for."""
        begin = f"{number:016x}"
        query = "SELECT image, type FROM images WHERE image BETWEEN ? AND ? LIMIT 1"
        row = self._db.execute(query, (begin, f"{begin}g")).fetchone()
        return (ObjectId(row[0]), row[1]) if row else None

    def _shown(self, path: str) -> "array[int]":
        row = self._db.execute("SELECT images FROM shown WHERE path = ?", (path,)).fetchone()
        return array("Q", row[0] if row else b"")

    def _any(self, query: str, *values: str) -> bool:
        return self._db.execute(f"{query} LIMIT 1", values).fetchone() is not None


def _number(address: str) -> int:
    """Name an address by 64 bits, as SQLite has them: with a sign."""
    return int.from_bytes(hashlib.sha256(address.encode("utf-8", "surrogatepass")).digest()[:8], "big") - _HALF
