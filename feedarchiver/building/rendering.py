"""What feeds tell, rendered once for all that a build writes of it at about the same time."""

from functools import lru_cache

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.feedlog import Line
from feedarchiver.publish.changed import render_change
from feedarchiver.publish.rendered import Rendered, render

_AT_ONCE = 64


class Rendering:
    """What the entries of an archive, and the changes of them, look like in feeds.

    What a line of a log tells matters here only: everything behind this knows no more than what it is rendered to.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.entry = lru_cache(_AT_ONCE)(self._entry)

    def _entry(self, line: Line) -> Rendered:
        """Render what a line stands for: an entry, or the change of one. Raises ArchiveError."""
        cleaned = self._archive.cleaned
        if line.before is None:
            entry = self._archive.entry(line)
            return render(entry, cleaned.body(entry.object_id, entry.article))
        change = self._archive.change(line, line.before)
        old, new = change.before, change.entry.article
        return render_change(change, cleaned.body(line.before, old), cleaned.body(line.article, new))
