"""Entries rendered once for all that a build writes of them at about the same time."""

from functools import lru_cache

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.feedlog import Line
from feedarchiver.publish.rendered import Rendered, render

_AT_ONCE = 64


class Rendering:
    """What the entries of an archive look like in feeds."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.entry = lru_cache(_AT_ONCE)(self._entry)

    def _entry(self, line: Line) -> Rendered:
        """Render the entry that a line stands for. Raises ArchiveError."""
        entry = self._archive.entry(line)
        return render(entry, self._archive.cleaned.body(entry.object_id, entry.article))
