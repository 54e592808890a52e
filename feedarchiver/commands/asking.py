"""update and sources: asking what is configured on the web, and how that went."""

import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from feedarchiver import updating
from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console, common
from feedarchiver.commands.main import tell_health
from feedarchiver.commands.naming import instant, plural
from feedarchiver.config import Config, load
from feedarchiver.config.sources import Source
from feedarchiver.errors import UsageError
from feedarchiver.gather.web.politeness import Bounds
from feedarchiver.model import Outcome, Received
from feedarchiver.updating import unread
from feedarchiver.updating.source import beyond, remembered

if TYPE_CHECKING:
    from feedarchiver.gather.web.client import Turn

_FIRST = timedelta(hours=1)
_MOST_SHOWN = 3  # pages that failed
_DONE, _SOME_FAILED = 0, 3


@click.command("update")
@common
@click.option("--all", "everything", is_flag=True, help="Ask every source, due or not.")
@click.option("--backfill", is_flag=True, help="Follow the sources' own archives back to their beginning, once.")
@click.option("--dry-run", is_flag=True, help="Ask, and show what would be stored; store nothing.")
@click.argument("sources", nargs=-1)
def update_command(
    console: Console, sources: tuple[str, ...], *, everything: bool, backfill: bool, dry_run: bool
) -> int:
    """Ask the sources on the web that are due, or those named, and archive what they say.

    Then fetch the pictures that are due, of sources with `images` in config.toml, for ten minutes at most.
    """
    config = load(console.config_path)
    chosen = _chosen(config, sources, illustrated=True)
    manner = updating.Manner(due_only=not (everything or sources), backfill=backfill, dry_run=dry_run)
    wants = [] if dry_run else [source for source in chosen if source.pictures]
    with Archive.create(config.store, config.index, now=datetime.now(UTC)) as archive:
        archive.keeps_cleaned = bool(wants)  # their articles are looked at again
        done = update(console, config, archive, chosen, manner)
        said, counted = [told(done, dry_run=dry_run)], figures(done)
        if wants:
            from feedarchiver.commands import pictures

            fetched = pictures.fetch(console, config, archive, wants, due_only=manner.due_only)
            said, counted = [*said, pictures.told(fetched)], counted | pictures.figures(fetched)
        if not dry_run:
            tell_health(console, config, archive)
    console.say("; ".join(filter(None, said)), event="foreseen" if dry_run else "updated", **counted)
    return _SOME_FAILED if done.failures else _DONE


@click.command("reprocess")
@common
@click.argument("sources", nargs=-1)
def reprocess_command(console: Console, sources: tuple[str, ...]) -> int:
    """Read the archived pages of the sources on the web, or of those named, again; nobody is asked.

    After an improvement of what finds the text, or of a source's selectors: where an article's text changes, it is a
    new version.
    """
    from feedarchiver.updating.again import reprocess

    config = load(console.config_path)
    chosen = [asked for source in _chosen(config, sources) if (asked := web(source)).full_text or sources]
    with Archive.open(config.store, config.index) as archive, console.progress("reading again") as advance:
        done = reprocess(
            archive,
            chosen,
            now=console.now(),
            advance=advance,
            told=lambda _, received: console.detail(f"{received.source}: version: {received.article.title}"),
        )
    for failure in done.failures:
        console.warn(f"{failure.source}: {failure.text}", event="failed", source=failure.source, reason=failure.text)
    text = f"{plural(done.pages, 'page')} read again, {plural(done.versions, 'new version')}"
    text += f", {len(done.failures)} failed" if done.failures else ""
    console.say(text, event="reprocessed", pages=done.pages, versions=done.versions, failed=len(done.failures))
    return _SOME_FAILED if done.failures else _DONE


def update(
    console: Console, config: Config, archive: Archive, sources: Sequence[Source], manner: updating.Manner
) -> updating.Updated:
    """Ask sources, and name what failed and what a person should know."""

    def show(outcome: Outcome, received: Received) -> None:
        article = received.article
        line = f"{received.source}: {outcome.name.lower()}: {article.title or article.link or article.guid}"
        if not manner.dry_run:
            console.detail(line)
            return
        said = {"link": article.link, "title": article.title, "published": instant(article.published)}
        console.say(line, event="would store", source=received.source, outcome=outcome.name.lower(), **said)

    with console.progress("asking") as advance, taking_turns(config) as turn:
        done = updating.update(
            archive,
            (web(source) for source in sources if source.asking),
            now=console.now(),
            manner=manner,
            contact=config.contact,
            chance=random.random,
            advance=advance,
            told=show,
            beat=console.step,
            turn=turn,
        )
    for notice in done.notices:
        console.warn(f"{notice.source}: {notice.text}", event="notice", source=notice.source, text=notice.text)
    for failure in done.failures:
        console.warn(f"{failure.source}: {failure.text}", event="failed", source=failure.source, reason=failure.text)
    return done


def taking_turns(config: Config) -> "AbstractContextManager[Turn | None]":
    """Ask in turn with workers, if there are any."""
    if config.engine is None:
        return nullcontext()
    from feedarchiver.commands.directing import need

    need()
    from feedarchiver.working.hosts import taking_turns as taken

    return taken(config.engine)


def told(done: updating.Updated, *, dry_run: bool = False) -> str:
    """Sum up for a person."""
    if not (done.asked or done.pages):
        return "no source is due"
    parts = [f"{plural(done.asked, 'source')} asked", *([plural(done.pages, "page")] if done.pages else [])]
    parts += [f"{len(done.failures)} failed"] if done.failures else []
    parts += [plural(done.articles, "article"), f"{done.new} new"]
    parts += [plural(done.versions, "new version")] if done.versions else []
    parts += [f"{done.noise} with other markup only"] if done.noise else []
    parts += [f"{done.excluded} excluded"] if done.excluded else []
    return ", ".join(parts) + ("; nothing was stored" if dry_run else "")


def figures(done: updating.Updated) -> dict[str, object]:
    """Sum up for a script."""
    names = ("asked", "pages", "unchanged", "articles", "new", "versions", "noise", "known", "excluded")
    return {name: getattr(done, name) for name in names} | {"failed": len(done.failures)}


@click.command("sources")
@common
def sources_command(console: Console) -> int:
    """List the sources: when each last answered, when it is due, how many articles it gave, what is wrong with it."""
    config = load(console.config_path)
    with Archive.create(config.store, config.index, now=datetime.now(UTC)) as archive:
        rows = [_row(archive, source) for source in config.sources]
    if not console.json:
        for line in _table(rows):
            console.say(line)
    for row in rows if console.json else ():
        console.say("", event="source", **row)
    return _DONE


def _chosen(config: Config, names: tuple[str, ...], *, illustrated: bool = False) -> list[Source]:
    """Choose among the sources on the web, and `illustrated`: those whose pictures are. Raises UsageError."""
    asked = {source.id: source for source in config.sources if source.asking or (illustrated and source.pictures)}
    for name in names:
        if name not in asked:
            is_folder = any(source.id == name for source in config.sources)
            what = "is a folder: `feedarchiver import` reads it" if is_folder else "is not in the configuration"
            raise UsageError(f"source {name} {what}; nothing was done")
    return [asked[name] for name in dict.fromkeys(names)] if names else [*asked.values()]


def web(source: Source) -> updating.WebSource:
    """Make what is asked of what is configured."""
    asking = source.asking
    if asking is None:
        raise ValueError(f"source {source.id} is not on the web")
    shortest, longest = asking.interval
    return updating.WebSource(
        id=source.id,
        kind=source.kind,
        url=asking.url,
        bounds=Bounds(min(max(_FIRST, shortest), longest), shortest, longest),
        filter=asking.filter,
        most=asking.max_articles,
        headers=asking.headers,
        timeout_s=asking.timeout.total_seconds(),
        allow_private=asking.allow_private,
        select=asking.select,
        full_text=asking.full_text,
        longest_ago=asking.max_age,
    )


def _row(archive: Archive, source: Source) -> dict[str, object]:
    """Gather what is known of a source."""
    row: dict[str, object] = {"id": source.id, "kind": source.kind, "articles": archive.index.entries(source.id)}
    if source.pictures:
        waiting, failed, latest = archive.index.wanted.lacking(source.id)
        row |= {"pictures_waiting": waiting, "pictures_missing": failed}
        row |= {"picture_trouble": f"{latest.url}: {latest.trouble}"} if latest else {}
    if source.asking is None:
        return row
    known = remembered(archive.index, web(source))
    standing = known.standing
    if source.asking.full_text:
        pages = [*unread.pages(archive.index, source.id)]
        left = [one for one in unread.left(archive.index, source.id) if not one.excluded]
        trouble = [{"link": one.known.article.link, "reason": one.trouble} for one in (*pages, *left) if one.trouble]
        row |= {"pages_waiting": len(pages), "pages_given_up": len(left), "pages_failed": trouble}
    row["left_out"] = sum(beyond(archive.index, source.id).values())
    return row | {
        "url": source.asking.url,
        "moved": known.address,
        "answered": instant(standing.answered) if standing else None,
        "due": instant(standing.due) if standing else None,
        "gone": standing is not None and standing.due is None,
        "failed": standing.failed if standing else 0,
        "failing_since": instant(standing.failing_since) if standing else None,
        "trouble": standing.trouble if standing else None,
        "gaps": [[instant(since), instant(until)] for since, until in known.gaps],
        "problems": [*known.problems, *([known.unmatched] if known.unmatched else [])],
        "backfilled": known.complete,
    }


def _table(rows: Sequence[dict[str, object]]) -> Iterator[str]:
    """Write rows in columns, and below each what is wrong."""
    cells = [("SOURCE", "KIND", "ARTICLES", "LAST ANSWER", "NEXT DUE")]
    for row in rows:
        due = "never: gone" if row.get("gone") else _minute(row.get("due"))
        cells.append((str(row["id"]), str(row["kind"]), str(row["articles"]), _minute(row.get("answered")), due))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, cell in enumerate(cells):
        yield "  ".join(text.ljust(width) for text, width in zip(cell, widths, strict=True)).rstrip()
        yield from (f"    {line}" for line in (_wrong(rows[number - 1]) if number else ()))


def _wrong(row: dict[str, object]) -> Iterator[str]:
    if row.get("failed"):
        times = plural(int(str(row["failed"])), "time")
        yield f"failed {times} since {_minute(row['failing_since'])}: {row['trouble']}"
    if row.get("moved"):
        yield f"moved to {row['moved']}"
    for since, until in row.get("gaps", ()):  # type: ignore[attr-defined]
        yield f"possible gap between {_minute(since)} and {_minute(until)}"
    if row.get("pages_waiting"):
        yield f"pages of articles that are still to be read: {row['pages_waiting']}"
    if row.get("left_out"):
        yield f"articles that are left out until there is room for them: {row['left_out']:,}"
    if row.get("pages_given_up"):
        yield f"pages that are not tried any more until the source is named: {row['pages_given_up']}"
    failed: list[dict[str, str]] = row.get("pages_failed", [])  # type: ignore[assignment]
    yield from (f"{one['link']}: {one['reason']}" for one in failed[:_MOST_SHOWN])
    yield from row.get("problems", ())  # type: ignore[misc]
    if count := row.get("pictures_waiting"):
        yield f"{plural(count, 'picture')} still to be fetched"  # type: ignore[arg-type]
    if count := row.get("pictures_missing"):
        yield f"{plural(count, 'picture')} not to be had so far; the last: {row['picture_trouble']}"  # type: ignore[arg-type]


def _minute(text: object) -> str:
    return str(text)[:16].replace("T", " ") if text else "-"
