"""Building: the corridor from the archive to the published folder.

    archive.feedlog (what each feed has taken) -> publish.pages (cut) -> kept pieces or publish.build -> folder

target.py   where to, and what it came to
keys.py     what decides the bytes of a document
kept.py     pieces taken out of the documents of earlier builds
output.py   what a build writes to
rendering.py  what entries look like, with the copies of their images
reading.py  the pages of single entries
ahead.py  what is made of articles before the archive is locked
searching.py  what the pages are searched with
forgotten.py  published files that no note tells of
paging.py  the pages of feeds, put together
pile.py    what a page is put together from
builder.py  one build
copying.py  the copy of the folder in a bucket

A build that finds everything as it should be reads no article and loads neither the HTML nor the XML libraries.
"""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.building.keys import ARTICLES, IMAGES, SITE, feed_key, is_copied, site_key, state_of
from feedarchiver.building.target import Advance, Built, Target
from feedarchiver.model import Feed
from feedarchiver.s3.address import Address

if TYPE_CHECKING:
    from feedarchiver.building.ahead import Prepare
    from feedarchiver.publish.site_search import Write

__all__ = ["Advance", "Built", "Resealed", "Target", "build", "resealed"]


class Resealed(NamedTuple):
    """A feed whose sealed pages would be cut anew."""

    feed: str
    size: int
    pages: int


def resealed(
    archive: Archive, feeds: Iterable[Feed], size: int, folder: Path, bucket: Address | None = None
) -> list[Resealed]:
    """Tell which feeds have sealed pages that another page size than theirs would change.

    Of feeds whose notes are lost, what is published tells how many pages there are, and of which size.
    """
    states = archive.index.feeds.states()
    known = {feed.id: states[feed.id] for feed in feeds if feed.id in states and states[feed.id].size}
    lost = [feed.id for feed in feeds if feed.id not in known]
    if not lost and all(state.size == size for state in known.values()):
        return []
    if bucket:
        from feedarchiver.building.copying import Copying

        with Copying(folder, bucket) as copying:
            copying.prepare()
    from feedarchiver.publish.folder import Folder
    from feedarchiver.publish.opml import LIST, page_size
    from feedarchiver.publish.pages import number_of, sealed

    published = Folder(folder)
    told = page_size(published.read(LIST) or b"") or size
    cut = [Resealed(feed, state.size, sealed(state.events, state.size)) for feed, state in known.items()]
    for feed in lost:
        numbers = (number_of(name) or 0 for name in published.names(f"{feed}/archive"))
        cut.append(Resealed(feed, told, max(numbers, default=0)))
    return [one for one in cut if one.pages and one.size != size]


def build(  # noqa: PLR0913 - each is one thing that a caller knows
    archive: Archive,
    feeds: tuple[Feed, ...],
    target: Target,
    *,
    advance: Advance,
    full: bool = False,
    prepare: "Prepare | None" = None,
) -> Built:
    """Publish the feeds. What has not changed is neither read nor written; `full` makes everything anew.

    `prepare` has something made of many articles before the archive is locked.
    """
    done = Built(feeds=len(feeds))
    if lack := archive.index.notes.lack():
        done.faults.append(lack)
    standing = None if full else _standing(archive, feeds, target)
    if standing is not None:
        done.unchanged = standing
    if target.bucket is None:
        if standing is None:
            _build(archive, feeds, target, done, advance, prepare, full=full)
    elif standing is None or not is_copied(target.folder, target.bucket):
        from feedarchiver.building.copying import Copying

        with Copying(target.folder, target.bucket) as copying:
            copying.begin()
            if standing is None:
                _build(archive, feeds, target, done, advance, prepare, full=full)
            copying.finish(done, advance, full=full)
    return done


def _build(  # noqa: PLR0913, PLR0917 - what `build` was given
    archive: Archive,
    feeds: tuple[Feed, ...],
    target: Target,
    done: Built,
    advance: Advance,
    prepare: "Prepare | None",
    *,
    full: bool,
) -> None:
    from feedarchiver.building.builder import Builder

    write = _ahead(archive, target, prepare, done, full=full) if prepare and target.pages else None
    with archive.publishing() as index:
        Builder(archive, index, target, done, advance, write).build(feeds, full=full)


def _ahead(archive: Archive, target: Target, prepare: "Prepare", done: Built, *, full: bool) -> "Write | None":
    """Have prepared what is going to be rendered. Returns what writes for the search, from what was prepared."""
    from feedarchiver.building.ahead import Ahead, wanted

    ahead = Ahead(archive)
    with closing(prepare(wanted(archive, target, full=full))) as coming:
        for articles, said in coming:
            done.prepared += ahead.take(articles, said)
            if ahead.is_full:
                done.is_full = True
                break
    return ahead.lines if done.prepared else None


def _standing(archive: Archive, feeds: tuple[Feed, ...], target: Target) -> int | None:
    """Count the documents if all of them stand as they were left and would be written the same, else None."""
    log, until = archive.index.feeds, archive.index.last_captured() or 0
    states = log.states()
    if states.keys() != {SITE, *(feed.id for feed in feeds)} or not archive.is_settled():
        return None
    if archive.index.images.is_fresh():
        return None
    if any(states[feed.id].captured != until or states[feed.id].key != feed_key(feed, target) for feed in feeds):
        return None
    if states[SITE].key != site_key(feeds, states, target):
        return None
    count, root = 0, str(target.folder)
    for name in states:
        for path, (_, noted) in log.documents(name).items():
            if state_of(root, path) != noted:
                return None
            count += {ARTICLES: states[SITE].entries, IMAGES: 0}.get(path, 1)
    return count
