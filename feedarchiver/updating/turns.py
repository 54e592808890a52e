"""Pictures that wait for their hosts, each source in its turn: whoever names however many, on however slow hosts."""

from collections import deque
from collections.abc import Callable, Collection

from feedarchiver.archive.wanted import Picture


class Turns:
    """Up to `most` pictures that wait; of one of `sources` no more than its share."""

    def __init__(self, most: int, sources: int) -> None:
        self._most, self._share = most, max(most // max(sources, 1), 1)
        self._waiting: dict[str, dict[str, deque[Picture]]] = {}  # by source and host, the next in turn first
        self._counts: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Tell whether any picture waits."""
        return bool(self._waiting)

    @property
    def are_full(self) -> bool:
        """Tell whether there is room for no more."""
        return sum(self._counts.values()) >= self._most

    def has_share(self, source: str) -> bool:
        """Tell whether as many of a source wait as may."""
        return self._counts.get(source, 0) >= self._share

    def put(self, picture: Picture, site: str) -> None:
        """Let a picture wait for its host."""
        self._waiting.setdefault(picture.source, {}).setdefault(site, deque()).append(picture)
        self._counts[picture.source] = self._counts.get(picture.source, 0) + 1

    def next(self, busy: Collection[str], may: Callable[[str], bool]) -> Picture | None:
        """Take the next picture whose host is not `busy`, and drop those of sources that may have none."""
        for source, sites in [*self._waiting.items()]:
            if not may(source):
                del self._waiting[source], self._counts[source]
                continue
            site = next((site for site in sites if site not in busy), None)
            if site is not None:
                return self._take(source, site)
        return None

    def _take(self, source: str, site: str) -> Picture:
        """Take a picture; its source and its host are the last in turn then."""
        sites = self._waiting.pop(source)
        pictures = sites.pop(site)
        picture = pictures.popleft()
        self._counts[source] -= 1
        if pictures:
            sites[site] = pictures
        if sites:
            self._waiting[source] = sites
        return picture
