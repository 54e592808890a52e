"""Which pictures are to be fetched: those that archived articles name, of sources that want them.

An article is looked at once. How far that has gone is remembered for each source, so a run looks only at what is new;
when the index is lost, or other pictures are wanted than before, at every article again. Articles are looked at some at
a time, under the archive's lock: then no other process is in the middle of adding some.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver import CLEANER_VERSION
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.history import microseconds
from feedarchiver.archive.index import Index
from feedarchiver.archive.wanted import START, Picture, Place
from feedarchiver.errors import ArchiveError
from feedarchiver.model import ObjectId
from feedarchiver.updating.events import Notice

if TYPE_CHECKING:
    from feedarchiver.archive.writer import Writer

_ABOUT = "pictures"  # what notes of the index are about
_AT_ONCE = 200
_MOST = 200  # of one article
_LONGEST = 8_000  # no server takes a longer address


class Illustrated(NamedTuple):
    """A source whose pictures are kept: "lead", those that stand for an article, or "all".

    `names`: the sources that its articles are archived under; a folder has its subfolders' too. `headers` go to the
    site of `home` only.
    """

    id: str
    names: tuple[str, ...]
    which: str
    allow_private: tuple[str, ...] = ()
    home: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def settings(self) -> str:
        """What decides which pictures an article gives."""
        return f"{self.which} {CLEANER_VERSION}"


class _Seen(NamedTuple):
    """How far the articles of a source have been looked at, by the name they are archived under."""

    settings: str
    places: dict[str, Place]

    @classmethod
    def read(cls, index: Index, source: Illustrated) -> "_Seen":
        """Read what is remembered. What was seen under other settings does not count."""
        known = json.loads(index.notes.read(_ABOUT, source.id) or "{}")
        if known.get("settings") != source.settings:
            return cls("", {})
        return cls(source.settings, {name: tuple(place) for name, place in known["places"].items()})


def look(archive: Archive, source: Illustrated, now: datetime, beat: Callable[[], None]) -> list[Notice]:
    """Look at the articles that are new since the last time. `beat` is called between some and some.

    Nobody writes beside: an article that comes later at an instant that was looked at would be overlooked.
    """
    notices: list[Notice] = []
    while _is_behind(archive.index, source):
        with archive.writing(now) as writer:
            notices += _look_at_some(archive, writer, source, now)
        beat()
    return notices


def _is_behind(index: Index, source: Illustrated) -> bool:
    seen = _Seen.read(index, source)
    return seen.settings != source.settings or any(
        index.wanted.named(name, seen.places.get(name, START), 1) for name in source.names
    )


def _look_at_some(archive: Archive, writer: "Writer", source: Illustrated, now: datetime) -> Iterator[Notice]:
    wanted, seen = writer.wanted, _Seen.read(writer.index, source)
    if seen.settings != source.settings:
        wanted.forget(source.id)
    places, left = seen.places, _AT_ONCE
    for name in source.names:
        for place, article in wanted.named(name, places.get(name, START), left):
            link, urls = _pictures(archive, article, source.which)
            if len(urls) > _MOST:
                text = f"{link or 'an article'} names {len(urls)} pictures, of which the first {_MOST} are fetched"
                yield Notice(source.id, text)
            wanted.add(_wanted(source, link, url, now) for url in urls[:_MOST])
            places[name] = place
            left -= 1
        if not left:
            break
    writer.note(_ABOUT, source.id, json.dumps({"settings": source.settings, "places": places}))


def _pictures(archive: Archive, object_id: ObjectId, which: str) -> tuple[str | None, tuple[str, ...]]:
    """Read which pictures an article names, and its link. One that cannot be read names none; `verify` names it."""
    from feedarchiver.publish.rendered import pictures

    try:
        article, bodies = archive.cleaned.find(object_id)
    except ArchiveError:
        return None, ()
    lead, urls = pictures(article, bodies)
    wanted = urls if which == "all" else (lead,) if lead else ()
    return article.link, tuple(url for url in wanted if len(url) <= _LONGEST)


def _wanted(source: Illustrated, link: str | None, url: str, now: datetime) -> Picture:
    from feedarchiver.urls import canonical

    return Picture(canonical(url), source.id, url, link, microseconds(now))
