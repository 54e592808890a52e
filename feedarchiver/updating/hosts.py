"""What is remembered of hosts that asked to be left alone, and what one run learns of them."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import key
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure
from feedarchiver.updating.source import HOST, host_read, host_written
from feedarchiver.updating.unread import Note

_MOST = 500  # that were looked up lately


class Hosts:
    """The hosts of one run, by their site; what is no address has the site "", and nothing is known of that."""

    def __init__(self, archive: Archive, now: datetime) -> None:
        self._archive, self._now = archive, now
        self._learned: dict[str, politeness.Host | None] = {}
        self._noted: dict[str, politeness.Host | None] = {}
        self._untold: set[str] = set()

    def recall(self, sites: Iterable[str]) -> None:
        """Read what is remembered of some hosts, before each of them is asked for, and drop what was read long ago."""
        if len(self._noted) > _MOST:
            self._noted.clear()
        sought = set(sites)
        noted = self._archive.index.notes.several(HOST, sought)
        self._noted.update((site, host_read(noted.get(key(site)))) for site in sought)

    def at(self, site: str) -> politeness.Host | None:
        """Say what is known of a host."""
        if not site:
            return None
        if site in self._learned:
            return self._learned[site]
        if site not in self._noted:
            self.recall([site])
        return self._noted[site]

    def take(self, site: str, result: Answer | Failure) -> None:
        """Note what a result means for everything else on a host."""
        before = self.at(site)
        after = politeness.host_after(before, result, self._now)
        if site and after != before:
            self._learned[site] = after
            self._untold.add(site)

    def learned(self) -> Iterator[Note]:
        """Give what is new since it was given last, to be noted."""
        untold, self._untold = self._untold, set()
        yield from ((HOST, site, host_written(self._learned[site])) for site in sorted(untold))
