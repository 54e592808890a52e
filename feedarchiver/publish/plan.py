"""What stands at the head of a published feed, whatever the format: names, addresses, the last change.

An address is `base_url` plus the document's path, and never moves. `updated` is that of the newest entry: no clock is
read, so the same entries give the same bytes on any day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from feedarchiver.model import Entry, Feed

NEVER = datetime.min.replace(tzinfo=UTC)
"""The `updated` of an Atom feed that has no entry yet, where RFC 4287 demands one.

It claims no change that did not happen, it is the same every day, and whatever entry comes first, however old, moves
`updated` forward. (1970 and "now" would each be taken for a real date.) RSS needs no date and gets none.
"""


class Link(NamedTuple):
    """A link of a feed or an entry, in the words of RFC 4287 section 4.2.7. `length` is in bytes."""

    rel: str
    href: str
    type: str | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDocument:
    """A feed about to be written: its values, and the addresses that depend on where it is published.

    `updated` is None as long as the feed has no entry. `links` come on top of `self` and the page for people.
    """

    feed: Feed
    base_url: str
    updated: datetime | None = None
    links: tuple[Link, ...] = ()

    def path(self, name: str) -> str:
        """Place the document `name` in the folder of the feed."""
        return f"{self.feed.id}/{name}"

    def url(self, name: str) -> str:
        """Give the public address of the document `name`."""
        return self.base_url.rstrip("/") + "/" + quote(self.path(name))

    @property
    def page_url(self) -> str:
        """The page for people that the feed belongs to."""
        return self.url("index.html")


def plan(feed: Feed, entries: Iterable[Entry], base_url: str) -> FeedDocument:
    """Derive the head of a feed from what will stand in it."""
    return FeedDocument(feed=feed, base_url=base_url, updated=max((entry.updated for entry in entries), default=None))
