"""A worker: takes jobs, carries out as many at a time as it is told to, and gives them back when it is to end.

Procrastinate takes and ends the jobs; they are carried out by threads of ours, which end with the process, however long
a host may still take to answer. When the database goes away, what is under way goes on and waits for it.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from functools import partial
from threading import Event
from typing import Any, NamedTuple

from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.postgres.session import is_away
from feedarchiver.archive.spread import cores_here
from feedarchiver.errors import NewerIndex
from feedarchiver.gather.web.client import Turn
from feedarchiver.updating.events import Updated
from feedarchiver.updating.shelving import Fetched
from feedarchiver.updating.source import WebSource
from feedarchiver.updating.taking import Told
from feedarchiver.updating.wanting import Illustrated
from feedarchiver.working.carrying import Carrying
from feedarchiver.working.hosts import GAP_S, Hosts
from feedarchiver.working.patience import Ended, Patience
from feedarchiver.working.queue import SILENT_S, Batch, Kind, Queue, connection, opened
from feedarchiver.working.storer import Desk, Storer
from feedarchiver.working.tasks import Tasks
from feedarchiver.working.threads import Threads, tell

GRACE_S = 25.0
"""How long jobs under way may take to their next pause when a worker is to end, before they are left to others."""

_POLL_S, _PARTS_POLL_S, _BEAT_S = 0.5, 1.0, 10.0
_STORE_S = _OPEN_S = 5.0
_RETRY_S, _MOST_TRIES = 30, 3


class Orders(NamedTuple):
    """What a worker is told by who makes it.

    `began` hears the name of the worker, once others know of it, `waits` why a server is waited for, `failed` which job
    failed, why, and what becomes of it. `until_idle`: it ends when there is nothing to do. The others as in `Desk` and
    `Tasks`.
    """

    engine: IndexAddress
    archive: Callable[[], Archive]
    sources: Mapping[str, WebSource]
    illustrated: Mapping[str, Illustrated]
    contact: str | None
    concurrency: int
    until_idle: bool
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    told: Told
    done: Callable[[Updated, Fetched], None]
    began: Callable[[str], None]
    waits: Callable[[Exception], None]
    failed: Callable[[str, Exception, str], None]
    gap_s: float = GAP_S


def work(orders: Orders) -> None:
    """Work until a signal says to end, or there is nothing to do.

    Raises StorageError when the database cannot be used to begin with, NewerIndex when this version is too old.
    """
    patience = Patience(orders.waits)
    with orders.archive() as reading, orders.archive() as writing:
        reading.read_on(patience.after)
        with closing(Queue(orders.engine, reading.format)) as queue:
            name = f"{socket.gethostname()}:{os.getpid()}"
            _ = queue.session, reading.index.mark()  # what cannot be used at all is said at once
            desk = Desk(writing, orders.illustrated, orders.clock, orders.chance, orders.told, orders.done)
            storer = Storer(desk, patience)
            hosts = Hosts(lambda: opened(orders.engine), orders.gap_s, patience)
            carrying = Carrying(reading, lambda: opened(orders.engine), name, patience)
            try:
                asyncio.run(_Working(orders, queue, name, patience, storer, hosts.turn, reading, carrying).run())
            finally:
                patience.end()
                carrying.close()
                storer.close(_STORE_S)
                hosts.close()


class _Working:
    """The part that waits for everything at once."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is one thing that `work` makes
        self,
        orders: Orders,
        queue: Queue,
        name: str,
        patience: Patience,
        storer: Storer,
        turn: Turn,
        archive: Archive,
        carrying: Carrying,
    ) -> None:
        self._carrying = carrying
        self._orders, self._queue, self._name, self._patience = orders, queue, name, patience
        self._tasks = Tasks(
            archive=archive,
            sources=orders.sources,
            illustrated=orders.illustrated,
            storer=storer,
            turn=turn,
            clock=orders.clock,
            chance=orders.chance,
            contact=orders.contact,
        )
        self._threads = Threads(orders.concurrency + cores_here())
        self._workers: list[Worker] = []
        self._ending = asyncio.Event()
        self._has_begun = False
        self._outdated: NewerIndex | None = None

    async def run(self) -> None:
        """Work, with another connection whenever one is lost."""
        loop = asyncio.get_running_loop()
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # `failed` hears of what it would tell
        loop.set_exception_handler(self._mind)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        while not self._ending.is_set():
            try:
                await self._session()
                if self._orders.until_idle and not self._waiting():
                    break
            except Exception as error:
                if not isinstance(error, ConnectorException) and not is_away(error):
                    raise
                await self._pause(error)
        if self._outdated:
            raise self._outdated

    def _waiting(self) -> int:
        """Count the jobs that wait."""
        with closing(self._queue):
            return self._queue.seen().waiting

    async def _session(self) -> None:
        """Work as long as the connection lasts."""
        await asyncio.to_thread(self._waiting)  # says soon whether the server is there, which a pool does not
        connector = PsycopgConnector(pool_factory=_pool, **connection(self._orders.engine))
        app = App(connector=connector)
        for kind in Kind:
            again = _Again(0 if kind is Kind.PART else _MOST_TRIES)  # who asked for a partition does it himself
            queue = self._queue.parts if kind is Kind.PART else self._queue.name
            app.task(name=kind.value, queue=queue, retry=again)(partial(self._job, kind))
        async with app.open_async():
            self._workers = [
                self._hired(app, self._queue.name, self._orders.concurrency, _POLL_S),
                self._hired(app, self._queue.parts, cores_here(), _PARTS_POLL_S),
            ]
            calling = asyncio.create_task(self._call())
            try:
                if not self._ending.is_set():
                    await _together(self._workers)
            finally:
                calling.cancel()

    def _hired(self, app: App, queue: str, concurrency: int, poll_s: float) -> Worker:
        """Make who takes jobs from a queue, and looks there so often."""
        return Worker(
            app,
            queues=[queue],
            name=self._name,
            concurrency=concurrency,
            wait=not self._orders.until_idle,
            fetch_job_polling_interval=poll_s,
            abort_job_polling_interval=3600,
            shutdown_graceful_timeout=None if self._orders.until_idle else GRACE_S,
            listen_notify=False,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=_BEAT_S,
            stalled_worker_timeout=SILENT_S,
        )

    async def _call(self) -> None:
        """Note what both workers are called, once they have numbers: nobody knows of them before."""
        awaited = self._workers[:1] if self._orders.until_idle else self._workers  # the other may have ended already
        while not all(worker.worker_id for worker in awaited):  # noqa: ASYNC110 - they tell nobody
            await asyncio.sleep(0.01)
        numbers = [worker.worker_id or 0 for worker in self._workers]
        while not self._ending.is_set():
            try:
                with closing(self._queue):
                    self._queue.call(self._name, *numbers)
            except Exception as error:
                if not is_away(error):
                    raise
                await self._pause(error)
                continue
            if not self._has_begun:
                self._has_begun = True
                self._orders.began(self._name)
            return

    async def _job(self, kind: Kind, said: str) -> None:
        """Carry out a job, and wait until what came of it is durable."""
        batch, loop, left = Batch.read(kind, said), asyncio.get_running_loop(), Event()
        ended: asyncio.Future[None] = loop.create_future()
        self._threads.give(partial(self._carry_out, batch, partial(tell, loop, ended), left))
        try:
            await ended
        except asyncio.CancelledError:
            left.set()  # to others
            raise
        except NewerIndex as error:
            self._outdated = error
            self._end()
            raise

    def _carry_out(self, batch: Batch, done: Callable[[Exception | None], None], left: Event) -> None:
        try:
            if batch.place.kind is Kind.PART:
                self._carrying.carry_out(batch)
                done(None)
            else:
                self._tasks.carry_out(batch, done, lambda: left.is_set() or self._patience.is_over)
        except Ended:
            done(None)  # what was not done is due, and is made a job of again
        except Exception as error:  # noqa: BLE001 - the job hears of it, and the log
            is_part = batch.place.kind is Kind.PART
            about = " ".join(batch.names[:2]) if is_part else batch.place.site
            then = "left to who asked for it" if is_part else "tried again later"
            self._orders.failed(f"{batch.place.kind.value} {about}", error, then)
            done(error)

    def _end(self) -> None:
        self._ending.set()
        self._patience.end()
        for worker in self._workers:
            worker.shutdown_graceful_timeout = GRACE_S
            worker.stop()  # type: ignore[no-untyped-call]

    async def _pause(self, error: Exception) -> None:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), self._patience.how_long(cause))

    def _mind(self, _loop: object, context: dict[str, Any]) -> None:
        """Hear of what went wrong in a job that could not be given back: others do it again."""
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, ConnectorException) and not is_away(error):
            self._orders.failed("a job", error, "tried again later")


class _Again(BaseRetryStrategy):
    """Jobs of a worker that ends go to others at once; those that failed are tried again later, `most` times."""

    def __init__(self, most: int) -> None:
        self._most = most

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError | NewerIndex):
            return RetryDecision(retry_in={"seconds": 0})
        return RetryDecision(retry_in={"seconds": _RETRY_S * 4**job.attempts}) if job.attempts < self._most else None


async def _together(workers: list[Worker]) -> None:
    """Let all work until each has come to its end, or one cannot go on."""
    tasks = [asyncio.ensure_future(worker.run()) for worker in workers]  # type: ignore[no-untyped-call]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Pool(AsyncConnectionPool[Any]):
    """A pool that says soon that there is no server."""

    async def open(self, wait: bool = False, timeout: float = _OPEN_S) -> None:  # noqa: ASYNC109, FBT001, FBT002
        await super().open(wait, timeout)


def _pool(**settings: Any) -> _Pool:
    """Make the pool of one connection, which is not asked before each use whether it is alive: a failure tells it."""
    return _Pool(**{**settings, "check": None})
