"""add: from an address to a [[source]] in config.toml, shown before it is written."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.commands import asking
from feedarchiver.commands.console import Console, common
from feedarchiver.config import Config, adding, load
from feedarchiver.config.sources import Source
from feedarchiver.config.sources import url as checked_url
from feedarchiver.errors import UsageError
from feedarchiver.updating import Manner
from feedarchiver.updating.finding import Found, NotASource, find
from feedarchiver.updating.places import is_home
from feedarchiver.urls import canonical

_SHOWN = 5  # articles
_SELECTORS = ("items", "link", "title", "date", "picture", "author")


@click.command("add")
@common
@click.option("--yes", is_flag=True, help="Write it without asking.")
@click.option("--allow-private", is_flag=True, help="Its host may be in this network.")
@click.argument("url")
def add_command(console: Console, url: str, *, yes: bool, allow_private: bool) -> int:
    """Add URL as a source: a feed, a page that links to feeds or lists articles, a sitemap.

    Shows what was found and the first articles as they would be stored, then writes a [[source]] into the
    configuration, whose comments stay.
    """
    config = load(console.config_path, adding=True)
    try:
        checked_url(url)
    except ValueError as error:
        raise UsageError(f"URL: {error}; nothing was changed") from None
    found = _find(console, config, url, allow_private=allow_private)
    table = _table(config, found, allow_private=allow_private and is_home(found.url, url))
    (source,) = adding.checked(console.config_path, [table])
    _show(console, config, found, source)
    if not yes:
        _ask(console.config_path)
    adding.add(console.config_path, [table])
    told = f"added {source.id}; `feedarchiver update {source.id}` archives its articles, as any `run` does"
    console.say(told, event="added", **table)
    return 0


def _asked(config: Config) -> dict[str, str]:
    """List the canonical addresses that are asked, and which source does."""
    return {canonical(source.asking.url): source.id for source in config.sources if source.asking}


def _find(console: Console, config: Config, url: str, *, allow_private: bool) -> Found:
    """Find what to ask. Raises UsageError where a source does already, NotASource."""
    from feedarchiver.gather.web.allowed import own
    from feedarchiver.gather.web.client import Client

    known = _asked(config)
    if canonical(url) in known:
        raise UsageError(f"{url} is asked by source {known[canonical(url)]} already; nothing was changed")
    with (
        asking.taking_turns(config) as turn,
        Client(now=console.now(), contact=config.contact, turn=turn) as client,
        console.progress("asking"),
    ):
        opened = own(url) if allow_private else ()
        try:
            found = find(client, url, known, allow_private=opened, beat=console.step)
        except NotASource as error:
            raise NotASource(_by_option(str(error), own(url))) from None
    if canonical(found.url) in known:  # it has moved there
        raise UsageError(f"{found.url} is asked by source {known[canonical(found.url)]} already; nothing was changed")
    return found


def _by_option(told: str, places: tuple[str, ...]) -> str:
    """Advise the option where a refusal advises the key of a source, which is not there yet, for the same place."""
    for place in places:
        told = told.replace(f'allow_private = ["{place}"]', "--allow-private")
    return told


def _table(config: Config, found: Found, *, allow_private: bool) -> dict[str, object]:
    """Make the [[source]] of what was found."""
    taken = {source.id.casefold() for source in config.sources}
    table = adding.source_table(found.kind, found.url, found.title, found.language, taken)
    if guessed := _guessed(found):
        table["select"] = guessed
    return table | ({"allow_private": True} if allow_private else {})


def _show(console: Console, config: Config, found: Found, source: Source) -> None:
    """Show what was found, what of it would be stored, and what else there is."""
    others = [lead.url for lead in found.others]
    said = f"{found.url}: {'a page that lists articles, ' if found.kind == 'page' else ''}{found.reason}"
    console.say(said, event="found", kind=found.kind, url=found.url, reason=found.reason, others=others)
    for lead in found.passed:
        asked = _asked(config)[canonical(lead.url)]
        console.say(f"  asked already: {lead.url} ({asked})", event="asked", url=lead.url, source=asked)
    for key, selector in _guessed(found).items():
        console.say(f"  guessed: {key} = {selector}", event="guessed", key=key, selector=selector)
    for lead in found.others:
        named = f" ({lead.title})" if lead.title else ""
        console.say(f"  also there: {lead.url}{named}", event="also", url=lead.url, title=lead.title)
    few = replace(source, asking=source.asking and replace(source.asking, max_articles=_SHOWN))
    with Archive.create(config.store, config.index, now=console.now()) as archive:
        done = asking.update(console, config, archive, [few], Manner(due_only=False, dry_run=True))
    if done.failures and not done.articles:
        raise NotASource("nothing was changed")


def _guessed(found: Found) -> dict[str, str]:
    """List the selectors that were guessed."""
    said = {key: getattr(found.select, key) for key in _SELECTORS} if found.select else {}
    return {key: selector for key, selector in said.items() if selector}


def _ask(path: Path) -> None:
    """See that a person agrees. Raises UsageError."""
    if not sys.stdin.isatty() or not sys.stderr.isatty():
        raise UsageError(f"add --yes to write it into {path}; nothing was changed")
    if not click.confirm(f"Write it into {path}?", err=True):
        raise UsageError("nothing was changed")
