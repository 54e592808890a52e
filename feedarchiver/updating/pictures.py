"""Pictures from the web into the archive: those that are due, one host after the other's turn, stored some at a time.

A picture is asked for with its article's site as the Referer, if the host's robots.txt allows it. What it is, is read
from its bytes. One that cannot be had is asked for again, ever more rarely; only 410 (gone) ends that.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.history import microseconds, moment
from feedarchiver.archive.wanted import Picture
from feedarchiver.errors import ImageRefused
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request, Stopped, target
from feedarchiver.imagefile import LIMIT_BYTES
from feedarchiver.updating import places
from feedarchiver.updating.events import Notice
from feedarchiver.updating.rations import Rations
from feedarchiver.updating.robots import ROBOTS, RobotsFiles, stale
from feedarchiver.updating.source import HOST, host_read, host_written
from feedarchiver.updating.turns import Turns
from feedarchiver.updating.wanting import Illustrated, look

if TYPE_CHECKING:
    from feedarchiver.archive.writer import Writer

_BOUNDS = politeness.Bounds(timedelta(days=1), timedelta(days=1), timedelta(days=30))
_NEVER = timedelta(days=60)  # longer than anything is put off
_TIMEOUT_S = 30.0
_WORKERS = 4  # each may hold a picture of the largest size
_PAGE, _MOST_HELD = 500, 1_000
_BATCH, _BATCH_BYTES = 20, 8_000_000  # of pictures
_MOST_WAITING = 500  # results
_ACCEPT = ("Accept", "image/avif,image/webp,image/png,image/jpeg,image/gif,image/*;q=0.8,*/*;q=0.1")


@dataclass(slots=True)
class Fetched:
    """What fetching pictures came to. `failed`: not had this time; `left`: due, but there was no time."""

    stored: int = 0
    failed: int = 0
    left: int = 0
    notices: list[Notice] = field(default_factory=list)


class Fetching(NamedTuple):
    """How to fetch: only what is due, by whom, until `is_over`. `chance` spreads what would come at once.

    `beat` is called every second, `advance` with each picture that was asked for; `gap_s` is the pause between two
    requests to one host; `most_bytes` is what the pictures of one source may come to within a day.
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


def fetch(archive: Archive, sources: Iterable[Illustrated], manner: Fetching) -> Fetched:
    """Fetch the pictures of sources that are due. A crash on the way costs at most those of one batch once more."""
    illustrated = {source.id: source for source in sources}
    done = Fetched()
    for source in illustrated.values():
        done.notices += look(archive, source, manner.now, manner.beat)
    asking = _Asking(archive, illustrated, manner)
    requests = asking.requests()
    first = next(requests, None)
    if first is not None:
        _ask(archive, asking, chain([first], requests), manner, done)
    if first is not None or asking.rations.are_short:
        counts = archive.index.wanted.due_counts(microseconds(manner.now), microseconds(manner.now + _NEVER))
        done.left = sum(count for source, count in counts.items() if source in illustrated)
    return done


def _ask(
    archive: Archive, asking: "_Asking", requests: Iterator[Request | None], manner: Fetching, done: Fetched
) -> None:
    """Ask for pictures, and store what comes."""
    from feedarchiver.gather.web.client import Client
    from feedarchiver.gather.web.together import ask_all

    storing = _Storing(archive, manner, done)
    with (
        Client(now=manner.now, contact=manner.contact, robots=asking.robots.known) as client,
        closing(ask_all(client, requests, workers=_WORKERS, gap_s=manner.gap_s, beat=manner.beat)) as results,
    ):
        for request, result in results:
            picture = asking.take(request, result)
            manner.advance(picture.url)
            storing.put(picture, result)
            if storing.is_full():
                storing.flush(asking.learned())
    storing.flush(asking.learned())
    done.notices += [*storing.notices(), *asking.rations.notices()]


class _Asking:
    """The requests: of each host one at a time, so that whatever is under way when the time is over ends soon."""

    def __init__(self, archive: Archive, sources: dict[str, Illustrated], manner: Fetching) -> None:
        self._archive, self._sources, self._manner = archive, sources, manner
        self._due = self._read()
        self._under_way: dict[str, Picture] = {}
        self._turns = Turns(_MOST_HELD, len(sources))
        self._met: set[str] = set()
        self._has_passed_over = False
        self._hosts: dict[str, politeness.Host | None] = {}
        self._learned: dict[str, politeness.Host | None] = {}
        self._is_tidy = False
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
        before = self._host(site)
        after = politeness.host_after(before, result, self._manner.now)
        if site and after != before:
            self._hosts[site] = self._learned[site] = after
        picture = self._under_way.pop(site)
        self.rations.came(picture.source, _size(result))
        return picture

    def learned(self) -> Iterator[tuple[str, str, str | None]]:
        """Give what is to be noted of hosts since the last time: about what, of which, what."""
        yield from ((HOST, site, host_written(host)) for site, host in self._learned.items())
        yield from ((ROBOTS, origin, said) for origin, said in self.robots.learned())
        yield from self.rations.learned()
        self._learned.clear()
        if not self._is_tidy:
            self._is_tidy = True
            yield from stale(self._archive.index, self._manner.now)

    def _next(self) -> Picture | None:
        """Find a picture whose host is not being asked, of the source whose turn it is."""
        if self._has_passed_over and not self._turns:
            self._has_passed_over, self._due = False, self._read()
        while not self._turns.are_full and (found := next(self._due, None)):
            self._turns.put(found, _site(found))
        return self._turns.next(self._under_way, self.rations.is_left)

    def _read(self) -> Iterator[Picture]:
        """Read what is to be asked for, each once, without the hosts that want to be left alone."""
        now, due_only = self._manner.now, self._manner.due_only
        last, never = None, microseconds(now + _NEVER)
        while True:
            wanted = self._archive.index.wanted
            page = wanted.due(microseconds(now), never, last, _PAGE) if due_only else wanted.every(last, _PAGE)
            if not page:
                return
            last = page[-1]
            for picture in page:
                if picture.source not in self._sources or picture.address in self._met:
                    continue
                if not self.rations.is_left(picture.source):
                    continue
                if self._turns.has_share(picture.source):
                    self._has_passed_over = True
                elif not politeness.wait(None, self._host(_site(picture)), now):
                    self._met.add(picture.address)
                    yield picture

    def _request(self, picture: Picture) -> Request:
        source, site, origin = self._sources[picture.source], _site(picture), places.origin(picture.url)
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

    def _host(self, site: str) -> politeness.Host | None:
        if site not in self._hosts:
            self._hosts[site] = host_read(self._archive.index.notes.read(HOST, site))
        return self._hosts[site]


class _Storing:
    """Takes what came, and stores it some at a time. Of failures alike a person hears once."""

    def __init__(self, archive: Archive, manner: Fetching, done: Fetched) -> None:
        self._archive, self._manner, self._done = archive, manner, done
        self._came: list[tuple[Picture, Answer | Failure]] = []
        self._pictures = self._size_bytes = 0
        self._told: dict[tuple[str, Kind], tuple[Failure, int]] = {}

    def put(self, picture: Picture, result: Answer | Failure) -> None:
        """Take what came of a picture."""
        self._came.append((picture, result))
        if isinstance(result, Answer):
            self._pictures += 1
            self._size_bytes += len(result.body or b"")

    def is_full(self) -> bool:
        """Tell whether there is enough to be stored."""
        full = self._pictures >= _BATCH or self._size_bytes > _BATCH_BYTES
        return full or len(self._came) >= _MOST_WAITING

    def flush(self, learned: Iterable[tuple[str, str, str | None]]) -> None:
        """Store what is waiting, and what has been learned of hosts."""
        if not self._came:
            return
        with self._archive.writing(self._manner.now) as writer:
            for picture, result in self._came:
                failure = result if isinstance(result, Failure) else _stored(writer, picture, result)
                if failure is None:
                    self._done.stored += 1
                else:
                    writer.wanted.failed(self._put_off(picture, failure))
            for about, name, said in learned:
                writer.note(about, name, said)
        self._came.clear()
        self._pictures = self._size_bytes = 0

    def notices(self) -> Iterator[Notice]:
        """Say what could not be had for the first time."""
        for (source, kind), (failure, count) in self._told.items():
            others = f" ({count - 1} more likewise)" if count > 1 else ""
            after = "not asked for again" if kind is Kind.GONE else "asked for again later"
            yield Notice(source, f"picture {failure}{others}; {after}")

    def _put_off(self, picture: Picture, failure: Failure) -> Picture:
        self._done.failed += 1
        now, since = self._manner.now, None if picture.since is None else moment(picture.since)
        before = politeness.Standing(due=now, asked=now, failed=picture.failed, failing_since=since)
        after = politeness.failed(before, failure, _BOUNDS, now, chance=self._manner.chance())
        if not picture.failed:
            first, count = self._told.get((picture.source, failure.kind), (failure, 0))
            self._told[picture.source, failure.kind] = first, count + 1
        return picture._replace(
            due=None if after.due is None else microseconds(after.due),
            failed=after.failed,
            since=microseconds(after.failing_since or now),
            trouble=failure.reason,
        )


def _stored(writer: "Writer", picture: Picture, answer: Answer) -> Failure | None:
    """Archive a picture, or say why not."""
    try:
        writer.add_image(picture.url, answer.body or b"")
    except ImageRefused as refused:
        return Failure(picture.url, Kind.MALFORMED, refused.reason)
    writer.wanted.had(picture.address)
    return None


def _size(result: Answer | Failure) -> int:
    """Tell how many bytes it cost: over the wire, or on the disk if that is more."""
    body = result.body if isinstance(result, Answer) else None
    return max(result.came_bytes, len(body or b""))


def _site(picture: Picture) -> str:
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
