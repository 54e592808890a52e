"""init: a folder that works as it is."""

from pathlib import Path

import click

from feedarchiver.commands.console import Console, PathName, common
from feedarchiver.config.starter import start


@click.command("init")
@common
@click.argument("folder", default=".", type=PathName(path_type=Path, file_okay=False))
def init_command(console: Console, folder: Path) -> int:
    """Write an annotated config.toml, seeds/ and feeds/ into FOLDER. Nothing is overwritten."""
    for path in start(folder):
        console.say(f"made {path}", event="made", path=str(path))
    console.say(
        f"put seed files into {folder / 'seeds'}, then call: feedarchiver run", event="next", folder=str(folder)
    )
    return 0
