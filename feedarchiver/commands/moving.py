"""export and import-archive: an archive, or a choice of it, from one machine to another."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.commands.console import Console, PathName, common
from feedarchiver.commands.naming import opened, plural
from feedarchiver.config import Config, feeds_for, load
from feedarchiver.errors import UsageError
from feedarchiver.model import Filter, Refusal
from feedarchiver.s3.address import Address

if TYPE_CHECKING:
    from feedarchiver.archive.choosing import Choice, Chosen
    from feedarchiver.archive.holdings import Holding

_DATE = click.DateTime(["%Y-%m-%d"])
_FILES = (".tar", ".tar.zst")
_OTHER_FILES = (".gz", ".bz2", ".xz", ".zip", ".7z", ".tgz", ".tzst", ".zst")


class Complaints:
    """What could not be copied: said on stderr, and counted."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.count = 0

    def fault(self, line: str) -> None:
        """Name a fault of this archive."""
        self.count += 1
        self._console.warn(line, event="fault", fault=line)

    def refuse(self, refusal: Refusal) -> None:
        """Name what was not taken."""
        self.count += 1
        said = {"place": refusal.place, "reason": refusal.reason, "kept": refusal.kept}
        self._console.warn(str(refusal), event="refused", **said)


@click.command("export")
@common
@click.option("--source", "sources", multiple=True, help="Only from this source; may be repeated.")
@click.option("--feed", "feed_id", help="Only the articles that this feed takes, or tells the changes of.")
@click.option("--since", type=_DATE, help="Only what was published (else captured) on this day (UTC) or later.")
@click.option("--until", type=_DATE, help="Only what was published (else captured) on this day (UTC) or earlier.")
@click.argument("target", type=PathName(path_type=Path))
def export_command(  # noqa: PLR0913, PLR0917 - as many as there are options
    console: Console,
    target: Path,
    sources: tuple[str, ...],
    feed_id: str | None,
    since: datetime | None,
    until: datetime | None,
) -> int:
    """Copy the archive into TARGET: a file (.tar or .tar.zst, which must not be there yet) or a folder.

    A folder becomes an archive of its own; one that is an archive already gets what it lacks. Every object is checked
    on the way; what is damaged is named and left out. With --source, --feed, --since or --until only the articles so
    chosen are copied, with all their versions.
    """
    from feedarchiver.archive.choosing import Chosen

    config = load(console.config_path)
    _check_target(config, target)
    complaints = Complaints(console)
    with opened(console) as archive:
        choice = _choice(config, archive, sources, feed_id, _days(since, until))
        chosen = Chosen(archive, choice, complaints.fault)
        with console.progress("choosing") as advance:
            chosen.choose(advance)
        if target.name.endswith(_FILES):
            _write_file(console, archive, chosen, target, complaints)
        else:
            take_in(console, chosen, target.absolute(), target.absolute() / "index.db", complaints)
    return 1 if complaints.count else 0


@click.command("import-archive")
@common
@click.argument("copy", type=PathName(path_type=Path))
def import_archive_command(console: Console, copy: Path) -> int:
    """Take in what COPY holds: a file or folder that `export` made, or the folder of another archive.

    Into an empty archive it comes as it is, and the feeds will be the same. What an archive knows already changes
    nothing. What is older than the last run here comes as news of today: pages that are published never change.
    """
    from feedarchiver.archive.holdings import FolderHolding
    from feedarchiver.archive.tarred import TarHolding

    config = load(console.config_path)
    if not copy.exists():
        raise UsageError(f"there is no {copy}; nothing was imported")
    complaints = Complaints(console)
    kind = FolderHolding if copy.is_dir() else TarHolding
    holding = kind(copy, 2 * config.max_seed_bytes, complaints.refuse)
    take_in(console, holding, config.store, config.index, complaints)
    return 3 if complaints.count else 0


def _write_file(console: Console, archive: Archive, chosen: "Chosen", target: Path, complaints: Complaints) -> None:
    from feedarchiver.archive.tarred import write_tar

    with console.progress("exporting") as advance:
        count = write_tar(target, archive, chosen, advance)
    told = f"{plural(count, 'object')} exported to {target}"
    console.say(told, event="exported", target=str(target), objects=count, faults=complaints.count)


def take_in(  # noqa: PLR0913, PLR0917 - each is one thing that a command knows
    console: Console,
    holding: "Holding",
    store: Path | Address,
    index: Path | IndexAddress,
    complaints: Complaints,
    lead: str = "",
) -> None:
    """Take in what another archive holds, and say what it came to, after `lead`."""
    from feedarchiver.archive.copies import Incoming

    now = datetime.now(UTC)
    with console.progress("copying") as advance:
        incoming = Incoming(holding, complaints.refuse, advance)
        with Archive.create(store, index, now=now) as archive:
            done = incoming.into(archive, now)
    parts = [f"{plural(done.new, 'capture')} taken in", f"{done.known} known"]
    parts += [plural(done.images, "image")] if done.images else []
    parts += [f"{done.restored} restored"] if done.restored else []
    parts += [f"{complaints.count} refused"] if complaints.count else []
    told = lead + ", ".join(parts)
    if done.arrived and done.new:
        told += "; they are not newer than what was here, so what is new in them comes as news of today"
    console.say(
        told,
        event="copied",
        new=done.new,
        known=done.known,
        images=done.images,
        restored=done.restored,
        arrived=done.arrived,
        refused=complaints.count,
    )


def _check_target(config: Config, target: Path) -> None:
    """See that TARGET is a file that can be written, or a folder apart from the archive. Raises UsageError."""
    if target.name.endswith(_OTHER_FILES) and not target.name.endswith(_FILES):
        raise UsageError(f"{target}: an export is a .tar, a .tar.zst or a folder; nothing was done")
    here = config.index.parent if isinstance(config.store, Address) else config.store
    store, whole = here.resolve(), target.resolve()
    if whole == store or whole.is_relative_to(store) or store.is_relative_to(whole):
        raise UsageError(f"{target}: a copy does not belong into the archive itself, nor around it; nothing was done")


def _choice(
    config: Config, archive: Archive, sources: tuple[str, ...], feed_id: str | None, days: Filter | None
) -> "Choice":
    from feedarchiver.archive.choosing import Choice

    archived = archive.index.sources()
    if unknown := set(sources) - set(archived):
        raise UsageError(f"there is no source {', '.join(sorted(unknown))}; nothing was exported")
    wanted = frozenset(sources) or None
    filters = [days]
    if feed_id is not None:
        feed = next((feed for feed in feeds_for(config, archived) if feed.id == feed_id), None)
        if feed is None:
            raise UsageError(f"there is no feed {feed_id}; nothing was exported")
        filters.append(feed.filter)
        if feed.sources is not None:
            wanted = frozenset(feed.sources) & (wanted or frozenset(feed.sources))
    return Choice(sources=wanted, filters=tuple(filter(None, filters)))


def _days(since: datetime | None, until: datetime | None) -> Filter | None:
    """Choose by day, the last one included."""
    if since is None and until is None:
        return None
    first = None if since is None else since.replace(tzinfo=UTC)
    return Filter(since=first, until=None if until is None else until.replace(tzinfo=UTC) + timedelta(days=1))
