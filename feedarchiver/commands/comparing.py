"""log and diff: the versions of an article, and what changed between them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console, common
from feedarchiver.commands.naming import NAME, instant, one, opened, plural, said
from feedarchiver.errors import ArchiveError
from feedarchiver.model import ObjectId, short

if TYPE_CHECKING:
    from feedarchiver.archive.lookup import Version
    from feedarchiver.archive.telling import Telling
    from feedarchiver.textdiff import Piece


@click.command("log")
@common
@click.argument("name", metavar=NAME)
def log_command(console: Console, name: str) -> int:
    """List the versions of an article, most recent first: when and where each was captured, and what it changed."""
    from feedarchiver.archive.lookup import versions

    damaged: list[str] = []
    with opened(console) as archive:
        found = one(console, archive, name)
        listed = versions(archive.index, found.entry)
        told = [_told(archive, version.article, damaged) for version in listed]
    for number in range(len(listed), 0, -1):
        before = told[number - 2] if number > 1 else None
        _say_version(console, number, listed[number - 1], before, told[number - 1])
    for fault in damaged:
        console.warn(fault, event="fault", text=fault)
    captures = sum(len(version.captures) for version in listed)
    text = f"{plural(len(listed), 'version')}, {plural(captures, 'capture')} of {found.id}"
    console.say(text, event="log", id=found.id, versions=len(listed), captures=captures)
    return 1 if damaged else 0


@click.command("diff")
@common
@click.argument("name", metavar=NAME)
@click.argument("other", metavar=f"[{NAME}]", required=False)
def diff_command(console: Console, name: str, other: str | None) -> int:
    """Show what changed between the last two versions of an article or, when two are named, from one to the other.

    Removed words stand in [-...-], added ones in {+...+}; on a terminal, in red and green.
    """
    from feedarchiver.archive.lookup import versions
    from feedarchiver.archive.telling import changed, telling

    with opened(console) as archive:
        found = one(console, archive, name)
        if other is None:
            pair = [version.article for version in versions(archive.index, found.entry)][-2:]
        else:
            pair = [found.article, one(console, archive, other).article]
        if len(pair) == 1:
            console.say("there is one version, nothing to compare", event="diff", objects=pair, changed=[])
            return 0
        before, after = (telling(archive.article(object_id)) for object_id in pair)
    names = changed(before, after)
    if console.json:
        told = {part: [(kind.value, text) for kind, text in _pieces(before, after, part)] for part in names}
        console.say("", event="diff", objects=pair, changed=names, pieces=told)
        return 0
    console.show(("from  ", "faint"), f"{short(pair[0])}  {before.title}")
    console.show(("to    ", "faint"), f"{short(pair[1])}  {after.title}")
    for part in names:
        _say_change(console, part, _pieces(before, after, part))
    if not names:
        console.say("nothing that is shown has changed")
    return 0


def _told(archive: Archive, object_id: ObjectId, damaged: list[str]) -> "Telling | None":
    from feedarchiver.archive.telling import telling

    try:
        return telling(archive.article(object_id))
    except ArchiveError as error:
        damaged.append(str(error))
        return None


def _say_version(
    console: Console, number: int, version: "Version", before: "Telling | None", after: "Telling | None"
) -> None:
    from feedarchiver.archive.history import moment
    from feedarchiver.archive.telling import changed

    first, last = (moment(version.captures[place].fact.captured) for place in (0, -1))
    sources = sorted({taken.fact.source for taken in version.captures})
    names = changed(before, after) if before and after else ()
    console.show(
        (f"version {number}", "title"),
        f"  {short(version.article)}  captured {said(first)}",
        f" to {said(last)}" if last != first else "",
        f"  {', '.join(sources)}",
        ("  shown" if version.shown else "", "title"),
        event="version",
        number=number,
        object=version.article,
        title=after.title if after else None,
        date=after.date if after else None,
        first_captured=instant(first),
        last_captured=instant(last),
        captures=len(version.captures),
        sources=sources,
        shown=version.shown,
        changed=names if number > 1 else None,
    )
    if console.json or after is None:
        return
    console.show("    ", after.title)
    console.show("    ", (f"dated {after.date or 'nowhere'}", "faint"))
    if number > 1:
        console.show("    ", (f"changed: {', '.join(names) or 'nothing that is shown'}", "faint"))
    if before and "title" in names:
        console.show("    ", *_styled(_pieces(before, after, "title")))


def _say_change(console: Console, name: str, pieces: "tuple[Piece, ...]") -> None:
    """Print a changed part; of a long text, the surroundings of each change on a line of its own."""
    from feedarchiver.textdiff import shortened

    console.show((name, "title"))
    for line in _lines(shortened(pieces)):
        console.show("    ", *_styled(line))


def _lines(pieces: "tuple[Piece, ...]") -> "Iterator[tuple[Piece, ...]]":
    from feedarchiver.textdiff import Kind, Piece

    line: list[Piece] = []
    for piece in pieces:
        if piece.kind is Kind.LEFT_OUT:
            if line:
                yield (*line, Piece(Kind.SAME, "…"))
            line = [Piece(Kind.SAME, "…")]
        else:
            line.append(piece)
    if len(line) > 1 or (line and line[0].text != "…"):
        yield tuple(line)


def _styled(pieces: "tuple[Piece, ...]") -> list[str | tuple[str, str]]:
    from feedarchiver.textdiff import Kind

    styles = {Kind.REMOVED: "removed", Kind.ADDED: "added"}
    return [(piece.text, styles.get(piece.kind, "")) for piece in pieces]


def _pieces(before: "Telling", after: "Telling", name: str) -> "tuple[Piece, ...]":
    """Compare one part. An address or a date is replaced whole."""
    from feedarchiver.textdiff import Kind, Piece, diff

    old, new = getattr(before, name) or "", getattr(after, name) or ""
    if name in ("title", "text"):
        return diff(old, new)
    return tuple(piece for piece in (Piece(Kind.REMOVED, old), Piece(Kind.ADDED, new)) if piece.text)
