"""Finding one article by what a person has at hand: the beginning of an object's id, a link, or an exact title.

An id may be that of an article, of a capture or of raw bytes; it leads to the version that it is about. A link or a
title leads to what its entry shows now.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.archive.history import history
from feedarchiver.archive.index import Index, Taken
from feedarchiver.model import ObjectId
from feedarchiver.urls import canonical

if TYPE_CHECKING:
    from feedarchiver.archive.archive import Archive

_PREFIX = re.compile(r"[0-9a-f]{4,64}")


class Found(NamedTuple):
    """An article: its entry's number and published id, its own id, its capture, and the raw bytes it was read from."""

    entry: int
    id: str
    article: ObjectId
    capture: ObjectId
    raw: ObjectId


class Version(NamedTuple):
    """A version of an entry: the article that stands for it, its captures in order, and whether it is shown now."""

    article: ObjectId
    captures: tuple[Taken, ...]
    shown: bool


def find(archive: "Archive", name: str, advance: Callable[[str], None] = lambda _: None) -> list[Found]:
    """Find the articles that `name` may mean, one when it is unambiguous. Ids go before links, links before titles.

    A title is looked up in the search index, which is brought up to date for it; `advance` as for `Archive.searching`.
    """
    name = name.strip().encode("utf-8", "replace").decode()
    index = archive.index
    prefix = name.lower()
    if _PREFIX.fullmatch(prefix) and (captures := index.named(prefix)):
        return _distinct(index, captures)
    entry = index.find([canonical(name)])
    if entry is not None:
        return [shown(index, entry)]
    with archive.searching(advance) as search:
        return [shown(index, entry) for entry in search.titled(name)]


def shown(index: Index, entry: int) -> Found:
    """Return what an entry shows now, with the last capture of it."""
    captures = index.captures(entry)
    told = history(taken.fact for taken in captures)
    current = told.events[-1].article
    return _found([taken for taken in captures if taken.fact.article == current], told.id)


def versions(index: Index, entry: int) -> list[Version]:
    """Return the versions of an entry, the one captured first first."""
    captures = index.captures(entry)
    told = history(taken.fact for taken in captures)
    current = told.events[-1].article
    return [
        Version(
            ObjectId(article),
            tuple(taken for taken in captures if taken.fact.fingerprint == fingerprint),
            article == current,
        )
        for fingerprint, article in told.versions.items()
    ]


def _distinct(index: Index, captures: Iterable[Taken]) -> list[Found]:
    """Keep the last capture of each article."""
    by_article: dict[tuple[int, str], list[Taken]] = {}
    for taken in captures:
        by_article.setdefault((taken.entry, taken.fact.article), []).append(taken)
    return [_found(group, history(index.facts(entry)).id) for (entry, _), group in by_article.items()]


def _found(captures: list[Taken], published_id: str) -> Found:
    last = captures[-1]
    return Found(last.entry, published_id, ObjectId(last.fact.article), last.capture, last.raw)
