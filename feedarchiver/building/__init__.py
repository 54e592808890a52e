"""Building: the corridor from the archive to the published folder.

    archive.feedlog (what each feed has taken) -> publish.pages (cut) -> kept pieces or publish.build -> folder

target.py   where to, and what it came to
keys.py     what decides the bytes of a document
kept.py     pieces taken out of the documents of earlier builds
output.py   what a build writes to
rendering.py  what entries look like
reading.py  the pages of single entries
searching.py  what the pages are searched with
builder.py  one build

A build that finds everything as it should be reads no article and loads neither the HTML nor the XML libraries.
"""

from collections.abc import Iterable
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.building.keys import ARTICLES, SITE, feed_key, site_key, state_of
from feedarchiver.building.target import Advance, Built, Target
from feedarchiver.model import Feed

__all__ = ["Advance", "Built", "Resealed", "Target", "build", "resealed"]


class Resealed(NamedTuple):
    """A feed whose sealed pages would be cut anew."""

    feed: str
    size: int
    pages: int


def resealed(archive: Archive, feeds: Iterable[Feed], size: int) -> list[Resealed]:
    """Tell which feeds have sealed pages that another page size would change."""
    states = archive.index.feeds.states()
    other = {feed.id: states[feed.id] for feed in feeds if feed.id in states and states[feed.id].size not in (0, size)}
    if not other:
        return []
    from feedarchiver.publish.pages import sealed

    cut = (Resealed(feed, state.size, sealed(state.events, state.size)) for feed, state in other.items())
    return [one for one in cut if one.pages]


def build(
    archive: Archive,
    feeds: tuple[Feed, ...],
    target: Target,
    *,
    advance: Advance,
    full: bool = False,
) -> Built:
    """Publish the feeds. What has not changed is neither read nor written; `full` makes everything anew."""
    done = Built(feeds=len(feeds))
    standing = None if full else _standing(archive, feeds, target)
    if standing is not None:
        done.unchanged = standing
        return done
    from feedarchiver.building.builder import Builder

    with archive.publishing() as index:
        Builder(archive, index, target, done, advance).build(feeds, full=full)
    return done


def _standing(archive: Archive, feeds: tuple[Feed, ...], target: Target) -> int | None:
    """Count the documents if all of them stand as they were left and would be written the same, else None."""
    log, until = archive.index.feeds, archive.index.last_captured() or 0
    states = log.states()
    if states.keys() != {SITE, *(feed.id for feed in feeds)} or not archive.is_settled():
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
            count += states[SITE].entries if path == ARTICLES else 1
    return count
