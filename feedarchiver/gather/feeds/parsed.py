"""What a feed document says: the values that `parse` returns, and its refusal."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from feedarchiver.errors import one_line
from feedarchiver.gather.refusing import Unreadable
from feedarchiver.model import Article


class NotAFeed(Unreadable):
    """A document is no feed, or none that can be read, for `reason`."""


class FeedEntry(NamedTuple):
    """An article, and the bytes of its own element: UTF-8 that stands alone, namespaces declared."""

    article: Article
    raw: bytes


class FeedLink(NamedTuple):
    """Where a feed points to. `url` is absolute; `rel` as in Atom, RFC 5005 and WebSub, for JSON Feed too."""

    rel: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A feed as its document tells it, entries in the document's order.

    `title` is plain text. `ttl` is how long the source says its document may be kept. `problems`: one line for each
    kind of thing that was left out or guessed.
    """

    title: str | None = None
    link: str | None = None
    language: str | None = None
    ttl: timedelta | None = None
    links: tuple[FeedLink, ...] = ()
    entries: tuple[FeedEntry, ...] = ()
    problems: tuple[str, ...] = ()

    def address(self, rel: str) -> str | None:
        """Return the first address the feed names with `rel`: "self", "next", "prev-archive", "hub"."""
        return next((link.url for link in self.links if link.rel == rel), None)


class Problems:
    """What was odd about a document, counted by kind so that 50,000 odd entries are one line."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, kind: str, example: str = "") -> None:
        """Count one more of a kind; its first example is shown."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._examples.setdefault(kind, example)

    def lines(self) -> tuple[str, ...]:
        """Write one line for each kind."""
        return tuple(self._line(kind, count) for kind, count in self._counts.items())

    def _line(self, kind: str, count: int) -> str:
        example = self._examples[kind]
        if not example:
            return kind
        return one_line(f"{kind}: {example}" + (f" and {count - 1:,} more" if count > 1 else ""))
