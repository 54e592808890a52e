"""When to ask again: the decisions after an answer or a failure. Pure: the clock and chance are handed in.

What succeeds is asked at an interval that adapts between two bounds: halved when something new was there, lengthened
by a quarter when nothing was, the shortest when articles may have been missed. What fails is asked ever more rarely,
never not at all: only 410 (gone) ends the asking, until a person asks for it. Retry-After holds for the address and
for its host, for a day at most; the next one may say it again.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import NamedTuple

from feedarchiver.gather.web.exchange import Answer, Failure, Kind

_FIRST_RETRY = timedelta(minutes=5)
_RAREST = timedelta(days=1)
_FARTHEST = timedelta(days=3650)
_SKEW = timedelta(minutes=5)  # between the clocks of several machines
_MOST_DOUBLINGS = 20
_EARLY = 0.1  # so that an hourly run finds an hourly source due
_LATE = 0.25
_LONGEST_SECONDS = 9  # digits
_TOO_MANY = 429
# What may be better in a moment. Anything else is not before its usual time.
_PASSING = (Kind.UNREACHABLE, Kind.TIMEOUT, Kind.CUT, Kind.BUSY, Kind.FAULTY)


class Bounds(NamedTuple):
    """How often a source is asked: first, at most, at least."""

    first: timedelta
    shortest: timedelta
    longest: timedelta


class Found(Enum):
    """What an answer held. GAP: nothing of what was there before, so something may have been missed in between."""

    NOTHING_NEW = "nothing new"
    NEW = "new"
    GAP = "gap"


class Standing(NamedTuple):
    """What is remembered of an address that was asked, at `asked`, and is to be asked again at `due`; None: gone.

    `moved` is where it says that it lives now; `etag` and `modified` belong to the last answer that was stored, which
    came at `answered`. `failed` counts failures in a row, the first at `failing_since`, the last for `trouble`.
    """

    due: datetime | None
    asked: datetime
    interval: timedelta | None = None
    moved: str | None = None
    etag: str | None = None
    modified: str | None = None
    answered: datetime | None = None
    failed: int = 0
    failing_since: datetime | None = None
    trouble: str | None = None


class Host(NamedTuple):
    """What is remembered of a host: not to be asked before an instant."""

    not_before: datetime


class Wait(NamedTuple):
    """Why an address is not asked now, and until when; None: for ever."""

    reason: str
    until: datetime | None


def wait(standing: Standing | None, host: Host | None, now: datetime) -> Wait | None:
    """Say why an address is not to be asked now; None if it is. One that is not known is due.

    What was remembered well in the future was remembered under a wrong clock, and does not count.
    """
    if standing is not None and standing.due is None:
        return Wait("gone (410)", None)
    if host is not None and now < host.not_before <= now + _RAREST:
        return Wait("its host asked to wait", host.not_before)
    if standing is not None and standing.due is not None and standing.asked - _SKEW <= now < standing.due:
        return Wait("failed lately" if standing.failed else "asked lately", standing.due)
    return None


def succeeded(  # noqa: PLR0913 - each is one thing that a caller knows
    standing: Standing | None, answer: Answer, found: Found, bounds: Bounds, now: datetime, *, chance: float
) -> Standing:
    """Decide after an answer whose articles are stored. `chance`, from 0 to 1, spreads what would come at once."""
    known = (standing.interval if standing else None) or bounds.first
    changed = {Found.NEW: 0.5, Found.NOTHING_NEW: 1.25, Found.GAP: 0.0}[found]
    interval = min(max(min(known, _FARTHEST) * changed, bounds.shortest), bounds.longest, _FARTHEST)
    return Standing(
        due=now + interval * (1 - _EARLY * chance),
        asked=now,
        interval=interval,
        moved=answer.moved or (standing.moved if standing else None),
        etag=answer.etag,
        modified=answer.modified,
        answered=now,
    )


def failed(standing: Standing | None, failure: Failure, bounds: Bounds, now: datetime, *, chance: float) -> Standing:
    """Decide after a failure. What belongs to the last good answer stays; a move that led nowhere is forgotten."""
    before = standing or Standing(due=now, asked=now)
    passing = may_pass(failure)
    if before.moved and not passing:
        before = before._replace(moved=None, etag=None, modified=None)
        passing = True
    times = before.failed + 1
    due = None
    if failure.kind is not Kind.GONE or passing:
        usual = before.interval or bounds.first
        first = min(_FIRST_RETRY, usual) if passing else usual
        doubled_s = first.total_seconds() * 2 ** min(times - 1, _MOST_DOUBLINGS)
        rarest = min(max(_RAREST, bounds.longest), _FARTHEST)
        due = now + min(timedelta(seconds=min(doubled_s, rarest.total_seconds())), rarest) * (1 + _LATE * chance)
        asked = retry_at(failure.retry_after, now)
        due = due if asked is None else max(due, asked)
    since = before.failing_since or now
    return before._replace(due=due, asked=now, failed=times, failing_since=since, trouble=failure.reason)


def may_pass(failure: Failure) -> bool:
    """Tell whether what failed may be better in a moment."""
    return failure.kind in _PASSING


def is_for_host(failure: Failure) -> bool:
    """Tell whether a failure asks to leave the whole host alone for now."""
    return failure.kind is Kind.BUSY and (failure.retry_after is not None or failure.status == _TOO_MANY)


def host_after(host: Host | None, result: Answer | Failure, now: datetime) -> Host | None:
    """Decide what an answer means for everything else on its host; None: nothing."""
    instants = [host.not_before] if host is not None and now < host.not_before <= now + _RAREST else []
    if isinstance(result, Failure) and is_for_host(result):
        instants.append(retry_at(result.retry_after, now) or now + _FIRST_RETRY)
    return Host(max(instants)) if instants and max(instants) > now else None


def retry_at(retry_after: str | None, now: datetime) -> datetime | None:
    """Read a Retry-After, in seconds or as a date (RFC 9110 section 10.2.3), of a day at most; None: it says nothing.

    A date is the server's clock; one in the past means now.
    """
    text = (retry_after or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return now + (min(timedelta(seconds=int(text)), _RAREST) if len(text) <= _LONGEST_SECONDS else _RAREST)
    try:
        said = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    said = said if said.tzinfo is not None else said.replace(tzinfo=UTC)
    return min(max(said, now), now + _RAREST)
