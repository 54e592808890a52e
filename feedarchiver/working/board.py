"""Where partitions of work stand in the database: put up for workers, and taken down with what came of them.

Each *run* of somebody who asks has a number, on which he holds an advisory lock. It goes with his connection, however
that ends; a partition on whose run there is no lock is nobody's, and whoever comes next clears it.
"""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from feedarchiver.archive.postgres.session import FAILURES, Session
from feedarchiver.working.queue import Batch, Kind, Place, Queue, forget_parts, opened, put
from feedarchiver.working.works import Part

_T = TypeVar("_T")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # nothing is captured
_PART = "run = ? AND number = ?"


class Came(NamedTuple):
    """What a worker has made of a partition, or why it could not do it."""

    said: bytes | None
    fault: str | None


class Board:
    """The partitions of one run, for as long as the database is there; without it there are none any more.

    `lost` hears, once, why it is not there. Raises StorageError when it cannot be used to begin with.
    """

    def __init__(self, queue: Queue, lost: Callable[[Exception], None]) -> None:
        self._queue, self._lost = queue.parts, lost
        self._run = int.from_bytes(os.urandom(8), "big") >> 1
        self._session: Session | None = opened(queue.at)
        self._ask(self._begin)

    @property
    def is_there(self) -> bool:
        """Tell whether the database is there, as far as is known."""
        return self._session is not None

    def put(self, parts: Sequence[tuple[int, Part]]) -> None:
        """Put partitions up, each with its number."""
        jobs = [Batch(Place(Kind.PART, f"{self._run} {number}"), tuple(part), _NEVER) for number, part in parts]
        rows = self._run, [number for number, _ in parts]

        def asked(session: Session) -> None:
            session.execute("INSERT INTO feedarchiver_parts (run, number) SELECT ?, unnest(?::bigint[])", rows)
            put(session, self._queue, jobs)

        self._ask(asked)

    def claim(self) -> int | None:
        """Take the first partition that nobody has begun."""
        query = (
            "DELETE FROM procrastinate_jobs WHERE id = (SELECT id FROM procrastinate_jobs WHERE queue_name = ? AND "
            "status = 'todo' AND starts_with(lock, ?) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING lock"
        )
        mine = self._queue, f"{self._queue} {self._run} "
        found = self._ask(lambda session: session.execute(query, mine).fetchone())
        return int(found[0].rpartition(" ")[2]) if found else None

    def take(self, number: int) -> Came | None:
        """Take what came of a partition. None: nothing yet."""
        query = f"DELETE FROM feedarchiver_parts WHERE {_PART} AND (said IS NOT NULL OR fault IS NOT NULL)"
        query += " RETURNING said, fault"
        found = self._ask(lambda session: session.execute(query, (self._run, number)).fetchone())
        return Came(*found) if found else None

    def drop(self, number: int) -> None:
        """Want nothing of a partition any more."""
        query = f"DELETE FROM feedarchiver_parts WHERE {_PART}"
        self._ask(lambda session: session.execute(query, (self._run, number)))

    def clear(self) -> None:
        """Take everything down."""
        self._ask(self._clear)

    def close(self) -> None:
        """Take everything down, and go."""
        self.clear()
        if self._session is not None:
            self._session.close()
            self._session = None

    def _begin(self, session: Session) -> None:
        session.execute("SELECT pg_advisory_lock(?)", (self._run,)).fetchone()
        forget_parts(session, self._queue)

    def _clear(self, session: Session) -> None:
        session.execute("DELETE FROM feedarchiver_parts WHERE run = ?", (self._run,))
        forget_parts(session, self._queue)

    def _ask(self, asked: Callable[[Session], _T]) -> _T | None:
        """Ask the database. When it does not do it, whatever the reason, do without it from now on."""
        if self._session is None:
            return None
        try:
            return asked(self._session)
        except FAILURES as error:
            self._session.close()
            self._session = None
            self._lost(error)
            return None


class Posted:
    """A partition as a worker finds it: `run` and `number` as its job says them."""

    def __init__(self, session: Session, site: str) -> None:
        run, number = site.split()
        self._session, self._which = session, (int(run), int(number))

    def is_wanted(self) -> bool:
        """Tell whether somebody waits for it, and has not done it himself."""
        query = f"SELECT 1 FROM feedarchiver_parts WHERE {_PART}"
        return self._session.execute(query, self._which).fetchone() is not None

    def done(self, said: bytes) -> None:
        """Put up what came of it."""
        self._session.execute(f"UPDATE feedarchiver_parts SET said = ? WHERE {_PART}", (said, *self._which))

    def failed(self, why: str) -> None:
        """Say why it could not be done."""
        self._session.execute(f"UPDATE feedarchiver_parts SET fault = ? WHERE {_PART}", (why, *self._which))
