"""Taking in what another archive holds: a move between machines, a copy brought up to date, or two archives made one.

A capture is the same event wherever it is: known by its id, or by the id that it repeats (`origin`). What is known
changes nothing. Captures that all lie after the last one here are taken as they are, byte for byte, so a copy's feeds
are those of the original. Otherwise the log here, which has been published, must not get another past: each capture
is repeated as one of this archive's own, captured now, that says which one it repeats and when that was.

Nothing is believed: captures and articles are those of this format (`foreign`), and have all that they refer to. Images
are taken in by `imagecopies`.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from feedarchiver.archive import foreign, objects
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import AT_ONCE, Bucket, Length, Store
from feedarchiver.archive.cleaned import body
from feedarchiver.archive.fingerprint import is_current
from feedarchiver.archive.history import microseconds
from feedarchiver.archive.holdings import LEFT_OUT, Holding, Refuse
from feedarchiver.archive.imagecopies import IncomingImages
from feedarchiver.archive.index import Index
from feedarchiver.archive.known import Known, aliases, measured
from feedarchiver.archive.seen import judge
from feedarchiver.errors import ArchiveError
from feedarchiver.model import Article, Capture, ObjectId, Refusal

if TYPE_CHECKING:
    from feedarchiver.archive.writer import Writer

_BATCH = 1_000
_LARGEST_BATCH = 100_000
_AHEAD = timedelta(days=1)  # by how much another machine's clock may be wrong
_MICROSECOND = timedelta(microseconds=1)

_TABLES = """
CREATE TABLE captures (
    capture TEXT PRIMARY KEY, event TEXT NOT NULL, captured INTEGER NOT NULL, article TEXT NOT NULL,
    source TEXT NOT NULL, raw TEXT NOT NULL, data BLOB NOT NULL, state TEXT NOT NULL, said TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE objects (
    kind TEXT, id TEXT, here INTEGER NOT NULL, published INTEGER, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
"""
_NEW, _KNOWN, _LOST = "new", "known", "lost"
_WITH_OBJECTS = (
    "FROM captures c JOIN objects a ON a.kind = 'articles' AND a.id = c.article "
    "JOIN objects r ON r.kind = 'raw' AND r.id = c.raw "
    "JOIN objects s ON s.kind = 'articles' AND s.id = c.said"
)
_WHOLE = "a.here AND r.here AND s.here"


@dataclass(slots=True)
class TakenIn:
    """What it came to, in captures. `restored`: of those that are known here, the lost objects that came back.

    `arrived`: the new ones stand in the log as of now. `images`: new captures of images, which `new` does not count.
    """

    new: int = 0
    known: int = 0
    images: int = 0
    restored: int = 0
    arrived: bool = False


class Incoming:
    """The captures of a holding, read and looked over, on their way into an archive. Memory is flat."""

    def __init__(self, holding: Holding, refuse: Refuse, advance: Callable[[str], None]) -> None:
        """Read the captures. Raises ArchiveError when `holding` is no archive."""
        self._holding = holding
        self._refuse = refuse
        self._advance = advance
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)
        self._images = IncomingImages(self._db, self._refusing)
        self._db.execute("BEGIN")
        for kind, name, data in holding.captures():
            with self._refusing(kind, name):
                if kind == "captures":
                    self._read(name, data)
                else:
                    self._images.read(name, data)
            advance(name)
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Forget what was read."""
        self._db.close()

    def into(self, archive: Archive, now: datetime) -> TakenIn:
        """Take in what is not known yet. An archive that knows everything is not even locked."""
        done = TakenIn()
        if archive.is_settled() and not self._judge(archive, archive.index):
            done.known = self._count(_KNOWN)
            return done
        with archive.writing(now) as writer:
            self._judge(archive, writer.index)
            self._fetch(archive.bucket, writer)
            reindex = self._restore(writer, done)
            done.images, restored = self._images.take(archive, writer)
            done.restored += restored
            self._take(archive, writer, done)
            done.known = self._count(_KNOWN, _LOST)
        if reindex:
            archive.reindex()
        return done

    def _read(self, name: ObjectId, data: bytes) -> None:
        capture = foreign.capture(data)
        row = name, capture.origin or name, microseconds(capture.captured), capture.article
        values = (*row, capture.source, capture.raw, data, _NEW, capture.said or capture.article)
        self._db.execute("INSERT OR IGNORE INTO captures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def _judge(self, archive: Archive, index: "Index") -> bool:
        """Tell apart what is new, known, and known but in want of an object. False: all is known and whole."""
        self._db.execute("BEGIN")
        length = archive.bucket.lengths()
        query = "SELECT capture, event, article, said, raw FROM captures"
        for capture, event, article, said, raw in self._db.execute(query):
            indexed = index.has_capture(capture)
            present = length("captures", capture) is not None
            state = _NEW
            if indexed or present or index.has_event(event):
                needs = ("articles", article), ("articles", said), ("raw", raw)
                lacks = any(length(*which) is None for which in needs)
                state = _LOST if lacks or indexed != present else _KNOWN
            self._db.execute("UPDATE captures SET state = ? WHERE capture = ?", (state, capture))
        lacks_images = self._images.judge(length, index)
        self._db.execute("COMMIT")
        return lacks_images or bool(self._count(_NEW, _LOST))

    def _fetch(self, bucket: Store, writer: "Writer") -> None:
        """Get the articles and raw bytes that are not here yet, and every image."""
        self._db.execute("BEGIN")
        length = bucket.lengths()
        for kind, columns in (("articles", ("article", "said")), ("raw", ("raw",))):
            wanted = " UNION ".join(
                f"SELECT DISTINCT {column} FROM captures WHERE state != '{_KNOWN}'" for column in columns
            )
            for (name,) in self._db.execute(wanted):
                here = length(kind, name) is not None
                published = None
                if here and kind == "articles":
                    with suppress(ArchiveError, ValueError):  # if it is damaged, this is said when it is needed
                        published = _published(objects.decode_article(bucket.get(kind, name)))
                self._db.execute("INSERT INTO objects VALUES (?, ?, ?, ?)", (kind, name, here, published))

        def wants(kind: str, name: ObjectId) -> bool:
            if kind == "images":
                return length(kind, name) is None
            row = self._db.execute("SELECT here FROM objects WHERE kind = ? AND id = ?", (kind, name)).fetchone()
            return row is not None and not row[0]

        for kind, name, data in self._holding.others(wants):
            with self._refusing(kind, name):
                published = _published(foreign.article(data)) if kind == "articles" else None
                writer.keep(kind, name, data)
                values = (published, kind, name)
                self._db.execute("UPDATE objects SET here = TRUE, published = ? WHERE kind = ? AND id = ?", values)
            self._advance(name)
        self._db.execute("COMMIT")

    def _restore(self, writer: "Writer", done: TakenIn) -> bool:
        """Put back captures that were lost. Returns whether the index does not know all that is whole again."""
        unknown = False
        query = f"SELECT c.capture, c.data {_WITH_OBJECTS} WHERE c.state = '{_LOST}' AND {_WHOLE}"
        for capture, data in self._db.execute(query):
            done.restored += 1
            if writer.index.has_capture(capture):
                writer.keep("captures", capture, data)
            else:
                unknown = True
        return unknown

    def _take(self, archive: Archive, writer: "Writer", done: TakenIn) -> None:
        """Add the new captures in the order of the log."""
        for name, article, said, raw, has_article, has_said, has_raw in self._db.execute(
            f"SELECT c.capture, c.article, c.said, c.raw, a.here, s.here, r.here {_WITH_OBJECTS} "
            f"WHERE c.state = '{_NEW}' AND NOT ({_WHOLE}) ORDER BY c.capture"
        ):
            lacks = ((f"article {article}", has_article), (f"article {said}", has_said), (f"raw bytes {raw}", has_raw))
            missing = " and ".join(dict.fromkeys(what for what, here in lacks if not here))
            self._refuse_object("captures", name, f"it refers to {missing}, which it did not bring along")
        whole = f"{_WITH_OBJECTS} WHERE c.state = '{_NEW}' AND {_WHOLE}"
        first, latest = self._db.execute(f"SELECT min(c.captured), max(c.captured) {whole}").fetchone()
        if first is None:
            return
        last = writer.index.last_captured()
        done.arrived = last is not None and (first <= last or latest > microseconds(writer.captured + _AHEAD))
        instant, number, waiting = first, 0, 0
        length = archive.bucket.lengths()
        order = "c.captured, a.published IS NOT NULL, a.published, c.article, c.source, c.capture"
        rows = self._db.execute(f"SELECT c.article, c.capture, c.event, c.captured, c.data {whole} ORDER BY {order}")
        for name, event, captured, data in _with_articles(archive, rows):
            # A run that is taken as it is goes in whole: its other half would come too late after a crash.
            if waiting >= (_BATCH if done.arrived or captured != instant else _LARGEST_BATCH):
                writer.commit()
                waiting = 0
            number += captured != instant
            instant = captured
            if writer.index.has_event(event):
                continue
            at = writer.captured + number * _MICROSECOND if done.arrived else None
            with self._refusing("captures", name):
                waiting = writer.take(*_prepared(archive, length, writer, ObjectId(event), data, at))
                done.new += 1
            self._advance(name)

    def _count(self, *states: str) -> int:
        among = ", ".join("?" * len(states))
        found = self._db.execute(f"SELECT count(*) FROM captures WHERE state IN ({among})", states).fetchone()
        return int(found[0])

    @contextmanager
    def _refusing(self, kind: str, name: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, ArchiveError) as error:
            self._refuse_object(kind, name, str(error))

    def _refuse_object(self, kind: str, name: str, reason: str) -> None:
        place = f"{self._holding.place}: {kind}/{name[:2]}/{name[2:]}"
        self._refuse(Refusal(place=place, reason=reason, kept=LEFT_OUT))


def _with_articles(archive: Archive, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Give rows without their first value, which is an article that is about to be read."""
    while some := list(islice(rows, AT_ONCE)):
        archive.expect(row[0] for row in some)
        yield from (row[1:] for row in some)


def _prepared(  # noqa: PLR0913, PLR0917 - each is one thing that a capture is made from
    archive: Archive, length: Length, writer: "Writer", event: ObjectId, data: bytes, at: datetime | None
) -> tuple[bytes, Known]:
    """Make ready what the index keeps of a capture: as it is, or repeated `at` an instant of this archive."""
    capture = objects.decode_capture(data)
    article = archive.article(capture.article)
    names = aliases(article, capture.source)
    if at is not None:
        capture = capture._replace(
            captured=at,
            origin=event,
            origin_captured=capture.origin_captured or capture.captured,
            fingerprint=_fingerprint(archive.bucket, writer.index, capture, article, names),
        )
        data = objects.encode_capture(capture)
    lengths = measured(length, capture, length("articles", capture.article) or 0, len(data))
    return data, Known.of(objects.object_id(data), capture, article, names, lengths)


def _fingerprint(bucket: Bucket, index: Index, capture: Capture, article: Article, names: tuple[str, ...]) -> str:
    """Tell which version of its entry here a capture is. Another version of the cleaner names it differently."""
    entry = index.find(names)
    facts = [] if entry is None else index.facts(entry)
    if is_current(capture.fingerprint) and all(is_current(fact.fingerprint) for fact in facts):
        return capture.fingerprint
    return judge(bucket, index, article, names, entry, body(article, text_only=True))[1]


def _published(article: Article) -> int | None:
    return None if article.published is None else microseconds(article.published)
