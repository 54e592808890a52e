"""The archive: objects that are never changed, and an index that is made again whenever it is not as it should be."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import KINDS, FolderBucket, sync_folder
from feedarchiver.archive.index import Index, Line
from feedarchiver.archive.indexfile import IndexFile
from feedarchiver.archive.lock import locked
from feedarchiver.errors import ArchiveError, DamagedObject, StorageError
from feedarchiver.model import Article, Entry, ObjectId

if TYPE_CHECKING:
    from feedarchiver.archive.search import Search
    from feedarchiver.archive.verify import Checked
    from feedarchiver.archive.writer import Writer

LAYOUT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Archive:
    """An archive in a folder. Reading needs no lock; writing goes through `writing`."""

    def __init__(self, store: Path, index_path: Path) -> None:
        self.store = store
        self.index_path = index_path
        self.bucket = FolderBucket(store)
        self._file = IndexFile(index_path, self.bucket)
        self._index: Index | None = None
        self._can_note = False

    @classmethod
    def open(cls, store: Path, index_path: Path) -> "Archive":
        """Open the archive in `store`. Raises ArchiveError when there is none, or one of a newer layout."""
        _check_layout(store)
        return cls(store, index_path)

    @classmethod
    def create(cls, store: Path, index_path: Path, *, now: datetime) -> "Archive":
        """Open the archive in `store`; make an empty one where there is no folder, or an empty one."""
        if not _has_content(store):
            _lay_out(store, now)
        return cls.open(store, index_path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def index(self) -> Index:
        """The index, opened when first asked for and rebuilt when it is not as it should be."""
        if self._index is None:
            self._index = self._file.reading()
        return self._index

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()
            self._index = None

    @contextmanager
    def writing(self, now: datetime) -> "Iterator[Writer]":
        """Hold the archive's lock and add captures, all with one `captured` instant: `now`, or just after the last one.

        Raises ArchiveInUse when another process keeps the lock.
        """
        from feedarchiver.archive.writer import Writer

        with locked(self.store), self._writable():
            self.bucket.clear()
            writer = Writer(self.bucket, self.index, now)
            writer.recover()
            yield writer
            writer.commit()

    @contextmanager
    def searching(self, advance: Callable[[str], None] = lambda _: None) -> "Iterator[Search]":
        """Have the search index, brought up to date. `advance` is called with the id of each article that takes."""
        from feedarchiver.archive.search import Search

        search = Search(self)
        try:
            search.catch_up(advance)
            yield search
        finally:
            search.close()

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Hold the archive's lock while feeds are written, so that the state noted of them is the last one.

        An archive that cannot be written to is published without it, and nothing is noted.
        """
        if not os.access(self.store, os.W_OK):
            yield
            return
        with locked(self.store), self._writable():
            yield

    def reindex(self) -> dict[str, int]:
        """Derive the index anew from the objects and put it in the old one's place. Returns its counts."""
        self.close()
        with locked(self.store):
            self._file.rebuild()
        return self.index.counts()

    def is_settled(self) -> bool:
        """Tell whether the last writer finished: nothing waits to be recovered."""
        return not os.path.lexists(self.store / "pending")

    def newest(self, sources: tuple[str, ...] | None, limit: int) -> list[Line]:
        """Return up to `limit` lines of the log of these sources (None: all), the latest event first."""
        return self.index.newest(sources, limit)

    def entry(self, line: Line) -> Entry:
        """Read the entry that a line stands for. Raises DamagedObject, MissingObject."""
        updated = _EPOCH + timedelta(microseconds=line.updated)
        return Entry(
            id=line.id, object_id=line.article, source=line.source, updated=updated, article=self.article(line.article)
        )

    def article(self, object_id: ObjectId) -> Article:
        """Read an article. Raises DamagedObject, MissingObject."""
        data = self.read("articles", object_id)
        try:
            return objects.decode_article(data)
        except ValueError as error:
            raise ArchiveError(f"object {object_id} is no article that this program can read: {error}") from error

    def read(self, kind: str, object_id: ObjectId) -> bytes:
        """Read an object and check it against its name. Raises DamagedObject, MissingObject."""
        data = self.bucket.get(kind, object_id)
        if objects.object_id(data) != object_id:
            raise DamagedObject(object_id)
        return data

    def note_documents(self, feed: str, states: dict[str, tuple[str, str | None]]) -> None:
        """Note the state of a feed's documents, so that the next build can pass them over. Within `publishing`."""
        if self._can_note:
            self.index.note_documents(feed, states)

    def verify(self) -> "Iterator[Checked]":
        """Check every object and the index, and yield each thing looked at. Changes nothing."""
        import tempfile

        from feedarchiver.archive.verify import Checked, check_index, check_objects

        yield from check_objects(self.bucket)
        with tempfile.TemporaryDirectory(prefix="feedarchiver-verify-") as scratch:
            for fault in check_index(self.bucket, self.index_path, Path(scratch) / "index.db"):
                yield Checked("index", str(self.index_path), fault)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        """Have `index` open for writing. The lock is held."""
        self.close()
        with self._file.writing() as index:
            self._index, self._can_note = index, True
            try:
                yield
            finally:
                self._index, self._can_note = None, False


def _has_content(store: Path) -> bool:
    try:
        with os.scandir(store) as items:
            return any(item.name != "lock" for item in items)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError.of(error, "read", str(store)) from error


def _lay_out(store: Path, now: datetime) -> None:
    """Make the folders, then the file that says that this is an archive: whoever sees it sees a whole one."""
    said = {"layout": LAYOUT, "created": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}
    try:
        store.mkdir(parents=True, exist_ok=True)
        with locked(store):
            if (store / "format.json").exists():
                return
            for kind in KINDS:
                (store / kind).mkdir(exist_ok=True)
            fresh = store / "format.json.new"
            with fresh.open("w", encoding="utf-8") as file:
                file.write(json.dumps(said, sort_keys=True) + "\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(store / "format.json")
            sync_folder(str(store))
            sync_folder(str(store.parent))
    except OSError as error:
        raise StorageError.of(error, "make the archive", str(store), "nothing was written") from error


def _check_layout(store: Path) -> None:
    try:
        said = json.loads((store / "format.json").read_bytes())
        layout = said["layout"]
    except (FileNotFoundError, NotADirectoryError):
        if _has_content(store):
            raise ArchiveError(f"{store} is not an archive: it has no format.json; it was left as it is") from None
        raise ArchiveError(f"there is no archive in {store} yet; `feedarchiver import` makes one") from None
    except OSError as error:
        raise StorageError.of(error, "read", str(store / "format.json")) from error
    except (ValueError, KeyError, TypeError):
        raise ArchiveError(f"{store / 'format.json'} is damaged; restore it from a copy; nothing was changed") from None
    if layout != LAYOUT:
        raise ArchiveError(
            f"{store} has layout {layout}, which this program (layout {LAYOUT}) does not know; "
            "use a newer feedarchiver; nothing was changed"
        )
