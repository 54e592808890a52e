"""The pictures of articles, fetched by update, run and daemon, after the articles."""

import random
import time
from collections.abc import Sequence

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.asking import taking_turns
from feedarchiver.commands.console import Console
from feedarchiver.commands.naming import plural
from feedarchiver.config import Config
from feedarchiver.config.sources import Source
from feedarchiver.gather.folder import owners
from feedarchiver.updating import pictures as updating
from feedarchiver.updating.pictures import Fetched, Fetching
from feedarchiver.updating.wanting import Illustrated

PATIENCE_S = 600.0
"""How long a command fetches pictures at most; the next one goes on."""


def fetch(  # noqa: PLR0913 - each is one thing that a caller knows
    console: Console,
    config: Config,
    archive: Archive,
    sources: Sequence[Source],
    *,
    due_only: bool = True,
    patience_s: float = PATIENCE_S,
) -> Fetched:
    """Fetch the pictures that these sources want, and name what could not be had."""
    end = time.monotonic() + patience_s
    taken = {source.id for source in config.sources}
    with console.progress("fetching pictures") as advance, taking_turns(config) as turn:
        manner = Fetching(
            now=console.now(),
            contact=config.contact,
            chance=random.random,
            is_over=lambda: time.monotonic() > end,
            advance=advance,
            beat=console.step,
            due_only=due_only,
            turn=turn,
        )
        wants = (_illustrated(source, taken) for source in sources if source.pictures)
        done = updating.fetch(archive, wants, manner)
    for notice in done.notices:
        console.warn(f"{notice.source}: {notice.text}", event="notice", source=notice.source, text=notice.text)
    return done


def illustrated(config: Config) -> list[Illustrated]:
    """List the sources whose pictures are fetched."""
    taken = {source.id for source in config.sources}
    return [_illustrated(source, taken) for source in config.sources if source.pictures]


def told(done: Fetched | None) -> str:
    """Sum up for a person; nothing when there was nothing to fetch."""
    if done is None or not (done.stored or done.failed or done.left):
        return ""
    parts = [f"{plural(done.stored, 'picture')} fetched"]
    parts += [f"{done.failed} not to be had"] if done.failed else []
    parts += [f"{done.left} left for the next time"] if done.left else []
    return ", ".join(parts)


def figures(done: Fetched | None) -> dict[str, object]:
    """Sum up for a script; nothing when no source wants pictures."""
    return {"pictures": {"fetched": done.stored, "failed": done.failed, "left": done.left}} if done else {}


def _illustrated(source: Source, taken: set[str]) -> Illustrated:
    """Make what is fetched of what is configured. `taken`: the ids of all sources."""
    if source.pictures is None:
        raise ValueError(f"source {source.id} wants no pictures")
    names: tuple[str, ...] = (source.id,)
    if source.folder:
        names = tuple(name for name in owners(source.folder, source.id) if name == source.id or name not in taken)
    return Illustrated(
        id=source.id,
        names=names,
        which=source.pictures.which,
        allow_private=source.pictures.allow_private,
        home=source.asking.url if source.asking else None,
        headers=source.asking.headers if source.asking else (),
    )
