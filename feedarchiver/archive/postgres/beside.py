"""Writing to an archive while others do, on this machine and elsewhere.

Each writer holds the archive's advisory lock shared for the time of a batch; who holds it alone, to publish or to look
at everything, waits until no batch is under way, and lets no more be captured at the instants that were looked at (the
*horizon*). Two writers meet only at an entry: its row is locked before its captures are read, so that of two the
second sees what the first has added; and an alias is given once. Who finds that another one was quicker, or that each
waits for the other, has stored nothing, and does the batch again (`Crossed`).

An index made anew takes captures in the order of their instants. So what a batch adds to an entry that another one has
added to at the same instant, or later, is captured later than that. Apart from that all batches of a run have one
instant, and it does not matter which of them comes first.

The captures of a batch are listed in the table `pending` before the first has its name. The list of a writer that has
ended is recognized by the advisory lock that it held; the next one, whoever it is, takes in what it names.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import psycopg

from feedarchiver.archive.bucket import Store
from feedarchiver.archive.history import microseconds, moment
from feedarchiver.archive.postgres import spaces
from feedarchiver.archive.postgres.batch import BatchIndex
from feedarchiver.archive.postgres.locks import try_lock, unlock
from feedarchiver.archive.postgres.session import Session
from feedarchiver.archive.seen import Seen
from feedarchiver.archive.writer import Writer
from feedarchiver.errors import ArchiveError, Crossed
from feedarchiver.model import ObjectId, Received

if TYPE_CHECKING:
    from feedarchiver.archive.postgres.place import PostgresPlace

_CROSSED = ("40", "55P03")  # each waited for the other, or one for too long
_NUMBERING = 1  # beside the archive's own number


class BesideWriter(Writer):
    """One of several that add to an archive. `horizon`: nothing is captured at or before it any more."""

    index: BatchIndex

    def __init__(self, bucket: Store, index: BatchIndex, now: datetime, pending: "_Pending", horizon: int) -> None:
        self._horizon = horizon
        super().__init__(bucket, index, now, pending=pending)

    def _begin_at(self, now: datetime) -> datetime:
        return now if self._horizon < microseconds(now) else moment(self._horizon + 1)

    def _look(self, received: Received, raw: ObjectId, *, polled: bool, past: bool) -> Seen | None:
        self._begin()
        seen = super()._look(received, raw, polled=polled, past=past)
        while seen is not None and self.index.hold(seen.names):  # somebody may just have added to them
            seen = super()._look(received, raw, polled=polled, past=past)
        return seen

    def _instant(self, seen: Seen) -> datetime:
        names = seen.names
        entries = {self.index.find([name]) for name in names}
        known = [entry for entry in entries if entry is not None]
        latest = max((fact.captured for entry in known for fact in self.index.facts(entry)), default=self._horizon)
        own = microseconds(self.captured)
        if len(entries) == 1:
            is_alike = all(self._linked.get(name, names) == names for name in names)
            if latest < own or (latest == own and is_alike and all(map(self.index.is_own, known))):
                return self.captured
        return moment(max(latest, own) + 1)


class _Pending:
    """The list of captures that are being stored, of one writer, in the database."""

    def __init__(self, index: BatchIndex, lists: Session, archive: str, writer: int) -> None:
        self._index, self._lists, self._key = index, lists, (archive, writer)

    def add(self, captures: Sequence[ObjectId]) -> None:
        self._index.settle_names()  # what went wrong so far is raised here: nothing has a name yet
        self._lists.execute(
            "INSERT INTO feedarchiver.pending SELECT ?, ?, unnest(CAST(? AS TEXT[]))", (*self._key, list(captures))
        )

    def read(self) -> None:
        """Tell that this writer has left nothing."""

    def settle(self) -> None:
        self._lists.execute("DELETE FROM feedarchiver.pending WHERE archive = ? AND writer = ?", self._key)


class Beside:
    """A writer's place beside others: its connections, kept from batch to batch. One batch at a time."""

    def __init__(self, place: "PostgresPlace", bucket: Store) -> None:
        self._place, self._bucket = place, bucket.beside()
        self._writer = int.from_bytes(os.urandom(8), signed=True)
        self._kept = ExitStack()
        self._sessions: tuple[Session, Session] | None = None
        self._space = ""

    def close(self) -> None:
        """Close the connections."""
        self._kept.close()
        self._sessions, self._space = None, ""

    @contextmanager
    def writing(self, now: datetime) -> Iterator[BesideWriter]:
        """Add captures at the instant `now`, or after the horizon. Raises Crossed, ArchiveInUse, StorageError."""
        try:
            with self._batch() as (session, lists, horizon):
                index = BatchIndex(session, self._place.number + _NUMBERING)
                pending = _Pending(index, lists, self._place.archive, self._writer)
                writer = BesideWriter(self._bucket, index, now, pending, horizon)
                self._tidy(writer, lists)
                yield writer
                writer.commit()
        except BaseException as error:
            self._bucket.clear()
            self.close()
            if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_CROSSED):
                raise Crossed from error
            raise

    @contextmanager
    def _batch(self) -> Iterator[tuple[Session, Session, int]]:
        session, lists = self._sessions or self._open()
        self._place.lock(session, shared=True)
        standing = spaces.standing(session, self._place.archive)
        if standing is None:
            raise ArchiveError("its index is being made anew; nothing was done; try again")
        space, horizon = standing
        if space != self._space:
            self._space = self._place.enter(session)
        yield session, lists, horizon
        session.execute("SELECT pg_advisory_unlock_shared(?)", (self._place.number,))

    def _open(self) -> tuple[Session, Session]:
        self._place.reading().close()  # there is an index now
        session, lists = (self._kept.enter_context(self._place.session()) for _ in range(2))
        lists.execute("SELECT pg_advisory_lock(?)", (self._writer,))
        self._sessions = session, lists
        return self._sessions

    def _tidy(self, writer: BesideWriter, lists: Session) -> None:
        """Take in what writers that have ended have left, and this one when it lost its connection in a batch."""
        query = "SELECT DISTINCT writer FROM feedarchiver.pending WHERE archive = ?"
        for (other,) in lists.execute(query, (self._place.archive,)).fetchall():
            if not try_lock(lists, other):  # its own lock a session may take twice
                continue
            self._bucket.harden()
            self._place.taken_over(lists, other, writer.take_over)
            unlock(lists, other)
