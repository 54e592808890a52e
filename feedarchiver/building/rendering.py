"""What feeds tell, rendered once for all that a build writes of it, with the stored copies of images; those published.

An entry's pieces depend on its images, too: which of its addresses it names is noted, so that the entries are known
that a new copy is for. A copy is published before any document that shows it, under a name that says which bytes it
holds; it goes when no document shows it any more.
"""

import os
import re
from collections.abc import Container, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.feedlog import Line
from feedarchiver.archive.imagelog import Copy
from feedarchiver.building.keys import IMAGES, SITE, state_of
from feedarchiver.building.output import Output
from feedarchiver.building.target import Target
from feedarchiver.errors import ArchiveError
from feedarchiver.imagefile import ENDINGS
from feedarchiver.model import HEALTH, Image, ObjectId
from feedarchiver.publish.plan import address
from feedarchiver.publish.rendered import Rendered, Stored, illustrated, render
from feedarchiver.urls import canonical

if TYPE_CHECKING:
    from feedarchiver.archive.index import Index

_AT_HAND, _LENGTH_AT_HAND = 64, 4_000_000
_NAME = re.compile(rf"[0-9a-f]{{64}}\.(?:{'|'.join(ENDINGS.values())})")


class Rendering:
    """What entries, the changes of them and images look like in one build.

    What a line of a log tells matters here only: everything behind this knows no more than what it is rendered to.
    `changed`: entries that name an image of which a copy has come.
    """

    def __init__(self, archive: Archive, index: "Index", target: Target, out: Output, *, strange: bool) -> None:
        """Begin. `strange`: there may be files that nothing is known of, and known ones are not to be relied on."""
        self._archive, self._log, self._out = archive, index.images, out
        self._feeds, self._target, self._strange = index.feeds, target, strange
        self._at_hand: dict[Line, Rendered] = {}
        self._length = 0
        self._spool = archive.spool() if target.pages else None  # without pages, an entry is asked for once
        self._has_images = not self._log.is_empty()
        self._damaged: set[ObjectId] = set()
        self._unsettled = False
        noted = self._feeds.documents(SITE).get(IMAGES)
        standing = state_of(out.root, IMAGES)
        self._was_published = noted is not None
        # Not noted again until all is done: what is left of a build that was killed is swept by the next one.
        self._stands = standing is None if strange or noted is None else noted[1] == standing
        self._feeds.forget_document(IMAGES)
        self.changed = self._log.news()
        if strange or not target.archived_images:
            self._log.forget_shown()

    def expect(self, lines: Iterable[Line]) -> None:
        """Have at hand what is not rendered yet of lines that are about to be rendered one after the other."""
        spool: Container[object] = self._spool or ()
        wanted = [line for line in lines if line not in self._at_hand and line not in spool]
        articles = (article for line in wanted for article in (line.article, line.before) if article)
        self._archive.expect(article for article in articles if article not in self._archive.cleaned)

    def entry(self, line: Line) -> Rendered:
        """Render what a line stands for, once for all that is written of it at about the same time.

        That is an entry, the change of one, or what the archive tells of itself. Raises ArchiveError.
        """
        found = self._made(line)
        if found is None:
            found = self._illustrated(line)
            if self._spool:
                self._spool.keep(line, found)
        if line not in self._at_hand:
            self._at_hand[line] = found
            self._length += len(found.content)
        while len(self._at_hand) > _AT_HAND or (self._length > _LENGTH_AT_HAND and len(self._at_hand) > 1):
            self._length -= len(self._at_hand.pop(next(iter(self._at_hand))).content)
        return found

    def words(self, line: Line) -> Rendered:
        """Render what a line stands for, for its words: nothing is published for it. Raises ArchiveError."""
        return self._made(line) or self._rendered(line)

    def settle(self) -> None:
        """See that the images published so far outlast a power cut, before something is written that shows them."""
        if self._unsettled:
            self._out.settle()
            self._unsettled = False

    def finish(self) -> None:
        """Take away the images that nothing shows any more, put back those that are missing, note that all is done."""
        if not self._target.archived_images:
            if self._was_published or not self._stands:
                self._out.remove(f"{IMAGES}/{name}" for name in self._names())
        elif self._stands:
            self._sweep(self._out.unshown)
        else:
            self._compare()
        self._out.settle()
        self._log.settle(self._damaged)
        if self._target.archived_images and state_of(self._out.root, IMAGES):
            self._out.note_whole(IMAGES, "")

    def _made(self, line: Line) -> Rendered | None:
        """Find what this build has rendered already."""
        return self._at_hand.get(line) or (self._spool.find(line) if self._spool else None)

    def _illustrated(self, line: Line) -> Rendered:
        named: list[str] = []
        known: dict[str, Image | None] = {}

        def stored(url: str) -> Image | None:
            if url not in known:  # the lead picture stands in the content, too
                named.append(canonical(url))
                copy = self._log.copy(named[-1]) if self._has_images else None
                known[url] = self._shown(url, copy) if copy else None
            return known[url]

        base = address(self._target.base_url, "") if self._target.archived_images else ""
        shown = self._rendered(line, stored, base)
        self._log.use(line.entry, named)
        return shown

    def _rendered(self, line: Line, stored: Stored = lambda _: None, base: str = "") -> Rendered:
        if line.before is None:
            shown = render(*self._archive.entry(line), stored, base)
            return shown._replace(paged=False) if line.source == HEALTH else shown
        from feedarchiver.publish.changed import render_change  # few feeds tell of changes

        shown = render_change(*self._archive.change(line, line.before))
        return shown._replace(content=illustrated(shown.content, stored), base=base)

    def _shown(self, url: str, copy: Copy) -> Image | None:
        """Tell how an image is shown of which there is a copy. One that cannot be published stays the original."""
        if self._target.archived_images:
            if copy.type not in ENDINGS or not self._is_published(copy.image, copy.type, copy.length):
                return None
            url = address(self._target.base_url, _path(copy.image, copy.type))
        return Image(url=url, type=copy.type, length=copy.length, width=copy.width, height=copy.height)

    def _is_published(self, image: ObjectId, media_type: str, length: int) -> bool:
        """See that an image is published. One that stands there with its name and length is not read again."""
        path = _path(image, media_type)
        with suppress(OSError):  # then it is written, or writing says why not
            if os.lstat(f"{self._out.root}/{path}").st_size == length:
                return True
        return self._publish(image, path)

    def _publish(self, image: ObjectId, path: str) -> bool:
        if image in self._damaged:
            return False
        try:
            data = self._archive.read("images", image)
        except ArchiveError as error:
            self._damaged.add(image)
            where = self._log.about("image", image)
            self._out.fault(f"{error}; the feeds show the original until then ({where})")
            return False
        self._out.write(path, [data])
        self._unsettled = True
        return True

    def _sweep(self, unshown: set[int]) -> None:
        """Take away those of some images that no document shows. What was written last comes first: it has most."""
        left = set(unshown)
        for shown in self._log.showing() if left else ():
            left.difference_update(shown)
            if not left:
                return
        named = filter(None, map(self._log.named, left))
        self._out.remove(sorted(_path(image, media_type) for image, media_type in named))

    def _compare(self) -> None:
        """Hold the published images against what all documents show; where all is strange, down to their bytes."""
        wanted: set[int] = set()
        for shown in self._log.showing():
            wanted.update(shown)
        names = {name: int(name[:16], 16) for name in self._names()}
        doubtful = wanted if self._strange else wanted.difference(names.values())
        for image, media_type in filter(None, map(self._log.named, sorted(doubtful))):
            self._publish(image, _path(image, media_type))
        self._out.remove(f"{IMAGES}/{name}" for name, number in names.items() if number not in wanted)

    def _names(self) -> list[str]:
        return list(filter(_NAME.fullmatch, self._out.folder.names(IMAGES)))


def _path(image: ObjectId, media_type: str) -> str:
    return f"{IMAGES}/{image}.{ENDINGS[media_type]}"
