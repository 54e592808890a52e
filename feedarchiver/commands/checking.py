"""config check: what is understood of the configuration, or what is wrong with it."""

from collections.abc import Iterator
from datetime import timedelta

import click

from feedarchiver.commands.console import Console, common
from feedarchiver.commands.naming import plural
from feedarchiver.config import Config, load
from feedarchiver.config.sources import Source
from feedarchiver.model import Feed

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


@click.group("config")
def config_command() -> None:
    """Check the configuration."""


@config_command.command("check")
@common
def config_check_command(console: Console) -> int:
    """Say what is understood of the configuration, the environment included; or every mistake with its place."""
    config = load(console.config_path)
    if console.json:
        console.say("", event="checked", **_figures(config))
        return 0
    console.say(f"{console.config_path} is fine")
    for name, said in _told(config):
        console.say(f"{name:<12} {said}")
    return 0


def _told(config: Config) -> Iterator[tuple[str, str]]:
    """Tell a person what is understood."""
    yield "archive", f"{config.store}, index {config.index}"
    yield "feeds", f"{config.published}, read at {config.base_url}"
    if config.hub:
        yield "hub", f"{config.hub}, which fetches feeds from {config.base_url}"
    if config.after:
        yield "after", f"{config.after}, called in {config.root}"
    for name in config.environment:
        yield "environment", name
    for source in config.sources:
        yield "source", f"{source.id}: {_source(source)}"
    for feed in config.feeds:
        yield "feed", f"{feed.id}: {_feed(feed, {source.id for source in config.sources})}"
    if not config.feeds:
        yield "feed", "all, and one for each source"


def _source(source: Source) -> str:
    if source.asking is None:
        return f"seed files in {source.folder}, and below it those of other sources"
    shortest, longest = source.asking.interval
    often = _length(shortest) if shortest == longest else f"{_length(shortest)} to {_length(longest)}"
    secret = f", with {', '.join(name for name, _ in source.asking.headers)}" if source.asking.headers else ""
    return f"{source.kind} at {source.asking.url} every {often}{secret}"


def _feed(feed: Feed, configured: set[str]) -> str:
    if feed.kind == "health":
        return "what goes wrong here"
    what = f"{feed.kind} of {', '.join(feed.sources) if feed.sources else 'every source'}"
    chosen = ", by its rules" if feed.filter else ""
    others = [name for name in feed.sources or () if name not in configured]
    doubt = (
        f" ({', '.join(others)}: no such source is configured; a subfolder of seed files may be one)" if others else ""
    )
    return what + chosen + doubt


def _length(length: timedelta) -> str:
    """Write a duration in the largest unit that it is a whole number of."""
    seconds = int(length.total_seconds())
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds % size == 0), ("second", 1))
    return plural(seconds // size, unit)


def _figures(config: Config) -> dict[str, object]:
    """Tell a script what is understood."""
    return {
        "archive": str(config.store),
        "index": str(config.index),
        "folder": str(config.published),
        "base_url": config.base_url,
        "environment": config.environment,
        "sources": [{"id": source.id, "kind": source.kind} for source in config.sources],
        "feeds": [{"id": feed.id, "kind": feed.kind, "sources": feed.sources} for feed in config.feeds],
    }
