"""A connection to read with for as long as a worker lives: it is made again when the server was away, and now and then.

Now and then, because an index made anew lies elsewhere in the database. Threads may share one.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

import psycopg

from feedarchiver.archive.database import Rows
from feedarchiver.archive.postgres.session import Session, is_away

_LASTS_S = 60.0


class Lasting:
    """A session that is opened by `opened`, and again; `pause` is called before each time that follows a failure."""

    def __init__(self, opened: Callable[[], Session], pause: Callable[[Exception], None]) -> None:
        self._opened, self._pause = opened, pause
        self._lock = Lock()
        self._session: Session | None = None
        self._since_s = 0.0

    def execute(self, query: str, values: Sequence[Any] = ()) -> Rows:
        """Ask, until there is an answer. All rows are fetched at once."""
        while True:
            session: Session | None = None
            try:
                session = self._current()
                return session.execute(query, values)
            except Exception as error:
                if not is_away(error) and not isinstance(error, _MOVED):
                    raise
                self._drop(session)
                self._pause(error)

    def executemany(self, query: str, rows: object) -> None:
        """Refuse: this is for reading."""
        raise NotImplementedError

    def close(self) -> None:
        """Close it."""
        with self._lock:
            session, self._session = self._session, None
        self._close(session)

    def _current(self) -> Session:
        with self._lock:
            old = None
            if self._session is not None and time.monotonic() - self._since_s > _LASTS_S:
                old, self._session = self._session, None
            if self._session is None:
                self._session, self._since_s = self._opened(), time.monotonic()
            session = self._session
        self._close(old)
        return session

    def _drop(self, session: Session | None) -> None:
        with self._lock:
            if session is not None and session is self._session:
                self._session = None
        self._close(session)

    @staticmethod
    def _close(session: Session | None) -> None:
        if session is not None:
            with suppress(psycopg.Error):
                session.close()


_MOVED = psycopg.errors.UndefinedTable  # the space was dropped, and another one is in its place
