"""The pages of feeds: each document that does not stand as it should is put together and written, in all formats.

A page is cut from the log of a feed. Its pieces are taken out of documents of earlier builds as far as they are there;
the others are made of entries, which are rendered for that.
"""

from array import array
from bisect import bisect_left

from feedarchiver.archive.documents import Noted, Pieces
from feedarchiver.archive.feedlog import FeedLog, Line
from feedarchiver.archive.history import moment
from feedarchiver.building.kept import Kept
from feedarchiver.building.keys import SITE, document_key, state_of
from feedarchiver.building.output import Output
from feedarchiver.building.pile import Pile
from feedarchiver.building.rendering import Rendering
from feedarchiver.building.target import Built, Target
from feedarchiver.errors import ArchiveError
from feedarchiver.model import Feed
from feedarchiver.publish import pages
from feedarchiver.publish.build import FORMATS, assemble, entry_pieces
from feedarchiver.publish.parts import Part
from feedarchiver.publish.plan import FeedDocument
from feedarchiver.publish.site import LATEST

_HTML = "html"
_CARD = (_HTML,)


class Paging:
    """Writes pages. `lacking`: the feeds of which one lacks an entry that cannot be read."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a build works with
        self, log: FeedLog, target: Target, out: Output, done: Built, kept: Kept, rendering: Rendering, tmp: str
    ) -> None:
        """Begin. `tmp`: a folder for what is put together."""
        self._log, self._target, self._out, self._done = log, target, out, done
        self._kept, self._rendering, self._tmp = kept, rendering, tmp
        self._formats = {name: format_ for name, format_ in FORMATS.items() if target.pages or name != _HTML}
        self._changed = log.events(rendering.changed)
        self.lacking: set[str] = set()

    def write(self, feed: Feed, page: pages.Page, key: str, noted: dict[str, tuple[str, str]]) -> int | None:
        """Write the documents of a page that do not stand as they should, and take them out of those `noted`.

        Returns the last change within the page.
        """
        stale = {}
        for name, format_ in self._formats.items():
            path = f"{feed.id}/{format_.NAMES.path(page.number)}"
            wanted = document_key(key, page, sealed=format_.SEALED)
            stands = noted.pop(path, None) == (wanted, state_of(self._out.root, path))
            if stands and not self._is_changed(feed, page):
                self._done.unchanged += 1
            else:
                stale[name] = wanted
        if not stale and page.number is not None:
            return None
        latest = self._log.latest(feed.id, page.first, page.end)
        changed = max((updated for _, updated in latest), default=None)
        if stale:
            self._write(feed, page, array("I", [seq for seq, _ in latest]), changed, stale)
        return changed

    def cards(self, events: int) -> list[bytes]:
        """Find or make what the first page shows: the entries that the newest of all events are about."""
        lines = self._log.lines(SITE, max(0, events - 2 * LATEST), events)[:LATEST] if self._target.pages else []
        found = (self._kept_pieces(SITE, seq, line, _CARD) or self._made(line, _CARD) for seq, line in lines)
        return [pieces[_HTML] for pieces in found if pieces]

    def _is_changed(self, feed: Feed, page: pages.Page) -> bool:
        """Tell whether a page may show an image that has come since it was written."""
        events = self._changed.get(feed.id, [])
        place = bisect_left(events, page.first)
        return place < len(events) and events[place] < page.end

    def _write(
        self, feed: Feed, page: pages.Page, events: "array[int]", updated: int | None, keys: dict[str, str]
    ) -> None:
        """Write a page in the formats that `keys` names, from kept pieces where there are."""
        changed = self._is_changed(feed, page)
        whole = {name: None if changed else self._kept.whole(feed.id, name, events) for name in keys}
        missing = tuple(name for name, pieces in whole.items() if pieces is None)
        head = FeedDocument(
            feed=feed,
            base_url=self._target.base_url,
            page=page,
            updated=None if updated is None else moment(updated),
            pages=self._target.pages,
            hub=self._target.hub if page.number is None else None,
        )
        with Pile(self._tmp) as pile:
            shown, made = self._collect(feed.id, page, missing, pile) if missing else ([], {})
            for name, key in keys.items():
                kept = whole[name]
                body = self._kept.body(feed.id, name, events) if kept else None
                if kept and body:
                    document = assemble(head, FORMATS[name], [body])
                    pieces = kept.moved(document.starts[0] - kept.starts[0])
                else:
                    if kept:  # the file cannot be read any more
                        shown, again = self._collect(feed.id, page, (name,), pile)
                        made |= again
                    document = assemble(head, FORMATS[name], made[name])
                    ends = (start + len(piece) for start, piece in zip(document.starts, made.pop(name), strict=True))
                    pieces = Pieces.at(shown, document.starts, ends)
                self._rendering.settle()
                self._out.write(document.path, document.parts, waits=page.number is not None)
                done = key if len(pieces.events) == len(events) else ""  # else it is written again
                noted = Noted(document.path, feed.id, name, page.first, page.end, done, "", self._out.made, pieces)
                self._out.note(noted)

    def _collect(
        self, feed: str, page: pages.Page, names: tuple[str, ...], pile: Pile
    ) -> tuple[list[int], dict[str, list[Part]]]:
        """Find or make the pieces of a page. Returns which events they show, and those of each format."""
        lines = self._log.lines(feed, page.first, page.end)
        shown = []
        pieces: dict[str, list[Part]] = {name: [] for name in names}
        kept = [pile.all(self._kept_pieces(feed, seq, line, names)) for seq, line in lines]
        self._rendering.expect(line for (_, line), found in zip(lines, kept, strict=True) if len(found) < len(names))
        for (seq, line), had in zip(lines, kept, strict=True):
            made = self._made(line, tuple(name for name in names if name not in had))
            if made is None:
                self.lacking.add(feed)
                continue
            shown.append(seq)
            found = had | pile.all(made)
            for name in names:
                pieces[name].append(found[name])
        return shown, pieces

    def _kept_pieces(self, feed: str, seq: int, line: Line, names: tuple[str, ...]) -> dict[str, bytes]:
        """Find pieces of an entry that were made earlier."""
        changed = line.entry in self._rendering.changed
        return {} if changed else self._kept.pieces(feed, seq, line, names)

    def _made(self, line: Line, names: tuple[str, ...]) -> dict[str, bytes] | None:
        """Make pieces of an entry. None for one that is damaged: the others go on."""
        if not names:
            return {}
        try:
            entry = self._rendering.entry(line)
        except ArchiveError as error:
            self._out.fault(f"{error}; {line.id} is left out of the feeds until then")
            return None
        return dict(zip(names, entry_pieces(entry, [FORMATS[name] for name in names]), strict=True))
