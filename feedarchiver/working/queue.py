"""The jobs in PostgreSQL, in tables of Procrastinate's that have a schema of their own; each archive has its own queue.

Of each kind there is one job at a time for a host, and one is carried out at a time, of whatever kind: `lock` and
`queueing_lock` see to that. Which host may be asked when is decided in `hosts`, not here.

Partitions of work that is about no host (`parts`) have a queue of their own beside that one: those who work take from
either, so that neither waits for the other. What comes of partitions is kept in a table of ours, until who asked for
it takes it. He holds an advisory lock meanwhile: without him, it goes.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.postgres.locks import HELD, is_held, lock_number, try_lock, unlock
from feedarchiver.archive.postgres.place import name_of
from feedarchiver.archive.postgres.session import Session

SPACE = "feedarchiver_jobs"
SILENT_S = 90.0
"""How long a worker may be silent before its jobs are given to others: longer than any request may take."""

_AT_ONCE = 1_000
_FAILED_FOR = "1 hour"
# A table that is full and empty by turns has no statistics that hold: jobs are to be found by the indexes all the same.
_NO_PLANS = ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_sort", "jit")
_OWN_TABLES = """
CREATE INDEX feedarchiver_locks ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing');
ALTER TABLE procrastinate_jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE procrastinate_events SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 4000);
CREATE TABLE feedarchiver_workers (
    worker BIGINT PRIMARY KEY REFERENCES procrastinate_workers ON DELETE CASCADE,
    queue TEXT NOT NULL, name TEXT NOT NULL
);
"""
_PARTS_TABLE = """
CREATE TABLE IF NOT EXISTS feedarchiver_parts (
    run BIGINT NOT NULL, number BIGINT NOT NULL, said BYTEA, fault TEXT, PRIMARY KEY (run, number)
);
ALTER TABLE feedarchiver_parts ALTER COLUMN said SET STORAGE EXTERNAL;
ALTER TABLE feedarchiver_parts SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000
);
"""
_LEFT_PARTS = f"DELETE FROM feedarchiver_parts p WHERE NOT EXISTS (SELECT 1 FROM {HELD} WHERE held.number = p.run)"
_LEFT_JOBS = """
DELETE FROM procrastinate_jobs j WHERE j.queue_name = ? AND j.status <> 'doing' AND NOT EXISTS (
    SELECT 1 FROM feedarchiver_parts p WHERE j.lock = ? || ' ' || p.run || ' ' || p.number
)
"""


class Kind(Enum):
    """What a job is for: the name of its task. Those that come first are carried out first."""

    POLL = "poll"
    PAGES = "pages"
    PICTURES = "pictures"
    PART = "part"

    @property
    def priority(self) -> int:
        """How urgent it is, in the words of Procrastinate."""
        return {"poll": 30, "pages": 20, "pictures": 10, "part": 0}[self.value]


class Place(NamedTuple):
    """What there is one job of at a time. `site`: a host, or which partition of what."""

    kind: Kind
    site: str


class Batch(NamedTuple):
    """A job: `names` are those of the sources, or the addresses of the pictures, that it is about, on one host.

    Of a partition they say what is to be done (`parts`). What comes of it is captured at `instant`.
    """

    place: Place
    names: tuple[str, ...]
    instant: datetime

    @classmethod
    def read(cls, kind: Kind, said: str) -> "Batch":
        """Read what a job says."""
        site, names, instant = json.loads(said)
        return cls(Place(kind, site), tuple(names), datetime.fromisoformat(instant))


class Seen(NamedTuple):
    """How the queue is: jobs that wait, are under way, have failed; and workers with their last sign of life."""

    waiting: int
    under_way: int
    failed: int
    workers: tuple[tuple[str, datetime], ...]


class Hands(NamedTuple):
    """How many workers there are for partitions: heard of of late, and not."""

    alive: int
    silent: int


class Queue:
    """The queue of one archive, `archive` being its format.json. For one thread; opened again when it was closed."""

    def __init__(self, at: IndexAddress, archive: bytes) -> None:
        self.at, self.name = at, name_of(archive)
        self.parts = f"{self.name} parts"
        """The queue of partitions."""
        self._session: Session | None = None

    def close(self) -> None:
        """Close the connections, and with them what they held."""
        if self._session is not None:
            self._session.close()
        self._session = None

    @property
    def session(self) -> Session:
        """The connection. The tables are there when it is."""
        if self._session is None or self._session.is_closed:
            self.close()
            self._session = opened(self.at)
        return self._session

    @contextmanager
    def ticking(self) -> Iterator[bool]:
        """Be the only one who puts jobs into the queue, if nobody else is."""
        number = lock_number(f"tick {self.name}")
        mine = try_lock(self.session, number)
        try:
            yield mine
        finally:
            if mine and self._session is not None and not self._session.is_closed:
                unlock(self._session, number)

    def leads(self) -> bool:
        """Tell whether this process is the one that publishes, for as long as it is connected; become it if need be."""
        number = lock_number(f"leader {self.name}")
        return is_held(self.session, number) or try_lock(self.session, number)

    def taken(self) -> set[Place]:
        """Name what there is a job of already, be it one that has failed."""
        query = "SELECT task_name::text, lock FROM procrastinate_jobs WHERE queue_name = ?"
        known = {kind.value: kind for kind in Kind}
        rows = self.session.execute(query, (self.name,))
        return {Place(known[kind], lock.partition(" ")[2]) for kind, lock in rows if kind in known}

    def put(self, batches: Sequence[Batch]) -> None:
        """Put jobs into the queue, but for those of which there is one already."""
        put(self.session, self.name, batches)

    def rescue(self) -> int:
        """Give the jobs of workers that are silent to others, and forget what failed long ago. Returns how many.

        Partitions that nobody waits for any more go, too.
        """
        mine = self.name, self.parts
        stalled = (
            "SELECT j.id FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id "
            "WHERE j.status = 'doing' AND j.queue_name IN (?, ?) "
            f"AND (w.id IS NULL OR w.last_heartbeat < now() - interval '{SILENT_S} s')"
        )
        again = f"UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1 WHERE id IN ({stalled})"
        rescued = len(self.session.execute(f"{again} RETURNING id", mine).fetchall())
        self.session.execute("SELECT count(*) FROM procrastinate_prune_stalled_workers_v1(?::bigint)", (int(SILENT_S),))
        old = (
            "DELETE FROM procrastinate_jobs j WHERE queue_name IN (?, ?) AND status NOT IN ('todo', 'doing') "
            "AND NOT EXISTS (SELECT 1 FROM procrastinate_events e WHERE e.job_id = j.id "
            f"AND e.at > now() - interval '{_FAILED_FOR}')"
        )
        self.session.execute(old, mine)
        forget_parts(self.session, self.parts)
        return rescued

    def seen(self) -> Seen:
        """See how it is."""
        query = "SELECT status::text, count(*) FROM procrastinate_jobs WHERE queue_name IN (?, ?) GROUP BY status"
        counts = dict(self.session.execute(query, (self.name, self.parts)).fetchall())
        waiting, under_way = counts.pop("todo", 0), counts.pop("doing", 0)
        query = (
            "SELECT f.name, w.last_heartbeat FROM feedarchiver_workers f "
            "JOIN procrastinate_workers w ON w.id = f.worker WHERE f.queue = ? ORDER BY f.name, w.id"
        )
        workers = tuple((name, at) for name, at in self.session.execute(query, (self.name,)))
        return Seen(waiting, under_way, sum(counts.values()), workers)

    def hands(self) -> Hands:
        """Count the workers that do partitions: those of earlier versions do none."""
        silent = f"w.last_heartbeat < now() - interval '{SILENT_S} s'"
        query = (
            f"SELECT count(*) FILTER (WHERE NOT {silent}), count(*) FILTER (WHERE {silent}) "
            "FROM feedarchiver_workers f JOIN procrastinate_workers w ON w.id = f.worker WHERE f.queue = ?"
        )
        return Hands(*self.session.execute(query, (self.parts,)).fetchone())

    def call(self, name: str, *workers: int) -> None:
        """Note what those are called who work for one process: on jobs, and on partitions. One may have ended."""
        query = (
            "INSERT INTO feedarchiver_workers SELECT w.id, new.queue, ?::text "
            "FROM unnest(?::bigint[], ?::text[]) AS new (id, queue) JOIN procrastinate_workers w USING (id)"
        )
        self.session.execute(query, (name, list(workers), [self.name, self.parts]))


def put(session: Session, queue: str, batches: Sequence[Batch]) -> None:
    """Put jobs into a queue, but for those of which there is one already."""
    query = (
        "SELECT procrastinate_defer_jobs_v1(array_agg(ROW(?, kind, priority, lock, queueing_lock, args, NULL)"
        "::procrastinate_job_to_defer_v1)) FROM jsonb_to_recordset(?::text::jsonb) "
        "AS new(kind text, priority integer, lock text, queueing_lock text, args jsonb) WHERE NOT EXISTS "
        "(SELECT 1 FROM procrastinate_jobs j WHERE j.queueing_lock = new.queueing_lock AND j.status = 'todo')"
    )
    for start in range(0, len(batches), _AT_ONCE):
        jobs = [_job(batch, queue) for batch in batches[start : start + _AT_ONCE]]
        session.execute(query, (queue, json.dumps(jobs)))


def connection(at: IndexAddress) -> dict[str, Any]:
    """Say how Procrastinate connects: once, finding the tables of the jobs."""
    settings = {"search_path": SPACE, **dict.fromkeys(_NO_PLANS, "off")}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    kwargs = {"autocommit": True, "options": options, "connect_timeout": 10}
    return {"conninfo": at.url, "kwargs": kwargs, "min_size": 1, "max_size": 1, "timeout": 5}


def opened(at: IndexAddress) -> Session:
    """Connect to the jobs; make their tables where there are none. Several may do so at once."""
    session = Session.open(at)
    try:
        session.execute(f"SET search_path TO {SPACE}")
        if not _is_made(session):
            _make(session)
    except BaseException:
        session.close()
        raise
    return session


def forget_parts(session: Session, queue: str) -> None:
    """Forget partitions that nobody waits for any more: who did was killed. `queue`: that of partitions."""
    session.execute(_LEFT_PARTS)
    session.execute(_LEFT_JOBS, (queue, queue))


def _is_made(session: Session, table: str = "feedarchiver_parts") -> bool:
    """Tell whether there are tables. What PostgreSQL remembers of names may be out of date; its catalogue is not."""
    query = "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = ?"
    return session.execute(query, (SPACE, table)).fetchone() is not None


def _make(session: Session) -> None:
    from procrastinate.schema import SchemaManager

    with session.transaction():
        session.execute("SELECT pg_advisory_xact_lock(?)", (lock_number(SPACE),))
        if _is_made(session):
            return  # somebody else has made them meanwhile
        if not _is_made(session, "feedarchiver_workers"):
            session.execute(f"CREATE SCHEMA IF NOT EXISTS {SPACE}")
            session.script(SchemaManager.get_schema())
            session.script(_OWN_TABLES)
        session.script(_PARTS_TABLE)


def _job(batch: Batch, queue: str) -> dict[str, object]:
    kind, site = batch.place
    return {
        "kind": kind.value,
        "priority": kind.priority,
        "lock": f"{queue} {site}",
        "queueing_lock": f"{queue} {kind.value} {site}",
        "args": {"said": json.dumps([site, batch.names, batch.instant.isoformat()])},  # jsonb refuses some texts
    }
