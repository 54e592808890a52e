"""The search index of the published pages: it grows with the log of all feeds together."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

from feedarchiver.archive.bucket import AT_ONCE
from feedarchiver.archive.feedlog import FeedLog, Line, State
from feedarchiver.archive.history import moment
from feedarchiver.building import forgotten
from feedarchiver.building.keys import SEARCHED, SITE, search_key, state_of
from feedarchiver.building.output import Output
from feedarchiver.building.rendering import Rendering
from feedarchiver.building.target import Target
from feedarchiver.errors import ArchiveError
from feedarchiver.markup import xml_text
from feedarchiver.publish.site import page_path, searched
from feedarchiver.publish.site_search import MANIFEST, Searchable, Write, grown, paths, searchable

_MEMORY_BYTES = 4_000_000


class Searching:
    """The search index in one build."""

    def __init__(
        self, rendering: Rendering, log: FeedLog, target: Target, out: Output, write: Write | None = None
    ) -> None:
        """Begin. `write`: as for `site_search.searchable`."""
        self._rendering, self._log, self._out, self._write = rendering, log, out, write
        self._languages, self._key = dict(target.languages), search_key(target)
        self._wanted, self._whole = target.pages, True

    def write(self, whole: State, *, certain: bool) -> None:
        """Bring the index up to date. `certain`: nothing of `whole` will be taken back in the next build."""
        key = f"{self._key} {whole.selection} {whole.updated} {whole.events}"
        noted = {path: was for path, was in self._log.documents(SITE).items() if path.startswith(SEARCHED)}
        if not self._wanted:
            self._out.remove(sorted(noted))
            return
        before = self._before(noted, whole)
        if before is not None and before == whole.events:
            self._out.stands(len(noted))
            self._out.note_whole(MANIFEST, key)
            return
        written = set()
        added = self._added(before or 0, whole.events)
        with SpooledTemporaryFile(_MEMORY_BYTES, dir=self._out.root) as room:
            for document in grown(before or 0, whole.events, added, self._read, room):
                is_last = document.path == MANIFEST
                if is_last:
                    self._out.settle()
                self._out.publish(document, key, waits=not is_last)
                written.add(document.path)
        left = set(paths(whole.events))
        self._out.stands(len(left - written))
        strange = forgotten.searched(self._out.folder) if before is None else set()
        self._out.remove(sorted((noted.keys() | strange) - left))
        if not self._whole or not certain:
            self._log.forget_document(MANIFEST)

    def _before(self, noted: dict[str, tuple[str, str]], whole: State) -> int | None:
        """Tell how many events the published index holds. None: it is not as it should be."""
        if MANIFEST not in noted:
            return None
        made, selection, digest, told = noted[MANIFEST][0].split()
        count = int(told)
        same = (digest, count) == (str(whole.updated), whole.events)
        if made != self._key or not (same or (selection == whole.selection and count <= whole.events)):
            return None
        if noted.keys() != set(paths(count)):
            return None
        stands = all(stamp == state_of(self._out.root, path) for path, (_, stamp) in noted.items())
        return count if stands else None

    def _added(self, first: int, end: int) -> Iterator[Searchable]:
        """Prepare events, with the articles of some of them at hand at a time."""
        for start in range(first, end, AT_ONCE):
            lines = [line for _, line in self._log.each(SITE, start, min(start + AT_ONCE, end))]
            self._rendering.expect(lines)
            yield from map(self._searched, lines)

    def _searched(self, line: Line) -> Searchable:
        """Prepare an event. One whose article cannot be read keeps its place, and is not found until then."""
        try:
            return searched(self._rendering.words(line), self._languages.get(line.source), self._write)
        except ArchiveError as error:
            self._out.fault(f"{error}; {line.id} is left out of the feeds until then")
            self._whole = False
            return searchable(page_path(xml_text(line.id)), line.id, "", moment(line.updated), None)

    def _read(self, path: str) -> bytes:
        return self._out.folder.read(path) or b""
