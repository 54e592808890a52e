"""What is remembered of the robots.txt of sites, so that each is asked for once a day and not in every run."""

from collections.abc import Iterator
from datetime import datetime

from feedarchiver.archive.index import Index
from feedarchiver.gather.web.robots import RobotsFile

ROBOTS = "robots"  # what notes of the index are about
_LONGEST = 50_000  # a longer one is asked for in every run: whoever names hosts must not fill the disk with them


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
            if self._noted.get(origin) != file and len(file.text) <= _LONGEST:
                self._noted[origin] = file
                yield origin, f"{file.fetched.isoformat()}\n{file.text}"
