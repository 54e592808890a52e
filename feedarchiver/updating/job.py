"""A source that is being asked: what is known of it, and what of it is still to be asked in this run."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from feedarchiver.gather import kinds
from feedarchiver.updating.manner import Scope
from feedarchiver.updating.source import Remembered, WebSource, beyond_note
from feedarchiver.updating.unread import Note, Part, Unread, part_note

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_PARTS = 100  # in one run
_MOST_KNOWN = 50_000  # further documents; as many as one index may name, but indexes may name indexes
_FIRST_BACK = 2  # addresses of a way back: its beginning, and the first behind it
_MOST_PAGES = 200
_MOST_PAGES_FORESEEN = 3
_MOST_FAILURES = 3  # in a row
_MOST_BYTES = 20_000_000  # of pages, and of what is known of those to be read


@dataclass(slots=True)
class Walk:
    """A way back through a source's own archive, `until` a document has one of these keys; None: to its end.

    It has been gone to the addresses in `asked`, and has `met` articles of these keys.
    """

    until: frozenset[str] | None
    asked: set[str]
    met: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Job:
    """A source that is being asked. `at`: the further document, or the article, whose answer is awaited.

    `scope`: the pages that the update is about; None: all. `older`: the document to be asked next on the way back that
    is being gone, `walk`. `pages` are those to be read, the newest that fit into a run, the oldest of them first;
    `parts` are the source's further documents, `parts_beyond` counts those that are too many. `closed`: hosts that are
    not asked any more in this run. `again`: the documents to be read although they have not changed, as something was
    left out of them.
    """

    source: WebSource
    known: Remembered
    scope: Scope | None = None
    walk: Walk | None = None
    older: str | None = None
    at: Part | Unread | None = None
    pages: deque[Unread] = field(default_factory=deque)
    parts: dict[str, Part] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    again: frozenset[str] = frozenset()
    began: bool = False
    parts_beyond: int = 0
    _asked_parts: set[str] = field(default_factory=set)
    _beyond: int = 0
    _read: int = 0
    _failures: int = 0
    _size_bytes: int = 0

    def go_back(self, older: str | None, walk: Walk) -> None:
        """Have the next document on a way back asked for; None: there is none."""
        if older is not None:
            walk.asked.add(older)
            self.walk, self.older = walk, older

    def want(self, found: Iterable[Unread]) -> None:
        """Have these pages read that the update is about, in place of what was wanted of the same articles."""
        by_key = {one.key: one for one in self.pages}
        for one in found:
            if self.scope is not None and not self.scope.holds(one):
                continue
            by_key[one.key] = one
            if len(by_key) > 2 * _MOST_PAGES:
                by_key = self._newest(by_key)
        self.pages = deque(self._newest(by_key).values())

    def _newest(self, by_key: dict[str, Unread]) -> dict[str, Unread]:
        """Keep as many as fit into a run, and count the others: there may be very many."""
        inorder = sorted(by_key.items(), key=lambda one: one[1].age)
        kept, size_bytes = 0, 0
        for _, one in reversed(inorder[-_MOST_PAGES:]):
            size_bytes += one.size_bytes
            if size_bytes > _MOST_BYTES:
                break
            kept += 1
        self._beyond += len(inorder) - kept
        return dict(inorder[len(inorder) - kept :])

    def name_parts(self, named: Iterable[kinds.Part], of: str) -> Iterator[Note]:
        """Take in which further documents there are, as the one at `of` says, and give what is to be noted of them."""
        fresh: dict[str, Part] = {}
        for one in named:
            known = self.parts.get(one.url) or Part(one.url, of)
            fresh[one.url] = known._replace(of=of, modified=one.modified)
        room = max(_MOST_KNOWN - sum(part.of != of for part in self.parts.values()), 0)
        if len(fresh) > room:
            self.parts_beyond += len(fresh) - room
            fresh = dict([*fresh.items()][:room])
        for url, part in [*self.parts.items()]:
            if part.of == of and url not in fresh:
                yield part_note(self.source.id, self.parts.pop(url), gone=True)
                yield beyond_note(self.source.id, url, 0)
        for url, part in fresh.items():
            if self.parts.get(url) != part:
                yield part_note(self.source.id, part)
        self.parts |= fresh

    def next_part(self) -> Part | None:
        """Choose the further document to be asked next: what changed last."""
        due = [
            part
            for url, part in self.parts.items()
            if (part.is_due or url in self.again) and url not in self._asked_parts
        ]
        if not due or len(self._asked_parts) >= _MOST_PARTS:
            return None
        part = max(due, key=lambda part: (part.modified or _EPOCH, part.seen is None, _EPOCH - (part.seen or _EPOCH)))
        self._asked_parts.add(part.url)
        return part._replace(etag=None, http_modified=None) if part.url in self.again else part

    def next_page(self, *, foreseen: bool) -> Unread | None:
        """Choose the article whose page is to be read next."""
        is_enough = self._failures >= _MOST_FAILURES or self._size_bytes > _MOST_BYTES
        if is_enough or not self.pages or (foreseen and self._read >= _MOST_PAGES_FORESEEN):
            return None
        self._read += 1
        return self.pages.pop() if foreseen else self.pages.popleft()

    def pass_over(self) -> None:
        """Leave the page that was chosen for another run."""
        self._beyond += 1

    def came(self, size_bytes: int, *, may_pass: bool = False) -> None:
        """Count what came, and in a row the failures of a kind that `may_pass`."""
        self._size_bytes += size_bytes
        self._failures = self._failures + 1 if may_pass else 0

    @property
    def has_lingered(self) -> bool:
        """Tell whether a further document, or one from before a gap, has been asked for: the others can wait."""
        walk = self.walk
        closes = walk is not None and walk.until is not None and len(walk.asked) > _FIRST_BACK
        return closes or bool(self._asked_parts)

    @property
    def unread(self) -> int:
        """How many pages are left for another run."""
        return self._beyond + len(self.pages)
