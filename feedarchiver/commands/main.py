"""import, build and run: the way of an article from a seed file into the feeds."""

from datetime import UTC, datetime
from pathlib import Path

import click

from feedarchiver import flow
from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console, common
from feedarchiver.config import Config, feeds_for, load
from feedarchiver.errors import UsageError

_DONE, _FAILED, _REFUSED = 0, 1, 3


@click.command("import")
@common
@click.option("--source", help="The source that files outside the configured folders belong to.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def import_command(console: Console, paths: tuple[Path, ...], source: str | None) -> int:
    """Archive seed files: those of the configured folders, or the files and folders named by PATHS."""
    config = load(console.config_path)
    folders = [_adopt(config, path, source) for path in paths] or _folders(config)
    with _create(config) as archive:
        done = _import(console, config, archive, folders)
    console.say(_told(done), event="imported", **_figures(done))
    return _REFUSED if done.refused else _DONE


@click.command("build")
@common
def build_command(console: Console) -> int:
    """Publish the feeds of what the archive holds. Files whose bytes would not change are not touched."""
    config = load(console.config_path)
    with Archive.open(config.store, config.index) as archive:
        done = _build(console, config, archive)
    console.say(_told(done), event="built", **_figures(done))
    return _FAILED if done.faults else _DONE


@click.command("run")
@common
def run_command(console: Console) -> int:
    """Archive what is new in the configured folders, then publish the feeds. Safe to call at any time, from cron."""
    config = load(console.config_path)
    with _create(config) as archive:
        imported = _import(console, config, archive, _folders(config))
        built = _build(console, config, archive)
    told = f"{_told(imported)}; {_told(built)}"
    console.say(told, event="run", imported=_figures(imported), built=_figures(built))
    if built.faults:
        return _FAILED
    return _REFUSED if imported.refused else _DONE


def _create(config: Config) -> Archive:
    return Archive.create(config.store, config.index, now=datetime.now(UTC))


def _folders(config: Config) -> list[flow.SeedFolder]:
    return [flow.SeedFolder(path=_near(source.folder), source=source.id) for source in config.sources]


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
        if source is None and whole.is_relative_to(configured.folder):
            start = whole.relative_to(configured.folder).as_posix()
            folder = _near(configured.folder)
            return flow.SeedFolder(path=folder, source=configured.id, start="" if start == "." else start)
    return flow.SeedFolder(path=path, source=source or config.sources[0].id, remembers=False)


def _import(console: Console, config: Config, archive: Archive, folders: list[flow.SeedFolder]) -> flow.Imported:
    with console.progress("archiving") as advance:
        done = flow.import_seeds(
            archive, folders, now=datetime.now(UTC), limit_bytes=config.max_seed_bytes, advance=advance
        )
    for refusal in done.refused:
        console.warn(str(refusal), event="refused", place=refusal.place, reason=refusal.reason, kept=refusal.kept)
    for warning in done.warnings:
        console.warn(f"warning: {warning}", event="warning", text=warning)
    return done


def _build(console: Console, config: Config, archive: Archive) -> flow.Built:
    feeds = feeds_for(config, archive.index.sources())
    with console.progress("building") as advance:
        target = flow.Target(config.published, config.base_url)
        done = flow.build(archive, feeds, target, size=2 * config.page_size, advance=advance)
    for fault in done.faults:
        console.warn(fault, event="fault", text=fault)
    return done


def _told(done: flow.Imported | flow.Built) -> str:
    """Sum up for a person."""
    if isinstance(done, flow.Built):
        return (
            f"{_count(done.feeds, 'feed')}, {_count(len(done.written), 'document')} written, {done.unchanged} unchanged"
        )
    parts = [_count(done.articles, "article"), f"{done.new} new"]
    parts += [_count(done.versions, "new version")] if done.versions else []
    parts += [f"{done.noise} with other markup only"] if done.noise else []
    parts += [f"{len(done.refused)} refused"] if done.refused else []
    return ", ".join(parts)


def _figures(done: flow.Imported | flow.Built) -> dict[str, object]:
    """Sum up for a script."""
    if isinstance(done, flow.Built):
        return {"feeds": done.feeds, "written": done.written, "unchanged": done.unchanged, "faults": len(done.faults)}
    counts = {name: getattr(done, name) for name in ("articles", "new", "versions", "noise", "known")}
    return counts | {"refused": len(done.refused)}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
