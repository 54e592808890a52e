"""What is chosen of an archive to be copied: all of it, or the articles of some sources, of a feed, of some years.

An article is chosen when one of its captures is; then every capture of it comes along that is from the chosen sources,
so that its versions stay together. What is damaged or missing is named and left out with what refers to it: what
comes out is a sound archive.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from feedarchiver.archive import objects
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import ahead
from feedarchiver.archive.holdings import Wanted
from feedarchiver.archive.selection import takes
from feedarchiver.archive.verify import Verifier
from feedarchiver.errors import ArchiveError, DamagedObject, MissingObject, StorageError, UnreadableObject
from feedarchiver.model import Capture, Filter, ObjectId, parse_object_id

_TABLES = """
CREATE TABLE captures (
    capture TEXT PRIMARY KEY, entry INTEGER, article TEXT NOT NULL, raw TEXT NOT NULL, said TEXT,
    chosen INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE faulty (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_ARTICLES = "SELECT article FROM captures UNION SELECT said FROM captures WHERE said IS NOT NULL"
_FAULTS = {
    DamagedObject: "is damaged",
    UnreadableObject: "cannot be read",
    MissingObject: "is missing",
    StorageError: "cannot be read",
}
_LEFT_OUT = "left out of the copy with what refers to it; restore it from another copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which captures: those from `sources` (None: all) of the articles that every filter takes."""

    sources: frozenset[str] | None = None
    filters: tuple[Filter, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Tell whether nothing is left out."""
        return self.sources is None and not self.filters

    def has(self, capture: Capture, article: Callable[[], bytes]) -> bool:
        """Tell whether an article is chosen by a capture. `article` reads it."""
        if not self.filters:
            return True
        captured = capture.origin_captured or capture.captured
        said = objects.decode_article(article())
        return all(takes(wanted, said, capture.source, captured) for wanted in self.filters)


class Chosen:
    """A choice of an archive's objects. `fault` is told a line for each that is damaged or missing.

    Memory is flat: what is chosen is noted in a temporary file.
    """

    def __init__(self, archive: Archive, choice: Choice, fault: Callable[[str], None]) -> None:
        self.place = str(archive.place)
        self._archive = archive
        self._choice = choice
        self._fault = fault
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Forget what was chosen."""
        self._db.close()

    def choose(self, advance: Callable[[str], None]) -> None:
        """Look at every capture. `advance` is called with the id of each."""
        self._db.execute("BEGIN")
        for kind, which in ahead(self._archive.bucket, self._names("captures")):
            data = self._read(kind, which)
            if data is not None:
                self._consider(which, data)
            advance(which)
        if self._choice.filters:
            whole = "SELECT entry FROM captures WHERE chosen AND entry IS NOT NULL"
            self._db.execute(f"DELETE FROM captures WHERE NOT chosen AND (entry IS NULL OR entry NOT IN ({whole}))")
        self._db.execute("COMMIT")

    def captures(self) -> Iterator[tuple[str, ObjectId, bytes]]:
        """Give the chosen captures, without those that refer to something that has proved damaged or missing.

        When everything is chosen, those of images too.
        """
        sound = " AND ".join(f"coalesce({it}, '') NOT IN (SELECT id FROM faulty)" for it in ("article", "raw", "said"))
        chosen = self._db.execute(f"SELECT 'captures', capture FROM captures WHERE {sound} ORDER BY capture")
        for kind, which in ahead(self._archive.bucket, chosen):
            data = self._read(kind, which)
            if data is not None:
                yield kind, which, data
        for kind, which in ahead(self._archive.bucket, self._all("image-captures")):
            data = self._read(kind, which)
            if data is not None and self._is_sound(which, data):
                yield kind, which, data

    def others(self, wanted: Wanted) -> Iterator[tuple[str, ObjectId, bytes]]:
        """Give what the chosen captures refer to, and all images when everything is chosen."""
        names: chain[tuple[str, ObjectId]] = chain(
            self._db.execute(f"SELECT 'articles', article FROM ({_ARTICLES}) ORDER BY article"),
            self._db.execute("SELECT DISTINCT 'raw', raw FROM captures ORDER BY raw"),
            self._all("images"),
        )
        for kind, which in ahead(self._archive.bucket, (name for name in names if wanted(*name))):
            data = self._read(kind, which)
            if data is not None:
                yield kind, which, data

    def _all(self, kind: str) -> Iterator[tuple[str, ObjectId]]:
        """Name every object of a kind when everything is chosen, else none."""
        yield from self._names(kind) if self._choice.is_everything else ()

    def _names(self, kind: str) -> Iterator[tuple[str, ObjectId]]:
        for name in self._archive.bucket.names(kind):
            with suppress(ValueError):  # no object; `verify` names it
                yield kind, parse_object_id(name)

    def _is_sound(self, which: ObjectId, data: bytes) -> bool:
        """Tell whether the image of a capture has not proved damaged or missing."""
        try:
            image = objects.decode_image_capture(data).image
        except ValueError as error:
            self._fault(f"image-captures {which} is not readable: {error}; left out of the copy")
            return False
        if self._archive.bucket.length("images", image) is None:
            self._read("images", image)
        return self._db.execute("SELECT 1 FROM faulty WHERE id = ?", (image,)).fetchone() is None

    def _consider(self, which: ObjectId, data: bytes) -> None:
        try:
            capture = objects.decode_capture(data)
            if self._choice.sources is not None and capture.source not in self._choice.sources:
                return
            chosen = self._choice.has(capture, lambda: self._archive.read("articles", capture.article))
        except ArchiveError:
            chosen = True  # its article is not to be had: this is said, and the capture left out, when that is copied
        except ValueError as error:
            self._fault(f"captures {which} is not readable: {error}; left out of the copy")
            return
        entry = self._archive.index.entry_of(which) if self._choice.filters else None
        row = which, entry, capture.article, capture.raw, capture.said, chosen
        self._db.execute("INSERT INTO captures VALUES (?, ?, ?, ?, ?, ?)", row)

    def _read(self, kind: str, which: ObjectId) -> bytes | None:
        try:
            return self._archive.read(kind, which)
        except (DamagedObject, MissingObject, StorageError) as error:
            about = Verifier(self._archive.bucket, self._archive.index).about(kind, which)
            self._fault(f"{kind} {which}{about} {_FAULTS[type(error)]}; {_LEFT_OUT}")
            self._db.execute("INSERT OR IGNORE INTO faulty VALUES (?)", (which,))
            return None
