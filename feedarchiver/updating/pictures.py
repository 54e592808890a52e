"""Pictures from the web into the archive: those that are due, one host after the other's turn, stored some at a time.

A picture is asked for with its article's site as the Referer, if the host's robots.txt allows it. What it is, is read
from its bytes. One that cannot be had is asked for again, ever more rarely; only 410 (gone) ends that.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.history import microseconds
from feedarchiver.archive.wanted import Picture
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure, Request, Stopped, target
from feedarchiver.imagefile import LIMIT_BYTES
from feedarchiver.updating import places
from feedarchiver.updating.hosts import Hosts
from feedarchiver.updating.rations import Rations
from feedarchiver.updating.robots import ROBOTS, RobotsFiles, stale
from feedarchiver.updating.shelving import Fetched, Shelving
from feedarchiver.updating.turns import Turns
from feedarchiver.updating.wanting import Illustrated, look

if TYPE_CHECKING:
    from feedarchiver.gather.web.client import Turn

__all__ = ["Fetched", "Fetching", "PictureAsking", "fetch", "site_of"]

NEVER = timedelta(days=60)
"""Longer than any picture is put off."""
_TIMEOUT_S = 30.0
_WORKERS = 4  # each may hold a picture of the largest size
_PAGE, _MOST_HELD = 500, 1_000
_ACCEPT = ("Accept", "image/avif,image/webp,image/png,image/jpeg,image/gif,image/*;q=0.8,*/*;q=0.1")


class Fetching(NamedTuple):
    """How to fetch: only what is due, by whom, until `is_over`. `chance` spreads what would come at once.

    `beat` is called every second, `advance` with each picture that was asked for; `gap_s` is the pause between two
    requests to one host; `most_bytes` is what the pictures of one source may come to within a day. `turn`: whoever else
    asks the same hosts.
    """

    now: datetime
    contact: str | None
    chance: Callable[[], float]
    is_over: Callable[[], bool]
    advance: Callable[[str], None]
    beat: Callable[[], None]
    due_only: bool = True
    gap_s: float = 1.0
    most_bytes: int = 1_000_000_000
    turn: "Turn | None" = None


def fetch(archive: Archive, sources: Iterable[Illustrated], manner: Fetching) -> Fetched:
    """Fetch the pictures of sources that are due. A crash on the way costs at most those of one batch once more."""
    illustrated = {source.id: source for source in sources}
    done = Fetched()
    for source in illustrated.values():
        done.notices += look(archive, source, manner.now, manner.beat)
    asking = PictureAsking(archive, illustrated, manner)
    requests = asking.requests()
    first = next(requests, None)
    if first is not None:
        _ask(archive, asking, chain([first], requests), manner, done)
    if first is not None or asking.rations.are_short:
        counts = archive.index.wanted.due_counts(microseconds(manner.now), microseconds(manner.now + NEVER))
        done.left = sum(count for source, count in counts.items() if source in illustrated)
    return done


def _ask(
    archive: Archive, asking: "PictureAsking", requests: Iterator[Request | None], manner: Fetching, done: Fetched
) -> None:
    """Ask for pictures, and store what comes."""
    from feedarchiver.gather.web.client import Client
    from feedarchiver.gather.web.together import ask_all

    storing = Shelving(lambda: archive.writing(manner.now), manner.now, manner.chance, done)
    with (
        Client(now=manner.now, contact=manner.contact, robots=asking.robots.known, turn=manner.turn) as client,
        closing(ask_all(client, requests, workers=_WORKERS, gap_s=manner.gap_s, beat=manner.beat)) as results,
    ):
        for request, result in results:
            picture = asking.take(request, result)
            manner.advance(picture.url)
            storing.put(picture, result)
            if storing.is_full():
                storing.flush(asking.learned(), asking.rations.learned())
    storing.flush(asking.learned(), asking.rations.learned())
    done.notices += [*storing.notices(), *asking.rations.notices()]


class PictureAsking:
    """The requests: of each host one at a time, so that whatever is under way when the time is over ends soon.

    `pictures`: those that are to be asked for; None: those that are due.
    """

    def __init__(
        self,
        archive: Archive,
        sources: dict[str, Illustrated],
        manner: Fetching,
        pictures: Iterable[Picture] | None = None,
    ) -> None:
        self._archive, self._sources, self._manner, self._named = archive, sources, manner, pictures
        self._due = self._read()
        self._under_way: dict[str, Picture] = {}
        self._turns = Turns(_MOST_HELD, len(sources))
        self._met: set[str] = set()
        self._has_passed_over = False
        self._hosts = Hosts(archive, manner.now)
        self._is_tidy = pictures is not None  # a whole run tidies up
        self.robots = RobotsFiles()
        self.rations = Rations(archive.index, sources, manner.now, manner.most_bytes)

    def requests(self) -> Iterator[Request | None]:
        """Give what to ask, one at a time; None: nothing before another result has been taken."""
        while not self._manner.is_over():
            picture = self._next()
            if picture is None and not self._under_way:
                return
            yield None if picture is None else self._request(picture)

    def take(self, request: Request, result: Answer | Failure) -> Picture:
        """Say which picture a result is of, and learn what it means for its host."""
        site = request.label or ""
        self._hosts.take(site, result)
        picture = self._under_way.pop(site)
        self.rations.came(picture.source, _size(result))
        return picture

    def learned(self) -> Iterator[tuple[str, str, str | None]]:
        """Give what is to be noted of hosts since the last time: about what, of which, what."""
        yield from self._hosts.learned()
        yield from ((ROBOTS, origin, said) for origin, said in self.robots.learned())
        if not self._is_tidy:
            self._is_tidy = True
            yield from stale(self._archive.index, self._manner.now)

    def _next(self) -> Picture | None:
        """Find a picture whose host is not being asked, of the source whose turn it is."""
        if self._has_passed_over and not self._turns:
            self._has_passed_over, self._due = False, self._read()
        while not self._turns.are_full and (found := next(self._due, None)):
            self._turns.put(found, site_of(found))
        return self._turns.next(self._under_way, self.rations.is_left)

    def _read(self) -> Iterator[Picture]:
        """Read what is to be asked for, each once, without the hosts that want to be left alone."""
        now = self._manner.now
        for picture in self._every() if self._named is None else self._named:
            if picture.source not in self._sources or picture.address in self._met:
                continue
            if not self.rations.is_left(picture.source):
                continue
            if self._turns.has_share(picture.source):
                self._has_passed_over = True
            elif not politeness.wait(None, self._hosts.at(site_of(picture)), now):
                self._met.add(picture.address)
                yield picture

    def _every(self) -> Iterator[Picture]:
        """Read what is remembered, page by page."""
        now, due_only = self._manner.now, self._manner.due_only
        last, never = None, microseconds(now + NEVER)
        while True:
            wanted = self._archive.index.wanted
            page = wanted.due(microseconds(now), never, last, _PAGE) if due_only else wanted.every(last, _PAGE)
            if not page:
                return
            last = page[-1]
            yield from page

    def _request(self, picture: Picture) -> Request:
        source, site, origin = self._sources[picture.source], site_of(picture), places.origin(picture.url)
        self._under_way[site] = picture
        if origin:
            self.robots.recall(self._archive.index, origin)
        own = source.headers if source.home and places.origin(source.home) == origin else ()
        referer = _referer(picture)
        return Request(
            picture.url,
            label=site,
            headers=(*own, _ACCEPT, *((("Referer", referer),) if referer else ())),
            allow_private=source.allow_private,
            crawl=True,
            timeout_s=_TIMEOUT_S,
            limit_bytes=LIMIT_BYTES,
        )


def _size(result: Answer | Failure) -> int:
    """Tell how many bytes it cost: over the wire, or on the disk if that is more."""
    body = result.body if isinstance(result, Answer) else None
    return max(result.came_bytes, len(body or b""))


def site_of(picture: Picture) -> str:
    """Name the host that politeness is owed to; what is no address has none, and the client will say so."""
    try:
        return target(picture.url).site
    except Stopped:
        return ""


def _referer(picture: Picture) -> str | None:
    """Name the article, as browsers do: to another site only by its own, since links may hold keys.

    Spec: https://www.w3.org/TR/referrer-policy/, strict-origin-when-cross-origin.
    """
    try:
        article, place = target(picture.link or ""), target(picture.url)
    except Stopped:
        return None
    if article.scheme > place.scheme:
        return None
    return article.origin + (article.path if article.origin == place.origin else "/")
