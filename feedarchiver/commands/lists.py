"""import-opml and export-opml: the configured feeds as a list, from one program to another."""

from pathlib import Path

import click

from feedarchiver.commands.console import Console, PathName, common
from feedarchiver.commands.naming import plural
from feedarchiver.config import load
from feedarchiver.config.sources import url as url_
from feedarchiver.errors import StorageError, UsageError
from feedarchiver.urls import canonical
from feedarchiver.watching.secrets import masked


@click.command("import-opml")
@common
@click.argument("file", type=PathName(path_type=Path, exists=True, dir_okay=False))
def import_opml_command(console: Console, file: Path) -> int:
    """Add a [[source]] to the configuration for each feed of the OPML list FILE that is not there yet."""
    from feedarchiver.config.adding import add, source_table
    from feedarchiver.gather import opml

    config = load(console.config_path, adding=True)
    try:
        outlines = opml.read(file.read_bytes())
    except ValueError as error:
        raise UsageError(f"{file}: {error}; nothing was changed") from None
    except OSError as error:
        raise StorageError.of(error, "read", str(file), "nothing was changed") from error
    taken = {source.id.casefold() for source in config.sources}
    known = {canonical(source.asking.url) for source in config.sources if source.asking}
    fresh = [outline for outline in outlines if canonical(outline.url) not in known]
    tables, refused = [], 0
    for outline in fresh:
        try:
            url_(outline.url)
        except ValueError as error:
            refused += 1
            name = masked(outline.url)
            console.warn(f"refused {name}: {error}; not added", event="refused", url=name, reason=str(error))
        else:
            tables.append(source_table("feed", outline.url, outline.title, outline.language, taken))
    for source in add(console.config_path, tables) if tables else ():
        url = source.asking.url if source.asking else None
        console.say(f"added {source.id}: {url}", event="added", id=source.id, url=url)
    there = len(outlines) - len(fresh)
    told = f"{plural(len(tables), 'source')} added, {there} there already" + (f", {refused} refused" if refused else "")
    console.say(told, event="imported", added=len(tables), known=there, refused=refused)
    return 3 if refused else 0


@click.command("export-opml")
@common
def export_opml_command(console: Console) -> int:
    """Print the configured feeds as an OPML list, for any other program that reads feeds."""
    from feedarchiver.gather import opml

    config = load(console.config_path)
    sources = ((source, source.asking.url) for source in config.sources if source.asking and source.kind == "feed")
    outlines = (opml.Outline(url, source.title or source.id, source.language) for source, url in sources)
    console.hand_over(opml.written(config.title, outlines))
    return 0
