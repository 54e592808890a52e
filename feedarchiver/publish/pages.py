"""Cutting a feed's log into documents: sealed pages that never change, and the subscription document.

With n events and page size s, the oldest `max(0, (n - s) // s)` runs of s events are sealed; the subscription document
holds the rest: at least s events (if there are), fewer than 2s. Spec: RFC 5005 section 4.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Page(NamedTuple):
    """The part of a log that a document holds: the events from `first` to before `end`, counted from 0.

    `number` counts sealed pages from 1; None is the subscription document. `last` is the number of the newest sealed
    page, 0 if there is none; nothing that is sealed may depend on it.
    """

    number: int | None
    first: int
    end: int
    last: int

    @property
    def older(self) -> int | None:
        """The number of the sealed page before this one."""
        return (self.last if self.number is None else self.number - 1) or None

    @property
    def newer(self) -> int | None:
        """The number of the sealed page after this one; None: the subscription document, or nothing after that."""
        return None if self.number in (None, self.last) else self.number + 1


class Names(NamedTuple):
    """What a format's documents are called within a feed's folder: `rss.xml`, `archive/000001.rss.xml`."""

    subscription: str
    suffix: str

    def path(self, number: int | None) -> str:
        """Name the sealed page `number`, or the subscription document."""
        return self.subscription if number is None else f"archive/{number:06d}{self.suffix}"


RSS, ATOM, JSON = Names("rss.xml", ".rss.xml"), Names("atom.xml", ".atom.xml"), Names("feed.json", ".json")
HTML = Names("index.html", ".html")
"""The pages for people, which the heads of all other formats link to."""

TOPICS = (RSS.subscription, ATOM.subscription, JSON.subscription)
"""What the documents that readers poll are called."""

_SEALED = re.compile(r"(\d{6,})\.(?:rss\.xml|atom\.xml|json|html)", re.ASCII)


def sealed(count: int, size: int) -> int:
    """Count the sealed pages of a log of `count` events."""
    return max(0, (count - size) // size)


def cut(count: int, size: int) -> Iterator[Page]:
    """Cut a log: sealed pages, the oldest first, then the subscription document."""
    last = sealed(count, size)
    for number in range(1, last + 1):
        yield Page(number, (number - 1) * size, number * size, last)
    yield Page(None, last * size, count, last)


def number_of(name: str) -> int | None:
    """Read the number, from 1, out of the name of a sealed page's file in any format. None: it is not one of ours."""
    found = _SEALED.fullmatch(name)
    return int(found[1]) if found else None
