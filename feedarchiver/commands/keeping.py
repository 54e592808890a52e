"""verify: looking after what is kept."""

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console, common
from feedarchiver.config import load


@click.command("verify")
@common
def verify_command(console: Console) -> int:
    """Read every object, check it against its name and what it refers to, and hold the index against the objects."""
    config = load(console.config_path)
    archive = Archive.open(config.store, config.index)
    counts: dict[str, int] = {}
    faults = 0
    with console.progress("verifying") as advance:
        for checked in archive.verify():
            counts[checked.kind] = counts.get(checked.kind, 0) + 1
            if checked.fault:
                faults += 1
                text = f"{checked.kind} {checked.name} {checked.fault}"
                console.warn(text, event="fault", kind=checked.kind, name=checked.name, fault=checked.fault)
            advance(checked.name)
    objects = sum(number for kind, number in counts.items() if kind != "index")
    console.say(
        f"{objects} objects, {counts.get('articles', 0)} articles, {faults} faults",
        event="verified",
        objects=objects,
        articles=counts.get("articles", 0),
        faults=faults,
    )
    return 1 if faults else 0
