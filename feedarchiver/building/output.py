"""What a build writes to: the published folder, the notes of what stands in it, the account of what was done."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from feedarchiver.archive.feedlog import Noted, Pieces
from feedarchiver.building.keys import MADE, SITE, state_of
from feedarchiver.building.target import Advance, Built, Target
from feedarchiver.model import Document
from feedarchiver.publish.folder import Folder

if TYPE_CHECKING:
    from feedarchiver.archive.index import Index

_BATCH = 32


class Output:
    """The published folder during a build."""

    def __init__(self, index: "Index", target: Target, done: Built, advance: Advance) -> None:
        self._index, self._done, self._advance = index, done, advance
        self.folder, self.root = Folder(target.folder), str(target.folder)
        self._batched = 0

    def publish(self, document: Document, key: str) -> None:
        """Write a document that is about all feeds, and note it."""
        self.count(document.path, self.folder.write(document))
        self.note(Noted(document.path, SITE, "", 0, 0, key, "", MADE, Pieces.at((), (), ())))

    def count(self, path: str, came: Literal["written", "unchanged"]) -> None:
        """Count what has come of a document."""
        if came == "written":
            self._done.written.append(path)
        else:
            self._done.unchanged += 1
        self._advance(path)

    def stands(self, count: int = 1) -> None:
        """Count documents that need not be looked at."""
        self._done.unchanged += count

    def note(self, noted: Noted) -> None:
        """Note a document, or a folder, as it now is, and every so often make what was noted durable."""
        self._index.feeds.note(noted._replace(stamp=state_of(self.root, noted.path) or ""))
        self._batched += 1
        if self._batched % _BATCH == 0:
            self._index.commit()
            self._index.begin()

    def remove(self, paths: Iterable[str]) -> None:
        """Take documents away."""
        for path in paths:
            if self.folder.remove(path):
                self._done.removed.append(path)
            self._index.feeds.forget_document(path)

    def fault(self, line: str) -> None:
        """Tell what could not be published."""
        if line not in self._done.faults:
            self._done.faults.append(line)
