"""Which article a command line means, and how its parts are written for a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console
from feedarchiver.config import load
from feedarchiver.errors import FeedarchiverError, UsageError
from feedarchiver.model import short

if TYPE_CHECKING:
    from feedarchiver.archive.lookup import Found

NAME = "LINK|ID|TITLE"
_CANDIDATES = 20


@contextmanager
def opened(console: Console) -> Iterator[Archive]:
    """Open the configured archive to look into it."""
    config = load(console.config_path)
    with Archive.open(config.store, config.index) as archive:
        yield archive


def one(console: Console, archive: Archive, name: str) -> "Found":
    """Find the one article that is named. Raises UsageError that names all when there are several."""
    from feedarchiver.archive.lookup import find

    with console.progress("indexing titles") as advance:
        candidates = find(archive, name, advance)
    if not candidates:
        raise UsageError(f"there is no article with the id, the link or the title {name!r}; try `feedarchiver search`")
    if len(candidates) > 1:
        lines = [f"  {short(it.article)}  {_title(archive, it)}  {it.id}" for it in candidates[:_CANDIDATES]]
        lines += ["  ..."] if len(candidates) > _CANDIDATES else []
        raise UsageError("\n".join([f"{name!r} may mean {len(candidates)} articles; name one by its id:", *lines]))
    return candidates[0]


def instant(moment: datetime | None) -> str | None:
    """Write an instant for a script: RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def said(moment: datetime | None) -> str:
    """Write an instant for a person."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "undated"


def plural(number: int, noun: str) -> str:
    """Count things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _title(archive: Archive, found: "Found") -> str:
    from feedarchiver.markup import plain

    try:
        return plain(archive.article(found.article).title)
    except FeedarchiverError:
        return "(damaged)"
