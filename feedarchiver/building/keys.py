"""What decides the bytes of published documents, named, so that what would come out the same is not made again."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from feedarchiver import CLEANER_VERSION, RENDERER_VERSION, SEARCH_VERSION
from feedarchiver.archive.feedlog import State, selection
from feedarchiver.building.target import Target
from feedarchiver.model import Feed
from feedarchiver.s3.address import Address

if TYPE_CHECKING:
    from feedarchiver.publish.pages import Page

SITE = ""
"""Stands in the place of a feed's id for what is about all feeds."""

ARTICLES = "articles"
"""The folder of the reading pages, noted as a whole."""

SEARCHED = "search/"
"""The folder of what the pages are searched with, whose documents are noted one by one."""

IMAGES = "images"
"""The folder of the copies of images, noted as a whole."""

COPIED, SETTLED = ".bucket", "settled"
"""The folder with the notes of what stands in a bucket, and in it the name of the bucket, when all does."""


def made(target: Target) -> str:
    """Name what pieces are made by, but for their entries and images."""
    return f"{CLEANER_VERSION}.{RENDERER_VERSION}" + (f" {target.base_url}" if target.archived_images else "")


def feed_key(feed: Feed, target: Target) -> str:
    """Name what decides the bytes of a feed's documents, but for the events in them."""
    return _digest(made(target), feed, target.base_url, target.size, target.pages, target.hub)


def pages_key(target: Target) -> str:
    """Name what decides the bytes of a page about an entry, but for its versions."""
    return _digest(made(target), sorted(target.languages))


def search_key(target: Target) -> str:
    """Name what decides the bytes of what the pages are searched with, but for the entries."""
    return f"{pages_key(target)}.{SEARCH_VERSION}"


def selection_of_all(feeds: Iterable[Feed]) -> str:
    """Name what decides which events the feeds take, all together."""
    return _digest(sorted((feed.id, selection(feed)) for feed in feeds))


def document_key(key: str, page: "Page", *, sealed: bool) -> str:
    """Name what decides the bytes of a document: its path says which events a sealed page holds."""
    if page.number is None:
        return f"{key} {page.end}"
    return key if sealed or page.newer else f"{key} newest"


def site_key(feeds: Iterable[Feed], states: Mapping[str, State], target: Target) -> str:
    """Name what decides the bytes of what is about all feeds."""
    told = [(feed, states[feed.id].events, states[feed.id].entries, states[feed.id].updated) for feed in feeds]
    return _digest(made(target), told, target.base_url, target.title, target.size, target.pages, search_key(target))


def is_copied(folder: Path, bucket: Address) -> bool:
    """Tell whether the published folder stands in the bucket as it stands here, as far as was noted."""
    try:
        return (folder / COPIED / SETTLED).read_text(encoding="utf-8") == repr(tuple(bucket))
    except OSError:
        return False


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def state_of(root: str, path: str) -> str | None:
    """Name the state of a file of the published folder `root`. None when it is not there."""
    try:
        return stamp(os.lstat(f"{root}/{path}"))
    except OSError:
        return None


def stamp(state: os.stat_result) -> str:
    """Name the state of a file, to see later that nothing has touched it."""
    return f"{state.st_ino} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"


def changed(state: str) -> int:
    """Read out of the name of a file's state when it became so, in nanoseconds since 1970."""
    return int(state.rpartition(" ")[2])
