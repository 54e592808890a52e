"""doctor: what may keep this from working, and what to do about it."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain

import click

from feedarchiver import updating
from feedarchiver.archive.archive import Archive
from feedarchiver.commands.asking import web
from feedarchiver.commands.console import Console, common
from feedarchiver.config import Config, load
from feedarchiver.doctor import Finding, examine, examine_machine
from feedarchiver.errors import ArchiveError, ConfigError
from feedarchiver.watching.secrets import masked

_FINE, _ATTENTION = 0, 3


@click.command("doctor")
@common
@click.option("--ask", is_flag=True, help="Ask every source on the web, too. Nothing of what they say is stored.")
def doctor_command(console: Console, *, ask: bool) -> int:
    """Check configuration, folders, permissions, clock, network and optional parts, and say what to do.

    Nothing is changed, and without --ask nobody beyond this machine is asked.
    """
    attention = 0
    for found in chain(_configured(console, ask=ask), examine_machine()):
        attention += found.advice is not None
        _say(console, found)
    told = f"{attention} {'thing needs' if attention == 1 else 'things need'} attention" if attention else "all is well"
    console.say(told, event="examined", attention=attention)
    return _ATTENTION if attention else _FINE


def _configured(console: Console, *, ask: bool) -> Iterator[Finding]:
    """Do the checks that need a configuration, if it is one."""
    try:
        config = load(console.config_path)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("configuration", problem, "mend it; see the annotated one that `feedarchiver init` writes")
        return
    yield Finding("configuration", f"{console.config_path} is in order")
    yield from examine(config, console.config_path)
    if ask:
        yield from _asked(config)


def _asked(config: Config) -> Iterator[Finding]:
    """Ask every source on the web, one after the other on each host."""
    sources = [web(source) for source in config.sources if source.asking]
    manner = updating.Manner(due_only=False, dry_run=True)
    try:
        with Archive.open(config.store, config.index) as archive:
            done = updating.update(
                archive,
                sources,
                now=datetime.now(UTC),
                manner=manner,
                contact=config.contact,
                chance=random.random,
                advance=lambda _: None,
                told=lambda *_: None,
            )
    except ArchiveError as error:
        yield Finding("sources", f"not asked: {error}", "call the doctor again then")
        return
    failed = {notice.source: masked(notice.text.partition(";")[0]) for notice in done.failures}
    notices = {notice.source: masked(notice.text) for notice in done.notices}
    for source in sources:
        told = failed.get(source.id) or notices.get(source.id) or "answers"
        yield Finding(f"source {source.id}", told, "see its address in a browser" if source.id in failed else None)


def _say(console: Console, found: Finding) -> None:
    fields = {"about": found.about, "ok": found.advice is None, "told": found.told, "advice": found.advice}
    mark = "ok" if found.advice is None else "attention"
    line = f"{mark:9}  {found.about}: {found.told}"
    if found.advice is None or console.json:
        console.say(line, event="check", **fields)
    elif console.level < 0:
        console.warn(f"{found.about}: {found.told}; {found.advice}")
    else:
        console.say(line)
        console.say(f"{'':9}  -> {found.advice}")
