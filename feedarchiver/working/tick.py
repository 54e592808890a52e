"""What is due, made into jobs: sources, the pages of their articles, and pictures, each host's together.

When each source is due next is remembered here, and read again only when that has come; so a tick of very many sources
of which few are due costs little. What there is a job of already is left to it, whoever has made it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import key
from feedarchiver.archive.history import microseconds
from feedarchiver.archive.index import Index
from feedarchiver.archive.wanted import Picture
from feedarchiver.gather.web import politeness
from feedarchiver.updating import places, unread
from feedarchiver.updating.pictures import NEVER, site_of
from feedarchiver.updating.rations import Rations
from feedarchiver.updating.source import HOST, SOURCE, Remembered, WebSource, host_read, remembered_as
from feedarchiver.updating.wanting import Illustrated
from feedarchiver.working.queue import Batch, Kind, Place, Queue

MOST = 10_000
"""How many jobs there are at most."""

_SHARE = 2  # one part in so many of those may be for pages and pictures: polls are not to wait for room
_AT_ONCE = 500  # sources
_GONE = timedelta(hours=1)  # until a source that is gone is looked at again: somebody may have asked for it
_MOST_PICTURES = 50  # of a job
_MOST_READ, _PAGE = 5_000, 500  # pictures
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Known(NamedTuple):
    """What a source wants: to be looked at again at `then`, or, at once, jobs of these places."""

    then: datetime = _EPOCH
    places: frozenset[Place] = frozenset()


class Tick:
    """Puts what is due into a queue, `most` jobs of it. `most_bytes`: of pictures of one source within a day."""

    def __init__(
        self,
        sources: Iterable[WebSource],
        illustrated: Iterable[Illustrated],
        *,
        most: int = MOST,
        most_bytes: int = 1_000_000_000,
    ) -> None:
        self._sources = {source.id: source for source in sources}
        self._illustrated = {source.id: source for source in illustrated}
        self._most, self._most_bytes = most, most_bytes
        self._known = dict.fromkeys(self._sources, _Known())
        self._last: Picture | None = None  # up to which wanted pictures have been looked at

    def go(self, archive: Archive, queue: Queue, now: datetime) -> int:
        """Make jobs of what is due, unless somebody else is at it. Returns how many."""
        with queue.ticking() as mine:
            if not mine:
                return 0
            taken = queue.taken()
            later = sum(place.kind is not Kind.POLL for place in taken)
            found = self._due(archive.index, taken, self._most - len(taken), self._most // _SHARE - later, now)
            queue.put([Batch(place, tuple(names), now) for place, names in found.items()])
            return len(found)

    def _due(self, index: Index, taken: set[Place], room: int, later: int, now: datetime) -> dict[Place, list[str]]:
        """Find what is due and nobody has a job of, of as many places as there is `room` for, `later` if not urgent."""
        polls: dict[Place, list[str]] = {}
        others: dict[Place, list[str]] = {}
        rest = iter(sorted(self._seeming(taken, now), key=lambda name: self._known[name].then))
        while len(polls) < room and (some := [*islice(rest, _AT_ONCE)]):
            for name, known in self._look(index, some, now):
                self._known[name] = known
                for place in known.places - taken:
                    (polls if place.kind is Kind.POLL else others).setdefault(place, []).append(name)
        if len(others) < later:
            for place, names in self._pictures(index, taken, now):
                others.setdefault(place, []).extend(names)
        chosen = dict(islice(polls.items(), max(room, 0)))
        return chosen | dict(islice(others.items(), max(min(later, room - len(chosen)), 0)))

    def _seeming(self, taken: set[Place], now: datetime) -> Iterator[str]:
        """Name the sources that seem due, but for those all of whose jobs are there."""
        for name, known in self._known.items():
            if known.then <= now and not (known.places and known.places <= taken):
                yield name

    def _look(self, index: Index, names: list[str], now: datetime) -> Iterator[tuple[str, _Known]]:
        """Read what some sources want."""
        notes = index.notes.several(SOURCE, names)
        known = {name: remembered_as(notes.get(name), self._sources[name]) for name in names}
        waiting = self._pages(index, names)
        urls = {name: known[name].address or self._sources[name].url for name in names}
        sites = {places.site(url) for url in urls.values()}.union(*(pages.keys() for pages in waiting.values()))
        hosts = {site: host_read(said) for site, said in index.notes.several(HOST, sites).items()}
        for name in names:
            yield name, _wants(known[name], places.site(urls[name]), waiting.get(name, {}), hosts, now)

    def _pages(self, index: Index, names: list[str]) -> dict[str, dict[str, datetime]]:
        """Tell of each source on which hosts pages of its articles wait, and since or until when."""
        found: dict[str, dict[str, datetime]] = {}
        for name in unread.waiting(index, (name for name in names if self._sources[name].full_text)):
            sites = found.setdefault(name, {})
            for one in unread.pages(index, name):
                if one.due is not None:
                    site = places.site(one.known.article.link or "")
                    sites[site] = min(one.due, sites.get(site, one.due))
        return found

    def _pictures(self, index: Index, taken: set[Place], now: datetime) -> Iterator[tuple[Place, list[str]]]:
        """Find pictures that are due, going on where the last tick stopped."""
        if not self._illustrated:
            return
        found: dict[Place, list[str]] = {}
        rations: dict[str, bool] = {}
        for picture in self._wanted(index, now):
            if picture.source not in self._illustrated:
                continue
            if picture.source not in rations:
                rations[picture.source] = Rations(index, [picture.source], now, self._most_bytes).is_left(
                    picture.source
                )
            place = Place(Kind.PICTURES, key(site_of(picture)))
            if rations[picture.source] and place not in taken and len(found.get(place, ())) < _MOST_PICTURES:
                found.setdefault(place, []).append(picture.address)
        hosts = index.notes.several(HOST, [place.site for place in found])
        for place, addresses in found.items():
            if not politeness.wait(None, host_read(hosts.get(place.site)), now):
                yield place, addresses

    def _wanted(self, index: Index, now: datetime) -> Iterator[Picture]:
        """Read wanted pictures that are due, some of them in a tick, and in some ticks all."""
        for _ in range(_MOST_READ // _PAGE):
            page = index.wanted.due(microseconds(now), microseconds(now + NEVER), self._last, _PAGE)
            yield from page
            self._last = page[-1] if len(page) == _PAGE else None
            if self._last is None:
                return


def _wants(
    known: Remembered,
    site: str,
    pages: Mapping[str, datetime],
    hosts: Mapping[str, politeness.Host | None],
    now: datetime,
) -> _Known:
    """Decide what a source wants: it is at `site`, and `pages` of it are due on hosts."""
    wait = politeness.wait(known.standing, hosts.get(site), now)
    if wait is None:
        found, then = {Place(Kind.POLL, key(site))}, now
    else:
        found, then = set(), wait.until or now + _GONE
    for host, due in pages.items():
        held = politeness.wait(None, hosts.get(host), now)
        if held is None and due <= now and not (wait is None and host == site):
            found.add(Place(Kind.PAGES, key(host)))
        else:
            then = min(then, max(due, (held and held.until) or due))
    return _Known(now, frozenset(found)) if found else _Known(then)
