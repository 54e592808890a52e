"""worker: doing what a daemon says is due, on this or another machine."""

import random
import time
from threading import Lock

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.commands import asking, pictures
from feedarchiver.commands.console import Console, common
from feedarchiver.commands.directing import need
from feedarchiver.commands.living import log_of
from feedarchiver.commands.log import Log, described
from feedarchiver.commands.trouble import said
from feedarchiver.config import load
from feedarchiver.errors import UsageError
from feedarchiver.model import Outcome, Received
from feedarchiver.updating.events import Updated
from feedarchiver.updating.shelving import Fetched

_SUM_S = 60.0


@click.command("worker")
@common
@click.option(
    "--concurrency",
    default=50,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many hosts are asked at a time.",
)
@click.option("--until-idle", is_flag=True, help="End when there is nothing to do.")
@click.option("--log", type=click.Choice(["text", "json"]), default="text", help="How log lines are written.")
def worker_command(console: Console, concurrency: int, log: str, *, until_idle: bool) -> int:
    """Do what a daemon says is due: poll sources, read the pages of articles, fetch pictures.

    Any number of workers share the work, on any number of machines; `engine` under [workers] in config.toml says where
    they find it. SIGTERM ends one within half a minute; what it has not done, others do. `reindex`, `verify` and
    first builds of large archives are spread over workers, too.
    """
    config = load(console.config_path)
    if config.engine is None:
        raise UsageError(
            f"{console.config_path} names no engine for workers: [workers] engine = 'postgresql://…'; nothing was done"
        )
    need()
    from feedarchiver.working.worker import Orders, work

    told = log_of(console, log)
    account = _Account(told)
    orders = Orders(
        engine=config.engine,
        archive=lambda: Archive.create(config.store, config.index, now=told.now()),
        sources={source.id: asking.web(source) for source in config.sources if source.asking},
        illustrated={source.id: source for source in pictures.illustrated(config)},
        contact=config.contact,
        concurrency=concurrency,
        until_idle=until_idle,
        clock=told.now,
        chance=random.random,
        told=account.came,
        done=account.done,
        began=lambda name: told.say(f"worker {name} has begun", event="begun", worker=name),
        waits=account.waits,
        failed=account.failed,
    )
    work(orders)
    account.sum_up()
    told.say("stopped", event="stopped")
    return 0


class _Account:
    """What a worker has done: what failed is said at once, and all of it every minute in which there was some."""

    def __init__(self, log: Log) -> None:
        self._log, self._lock = log, Lock()
        self._updated, self._fetched = Updated(), Fetched()
        self._since_s = time.monotonic()

    def came(self, outcome: Outcome, received: Received) -> None:
        """Name an article that is new, or a version."""
        article = received.article
        name = article.title or article.link or article.guid
        self._log.detail(f"{received.source}: {outcome.name.lower()}: {name}")

    def done(self, updated: Updated, fetched: Fetched) -> None:
        """Count what was stored, and name what failed."""
        with self._lock:
            for notice in (*updated.notices, *fetched.notices):
                self._warn("notice", notice.source, notice.text)
            for failure in updated.failures:
                self._warn("failed", failure.source, failure.text)
            _add(self._updated, updated)
            self._fetched.stored += fetched.stored
            self._fetched.failed += fetched.failed
            if time.monotonic() - self._since_s > _SUM_S:
                self._sum_up()

    def waits(self, error: Exception) -> None:
        """Say why nothing goes on."""
        why = said(error) or described(error)
        self._log.warn(f"waiting: {why}", event="waiting", reason=why)

    def failed(self, job: str, error: Exception, then: str) -> None:
        """Say which job failed, why, and what becomes of it."""
        why = said(error) or described(error)
        self._log.warn(f"{job}: failed: {why}; {then}", event="failed", job=job, reason=why)

    def sum_up(self) -> None:
        """Say what has been done."""
        with self._lock:
            self._sum_up()

    def _sum_up(self) -> None:
        parts = [asking.told(self._updated)] if self._updated.asked or self._updated.pages else []
        parts += filter(None, [pictures.told(self._fetched)])
        if parts:
            figures = {**asking.figures(self._updated), **pictures.figures(self._fetched)}
            self._log.say("; ".join(parts), event="worked", **figures)
        self._updated, self._fetched, self._since_s = Updated(), Fetched(), time.monotonic()
        self._log.turn()

    def _warn(self, event: str, source: str, text: str) -> None:
        self._log.warn(f"{source}: {text}", event=event, source=source, text=text)


def _add(total: Updated, more: Updated) -> None:
    for name in ("asked", "pages", "unchanged", "excluded", "new", "versions", "noise", "known"):
        setattr(total, name, getattr(total, name) + getattr(more, name))
    total.failures += more.failures
