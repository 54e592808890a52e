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
        self._brought = {source: self._read(index, source) for source in sources}
        self._before = dict(self._brought)
        self._changed: set[str] = set()

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
            self._changed.add(source)

    def learned(self) -> Iterator[Note]:
        """Give what is to be noted since the last time."""
        for source in self._changed:
            since, size_bytes = self._brought[source]
            yield _ABOUT, source, json.dumps({"since": since.isoformat(), "bytes": size_bytes})
        self._changed.clear()

    def notices(self) -> Iterator[Notice]:
        """Say which sources have brought all that they may."""
        for source, known in self._brought.items():
            if not self.is_left(source) and self._before[source].size_bytes < self._most:
                text = f"its pictures came to {known.size_bytes / 1e6:,.0f} MB within a day, which is the most; others"
                yield Notice(source, f"{text} are left until {known.since + _LASTS:%Y-%m-%d %H:%M} UTC")

    def _read(self, index: Index, source: str) -> _Brought:
        """Read what is remembered. What is older does not count, and what a wrong clock has dated later neither."""
        said = index.notes.read(_ABOUT, source)
        if said is not None:
            told = json.loads(said)
            since = datetime.fromisoformat(told["since"])
            if since <= self._now < since + _LASTS:
                return _Brought(since, told["bytes"])
        return _Brought(self._now)
