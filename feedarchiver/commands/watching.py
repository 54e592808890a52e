"""status: how archive and sources are; and what that comes to for a feed of health, for the server, for Prometheus."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.asking import web
from feedarchiver.commands.console import Console, common
from feedarchiver.commands.naming import instant, plural
from feedarchiver.config import Config, load
from feedarchiver.watching.room import Room, size
from feedarchiver.watching.room import look as look_at_disks
from feedarchiver.watching.sources import Seen, Watched, minute

if TYPE_CHECKING:
    from feedarchiver.watching.overview import Overseer, Overview
    from feedarchiver.working.queue import Seen as Queued

_MOST_NAMED = 8  # sources of one run


@click.command("status")
@common
def status_command(console: Console) -> int:
    """Show how everything is: the archive, its sources and their troubles, the last runs, the disk.

    It reads the index and asks nobody.
    """
    from feedarchiver.watching.overview import Overseer

    config = load(console.config_path)
    with Archive.open(config.store, config.index) as archive:
        seen = overview(config, archive, Overseer())
        queue = queued(config, archive)
    if console.json:
        console.say("", event="status", **told(seen), **({} if queue is None else _queue(queue)))
        return 0
    for label, lines in (*_shown(seen), *([] if queue is None else _shown_queue(queue))):
        for number, line in enumerate(lines):
            console.show(("" if number else label).ljust(11), line)
    if seen.sources:
        console.show("")
    for parts in _table(seen.sources):
        console.show(*parts)
    return 0


def overview(config: Config, archive: Archive, overseer: "Overseer") -> "Overview":
    """See how everything that is configured is."""
    return overseer.look(archive, watched(config, archive), config.published, rooms(config), datetime.now(UTC))


def queued(config: Config, archive: Archive) -> "Queued | None":
    """See how the jobs and their workers are, where there are any."""
    if config.engine is None:
        return None
    from feedarchiver.working.queue import Queue

    with closing(Queue(config.engine, archive.format)) as queue:
        return queue.seen()


def rooms(config: Config) -> Iterator[Room]:
    """Look at the disks that everything lies on."""
    places = {"archive": config.store, "index": config.index_folder, "feeds": config.published}
    return look_at_disks({name: place for name, place in places.items() if isinstance(place, Path)})


def watched(config: Config, archive: Archive) -> Iterator[Watched]:
    """Name the sources that are to be watched: those configured, and those that are subfolders of theirs."""
    own = {source.id for source in config.sources}
    for source in config.sources:
        asked = web(source) if source.asking else None
        yield Watched(source.id, source.title or source.id, asked, source.folder)
    folders = [source.folder for source in config.sources if source.folder]
    for name in archive.index.sources():
        folder = next((folder / name for folder in folders if (folder / name).is_dir()), None)
        if name not in own and folder:
            yield Watched(name, name, None, folder)


def tell(console: Console, config: Config, archive: Archive) -> int:
    """Archive what has begun to be wrong, and what is so no more. Returns how much."""
    from feedarchiver.watching import incidents

    count = incidents.tell(archive, watched(config, archive), rooms(config), console.now())
    if count:
        console.say(f"{plural(count, 'report')} of health", event="health", reports=count)
    return count


def told(seen: "Overview") -> dict[str, object]:
    """Write an overview for a script."""
    totals, last = seen.totals, seen.verified
    return {
        "at": instant(seen.at),
        "articles": totals.articles,
        "versions": totals.versions,
        "captures": totals.captures,
        "objects": totals.size.objects,
        "bytes": totals.size.bytes,
        "bytes_on_disk": totals.size.on_disk + totals.index_bytes,
        "oldest": instant(totals.oldest),
        "newest": instant(totals.newest),
        "published": instant(seen.published),
        "states": {state.value: count for state, count in seen.states().items()},
        "sources": [_source(source) for source in seen.sources],
        "other_sources": [*seen.others],
        "incidents": [
            {"kind": one.kind, "about": one.subject, "since": instant(one.noticed)} for one in seen.incidents
        ],
        "runs": [{"at": instant(run.at), "captures": run.captures, "sources": [*run.sources]} for run in seen.runs],
        "verified": last and {**last._asdict(), "at": instant(last.at)},
        "disks": [{**room._asdict(), "low": room.is_low} for room in seen.rooms],
    }


def _source(seen: Seen) -> dict[str, object]:
    standing = seen.standing
    return {
        "id": seen.source.id,
        "title": seen.source.title,
        "host": seen.source.place,
        "state": seen.state.value,
        "reasons": [*seen.reasons],
        "articles": seen.articles,
        "news": instant(seen.news),
        "answered": instant(standing.answered) if standing else None,
        "due": instant(standing.due) if standing else None,
    }


def _queue(seen: "Queued") -> dict[str, object]:
    """Write how the jobs are for a script."""
    jobs = {"waiting": seen.waiting, "under_way": seen.under_way, "failed": seen.failed}
    return {"jobs": jobs, "workers": [{"name": name, "seen": instant(at)} for name, at in seen.workers]}


def _shown_queue(seen: "Queued") -> Iterator[tuple[str, list[str]]]:
    """Write how the jobs are, by label."""
    yield "jobs", [f"{seen.waiting:,} waiting, {seen.under_way:,} under way, {seen.failed:,} failed"]
    yield (
        "workers",
        [f"{name}, last heard of {at.astimezone(UTC):%H:%M:%S} UTC" for name, at in seen.workers] or ["none"],
    )


def _shown(seen: "Overview") -> Iterator[tuple[str, list[str]]]:
    """Write what is not about single sources, by label."""
    totals = seen.totals
    many = [plural(totals.articles, "article"), plural(totals.versions, "version"), plural(totals.captures, "capture")]
    on_disk = size(totals.size.on_disk + totals.index_bytes)
    many.append(f"{on_disk} on disk ({size(totals.size.bytes)} in {plural(totals.size.objects, 'object')})")
    yield "archive", [", ".join(many)]
    if totals.oldest and totals.newest:
        yield "dated", [f"{totals.oldest:%Y-%m-%d} to {totals.newest:%Y-%m-%d}"]
    runs = [f"{minute(run.at)}  {plural(run.captures, 'capture')}, {_few(run.sources)}" for run in seen.runs]
    yield "last runs", runs or ["none has brought anything yet"]
    yield "feeds", [f"changed {minute(seen.published)}" if seen.published else "not built yet"]
    last = seen.verified
    result = last and (plural(last.faults, "fault") if last.faults else "no fault")
    yield "verified", [f"{minute(last.at)}{' (--quick)' if last.quick else ''}, {result}" if last else "not yet"]
    disks = [
        f"{size(room.free_bytes)} of {size(room.bytes)} left ({room.name}){'; LOW' if room.is_low else ''}"
        for room in seen.rooms
    ]
    yield "disk", disks
    counted = ", ".join(f"{count} {state.value}" for state, count in seen.states().items() if count)
    others = f"; {len(seen.others)} more in the archive only" if seen.others else ""
    yield "sources", [f"{counted or 'none'}{others}"]


def _few(names: tuple[str, ...]) -> str:
    """Name some sources, and count the others: a run may be of thousands."""
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _table(sources: tuple[Seen, ...]) -> Iterator[list[str | tuple[str, str]]]:
    """Write sources in columns, and below each what is wrong."""
    rows = [("SOURCE", "STATE", "ARTICLES", "LAST NEWS", "LAST ANSWER", "NEXT DUE")]
    for seen in sources:
        standing = seen.standing
        due = standing and ("never" if standing.due is None else f"{standing.due:%Y-%m-%d %H:%M}")
        answered = standing and standing.answered and f"{standing.answered:%Y-%m-%d %H:%M}"
        news = seen.news and f"{seen.news:%Y-%m-%d %H:%M}"
        rows.append((seen.source.id, seen.state.value, str(seen.articles), news or "-", answered or "-", due or "-"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        yield ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()]
        for reason in sources[number - 1].reasons if number else ():
            yield ["    ", (reason, "faint")]
