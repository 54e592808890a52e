"""The daemon: a job that ticks, and does the work when something is due or has changed.

Another one asks the web, and a third one announces what was published. Nothing here relies on the wall clock: what is
due is decided by one that never jumps, and a tick that does not come, because the scheduler waits for a time that was
set back, is called for. After a sleep the work is done once.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

TICK_S = 1.0
_WHOLE_S = 10.0  # between two runs without a sign that one is needed: edits within files show in nothing else
_SHARE = 20  # such runs take at most one part in so many of the time
_SOON_S = 2.0
_LATE = 5  # ticks
_JOB, _ASKING, _ANNOUNCING = "tick", "ask", "announce"
_RACY_NS = 50_000_000  # a folder's time stands still for as long as this, while its content changes


class Stopped(Exception):
    """The daemon is to end, and the work with it: between two steps, with everything kept that was committed."""


class Came(Enum):
    """What a run came to."""

    DONE = "done"
    SOON = "soon"  # something is still on its way, and wants another run
    FAILED = "failed"


class Work(Protocol):
    """What a daemon does: `run`, beside it `ask` and then `fetch`, and `announce`. They raise nothing but Stopped."""

    def folders(self) -> Iterable[str]:
        """Name the folders in which a new name means work."""

    def run(self, step: Callable[[], None]) -> Came:
        """Take in what is here, and publish. `step` is to be called between any two steps; it raises Stopped."""

    def ask(self, step: Callable[[], None]) -> Came:
        """Ask what is far away, if it is due. SOON: there is something to publish."""

    def fetch(self, step: Callable[[], None]) -> Came:
        """Fetch some of what was named there and may come later. SOON: there is something to publish."""

    def announce(self, step: Callable[[], None]) -> None:
        """Tell the world what was published since the last time it was told."""

    def reload(self) -> None:
        """Read the configuration again, and keep the old one if the new one is wrong."""


class Watch:
    """Folders, looked at for names that come and go."""

    def __init__(self) -> None:
        self._seen: dict[str, int | None] = {}

    def look(self, folders: Iterable[str]) -> None:
        """Remember how the folders are now."""
        self._seen = {}
        for folder in folders:
            changed = _changed_ns(folder)
            racy = changed is not None and abs(time.time_ns() - changed) < _RACY_NS
            self._seen[folder] = -1 if racy else changed

    def has_changed(self) -> bool:
        """Tell whether a folder is not as it was."""
        return any(_changed_ns(folder) != seen for folder, seen in self._seen.items())


class Daemon:
    """Work that is done by itself, in threads of its own: one for runs, one who asks the web, one who announces."""

    def __init__(self, work: Work, *, asking_s: float = _WHOLE_S) -> None:
        self._work, self._watch, self._asking_s = work, Watch(), asking_s
        self._stopping = threading.Event()
        self._reload = self._news = self._published = False
        self._due = self._ticked = self._announced = time.monotonic()
        self._facts: dict[str, float] = {}
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(3)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )

    def stop(self) -> None:
        """Begin to end: no other run begins, and the one that is under way ends with its next step."""
        self._stopping.set()

    def reload(self) -> None:
        """Have the configuration read again before the next run, which is due now."""
        self._reload = True

    def published(self) -> None:
        """Have what was published announced at once."""
        self._published = True

    def facts(self) -> Mapping[str, float]:
        """Tell about the last run, in the words of the metrics."""
        return self._facts

    def ill(self) -> str | None:
        """Say why this is not well."""
        return "the last run failed; the log says why" if self._facts.get("run_failed") else None

    @asynccontextmanager
    async def ticking(self, _app: object = None) -> AsyncIterator[None]:
        """Tick as long as this is open. The end waits for the step that is being done."""
        now = datetime.now(UTC)
        self._scheduler.add_job(self._tick, "interval", seconds=TICK_S, id=_JOB, next_run_time=now)
        self._scheduler.add_job(self._ask, "interval", seconds=self._asking_s, id=_ASKING, next_run_time=now)
        self._scheduler.add_job(self._announce, "interval", seconds=TICK_S, id=_ANNOUNCING, next_run_time=now)
        self._scheduler.start()
        minder = asyncio.create_task(self._mind())
        _tell_systemd("READY=1")
        try:
            yield
        finally:
            _tell_systemd("STOPPING=1")
            self.stop()
            minder.cancel()
            await asyncio.to_thread(self._scheduler.shutdown, wait=True)

    async def _mind(self) -> None:
        """Call for a tick that does not come."""
        while True:
            await asyncio.sleep(TICK_S)
            if time.monotonic() - self._ticked > _LATE * TICK_S:
                self._ticked = time.monotonic()
                for job in (_JOB, _ASKING, _ANNOUNCING):
                    self._scheduler.modify_job(job, next_run_time=datetime.now(UTC))

    def _tick(self) -> None:
        self._ticked = time.monotonic()
        if self._reload:
            self._reload, self._due = False, self._ticked
            self._work.reload()
        if not self._stopping.is_set() and (self._news or self._ticked >= self._due or self._watch.has_changed()):
            self._run()

    def _run(self) -> None:
        began, self._news = time.monotonic(), False
        self._watch.look(self._work.folders())  # before the run, so that it need not see what comes meanwhile
        try:
            came = self._work.run(self._step)
        except Stopped:
            return
        took_s = time.monotonic() - began
        pause_s = max(_SOON_S, took_s) if came is Came.SOON else max(_WHOLE_S, _SHARE * took_s)
        self._due = time.monotonic() + pause_s
        failed = came is Came.FAILED
        self._facts = {"run_seconds": took_s, "run_timestamp_seconds": time.time(), "run_failed": float(failed)}

    def _ask(self) -> None:
        try:
            for part in (self._work.ask, self._work.fetch):
                if part(self._step) is Came.SOON:
                    self._news = True
        except Stopped:
            return

    def _announce(self) -> None:
        began = time.monotonic()
        if self._stopping.is_set() or not (self._published or began >= self._announced):
            return
        self._published = False
        with suppress(Stopped):
            self._work.announce(self._step)
        ended = time.monotonic()
        self._announced = ended + max(_WHOLE_S, _SHARE * (ended - began))

    def _step(self) -> None:
        if self._stopping.is_set():
            raise Stopped


def _changed_ns(folder: str) -> int | None:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return None


def _tell_systemd(state: str) -> None:
    """Tell systemd, if it is there and wants to know. Spec: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
