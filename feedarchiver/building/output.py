"""What a build writes to: the published folder, the notes of what stands in it, the account of what was done."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from feedarchiver.archive.documents import Noted, Pieces
from feedarchiver.building.keys import IMAGES, SITE, made, state_of
from feedarchiver.building.target import Advance, Built, Target
from feedarchiver.imagefile import ENDINGS
from feedarchiver.model import Document, ObjectId
from feedarchiver.publish.folder import Folder
from feedarchiver.publish.parts import Part, chunks

if TYPE_CHECKING:
    from feedarchiver.archive.index import Index

_BATCH = 32
_LONGEST_NAME = 100  # of an image
_IMAGE = re.compile(rf"{IMAGES}/([0-9a-f]{{64}})\.(?:{'|'.join(ENDINGS.values())})".encode())


class Output:
    """The published folder during a build. `unshown`: images that some document has ceased to show, as 64 bits each."""

    def __init__(self, index: "Index", target: Target, done: Built, advance: Advance) -> None:
        self._index, self._done, self._advance = index, done, advance
        self.folder, self.root = Folder(target.folder), str(target.folder)
        self.made = made(target)
        self.unshown: set[int] = set()
        self._archived_images = target.archived_images
        self._batched = 0
        self._unnoted: list[Noted] = []

    def publish(self, document: Document, key: str, *, waits: bool = False) -> None:
        """Write a document that is about all feeds, and note it."""
        self.write(document.path, [document.data], waits=waits)
        self.note_whole(document.path, key)

    def write(self, path: str, parts: Sequence[Part], *, waits: bool = False) -> None:
        """Write a document, note which images it shows, and count what has come of it.

        One that `waits` for others is not there before all is settled.
        """
        came = self.folder.write_parts(path, parts, waits=waits)
        if not self.folder.is_waiting:
            self._note_all()
        if self._archived_images and not path.startswith(IMAGES):
            self.unshown |= self._index.images.show(path, _shown(parts))
        if came == "written":
            self._done.written.append(path)
        else:
            self._done.unchanged += 1
        self._advance(path)

    def stands(self, count: int = 1) -> None:
        """Count documents that need not be looked at."""
        self._done.unchanged += count

    def note_whole(self, path: str, key: str) -> None:
        """Note a document that has no pieces, or a folder, as it now is."""
        self.note(Noted(path, SITE, "", 0, 0, key, "", self.made, Pieces.at((), (), ())))

    def note(self, noted: Noted) -> None:
        """Note a document, or a folder, as it is once nothing waits any more."""
        self._unnoted.append(noted)
        if not self.folder.is_waiting:
            self._note_all()

    def settle(self) -> None:
        """See that what was written is there for good, before something is written that refers to it."""
        self.folder.settle()
        self._note_all()

    def _note_all(self) -> None:
        """Note what is to be noted, and every so often make what was noted durable."""
        for noted in self._unnoted:
            self._index.feeds.note(noted._replace(stamp=state_of(self.root, noted.path) or ""))
            self._batched += 1
            if self._batched % _BATCH == 0:
                self._index.commit()
                self._index.begin()
        self._unnoted.clear()

    def remove(self, paths: Iterable[str]) -> None:
        """Take documents away."""
        for path in paths:
            if self.folder.remove(path):
                self._done.removed.append(path)
            self._index.feeds.forget_document(path)
            self.unshown |= self._index.images.show(path, ())

    def fault(self, line: str) -> None:
        """Tell what could not be published."""
        if line not in self._done.faults:
            self._done.faults.append(line)


def _shown(parts: Iterable[Part]) -> set[ObjectId]:
    """Name the images that a document shows."""
    shown: set[ObjectId] = set()
    for part in parts:
        before = b""
        for chunk in chunks(part):
            shown.update(ObjectId(found.decode()) for found in _IMAGE.findall(before + chunk))
            before = chunk[-_LONGEST_NAME:]
    return shown
