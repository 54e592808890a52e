"""How sources are asked in an update, and what of them it is about."""

from typing import NamedTuple

from feedarchiver.archive.database import key
from feedarchiver.updating import places
from feedarchiver.updating.source import Remembered, WebSource
from feedarchiver.updating.unread import Unread
from feedarchiver.updating.waiting import Most


class Manner(NamedTuple):
    """How to update: only what is due; also back through the sources' own archives; without storing anything.

    `most` is what one source may bring.
    """

    due_only: bool = True
    backfill: bool = False
    dry_run: bool = False
    most: Most = Most()

    def wants_past(self, source: WebSource, known: Remembered) -> bool:
        """Tell whether to go back through a source's own archive; only feeds have one."""
        return self.backfill and source.kind == "feed" and not known.complete


class Scope(NamedTuple):
    """What of its sources an update is about: the pages that are on one host, and, but for `pages_only`, the rest.

    `site` is a `key`: there are longer names than there are hosts.
    """

    site: str
    pages_only: bool = False

    def holds(self, page: Unread) -> bool:
        """Tell whether a page is on that host."""
        return key(places.site(page.known.article.link or "")) == self.site
