"""migrate: the archive from a folder to a bucket, its index from a file to a database, and back."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.layout import store_at
from feedarchiver.commands.console import Console, PathName, common
from feedarchiver.commands.moving import Complaints, take_in
from feedarchiver.commands.naming import plural
from feedarchiver.config import TABLES, Config, environment, load
from feedarchiver.errors import UsageError

if TYPE_CHECKING:
    from feedarchiver.archive.migration import Migrated


@click.command("migrate")
@common
@click.option(
    "--to",
    "target",
    required=True,
    type=PathName(path_type=Path, dir_okay=False),
    help="The configuration that says where: `store` and `index` under [archive], and [s3].",
)
def migrate_command(console: Console, target: Path) -> int:
    """Copy the archive and its index to where another configuration has them. Both stay as they are here.

    Between folders and buckets, SQLite and PostgreSQL, in any direction, also while the daemon runs here; call it again
    to complete what was cut off, or to copy what has come since. Feeds are built there, with the same bytes. Variables
    of the environment that take the place of keys count for the present configuration only.
    """
    from feedarchiver.archive.migration import Migration

    here = load(console.config_path)
    there = load(target, environment.without(os.environ, TABLES))
    _check(here, there, target)
    complaints = Complaints(console)
    with Archive.open(here.store, here.index) as source:
        bucket = store_at(there.store, there.index.parent)
        with Archive(there.store, bucket, source.format, there.index) as archive:
            with console.progress("copying") as advance:
                migration = Migration(source, archive, complaints.fault, advance)
                done = migration.run()
            if done.gone_on:
                _merge(console, source, there, complaints)
                return 3 if complaints.count else 0
            with console.progress("verifying") as advance:
                for fault in migration.check(advance):
                    complaints.fault(fault)
    _say(console, done, there, target, complaints.count, index_only=here.store == there.store)
    return 3 if complaints.count else 0


def _say(  # noqa: PLR0913 - each is one thing that is said
    console: Console, done: "Migrated", there: Config, target: Path, faults: int, *, index_only: bool
) -> None:
    parts = [f"index copied to {there.index}"]
    if not index_only:
        parts.insert(0, f"{plural(done.copied, 'object')} copied to {there.store}, {done.there} there before")
    parts += [plural(faults, "fault")] if faults else []
    parts.append("what arrives here from now on stays here until this is run again")
    parts.append(f"`feedarchiver build --config {target}` makes the same feeds")
    console.say(
        "; ".join(parts),
        event="migrated",
        store=str(there.store),
        index=str(there.index),
        copied=done.copied,
        there=done.there,
        faults=faults,
    )


def _merge(console: Console, source: Archive, there: Config, complaints: Complaints) -> None:
    """Take in there what has come here since the archive there has gone on by itself."""
    from feedarchiver.archive.choosing import Choice, Chosen

    chosen = Chosen(source, Choice(), complaints.fault)
    with console.progress("choosing") as advance:
        chosen.choose(advance)
    lead = f"{there.store} has gone on by itself: "
    take_in(console, chosen, there.store, there.index, complaints, lead)


def _check(here: Config, there: Config, target: Path) -> None:
    """See that there is something to be moved, and that neither comes to lie in the other. Raises UsageError."""
    store, index = here.store == there.store, _place(here.index) == _place(there.index)
    if store and index:
        raise UsageError(f"{target} names the same store and index as the present configuration; nothing was done")
    if index:
        raise UsageError(
            f"{here.index} is the index of both, and each of two stores needs its own; name another in {target}, "
            'like index = "sqlite:moved/index.db" under [archive]; nothing was done'
        )
    if isinstance(here.store, Path) and isinstance(there.store, Path) and not store:
        one, other = here.store.resolve(), there.store.resolve()
        if one.is_relative_to(other) or other.is_relative_to(one):
            raise UsageError(f"{there.store} and {here.store} lie in one another; nothing was done")


def _place(index: Path | IndexAddress) -> Path | str:
    return index.resolve() if isinstance(index, Path) else index.url
