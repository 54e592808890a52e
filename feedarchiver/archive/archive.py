"""The archive: objects that are never changed, and an index that is made again whenever it is not as it should be."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import Store, read
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.feedlog import Line
from feedarchiver.archive.history import moment
from feedarchiver.archive.index import Index
from feedarchiver.archive.indexfile import IndexFile, can_write
from feedarchiver.archive.indexhome import home, last_verified
from feedarchiver.archive.layout import check_layout, lay_out, store_at
from feedarchiver.archive.lock import WAIT_S, locked
from feedarchiver.errors import ArchiveError
from feedarchiver.model import Article, Change, Entry, ObjectId
from feedarchiver.s3.address import Address

if TYPE_CHECKING:
    from feedarchiver.archive.cleaned import Cleaned
    from feedarchiver.archive.postgres.beside import Beside
    from feedarchiver.archive.postgres.place import PostgresPlace
    from feedarchiver.archive.search import Search
    from feedarchiver.archive.spool import Spool
    from feedarchiver.archive.survey import Surveyor
    from feedarchiver.archive.verify import Checked
    from feedarchiver.archive.writer import Writer
    from feedarchiver.markup import Body

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Archive:
    """An archive in a folder, or in a bucket far away.

    Reading needs no lock; writing goes through `writing`, or through `writing_beside` where several do.
    `desk`: the folder on this machine in which there is the lock and what is not stored yet: that of the archive, else
    that of the index. `index_at`: the index's file, or its address in PostgreSQL. `wait_s`: how long to wait for
    another process that writes.
    """

    def __init__(
        self,
        place: Path | Address,
        bucket: Store,
        format_: bytes,
        index_at: Path | IndexAddress,
        wait_s: float = WAIT_S,
    ) -> None:
        self.place, self.bucket, self.desk, self.format = place, bucket, Path(bucket.root), format_
        self._wait_s = wait_s
        self.index_at = index_at
        self.keeps_cleaned = False
        """Whether what is added is published before this archive is closed: it is kept at hand, cleaned."""
        self._file = home(index_at, bucket, place, format_, wait_s)
        self._index: Index | None = None
        self._left = ExitStack()

    @classmethod
    def open(cls, place: Path | Address, index_at: Path | IndexAddress, wait_s: float = WAIT_S) -> "Archive":
        """Open the archive at `place`. Raises ArchiveError when there is none, or one of a newer layout."""
        bucket = store_at(place, index_at.parent)
        return cls(place, bucket, check_layout(bucket, str(place)), index_at, wait_s)

    @classmethod
    def create(
        cls, place: Path | Address, index_at: Path | IndexAddress, *, now: datetime, wait_s: float = WAIT_S
    ) -> "Archive":
        """Open the archive at `place`; make an empty one where there is nothing."""
        bucket = store_at(place, index_at.parent)
        return cls(place, bucket, lay_out(bucket, str(place), now), index_at, wait_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.close()
        self._left.close()
        self._file.ended(error)

    @property
    def index(self) -> Index:
        """The index, opened when first asked for and rebuilt when it is not as it should be."""
        if self._index is None:
            self._index = self._file.reading()
        return self._index

    @cached_property
    def cleaned(self) -> "Cleaned":
        """Articles and what they say, cleaned; at hand are those that were added while this archive is open."""
        from feedarchiver.archive.cleaned import Cleaned  # a run with nothing new does without it

        return Cleaned(self.spool(), self.article)

    @cached_property
    def _beside(self) -> "Beside":
        if isinstance(self._file, IndexFile):
            raise ArchiveError("several can write to an archive at once only if its index is in PostgreSQL")
        from feedarchiver.archive.postgres.beside import Beside  # many do without several writers

        return self._left.enter_context(closing(Beside(self._file, self.bucket)))

    def spool(self) -> "Spool":
        """Have room for values that a run may want again. It goes with the archive."""
        from feedarchiver.archive.spool import Spool

        return self._left.enter_context(closing(Spool(self.bucket.tmp)))

    def read_on(self, pause: Callable[[Exception], None]) -> None:
        """Have `index` to read for long, by several threads; only where it is in PostgreSQL. As `reading_on` there."""
        self.close()
        self._index = cast("PostgresPlace", self._file).reading_on(pause)

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()
            self._index = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the archive's lock. Raises ArchiveInUse when another process keeps it."""
        with suppress(OSError):  # the lock says what is wrong
            self.desk.mkdir(parents=True, exist_ok=True)
        with locked(self.desk, self._wait_s):
            yield

    @contextmanager
    def writing(self, now: datetime) -> "Iterator[Writer]":
        """Hold the archive's lock and add captures, all with one `captured` instant: `now`, or just after the last one.

        Raises ArchiveInUse when another process keeps the lock.
        """
        from feedarchiver.archive.writer import Writer

        with self.alone(), self._writable():
            writer = Writer(self.bucket, self.index, now, self.cleaned if self.keeps_cleaned else None)
            self._file.recover(writer)
            yield writer
            writer.commit()

    def writing_beside(self, now: datetime) -> "AbstractContextManager[Writer]":
        """Add captures while other processes, here or elsewhere, do so, too. Needs an index in PostgreSQL.

        They are captured `now`, in whole seconds, whichever batch they are in, unless they would come before what
        somebody has looked at, or before what others have captured of the same entries.
        Raises Crossed: nothing was stored, and it is to be done again. ArchiveInUse: somebody publishes for too long.
        """
        return self._beside.writing(now)

    def foreseeing(self, now: datetime) -> "Writer":
        """Make a writer that holds no lock, to ask what adding something would come to, and for nothing else."""
        from feedarchiver.archive.writer import Writer

        return Writer(self.bucket, self.index, now)

    @contextmanager
    def searching(self, advance: Callable[[str], None] = lambda _: None) -> "Iterator[Search]":
        """Have the search index, brought up to date. `advance` is called with the id of each article that takes."""
        search = self._file.search(self)
        try:
            search.catch_up(advance)
            yield search
        finally:
            search.close()

    @contextmanager
    def publishing(self) -> "Iterator[Index]":
        """Hold the archive's lock while feeds are written, and have the index to keep their logs in, or to copy.

        What a writer that did not finish has left is taken in first: a feed's log only grows. An archive that cannot
        be written to is published without a lock, and what is noted goes into a copy of the index that is dropped.
        """
        if not can_write(self.desk):
            index = self.index.copy()
            try:
                yield index
            finally:
                index.close()
            return
        with self.alone(), self._writable():
            if not (self.is_settled() and self._file.is_settled()):
                from feedarchiver.archive.writer import Writer

                self._file.recover(Writer(self.bucket, self.index, _EPOCH))
            self._file.look()
            yield self.index

    def reindex(self, surveyor: "Surveyor | None" = None) -> dict[str, int]:
        """Derive the index anew from the objects and put it in the old one's place. Returns its counts.

        `surveyor`: who reads the objects, if not this machine alone. What the last verification found is taken over
        from the old index, if that is as its last writer left it.
        """
        from feedarchiver.archive.reindex import rebuild

        with self.alone():
            found = last_verified(self._file)
            self.replace_index(lambda path: rebuild(self.bucket, path, surveyor, found))
        return self.index.counts()

    def replace_index(self, make: Callable[[Path], Index]) -> None:
        """Put the index that `make` makes in a file into the old one's place. Needs the lock (`alone`)."""
        self.close()
        self._file.replace(make)

    def is_settled(self) -> bool:
        """Tell whether the last writer finished: nothing waits to be recovered."""
        return not os.path.lexists(self.desk / "pending")

    def sight(self) -> str:
        """Tell this archive, in this place, from every other one, and from a copy. Raises ArchiveError."""
        return objects.object_id(f"{self.bucket.sight()} {self.format!r}".encode())

    def has_index(self) -> bool:
        """Tell whether there is an index that its last writer vouches for, or was writing when it was killed."""
        return self._file.is_sealed()

    def index_stands(self) -> bool:
        """Tell whether there is an index, just as its last writer left it."""
        return self._file.stands()

    def index_bytes(self) -> int:
        """Tell how many bytes the index takes."""
        return self._file.size()

    def entry(self, line: Line) -> "tuple[Entry, tuple[Body, ...]]":
        """Read the entry that a line stands for, its article as `cleaned` gives it. Raises as `read` does."""
        article, bodies = self.cleaned.find(line.article)
        return Entry(line.id, line.article, line.source, moment(line.updated), article), bodies

    def change(self, line: Line, before: ObjectId) -> "tuple[Change, tuple[Body, ...], tuple[Body, ...]]":
        """Read the change that a line stands for: the entry, and what it showed `before`. Raises as `entry` does.

        With the change come the bodies before and after it.
        """
        import uuid

        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{line.id}\n{line.captured}\n{line.article}")
        entry, bodies = self.entry(line)
        old, old_bodies = self.cleaned.find(before)
        return Change(id=name.urn, entry=entry, before=old), old_bodies, bodies

    def article(self, object_id: ObjectId) -> Article:
        """Read an article. Raises DamagedObject, MissingObject."""
        data = self.read("articles", object_id)
        try:
            return objects.decode_article(data)
        except ValueError as error:
            raise ArchiveError(f"object {object_id} is no article that this program can read: {error}") from error

    def read(self, kind: str, object_id: ObjectId) -> bytes:
        """Read an object and check it against its name. Raises DamagedObject, MissingObject."""
        return read(self.bucket, kind, object_id)

    def expect(self, articles: Iterable[ObjectId]) -> None:
        """Have articles at hand that are about to be read one after the other."""
        self.bucket.expect(("articles", article) for article in articles)

    def verify(self, *, quick: bool = False, surveyor: "Surveyor | None" = None) -> "Iterator[Checked]":
        """Check every object and the index, and yield each thing looked at. Changes nothing.

        `surveyor` as in `reindex`. `quick`: names and sizes only. An index that the next command completes or makes
        anew in silence is no fault: a run that was killed leaves one.
        """
        import tempfile

        from feedarchiver.archive.verify import Verifier

        if quick:
            yield from Verifier(self.bucket, self.index).names_and_sizes()
            return
        sound = self.is_settled() and self._file.is_sealed()
        index = self._file.found() if sound else None
        try:
            verifier = Verifier(self.bucket, index, surveyor)
            yield from verifier.objects()
            if sound:
                with tempfile.TemporaryDirectory(prefix="feedarchiver-verify-") as scratch:
                    kept = partial(self._file.file, Path(scratch))
                    yield from verifier.index(kept, self._file.begun, Path(scratch) / "index.db")
        finally:
            if index is not None:
                index.close()

    @contextmanager
    def _writable(self) -> Iterator[None]:
        """Have `index` open for writing. The lock is held."""
        self.close()
        with self._file.writing() as index:
            self._index = index
            try:
                yield
            finally:
                self._index = None
