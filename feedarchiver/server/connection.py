"""A connection whose client may be slow, but not for ever: uvicorn's own, with an end to every wait.

uvicorn bounds only the pause between two requests. Here a client has some seconds to say what it wants, and must take
what it is sent at a rate that a bad telephone line has; there is a most of connections.
"""

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 4_000
"""Connections at once; more are closed as they come. Where fewer files may be open, half of those are connections."""

_LOOK_S = 5.0  # a request is complete within this, or at most twice as long behind another one on its connection
_PATIENCE = 6  # so many looks for 64 KiB of an answer: 2 KiB a second
_PARTING_S = 2.0


def descriptors() -> int:
    """Tell how many files may be open at a time."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2 * MOST if soft == resource.RLIM_INFINITY else soft


class Connection(H11Protocol):
    """One client's connection."""

    _timer: asyncio.TimerHandle | None = None
    _taken = 0
    _still = 0
    _seen: tuple[object, bool, int] = (None, True, 0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > min(MOST, descriptors() // 2):
            transport.abort()
        else:
            self._timer = self.loop.call_later(_LOOK_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        self._taken += 1
        super().resume_writing()

    def shutdown(self) -> None:
        """Let the answer that is being sent be finished, if that does not take long."""
        super().shutdown()
        self.loop.call_later(_PARTING_S, self.transport.abort)

    def _look(self) -> None:
        """Close the connection when its client has done nothing since the last look."""
        cycle: Any = self.cycle
        is_ours = cycle is not None and not cycle.response_complete and not self.flow.write_paused
        seen = (cycle, cycle is None or cycle.response_complete, self._taken)
        self._still = 0 if is_ours or seen != self._seen else self._still + 1
        self._seen = seen
        if self._still >= (_PATIENCE if self.transport.get_write_buffer_size() else 1):
            self.transport.abort()
        else:
            self._timer = self.loop.call_later(_LOOK_S, self._look)
