"""The reading pages: one for each entry that a feed has, all in one folder.

A page is written when its entry has got a capture, and when it is missing or somebody has put another file in its
place. That neither is so is told from the state of their folder alone, so nobody pays for pages that stay as they are.
What somebody writes into a page in its place leaves no trace in the folder: only a full build finds and mends that.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import AT_ONCE
from feedarchiver.archive.documents import Noted, Pieces
from feedarchiver.archive.feedlog import BEFORE, Line, State
from feedarchiver.archive.history import moment
from feedarchiver.archive.lookup import versions
from feedarchiver.archive.telling import telling
from feedarchiver.building.keys import ARTICLES, SITE, changed, pages_key, state_of
from feedarchiver.building.output import Output
from feedarchiver.building.rendering import Rendering
from feedarchiver.building.target import Target
from feedarchiver.errors import ArchiveError
from feedarchiver.markup import xml_text
from feedarchiver.publish.site import Version, article_page, page_path

if TYPE_CHECKING:
    from feedarchiver.archive.index import Index

_PAGE = re.compile(r"[0-9a-f]{16}\.html")
_AT_ONCE = 1_000


class Reading:
    """The reading pages of one build."""

    def __init__(self, archive: Archive, rendering: Rendering, index: "Index", target: Target, out: Output) -> None:
        self._archive, self._rendering, self._index, self._out = archive, rendering, index, out
        self._languages = dict(target.languages)
        self._wanted = target.pages
        self._key = pages_key(target)
        key, self._stamp = index.feeds.documents(SITE).get(ARTICLES, ("", ""))
        noted, _, until = key.rpartition(" ")
        self._after = int(until) if noted == self._key else BEFORE

    def write(self, whole: State, *, remade: bool) -> None:
        """Write the pages that are not as they should be. `remade`: other entries than before may be in `whole`."""
        if not self._wanted:
            if remade or ARTICLES in self._index.feeds.documents(SITE):
                self._out.remove(f"{ARTICLES}/{name}" for name in self._pages())
            self._index.feeds.forget_document(ARTICLES)
            return
        sweeps = remade and any(self._pages())  # asked before the first is written: a new folder needs no sweeping
        complete = self._stamp == state_of(self._out.root, ARTICLES) and not remade
        touched, lacking = 0, False
        due = self._due() if complete and self._after != BEFORE else self._missing()
        for path, line, is_recaptured in self._shown(due):
            touched += 1
            lacking |= not self._page(path, line, self._versions(line.entry) if is_recaptured else [])
        self._out.stands(whole.entries - touched)
        if sweeps:
            self._sweep()
        if not whole.entries:
            self._index.feeds.forget_document(ARTICLES)
            return
        self._out.settle()
        key = f"{self._key} {whole.captured}"
        if lacking:  # noted in no state, so what is missing is tried again
            self._index.feeds.note(Noted(ARTICLES, SITE, "", 0, 0, key, "", self._out.made, Pieces.at((), (), ())))
        else:
            self._out.note_whole(ARTICLES, key)

    def _shown(self, entries: Iterator[tuple[int, str]]) -> Iterator[tuple[str, Line, bool]]:
        """Tell what each entry shows, and whether it has several captures; the articles of some at hand at a time."""
        while some := list(islice(entries, AT_ONCE)):
            numbers = [entry for entry, _ in some]
            lines, recaptured = self._index.shown(numbers), self._index.recaptured(numbers)
            self._rendering.expect(lines)
            yield from ((path, line, line.entry in recaptured) for (_, path), line in zip(some, lines, strict=True))

    def _due(self) -> Iterator[tuple[int, str]]:
        """List the entries that have got a capture, or the copy of an image."""
        due = dict(self._index.feeds.captured(SITE, self._after))
        for entry in sorted(self._rendering.changed - due.keys()):
            due |= {found: id_ for found, id_, _ in self._index.feeds.members(SITE, entry - 1, 1) if found == entry}
        for entry, id_ in due.items():
            yield entry, _path(id_)

    def _missing(self) -> Iterator[tuple[int, str]]:
        """List the entries that have got a capture, or the copy of an image, or whose page is missing or was replaced.

        Replaced is one that was put there since the last build.
        """
        for entry, id_, captured in self._members():
            path = _path(id_)
            state = state_of(self._out.root, path)
            is_strange = state is None or (self._stamp and changed(state) > changed(self._stamp))
            if captured > self._after or entry in self._rendering.changed or is_strange:
                yield entry, path

    def _members(self) -> Iterator[tuple[int, str, int]]:
        last = 0
        while found := self._index.feeds.members(SITE, last, _AT_ONCE):
            last = found[-1][0]
            yield from found

    def _page(self, path: str, line: Line, told: list[Version]) -> bool:
        """Write the page of an entry, which shows `line`, with its versions. One that cannot be read has none then."""
        try:
            shown = self._rendering.entry(line)
        except ArchiveError as error:
            self._out.fault(f"{error}; {line.id} is left out of the feeds until then")
            self._out.remove([path])
            return False
        document = article_page(shown, self._languages.get(line.source), told)
        self._out.write(document.path, [document.data], waits=True)
        return True

    def _versions(self, entry: int) -> list[Version]:
        """Tell what changed from version to version. One that cannot be read is passed over."""
        known = versions(self._index, entry)
        if len(known) == 1:
            return []
        from feedarchiver.textdiff import diff, shortened  # few entries have several

        told, before = [], None
        for version in known:
            with suppress(ArchiveError):
                now = telling(self._archive.article(version.article))
                changes = shortened(diff(before, now.text)) if before not in (None, now.text) else ()
                told.append(Version(moment(version.captures[0].fact.captured), xml_text(now.title), changes))
                before = now.text
        return told[::-1]

    def _sweep(self) -> None:
        """Take away the pages of entries that no feed has."""
        wanted = {_path(id_) for _, id_, _ in self._members()}
        self._out.remove(path for path in (f"{ARTICLES}/{name}" for name in self._pages()) if path not in wanted)

    def _pages(self) -> Iterator[str]:
        """List the files that are called as only reading pages are."""
        return filter(_PAGE.fullmatch, self._out.folder.names(ARTICLES))


def _path(entry_id: str) -> str:
    return page_path(xml_text(entry_id))
