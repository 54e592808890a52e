"""What is wrong, and how that is said: the decisions behind a feed of health. Pure.

Addresses are not told in full: a feed of health may be read by others.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from feedarchiver.archive.history import microseconds
from feedarchiver.watching.room import Room, size
from feedarchiver.watching.secrets import masked
from feedarchiver.watching.sources import Seen, days, minute, times
from feedarchiver.watching.verified import Verified

DAMAGE = "damage"

_FAILURES, _FAILING = 3, timedelta(hours=6)  # anything less is a bad night


class Said(NamedTuple):
    """What is said of something: a headline, and paragraphs, in which commands stand between backquotes."""

    title: str
    text: tuple[str, ...] = ()


class Verdict(NamedTuple):
    """Whether something is wrong now; None: nobody can tell. What to say then, and what when it is over.

    `subject` is a source's id or a place. What is never over has no `after`.
    """

    kind: str
    subject: str
    is_so: bool | None
    said: Said
    after: Said | None = None


def of_source(seen: Seen) -> Iterator[Verdict]:
    """Judge a source."""
    yield _failing(seen) if seen.source.web else _missing(seen)
    yield _silent(seen)
    title, id_ = seen.source.title, seen.source.id
    for since, until in seen.gaps:
        replaced = f"Between {minute(since)} and {minute(until)} everything that {title} offered was replaced"
        text = (
            f"{replaced}: what came and went in between is not in the archive.",
            f"If the source has an archive of its own, `feedarchiver update --backfill {id_}` follows it.",
            "A shorter interval makes gaps rarer.",
        )
        said = Said(f"Articles of {title} may be missing", text)
        yield Verdict("gap", f"{id_}\t{microseconds(since)}", is_so=True, said=said)


def of_room(room: Room) -> Verdict:
    """Judge the disk that something lies on."""
    left = f"On the disk of {room.name} {size(room.free_bytes)} of {size(room.bytes)} are left"
    left += f", and names for {room.free_files:,} of {room.files:,} files." if room.files else "."
    full = "When it is full, nothing new is archived; what is archived stays whole."
    is_so = True if room.is_low else False if room.is_ample else None
    said = Said(f"The disk of {room.name} is nearly full", (left, full))
    return Verdict("room", room.name, is_so, said, Said(f"There is room again on the disk of {room.name}", (left,)))


def of_archive(last: Verified) -> Verdict:
    """Judge the archive by its last verification."""
    looked = f"`feedarchiver verify` of {minute(last.at)} looked at {last.objects:,} objects"
    faults = f"{last.faults:,} {'fault' if last.faults == 1 else 'faults'}"
    advice = "Nothing was repaired. Restore what is named from a copy, and verify again."
    is_so = True if last.faults else None if last.quick else False
    said = Said("The archive is damaged", (f"{looked} and found {faults}:", *map(masked, last.first), advice))
    return Verdict(
        DAMAGE, "archive", is_so, said, Said("The archive is whole again", (f"{looked} and found no fault.",))
    )


def _missing(seen: Seen) -> Verdict:
    title = seen.source.title
    said = Said(f"{title} cannot be read", (f"The folder of source {seen.source.id} is not there.",))
    return Verdict("failing", seen.source.id, not seen.is_there, said, Said(f"{title} can be read again"))


def _failing(seen: Seen) -> Verdict:
    standing, title, id_ = seen.standing, seen.source.title, seen.source.id
    if standing is None:
        return Verdict("failing", id_, None, Said(title))
    since, is_gone = standing.failing_since, standing.due is None
    lasts = standing.failed >= _FAILURES and since is not None and seen.at - since >= _FAILING
    reason = masked(standing.trouble or "nobody knows why")
    often = f"{times(standing.failed)} since" if standing.failed > 1 else "at"
    failed = f"Source {id_} failed {often} {minute(since)}: {reason}."
    then = f"It is asked again from {minute(standing.due)} on, and then ever more rarely."
    if is_gone:
        then = f"It is not asked again until it is named: `feedarchiver update {id_}`."
    headline = f"{title} is gone" if is_gone else f"{title} has not answered since {minute(since)}"
    is_so = True if is_gone or lasts else None if standing.failed else False
    answer = (f"Its last answer came at {minute(standing.answered)}.",) if standing.answered else ()
    said = Said(headline, (failed, then, "What is archived stays."))
    return Verdict("failing", id_, is_so, said, Said(f"{title} answers again", answer))


def _silent(seen: Seen) -> Verdict:
    title, id_, lull = seen.source.title, seen.source.id, seen.silence
    if lull is None or seen.news is None or not seen.is_heard:
        return Verdict("silent", id_, None, Said(title))
    lately = f"lately there were never more than {days(lull.usual)} from one day with something new to the next"
    advice = "See whether what fills its folder still runs."
    if seen.source.web:
        advice = "It answers: see whether its address still has what it had."
    text = (f"The last that was new came on {seen.news:%Y-%m-%d}, {days(lull.days)} ago; {lately}.", advice)
    said = Said(f"{title} is silent longer than usual", text)
    return Verdict("silent", id_, lull.is_unusual, said, Said(f"{title} has something new again"))
