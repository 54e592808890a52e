"""Waiting: for the pause that a host is owed, for a server that is away; and for nothing any more at the end."""

import time
from collections.abc import Callable
from threading import Event, Lock

_FIRST_S, _LONGEST_S = 0.5, 15.0
_CALM_S = 60.0


class Ended(Exception):
    """The worker is to end: nothing more is begun."""


class Patience:
    """What threads wait with. `told` hears, once for each time that a server is away, why it is waited for."""

    def __init__(self, told: Callable[[Exception], None]) -> None:
        self._told = told
        self._over = Event()
        self._lock = Lock()
        self._next_s, self._failed_s = _FIRST_S, float("-inf")

    def end(self) -> None:
        """Let nobody wait any more."""
        self._over.set()

    @property
    def is_over(self) -> bool:
        """Tell whether all is to end."""
        return self._over.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Ended when all is to end."""
        if self._over.wait(max(seconds, 0)):
            raise Ended

    def after(self, error: Exception) -> None:
        """Wait before what failed is tried again: longer and longer, as long as things fail. Raises Ended."""
        self.sleep(self.how_long(error))

    def how_long(self, error: Exception) -> float:
        """Say how many seconds to wait before what failed is tried again."""
        now_s = time.monotonic()
        with self._lock:
            is_new = now_s - self._failed_s > _CALM_S
            self._failed_s = now_s
            self._next_s = _FIRST_S if is_new else min(self._next_s * 1.2, _LONGEST_S)
            wait_s = self._next_s
        if is_new:
            self._told(error)
        return wait_s
