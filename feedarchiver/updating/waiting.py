"""How much a source may bring in: nobody is to fill index and disk by naming ever more articles.

What is beyond that is left out, the oldest first, and counted for each document that names it. Such a document is read
again, whole, when there is room: so what was left out comes when it can, as long as its source still names it.
"""

from typing import NamedTuple

from feedarchiver.archive.index import Index
from feedarchiver.updating import unread
from feedarchiver.updating.unread import Unread


class Most(NamedTuple):
    """What one source may bring: pages that wait to be read, in all, and articles that are new in one run."""

    waiting: int = 10_000
    waiting_bytes: int = 100_000_000
    new: int = 10_000

    def has_room(self, index: Index, source: str) -> bool:
        """Tell whether so few pages wait that it is worth reading what was left out."""
        count, size_bytes = index.notes.weight(unread.about(source))
        return 2 * count < self.waiting and 2 * size_bytes < self.waiting_bytes


class Rooms:
    """The room that is left for notes of pages, of each source, in one run."""

    def __init__(self, most: Most) -> None:
        self._most = most
        self._taken: dict[str, tuple[int, int]] = {}

    def take(self, index: Index, one: Unread) -> bool:
        """Take room for a page that is not noted yet, if there is enough."""
        about = unread.about(one.known.source, is_left=one.due is None)
        count, size_bytes = self._taken.get(about) or index.notes.weight(about)
        size_bytes += one.size_bytes
        if count >= self._most.waiting or size_bytes > self._most.waiting_bytes:
            return False
        self._taken[about] = count + 1, size_bytes
        return True
