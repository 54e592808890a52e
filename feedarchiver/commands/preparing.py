"""Articles prepared for a build before it locks the archive: by workers, where there are some, if it is worth asking.

Whatever goes wrong with it, the build makes what is not there.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.commands.console import Console
from feedarchiver.commands.helping import helping, warn
from feedarchiver.errors import FeedarchiverError
from feedarchiver.model import ObjectId

LEAST = 2_000
"""Fewer articles are made as quickly as somebody is asked."""

AT_ONCE = 250
"""Articles in a partition: half a second of work, some three megabytes."""


def prepared(  # noqa: PLR0913 - what is prepared, and how
    console: Console,
    archive: Archive,
    engine: IndexAddress,
    articles: Iterator[ObjectId],
    *,
    least: int = LEAST,
    at_once: int = AT_ONCE,
) -> Generator[tuple[Sequence[ObjectId], object]]:
    """Have articles prepared. Does what `building.ahead.Prepare` does; nothing when no worker is alive."""
    first = list(islice(articles, least))
    if len(first) < least:
        return

    from feedarchiver.building.ahead import argument, named

    try:
        with helping(console, engine, archive) as parts:
            if parts is None:
                return
            every = chain(first, articles)
            some = iter(lambda: list(islice(every, at_once)), [])
            with closing(parts.each("prepare", map(argument, some))) as coming:
                for part, made in coming:
                    console.step()
                    yield named(part), made
    except (FeedarchiverError, OSError) as error:  # of those who prepare on this machine
        warn(console, f"{error}; the build prepares the rest itself")
