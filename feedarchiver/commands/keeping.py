"""verify and reindex: looking after what is kept."""

from datetime import UTC, datetime

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console, common
from feedarchiver.commands.naming import plural
from feedarchiver.commands.surveying import surveying
from feedarchiver.config import load
from feedarchiver.watching import verified

_WAIT_S = 5.0  # for another process that writes: to take down what was found is worth no more


@click.command("verify")
@common
@click.option("--quick", is_flag=True, help="Look at names and sizes only.")
def verify_command(console: Console, *, quick: bool) -> int:
    """Read every object, check it against its name and what it refers to, and hold the index against the objects."""
    config = load(console.config_path)
    counts: dict[str, int] = {}
    faults: list[str] = []
    began = datetime.now(UTC)
    with (
        Archive.open(config.store, config.index, wait_s=_WAIT_S) as archive,
        surveying(console, config, archive) as surveyor,
        console.progress("verifying") as advance,
    ):
        for checked in archive.verify(quick=quick, surveyor=surveyor):
            counts[checked.kind] = counts.get(checked.kind, 0) + 1
            if checked.fault:
                faults.append(str(checked))
                fields = {"kind": checked.kind, "name": checked.name, "fault": checked.fault}
                console.warn(str(checked), event="fault", **fields)
            advance(checked.name)
        objects = sum(number for kind, number in counts.items() if kind != "index")
        verified.note(archive, verified.Verified(began, quick, objects, len(faults), tuple(faults)))
    articles = counts.get("articles", 0)
    console.say(
        ", ".join((plural(objects, "object"), plural(articles, "article"), plural(len(faults), "fault"))),
        event="verified",
        objects=objects,
        articles=articles,
        faults=len(faults),
    )
    return 1 if faults else 0


@click.command("reindex")
@common
def reindex_command(console: Console) -> int:
    """Make the index anew from the objects. Any command does so by itself when the index is missing or damaged."""
    config = load(console.config_path)
    with Archive.open(config.store, config.index) as archive, surveying(console, config, archive) as surveyor:
        counts = archive.reindex(surveyor)
        lack = archive.index.notes.lack()
    nouns = {"entries": "article", "versions": "version", "captures": "capture"}
    told = "{} in {}, from {}".format(*(plural(counts[name], noun) for name, noun in nouns.items()))
    console.say(told, event="reindexed", **counts)
    if lack:
        console.warn(lack, event="fault", fault=lack)
    return 1 if lack else 0
