"""import, build and run: the way of an article from a seed file into the feeds."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from feedarchiver import building, flow
from feedarchiver.archive.archive import Archive
from feedarchiver.commands.announcing import announce
from feedarchiver.commands.console import Console, PathName, common
from feedarchiver.commands.naming import plural
from feedarchiver.commands.resealing import ask_to_reseal
from feedarchiver.config import Config, feeds_for, load
from feedarchiver.errors import UsageError

if TYPE_CHECKING:
    from feedarchiver.building.ahead import Prepare
    from feedarchiver.updating import Updated
    from feedarchiver.updating.pictures import Fetched

_DONE, _FAILED, _REFUSED = 0, 1, 3


@click.command("import")
@common
@click.option("--source", help="The source that files outside the configured folders belong to.")
@click.option(
    "--git",
    "repository",
    type=PathName(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Archive every version of every seed file that the git repository in FOLDER remembers.",
)
@click.argument("paths", nargs=-1, type=PathName(path_type=Path))
def import_command(console: Console, paths: tuple[Path, ...], source: str | None, repository: Path | None) -> int:
    """Archive seed files: those of the configured folders, or the files and folders named by PATHS.

    A file may also be a Jekyll post, or an RSS, Atom or JSON Feed document that somebody kept.
    """
    if repository and paths:
        raise UsageError("name PATHS or --git FOLDER, not both; nothing was imported")
    config = load(console.config_path)
    chosen = [_adopt(config, path, source) for path in paths] or folders(config)
    with _create(config) as archive:
        past = repository and flow.SeedFolder(path=repository, source=source or _owner(config))
        done = _import(console, config, archive, past or chosen)
    console.say(_told(done), event="imported", **_figures(done))
    return _REFUSED if done.refused else _DONE


_reseal = click.option("--reseal", is_flag=True, help="Cut the archive pages anew when the page size has changed.")


@click.command("build")
@common
@_reseal
@click.option("--full", is_flag=True, help="Make every document anew, whatever was kept of earlier builds.")
def build_command(console: Console, *, reseal: bool, full: bool) -> int:
    """Publish the feeds of what the archive holds. Files whose bytes would not change are not touched."""
    config = load(console.config_path)
    with Archive.open(config.store, config.index) as archive:
        ask_to_reseal(config, archive, agreed=reseal)
        done = publish(console, config, archive, full=full)
        went_well = announce(console, config, archive)
    console.say(_told(done), event="built", **_figures(done))
    if done.faults:
        return _FAILED
    return _DONE if went_well else _REFUSED


@click.command("run")
@common
@_reseal
def run_command(console: Console, *, reseal: bool) -> int:
    """Archive what is new in the configured folders, ask the sources on the web that are due, then publish the feeds.

    Where sources want pictures, those are fetched then, and published likewise. Safe to call at any time, from cron.
    """
    config = load(console.config_path)
    with _create(config) as archive:
        archive.keeps_cleaned = True
        ask_to_reseal(config, archive, agreed=reseal)
        ran = run_once(console, config, archive)
        went_well = announce(console, config, archive)
    console.say(ran.told, event="run", **ran.figures)
    return ran.status if went_well else ran.status or _REFUSED


class Ran(NamedTuple):
    """What a run came to. `updated` of None: nothing on the web was to be asked.

    `fetched` of None: no source wants pictures; `again`: what was built when some had come.
    """

    imported: flow.Imported
    updated: "Updated | None"
    built: building.Built
    fetched: "Fetched | None" = None
    again: building.Built | None = None

    @property
    def status(self) -> int:
        """The exit status that tells it."""
        if (self.again or self.built).faults:
            return _FAILED
        return _REFUSED if self.imported.refused or (self.updated and self.updated.failures) else _DONE

    @property
    def told(self) -> str:
        """Sum up for a person."""
        parts = [_told(self.imported)]
        if self.updated is not None:
            from feedarchiver.commands import asking

            parts.append(asking.told(self.updated))
        parts.append(_told(self.built))
        if self.fetched is not None:
            from feedarchiver.commands import pictures

            parts.append(pictures.told(self.fetched))
        parts += [_told(self.again)] if self.again else []
        return "; ".join(filter(None, parts))

    @property
    def figures(self) -> dict[str, object]:
        """Sum up for a script."""
        figures: dict[str, object] = {"imported": _figures(self.imported)}
        if self.updated is not None:
            from feedarchiver.commands import asking

            figures["updated"] = asking.figures(self.updated)
        figures["built"] = _figures(self.built)
        if self.fetched is not None:
            from feedarchiver.commands import pictures

            figures |= pictures.figures(self.fetched)
        return figures | ({"built_again": _figures(self.again)} if self.again else {})


def run_once(console: Console, config: Config, archive: Archive) -> Ran:
    """Do what `run` does: archive what is new, ask what is due, publish the feeds, and name what was refused."""
    imported = import_new(console, config, archive)
    updated = ask_due(console, config, archive)
    tell_health(console, config, archive)
    built = publish(console, config, archive)  # articles wait for no picture
    fetched = fetch_due(console, config, archive)
    again = publish(console, config, archive) if fetched and fetched.stored else None
    return Ran(imported, updated, built, fetched, again)


def import_new(console: Console, config: Config, archive: Archive, quiet_s: float = 0) -> flow.Imported:
    """Archive what is new in the configured folders, but for files that changed within the last `quiet_s` seconds."""
    return _import(console, config, archive, folders(config), quiet_s)


def ask_due(console: Console, config: Config, archive: Archive) -> "Updated | None":
    """Ask the sources on the web that are due, if any is on the web at all."""
    web = [source for source in config.sources if source.asking]
    if not web:
        return None
    from feedarchiver.commands import asking
    from feedarchiver.updating import Manner

    return asking.update(console, config, archive, web, Manner())


def fetch_due(console: Console, config: Config, archive: Archive, patience_s: float | None = None) -> "Fetched | None":
    """Fetch the pictures that are due, if any source wants pictures at all, for `patience_s` seconds at most."""
    wants = [source for source in config.sources if source.pictures]
    if not wants:
        return None
    from feedarchiver.commands import pictures

    return pictures.fetch(console, config, archive, wants, patience_s=patience_s or pictures.PATIENCE_S)


def tell_health(console: Console, config: Config, archive: Archive) -> int:
    """Archive what has begun to be wrong, and what is so no more, if there is a feed of health. Returns how much."""
    if not config.tells_health:
        return 0
    from feedarchiver.commands import watching

    return watching.tell(console, config, archive)


def _create(config: Config) -> Archive:
    return Archive.create(config.store, config.index, now=datetime.now(UTC))


def folders(config: Config) -> list[flow.SeedFolder]:
    """List the configured folders of seed files."""
    found = ((source.id, source.folder) for source in config.sources if source.folder)
    return [flow.SeedFolder(path=_near(folder), source=name) for name, folder in found]


def _owner(config: Config) -> str:
    """Name the source of files that belong to none: the first that has a folder. Raises UsageError."""
    owner = next((source.id for source in config.sources if source.folder), None)
    if owner is None:
        raise UsageError("no source has a folder: say with --source whose files these are; nothing was imported")
    return owner


def _near(path: Path) -> Path:
    """Name a folder as a person here would."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _adopt(config: Config, path: Path, source: str | None) -> flow.SeedFolder:
    """Find the source that a path of the command line belongs to: the one named, else the one whose folder holds it."""
    if not path.exists():
        raise UsageError(f"there is no {path}; nothing was imported")
    whole = path.absolute()
    for configured in config.sources:
        if source is None and configured.folder and whole.is_relative_to(configured.folder):
            start = whole.relative_to(configured.folder).as_posix()
            folder = _near(configured.folder)
            return flow.SeedFolder(path=folder, source=configured.id, start="" if start == "." else start)
    return flow.SeedFolder(path=path, source=source or _owner(config), remembers=False)


def _import(
    console: Console,
    config: Config,
    archive: Archive,
    what: list[flow.SeedFolder] | flow.SeedFolder,
    quiet_s: float = 0,
) -> flow.Imported:
    now, limit_bytes = console.now(), config.max_seed_bytes
    with console.progress("archiving") as advance:
        if isinstance(what, flow.SeedFolder):
            done = flow.import_git(archive, what, now=now, limit_bytes=limit_bytes, advance=advance)
        else:
            done = flow.import_seeds(archive, what, now=now, limit_bytes=limit_bytes, advance=advance, quiet_s=quiet_s)
    for refusal in done.refused:
        console.warn(str(refusal), event="refused", place=refusal.place, reason=refusal.reason, kept=refusal.kept)
    for warning in done.warnings:
        console.warn(f"warning: {warning}", event="warning", text=warning)
    return done


def publish(console: Console, config: Config, archive: Archive, *, full: bool = False) -> building.Built:
    """Publish the feeds, and name what could not be published. `full`: everything anew."""
    feeds = feeds_for(config, archive.index.sources())
    target = building.Target(
        folder=config.published,
        base_url=config.base_url,
        title=config.title,
        size=config.page_size,
        pages=config.pages,
        languages=tuple((source.id, source.language) for source in config.sources if source.language),
        archived_images=config.archived_images,
        hub=config.hub,
        bucket=config.bucket,
    )
    with console.progress("building") as advance:
        prepare = _prepare(console, config, archive)
        done = building.build(archive, feeds, target, advance=advance, full=full, prepare=prepare)
    for fault in done.faults:
        console.warn(fault, event="fault", text=fault)
    return done


def _prepare(console: Console, config: Config, archive: Archive) -> "Prepare | None":
    """Have workers prepare what is to be published, where there are any."""
    if config.engine is None:
        return None
    from feedarchiver.commands.preparing import prepared

    return partial(prepared, console, archive, config.engine)


def _told(done: flow.Imported | building.Built) -> str:
    """Sum up for a person."""
    if isinstance(done, building.Built):
        parts = [plural(done.feeds, "feed"), f"{plural(len(done.written), 'document')} written"]
        parts += [f"{done.unchanged} unchanged", *([f"{len(done.removed)} removed"] if done.removed else [])]
        full = ", more had no room on the disk" if done.is_full else ""
        parts += [f"{plural(done.prepared, 'article')} prepared beforehand{full}"] if done.prepared or full else []
        return ", ".join(parts)
    parts = [plural(done.articles, "article"), f"{done.new} new"]
    parts += [plural(done.versions, "new version")] if done.versions else []
    parts += [f"{done.noise} with other markup only"] if done.noise else []
    parts += [f"{len(done.refused)} refused"] if done.refused else []
    return ", ".join(parts)


def _figures(done: flow.Imported | building.Built) -> dict[str, object]:
    """Sum up for a script."""
    if isinstance(done, building.Built):
        told = {"feeds": done.feeds, "written": done.written, "unchanged": done.unchanged, "removed": done.removed}
        return told | {"faults": len(done.faults), "prepared": done.prepared}
    counts = {name: getattr(done, name) for name in ("articles", "new", "versions", "noise", "known")}
    return counts | {"refused": len(done.refused)}
