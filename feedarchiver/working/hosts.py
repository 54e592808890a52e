"""Whose turn it is to ask a host: one at a time among all that work on one database, with a pause behind each request.

A turn is an advisory lock of PostgreSQL, keyed by the host. It is kept until the pause that the host is owed is over,
so nobody need tell the others when a host was asked last. It goes with the connection: whoever is killed keeps no host
from being asked, and whoever is thought to be dead and is not keeps the others away until he has finished. Nobody waits
for one host while he has the turn of another, but for pauses, which end; so there is no deadlock.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from threading import Condition, Lock, Thread
from typing import Any

from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.postgres.locks import lock_number
from feedarchiver.archive.postgres.session import Session, is_away
from feedarchiver.gather.web.client import Turn
from feedarchiver.working.patience import Ended, Patience

GAP_S = 1.0
"""The pause behind each request, unless the host wants more."""

_FIRST_S, _LONGEST_S = 0.02, 0.5
_AT_LEAST_S = 0.05  # so that several turns end with one query


class Hosts:
    """The turns that a process has, for all its threads. `opened` connects; `gap_s` is the least pause."""

    def __init__(self, opened: Callable[[], Session], gap_s: float, patience: Patience) -> None:
        self._opened, self._gap_s, self._patience = opened, gap_s, patience
        self._changed = Condition()
        self._busy: set[str] = set()
        self._until: dict[str, float] = {}  # turns that are kept for a pause, and when it is over
        self._held: set[str] = set()
        self._connecting = Lock()
        self._session: Session | None = None
        self._closed = False
        self._janitor = Thread(target=self._tidy, daemon=True)
        self._janitor.start()

    @contextmanager
    def turn(self, site: str, delay_s: float) -> Iterator[None]:
        """Have the turn of a host, which wants a pause of at least `delay_s` behind it. Raises Ended."""
        self._enter(site)
        try:
            yield
        finally:
            self._leave(site, max(self._gap_s, delay_s))

    def close(self) -> None:
        """Give all turns back."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._janitor.join()
        with self._connecting:
            if self._session is not None:
                self._session.close()

    def _enter(self, site: str) -> None:
        with self._changed:
            while site in self._busy:
                if self._patience.is_over:
                    raise Ended
                self._changed.wait(_LONGEST_S)
            self._busy.add(site)
            ready_s = self._until.pop(site, None)
        try:
            if ready_s is not None:
                self._patience.sleep(ready_s - time.monotonic())
            if ready_s is None or site not in self._held:
                self._lock(site)
        except BaseException:
            self._leave(site, 0)
            raise

    def _leave(self, site: str, pause_s: float) -> None:
        with self._changed:
            self._busy.discard(site)
            if site in self._held:
                self._until[site] = time.monotonic() + pause_s
            self._changed.notify_all()

    def _lock(self, site: str) -> None:
        """Wait until nobody else has the turn of a host, and take it."""
        wait_s = _FIRST_S
        while not self._ask("SELECT pg_try_advisory_lock(?)", (_number(site),)):
            self._patience.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_S)
        with self._changed:
            self._held.add(site)

    def _tidy(self) -> None:
        """Give turns back when their pause is over."""
        while True:
            with self._changed:
                now_s = time.monotonic()
                over = [site for site, until_s in self._until.items() if until_s <= now_s]
                for site in over:
                    del self._until[site]
                    self._held.discard(site)
                if not over:
                    if self._closed:
                        return
                    next_s = min(self._until.values(), default=now_s + _LONGEST_S)
                    self._changed.wait(max(next_s - now_s, _AT_LEAST_S))
                    continue
            try:
                query = "SELECT count(pg_advisory_unlock(number)) FROM unnest(?::bigint[]) number"
                self._ask(query, ([_number(site) for site in over],))
            except Exception as error:
                if isinstance(error, Ended) or is_away(error):
                    return  # they go with the connection
                raise

    def _ask(self, query: str, values: Sequence[Any]) -> Any:
        while True:
            try:
                return self._connected().execute(query, values).fetchone()[0]
            except Exception as error:
                if not is_away(error):
                    raise
                self._patience.after(error)

    def _connected(self) -> Session:
        """Have a connection. With one that is lost all turns are lost: those still wanted are taken again if free."""
        with self._connecting:
            if self._session is None or self._session.is_closed:
                session = self._opened()
                with self._changed:
                    self._held &= self._busy | self._until.keys()
                    sites = {_number(site): site for site in self._held}
                query = "SELECT number FROM unnest(?::bigint[]) number WHERE NOT pg_try_advisory_lock(number)"
                lost = {sites[number] for (number,) in session.execute(query, ([*sites],)).fetchall()}
                with self._changed:
                    self._held -= lost  # it is somebody else's turn by now
                self._session = session
            return self._session


@contextmanager
def taking_turns(engine: IndexAddress) -> Iterator[Turn]:
    """Take turns with workers, for a command that asks by itself; it fails where a worker would wait."""

    def told(error: Exception) -> None:
        raise error

    with closing(Hosts(lambda: Session.open(engine), GAP_S, Patience(told))) as hosts:
        yield hosts.turn


def _number(site: str) -> int:
    return lock_number(f"host {site}")
