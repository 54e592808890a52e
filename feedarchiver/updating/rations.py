"""How many bytes of pictures each source has brought of late: nobody is to fill the disk.

What a source may bring within a day is bounded. What is beyond that is left, and comes on another day.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from feedarchiver.archive.index import Index
from feedarchiver.updating.events import Notice
from feedarchiver.updating.unread import Note

_ABOUT = "brought"  # what notes of the index are about
_LASTS = timedelta(days=1)


class _Brought(NamedTuple):
    since: datetime
    size_bytes: int = 0


class Rations:
    """What each of some sources may bring now: `most_bytes`, less what came within a day."""

    def __init__(self, index: Index, sources: Iterable[str], now: datetime, most_bytes: int) -> None:
        self._now, self._most = now, most_bytes
        self._brought = {source: _read(index, source, now) for source in sources}
        self._before = dict(self._brought)
        self._fresh: dict[str, int] = {}

    def is_left(self, source: str) -> bool:
        """Tell whether a source may bring more."""
        return self._brought[source].size_bytes < self._most

    @property
    def are_short(self) -> bool:
        """Tell whether some source may bring nothing more."""
        return not all(map(self.is_left, self._brought))

    def came(self, source: str, size_bytes: int) -> None:
        """Count what a source has brought."""
        if size_bytes:
            known = self._brought[source]
            self._brought[source] = known._replace(size_bytes=known.size_bytes + size_bytes)
            self._fresh[source] = self._fresh.get(source, 0) + size_bytes

    def learned(self) -> dict[str, int]:
        """Give how many bytes came since the last time, by source, for `note`."""
        fresh, self._fresh = self._fresh, {}
        return fresh

    def notices(self) -> Iterator[Notice]:
        """Say which sources have brought all that they may."""
        for source, known in self._brought.items():
            if not self.is_left(source) and self._before[source].size_bytes < self._most:
                text = f"its pictures came to {known.size_bytes / 1e6:,.0f} MB within a day, which is the most; others"
                yield Notice(source, f"{text} are left until {known.since + _LASTS:%Y-%m-%d %H:%M} UTC")


def note(index: Index, source: str, size_bytes: int, now: datetime) -> Note:
    """Write the note that so much more has come, whoever has noted what meanwhile."""
    since, before = _read(index, source, now)
    return _ABOUT, source, json.dumps({"since": since.isoformat(), "bytes": before + size_bytes})


def _read(index: Index, source: str, now: datetime) -> _Brought:
    """Read what is remembered. What is older does not count, and what a wrong clock has dated later neither."""
    said = index.notes.read(_ABOUT, source)
    if said is not None:
        told = json.loads(said)
        since = datetime.fromisoformat(told["since"])
        if since <= now < since + _LASTS:
            return _Brought(since, told["bytes"])
    return _Brought(now)
