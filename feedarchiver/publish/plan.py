"""What stands at the head of a published document, whatever the format: names, addresses, the last change.

An address is `base_url` plus the document's path, and never moves. `updated` is that of the newest entry: no clock is
read, so the same entries give the same bytes on any day.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from feedarchiver.model import Feed
from feedarchiver.publish.pages import HTML, Names, Page

NEVER = datetime.min.replace(tzinfo=UTC)
"""The `updated` of an Atom feed that has no entry yet, where RFC 4287 demands one.

It claims no change that did not happen, it is the same every day, and whatever entry comes first, however old, moves
`updated` forward. (1970 and "now" would each be taken for a real date.) RSS needs no date and gets none.
"""

STYLESHEET = "assets/feed.css"
"""The path of the CSS stylesheet that feeds name for whoever opens one in a browser."""

_ONLY = Page(None, 0, 0, 0)


class Link(NamedTuple):
    """A link of a feed or an entry, in the words of RFC 4287 section 4.2.7. `length` is in bytes."""

    rel: str
    href: str
    type: str | None = None
    length: int | None = None


class Around(NamedTuple):
    """The bytes of a document round its pieces: what stands before them, between two of them, after them."""

    before: bytes
    between: bytes
    after: bytes


class FeedDocument(NamedTuple):
    """A document of a feed about to be written: its values, and the addresses that depend on where it is published.

    `updated` is None as long as there is no entry in it. `pages`: whether there are pages for people. `hub`: the
    address of the WebSub hub that tells of changes; sealed pages name none, as they do not change.
    """

    feed: Feed
    base_url: str
    page: Page = _ONLY
    updated: datetime | None = None
    pages: bool = True
    hub: str | None = None

    def path(self, names: Names) -> str:
        """Place this document in the published folder."""
        return f"{self.feed.id}/{names.path(self.page.number)}"

    def url(self, names: Names) -> str:
        """Give the public address of this document."""
        return self._address(names, self.page.number)

    def subscription_url(self, names: Names) -> str:
        """Give the address that readers subscribe to."""
        return self._address(names, None)

    def older_url(self, names: Names) -> str | None:
        """Give the address of the sealed page before this document, if there is one."""
        return None if self.page.older is None else self._address(names, self.page.older)

    def changed(self, spell: Callable[[datetime], str]) -> str | None:
        """Write the instant of the last change, if there was one."""
        return None if self.updated is None else spell(self.updated)

    @property
    def page_url(self) -> str:
        """The page for people that shows the same entries, else the place of it all."""
        return self.url(HTML) if self.pages else self.base_url

    @property
    def home_url(self) -> str:
        """The page for people that shows the newest entries, else the place of it all."""
        return self.subscription_url(HTML) if self.pages else self.base_url

    @property
    def stylesheet(self) -> str:
        """The address of the stylesheet, relative to this document: it stands beside the feeds, wherever they are."""
        return "../" * (1 if self.page.number is None else 2) + STYLESHEET

    def _address(self, names: Names, number: int | None) -> str:
        return address(self.base_url, f"{self.feed.id}/{names.path(number)}")


def address(base_url: str, path: str) -> str:
    """Give the public address of a path of the published folder."""
    return base_url.rstrip("/") + "/" + quote(path)


class Published(NamedTuple):
    """A feed as it has been published: how many entries and events it holds, its sealed pages, its last change."""

    feed: Feed
    entries: int
    events: int
    sealed: int
    updated: datetime | None


class Site(NamedTuple):
    """All that is published, for the documents that are about all feeds. `title` is that of the whole.

    A page holds `size` events. `pages`: whether there are pages for people.
    """

    title: str
    base_url: str
    size: int
    feeds: tuple[Published, ...]
    pages: bool = True
