"""Telling a WebSub hub which documents have changed. Spec: https://www.w3.org/TR/websub/, section 6.

How a publisher tells its hub is left open there; what all hubs take is a form with `hub.mode=publish` and the topic's
address, as `hub.url` (PubSubHubbub 0.3) and as `hub.topic`. One topic in each request: not every hub takes several.

Of each document that was told, the digest of its bytes is remembered, and the state of its file, so that it need not be
read again. The hub itself is remembered under its address: while it fails, nothing is told.

The hub is the owner's choice, so it may be in this network. It leads nowhere else: no redirect is followed, and what it
answers is not read.
"""

import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from feedarchiver.archive.archive import Archive
from feedarchiver.model import Feed
from feedarchiver.publish.folder import Folder
from feedarchiver.publish.pages import TOPICS
from feedarchiver.publish.plan import address

if TYPE_CHECKING:
    from feedarchiver.gather.web.client import Client
    from feedarchiver.gather.web.exchange import Failure

_ABOUT = "hub"
_TIMEOUT_S = 15.0
_ROUND_S = 60.0  # what is left then is told in the next round
_FIRST_RETRY, _RAREST = timedelta(minutes=1), timedelta(days=1)
_MOST_DOUBLINGS = 20


class Hub(NamedTuple):
    """The hub at `url`, and where readers find what lies in `folder`: below `base_url`."""

    url: str
    base_url: str
    folder: Folder


class Told(NamedTuple):
    """What a round came to: how many documents were told, how many are still to be, and what went wrong."""

    told: int = 0
    left: int = 0
    trouble: str | None = None


class _Memory(NamedTuple):
    """What was told of a document, and when it is tried again after `failed` failures, the last one at `asked`."""

    digest: str = ""
    stamp: str = ""
    failed: int = 0
    asked: datetime | None = None
    due: datetime | None = None

    @classmethod
    def read(cls, said: str) -> "_Memory":
        """Read what was written."""
        values = json.loads(said)
        instants = {name: datetime.fromisoformat(values[name]) for name in ("asked", "due") if name in values}
        return cls(**values | instants)

    @property
    def written(self) -> str:
        """Write it, without what says nothing."""
        return json.dumps({name: value for name, value in self._asdict().items() if value}, default=datetime.isoformat)

    def waits(self, now: datetime) -> bool:
        """Tell whether it is too early. What was remembered under a clock that was ahead does not count."""
        return self.asked is not None and self.due is not None and self.asked <= now < self.due

    def after(self, failure: "Failure", now: datetime) -> "_Memory":
        """Decide when to try again: ever more rarely, and not before the hub says so."""
        from feedarchiver.gather.web.politeness import retry_at

        pause = min(_FIRST_RETRY * 2 ** min(self.failed, _MOST_DOUBLINGS), _RAREST)
        due = max(now + pause, retry_at(failure.retry_after, now) or now)
        return self._replace(failed=self.failed + 1, asked=now, due=due)


def tell(  # noqa: PLR0913 - each is one thing that a caller knows
    archive: Archive,
    feeds: Iterable[Feed],
    hub: Hub,
    *,
    now: datetime,
    contact: str | None,
    step: Callable[[], None],
) -> Told:
    """Tell the hub of every subscription document that has changed since it was told, as far as it is time to.

    `step` is called between any two requests, and may raise an error to end it all; what was told is remembered.
    """
    paths = [f"{feed.id}/{name}" for feed in feeds for name in TOPICS]
    stamps = {path: stamp for path in paths if (stamp := archive.index.feeds.stamp(path))}
    round_ = _Round(hub, dict(archive.index.notes.all(_ABOUT)), now)
    stale = {path: stamp for path, stamp in stamps.items() if round_.known(path).stamp != stamp}
    due = [path for path in stale if not round_.known(path).waits(now)]
    if not due or round_.known(hub.url).waits(now):
        return Told(left=len(stale))
    from feedarchiver.gather.web.client import Client

    try:
        with Client(now=now, contact=contact) as client:
            for path in due:
                step()
                if not round_.take(client, path, stale[path]):
                    break
    finally:
        round_.remember(archive, stamps.keys())
    return Told(round_.told, len(stale) - round_.done, round_.trouble)


class _Round:
    """One round to the hub. `done`: documents that need not be told any more, `told`: those that were."""

    def __init__(self, hub: Hub, said: dict[str, str], now: datetime) -> None:
        self._hub, self._now = hub, now
        self._said, self._fresh = said, dict[str, _Memory | None]()
        self._until = time.monotonic() + _ROUND_S
        self.done = self.told = 0
        self.trouble: str | None = None

    def known(self, path: str) -> _Memory:
        """Return what is remembered of a document, or of the hub."""
        return _Memory.read(self._said[path]) if path in self._said else _Memory()

    def take(self, client: "Client", path: str, stamp: str) -> bool:
        """Tell of a document if it has other bytes than were told. Returns False when the round is over."""
        before, data = self.known(path), self._hub.folder.read(path)
        if data is None:
            return True  # the next build mends it
        digest = blake2b(data, digest_size=16).hexdigest()
        if digest != before.digest:
            failure = self._told(client, path)
            if failure is not None:
                return self._failed(path, failure)
            self.told += 1
        self.done += 1
        self._fresh[path] = _Memory(digest, stamp)
        return time.monotonic() < self._until

    def remember(self, archive: Archive, paths: Iterable[str]) -> None:
        """Remember what came of it, and nothing of documents that are no more: `paths` are those that are."""
        gone = self._said.keys() - {*paths, *(() if self.told else (self._hub.url,))}
        fresh = dict.fromkeys(gone) | self._fresh
        if fresh:
            with archive.publishing() as index:
                index.begin()
                for path, memory in fresh.items():
                    index.notes.write(_ABOUT, path, memory and memory.written)
                index.commit()

    def _told(self, client: "Client", path: str) -> "Failure | None":
        """Tell of a document. Returns what went wrong."""
        from feedarchiver.gather.web.allowed import own
        from feedarchiver.gather.web.exchange import Failure, Request

        topic = address(self._hub.base_url, path)
        form = urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}).encode()
        result = client.ask(Request(self._hub.url, allow_private=own(self._hub.url), timeout_s=_TIMEOUT_S, form=form))
        return result if isinstance(result, Failure) else None

    def _failed(self, path: str, failure: "Failure") -> bool:
        """Decide when to try again. Returns whether other documents may fare better: a hub may refuse one topic."""
        from feedarchiver.gather.web.exchange import Kind

        concerned = path if failure.kind is Kind.REFUSED else self._hub.url
        memory = self._fresh[concerned] = self.known(concerned).after(failure, self._now)
        what = f" for {path}" if concerned is path else ""
        self.trouble = f"{failure.reason}{what}; told again from {memory.due:%Y-%m-%d %H:%M} UTC on"
        return concerned is path and time.monotonic() < self._until
