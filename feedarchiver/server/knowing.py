"""What is known of archive, sources and runs, asked for at most every so often, however many want to know."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from feedarchiver.watching.overview import Overview

_LASTS_S = 10.0
_SHARE = 20  # finding out takes at most one part in so many of the time

Facts = Mapping[str, float | Mapping[str, float]]
"""Numbers by the names in `metrics`; those with labels by the values of their label."""


class Known(NamedTuple):
    """What is known. `overview` of None: the archive cannot be read. `trouble`: what went wrong lately."""

    overview: Overview | None
    facts: Facts
    trouble: tuple[str, ...] = ()


class Knowledge:
    """What is known, for one event loop. `find_out` may read the disk."""

    def __init__(self, find_out: Callable[[], Known]) -> None:
        self._find_out = find_out
        self._known: Known | None = None
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def now(self) -> Known:
        """Tell what is known: whoever asks all the time makes no work."""
        async with self._asking:
            if self._known is None or time.monotonic() > self._until:
                began = time.monotonic()
                self._known = await asyncio.to_thread(self._find_out)
                done = time.monotonic()
                self._until = done + max(_LASTS_S, _SHARE * (done - began))
            return self._known
