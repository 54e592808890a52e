"""Articles prepared for a build before it locks the archive: by workers, where there are some, if it is worth asking.

Whatever goes wrong with it, the build makes what is not there.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.commands.console import Console
from feedarchiver.commands.naming import plural
from feedarchiver.errors import ArchiveError
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

    def warn(why: str) -> None:
        console.warn(why, event="worker", reason=why)

    try:
        from feedarchiver.building.ahead import argument, named
        from feedarchiver.working.parts import helped
    except ImportError:  # workers are others; this machine can do without them
        return
    try:
        with helped(engine, archive, warn) as help_:
            if help_ is None:
                return
            console.say(f"spread over {plural(help_.workers, 'worker')}", event="spread", workers=help_.workers)
            every = chain(first, articles)
            parts = iter(lambda: list(islice(every, at_once)), [])
            with closing(help_.parts.each("prepare", map(argument, parts))) as coming:
                for part, made in coming:
                    console.step()
                    yield named(part), made
    except (ArchiveError, OSError, ImportError) as error:  # of those who prepare on this machine
        warn(f"{error}; the build prepares the rest itself")
