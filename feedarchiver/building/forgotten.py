"""Published files that no note tells of any more: found by their names, which nobody else would give."""

import re
from collections.abc import Iterable

from feedarchiver.building.keys import SEARCHED
from feedarchiver.publish.folder import Folder
from feedarchiver.publish.opml import LIST, leads_to_pages, listed
from feedarchiver.publish.pages import HTML, number_of
from feedarchiver.publish.templating import INDEX, SEARCH

_SEARCHED = re.compile(r"\d{6,}(?:\.\d{3})?\.js")


def feeds(folder: Folder) -> set[str]:
    """Find out which feeds were published here: the published list of feeds says so."""
    data = folder.read(LIST)
    return listed(data) if data else set()


def sealed(folder: Folder, feed: str, after: int = -1) -> set[str]:
    """Find the files of a feed that are called as only sealed pages are, those after a number."""
    return {f"{feed}/archive/{name}" for name in folder.names(f"{feed}/archive") if (number_of(name) or -1) > after}


def searched(folder: Folder) -> set[str]:
    """Find what the pages are searched with."""
    from feedarchiver.publish.site_search import LEVELS, MANIFEST  # feeds alone do without it

    folders = (f"{SEARCHED}{name}" for name in (*(size for size, _ in LEVELS), "entries"))
    found = {f"{where}/{name}" for where in folders for name in folder.names(where) if _SEARCHED.fullmatch(name)}
    return {MANIFEST, *found} if found else set()


def pages(folder: Folder, names: Iterable[str]) -> set[str]:
    """Find the pages of the feeds with these names, those about all feeds, and what they are searched with.

    An index.html may be somebody else's. So there are none unless the published list of feeds leads to them.
    """
    if not leads_to_pages(folder.read(LIST) or b""):
        return set()
    found = {INDEX, SEARCH} | searched(folder)
    for feed in names:
        found |= {f"{feed}/{HTML.subscription}", *(path for path in sealed(folder, feed) if path.endswith(".html"))}
    return found
