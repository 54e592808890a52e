"""Where an index lies in PostgreSQL, and how to get at it: the counterpart of `archive.indexfile`.

Each index has a space of its own (`spaces`), and one made anew gets another. Who writes holds an advisory lock on the
archive: alone, or shared with others who write beside each other (`beside`).

Archives are told apart by their format.json. One in a folder keeps a *seal*: a word that its last writer left here and
there. When they differ, the database or the folder was put back to an earlier state, or copied, and the index is made
anew. A writer breaks the seal first and renews it last; a broken one means a crash, and then PostgreSQL's own recovery
is to be trusted. Those who write beside each other leave the seal as it is.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import psycopg

from feedarchiver.archive.bucket import Store
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.index import Index
from feedarchiver.archive.indexdb import IndexDamaged
from feedarchiver.archive.indexfile import can_write, no_more
from feedarchiver.archive.lock import locked
from feedarchiver.archive.pending import PendingFile
from feedarchiver.archive.postgres import spaces
from feedarchiver.archive.postgres.batch import BatchIndex
from feedarchiver.archive.postgres.index import PostgresIndex, fetched
from feedarchiver.archive.postgres.lasting import Lasting
from feedarchiver.archive.postgres.locks import holder, lock_number
from feedarchiver.archive.postgres.session import Session, is_doubtful
from feedarchiver.archive.schema import SCHEMA
from feedarchiver.errors import ArchiveError, ArchiveInUse, NewerIndex, StorageError
from feedarchiver.model import ObjectId

if TYPE_CHECKING:
    from feedarchiver.archive.archive import Archive
    from feedarchiver.archive.search import Search
    from feedarchiver.archive.writer import Writer

_BROKEN = "being written"


class PostgresPlace:
    """A place for the index of one archive. Writing needs the archive's lock, which the caller holds.

    `archive`: its format.json. `wait_s`: how long to wait for a writer on another machine.
    """

    trouble = psycopg.Error
    """What goes wrong where the index is not what it should be."""

    def __init__(self, at: IndexAddress, bucket: Store, archive: bytes, wait_s: float, *, is_sealed: bool) -> None:
        self._at, self._bucket, self._wait_s = at, bucket, wait_s
        self.archive = name_of(archive)
        self.number = lock_number(self.archive)
        self._seal = Path(bucket.root) / "index.seal" if is_sealed else None

    def reading(self) -> Index:
        """Open the index to read, made anew if need be: in memory where nothing can be written. Takes the lock then."""
        if index := self.found():
            return index
        if not can_write(Path(self._bucket.root)):
            from feedarchiver.archive.reindex import rebuild

            return rebuild(self._bucket, None)
        with locked(Path(self._bucket.root)):
            if index := self.found():  # another process was quicker
                return index
            with closing(self._writer()) as session:
                self._rebuild(session)
            if index := self.found():
                return index
            raise ArchiveError(
                "a copy of this archive uses the same database; give it one of its own; no article is lost"
            )

    @contextmanager
    def writing(self) -> Iterator[Index]:
        """Open the index to write, made anew if need be, and seal it at the end."""
        with closing(self._writer()) as session:
            try:
                space = self.enter(session)
            except IndexDamaged:
                self._rebuild(session)
                space = self.enter(session)
            self._write_seal(_BROKEN)
            if self._seal:
                no_more(self._seal.with_name("index.db.seal"))
            self._held = session, space
            yield BatchIndex(session, self.number)
            fresh = os.urandom(8).hex()
            spaces.seal(session, space, fresh)
            self._write_seal(fresh)

    def recover(self, writer: "Writer") -> None:
        """Let a writer that holds the lock alone finish what others have begun: all of them have ended."""
        session, _ = self._held
        writer.recover(self._left(session))
        session.execute("DELETE FROM feedarchiver.pending WHERE archive = ?", (self.archive,))
        self.look()

    def is_settled(self) -> bool:
        """Tell whether those who write beside each other have left nothing. The lock is held."""
        return not self._left(self._held[0])

    def look(self) -> None:
        """Be told that somebody looks at all captures: nothing more may be captured at their instants."""
        spaces.look(*self._held)

    def replace(self, make: Callable[[Path], Index]) -> None:
        """Put the index that `make` makes in an SQLite file into the old one's place."""
        with closing(self._writer()) as session:
            self._replace(session, make)

    def found(self) -> Index | None:
        """Open the index to read, if there is one that its last writer vouches for, or was writing when it ended."""
        session = Session.open(self._at)
        try:
            self.enter(session)
            session.execute("SET default_transaction_read_only = on")
        except IndexDamaged:
            session.close()
            return None
        except BaseException:
            session.close()
            raise
        return PostgresIndex(session)

    def reading_on(self, pause: Callable[[Exception], None]) -> Index:
        """Open the index to read for long, by several threads: opened again whenever the server has been away.

        `pause` is called before each time that this is tried again, and may raise an error to give up.
        """
        return Index(Lasting(lambda: cast("PostgresIndex", self.reading()).session, pause))

    def is_sealed(self) -> bool:
        """Tell whether there is such an index."""
        if index := self.found():
            index.close()
        return index is not None

    def stands(self) -> bool:
        """Tell whether there is an index that is as its last writer left it."""
        return self.is_sealed() and (self._seal is None or _read(self._seal) != _BROKEN)

    def size(self) -> int:
        """Tell how many bytes the index takes."""
        query = (
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = 'r'"
        )
        with closing(Session.open(self._at)) as session:
            return int(session.execute(query, (self.enter(session),)).fetchone()[0])

    def begun(self) -> set[str]:
        """Name the captures of batches that are being stored, or were left."""
        with closing(Session.open(self._at)) as session:
            return {*self._left(session), *(PendingFile(self._bucket.root).read() or ())}

    def file(self, scratch: Path) -> Path:
        """Have what is derived from the objects in an SQLite file in a folder, to be compared."""
        path = scratch / "kept.db"
        with closing(Session.open(self._at)) as session:
            self.enter(session)
            with session.transaction():
                session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # all tables as of one moment
                fetched(session, path).close()
        return path

    def search(self, archive: "Archive") -> "Search":
        """Have the search index, which lies in the same database."""
        from feedarchiver.archive.postgres.search import PostgresSearch, PostgresSearchPlace  # few commands search

        return PostgresSearch(archive, PostgresSearchPlace(self._at, self.archive))

    def ended(self, error: BaseException | None) -> None:
        """See whether what went wrong casts doubt on the index: then the next command makes it anew."""
        if is_doubtful(error):
            with suppress(StorageError, psycopg.Error), closing(Session.open(self._at)) as session:
                spaces.disown(session, self.archive)

    def enter(self, session: Session) -> str:
        """Let a session find the tables of the index, and keep them from being dropped.

        Raises IndexDamaged; NewerIndex where it is not to be made anew by this version.
        """
        while True:
            row = spaces.current(session, self.archive)
            if row is None:
                raise IndexDamaged("there is no index of this archive")
            space, version, seal = row
            if version > SCHEMA:  # who made it is at work on another machine, and would have to make it anew in turn
                raise NewerIndex(str(self._at))
            if version != SCHEMA:
                raise IndexDamaged(f"it has schema {version}, not {SCHEMA}")
            if self._seal and _read(self._seal) not in (_BROKEN, seal):
                raise IndexDamaged("it is not as its last writer left it")
            if spaces.enter(session, space):
                return space

    def session(self) -> AbstractContextManager[Session]:
        """Connect."""
        return closing(Session.open(self._at))

    def lock(self, session: Session, *, shared: bool = False) -> None:
        """Lock the archive, to write. Raises ArchiveInUse, naming the holder, after `wait_s` seconds."""
        taking = "pg_advisory_lock_shared" if shared else "pg_advisory_lock"
        try:
            session.execute(f"SET lock_timeout = {max(1, round(self._wait_s * 1000))}")
            session.execute(f"SELECT {taking}(?)", (self.number,))
            session.execute("SET lock_timeout = 0")
            session.execute("SET enable_seqscan = off")  # a plan made while a table is empty is kept as it fills
        except psycopg.errors.LockNotAvailable:
            raise ArchiveInUse(holder(session, self.number)) from None

    def taken_over(self, session: Session, writer: int, take: Callable[[list[ObjectId]], None]) -> None:
        """Have the list of one who has ended taken over, and drop it."""
        mine = self.archive, writer
        query = "SELECT capture FROM feedarchiver.pending WHERE archive = ? AND writer = ?"
        take([ObjectId(capture) for (capture,) in session.execute(query, mine)])
        session.execute("DELETE FROM feedarchiver.pending WHERE archive = ? AND writer = ?", mine)

    def _left(self, session: Session) -> list[ObjectId]:
        """Name the captures in the lists of those who write beside each other."""
        query = "SELECT DISTINCT capture FROM feedarchiver.pending WHERE archive = ?"
        return [ObjectId(capture) for (capture,) in session.execute(query, (self.archive,))]

    def _writer(self) -> Session:
        """Connect as the one who writes."""
        session = Session.open(self._at)
        try:
            self.lock(session)
        except BaseException:
            session.close()
            raise
        return session

    def _rebuild(self, session: Session) -> None:
        from feedarchiver.archive.reindex import rebuild

        self._replace(session, lambda path: rebuild(self._bucket, path))

    def _replace(self, session: Session, make: Callable[[Path], Index]) -> None:
        path = Path(self._bucket.tmp) / "index.db"  # a crash leaves it where the next writer tidies up
        seal = os.urandom(8).hex()
        try:
            self._bucket.harden()
            path.parent.mkdir(parents=True, exist_ok=True)
            _unlink(path)
            make(path).close()
            spaces.fill(session, self.archive, path, seal)
            _unlink(path)
        except OSError as error:
            raise StorageError.of(error, "rebuild the index", str(path)) from error
        self._write_seal(seal)
        spaces.drop_old(session, self.archive)

    def _write_seal(self, text: str) -> None:
        if self._seal is None:  # several machines write, and none knows what the last one left
            return
        fresh = self._seal.with_name(f"{self._seal.name}.new")
        try:
            fresh.write_text(f"{text}\n", encoding="ascii")
            os.replace(fresh, self._seal)
        except OSError as error:
            raise StorageError.of(error, "seal the index", str(self._seal)) from error


def name_of(archive: bytes) -> str:
    """Name an archive in a database, by its format.json."""
    return hashlib.sha256(archive).hexdigest()[:16]


def _read(seal: Path) -> str:
    try:
        return seal.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _unlink(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
