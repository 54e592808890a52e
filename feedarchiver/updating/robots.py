"""What is remembered of the robots.txt of sites, so that each is asked for once a day and not in every run."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from feedarchiver.archive.index import Index
from feedarchiver.gather.web.robots import RobotsFile
from feedarchiver.updating.source import HOST
from feedarchiver.updating.unread import Note

ROBOTS = "robots"  # what notes of the index are about
_MOST = 5_000_000  # characters in memory
_MANY, _LASTS = 5_000, timedelta(days=7)  # sites that are remembered in any case; a file that cannot be had anew


def stale(index: Index, now: datetime) -> Iterator[Note]:
    """Forget what does not count any more, of robots.txt files and of hosts, where there is much of it."""
    for about, since in ((ROBOTS, now - _LASTS), (HOST, now)):
        if index.notes.count(about) > _MANY:
            noted = ((site, datetime.fromisoformat(said.partition("\n")[0])) for site, said in index.notes.all(about))
            yield from [(about, site, None) for site, instant in noted if instant < since]


class RobotsFiles:
    """The robots.txt files of one run. `known`: by origin, for a client, which adds those that it fetches."""

    def __init__(self) -> None:
        self.known: dict[str, RobotsFile] = {}
        self._noted: dict[str, RobotsFile | None] = {}

    def recall(self, index: Index, origin: str) -> None:
        """Read what is remembered of an origin, before it is asked."""
        if origin in self._noted:
            return
        said = index.notes.read(ROBOTS, origin)
        file = None
        if said:
            fetched, _, text = said.partition("\n")
            file = self.known[origin] = RobotsFile(datetime.fromisoformat(fetched), text)
        self._noted[origin] = file

    def learned(self) -> Iterator[tuple[str, str]]:
        """Give what is new since it was given last: origin, and what to remember."""
        for origin, file in [*self.known.items()]:
            if self._noted.get(origin) != file:
                self._noted[origin] = file
                yield origin, f"{file.fetched.isoformat()}\n{file.text}"
        length = sum(len(file.text) for file in self.known.values())
        for origin in [*self.known] if length > _MOST else ():  # what is noted can be recalled
            length -= len(self.known.pop(origin).text)
            self._noted.pop(origin, None)
            if length <= _MOST:
                break
