"""A change of the page size: sealed pages are meant never to change, so a person agrees to it first."""

import sys

import click

from feedarchiver import building
from feedarchiver.archive.archive import Archive
from feedarchiver.commands.naming import plural
from feedarchiver.config import Config, feeds_for
from feedarchiver.errors import UsageError


def ask_to_reseal(config: Config, archive: Archive, *, agreed: bool) -> None:
    """See that nobody cuts sealed pages anew without knowing. Raises UsageError when that is not agreed to."""
    what = None if agreed else would_reseal(config, archive)
    if what is None:
        return
    if not sys.stdin.isatty() or not sys.stderr.isatty():
        raise UsageError(f"{what}; add --reseal to do it, or set it back; nothing was done")
    if not click.confirm(f"{what}. Cut them anew?", err=True):
        raise UsageError("nothing was done; set page_size back to go on as before")


def would_reseal(config: Config, archive: Archive) -> str | None:
    """Say which sealed pages the configured page size would cut anew."""
    feeds = feeds_for(config, archive.index.sources())
    cut = building.resealed(archive, feeds, config.page_size, config.published, config.bucket)
    if not cut:
        return None
    count = sum(feed.pages for feed in cut)
    return (
        f"page_size is {config.page_size} now and was {cut[0].size}: {plural(count, 'archive page')} of "
        f"{plural(len(cut), 'feed')} would be cut anew, although archive pages are meant never to change"
    )
