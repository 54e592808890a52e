"""The daemon where there are workers: it tells them what is due, and one of several daemons publishes.

That is the one that got a lock in the database first; when it ends, another one goes on.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.commands import pictures
from feedarchiver.commands.asking import web
from feedarchiver.commands.log import Log
from feedarchiver.commands.main import tell_health
from feedarchiver.commands.naming import plural
from feedarchiver.commands.rounds import Rounds
from feedarchiver.config import Config
from feedarchiver.daemon import Came
from feedarchiver.errors import NewerIndex, UsageError
from feedarchiver.server.knowing import Facts

if TYPE_CHECKING:
    from feedarchiver.working.queue import Queue, Seen

_RESCUE_S, _HEALTH_S, _TIDY_S = 10.0, 60.0, 3600.0


class Directing(Rounds):
    """What such a daemon does. It asks nobody on the web."""

    asking_s = 2.0

    def __init__(self, log: Log, config: Config, engine: IndexAddress) -> None:
        need()
        super().__init__(log, config)
        self._engine = engine
        self._queue: Queue | None = None
        self._seen: Seen | None = None
        self._leads = self._led = False
        self._mark: tuple[int, int] | None = None
        self._rescued = self._told = self._tidied = float("-inf")
        self._prepare()

    def facts(self) -> Facts:
        if self._seen is None:
            return super().facts()
        jobs = {"waiting": self._seen.waiting, "under way": self._seen.under_way, "failed": self._seen.failed}
        return {**super().facts(), "jobs": jobs, "workers": len(self._seen.workers)}

    def run(self, step: Callable[[], None]) -> Came:
        return super().run(step) if self._leads else Came.DONE

    def announce(self, step: Callable[[], None]) -> None:
        if self._leads:
            super().announce(step)

    def fetch(self, step: Callable[[], None]) -> Came:  # noqa: ARG002 - workers do
        return Came.DONE

    def reload(self) -> None:
        super().reload()
        self._prepare()

    def _prepare(self) -> None:
        from feedarchiver.working.tick import Tick

        self._illustrated = pictures.illustrated(self.config)
        self._tick = Tick((web(source) for source in self.config.sources if source.asking), self._illustrated)
        self._mark = None

    def _ask(self) -> Came:
        """Tell workers what is due, and see whether there is something to publish."""
        try:
            return self._direct()
        except BaseException as error:
            self._leads = False  # until the database says so again
            if isinstance(error, NewerIndex) and self._queue:
                self._queue.close()  # a daemon of that version is to publish
            raise

    def _direct(self) -> Came:
        from feedarchiver.working.queue import Queue

        now = self._asking.now().replace(microsecond=0)
        with Archive.create(self.config.store, self.config.index, now=now) as archive:
            queue = self._queue = self._queue or Queue(self._engine, archive.format)
            self._leads = queue.leads()
            if self._leads and not self._led:
                self._asking.say("publishing from here", event="leading")
            self._led = self._leads
            if self._leads and time.monotonic() - self._rescued > _RESCUE_S:
                self._rescue(queue)
            made = self._tick.go(archive, queue, now)
            self._seen = queue.seen()
            if made:
                self._asking.detail(f"{plural(made, 'job')} made")
            return self._news(archive) if self._leads else Came.DONE

    def _rescue(self, queue: "Queue") -> None:
        """Give the jobs of workers that are silent to others."""
        if rescued := queue.rescue():
            self._asking.say(
                f"{plural(rescued, 'job')} of silent workers given to others", event="rescued", jobs=rescued
            )
        self._rescued = time.monotonic()

    def _news(self, archive: Archive) -> Came:
        """See what is new in the archive, and have pictures of seed files wanted."""
        told = 0
        if self.config.tells_health and time.monotonic() - self._told > _HEALTH_S:
            told = tell_health(self._asking, self.config, archive)
            self._told = time.monotonic()
        if time.monotonic() - self._tidied > _TIDY_S:
            self._tidy(archive)
        mark = archive.index.mark()
        if mark == self._mark:
            return Came.SOON if told else Came.DONE
        self._look(archive, anyway=self._mark is None)
        self._mark = mark
        return Came.SOON

    def _tidy(self, archive: Archive) -> None:
        """Forget what is noted of hosts and does not count any more, as every run does that asks by itself."""
        from feedarchiver.updating.robots import stale

        now = self._asking.now()
        if notes := [*stale(archive.index, now)]:
            with archive.writing(now) as writer:
                for note in notes:
                    writer.note(*note)
        self._tidied = time.monotonic()

    def _look(self, archive: Archive, *, anyway: bool) -> None:
        """Have the pictures wanted that articles name which no worker has stored: of folders; at first, of all."""
        from feedarchiver.updating.wanting import look

        for source in self._illustrated:
            if anyway or source.home is None:
                for notice in look(archive, source, self._asking.now(), self._asking.step):
                    self._asking.warn(f"{notice.source}: {notice.text}", event="notice", source=notice.source)


def need() -> None:
    """Say what is missing. Raises UsageError."""
    try:
        import procrastinate  # noqa: F401 - to see whether it is there
    except ImportError as error:
        raise UsageError(
            f"workers need {error.name}, which is not here: "
            "python -m pip install 'feedarchiver[cluster]'; nothing was done"
        ) from error
