"""Instants: read from stamps, texts and links; written for feeds. Pure: no clock, no locale, no file.

Written as RFC 3339 and RFC 822; read from those, from ISO 8601 and, last, from whatever python-dateutil understands.
Every instant that leaves this module is an aware datetime in UTC. A text that does not say its year, month and day is
no date: nothing is filled in from today. Of a date without a time the instant is the day's first. A leap second, which
RFC 3339 writes as 23:59:60 at the end of a month in UTC, is the second after it, as POSIX counts.

A time whose zone is unsaid is no instant. `parse` takes the zone from its caller, who may know it, and otherwise
refuses; `for_machines` keeps the day, which is known, and drops the time. Zone names are those of RFC 822 and a few
that mean one thing only; any other name is refused, since a wrong guess would be hours off.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND, _LEAP, _MONTH_BEGINS = timedelta(seconds=1), "60", (1, 0, 0, 0)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}
_ZONE_HOURS = dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0)
_ZONE_HOURS |= {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}  # RFC 822, 5.1
_ZONE_HOURS |= {"west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3, "hkt": 8, "jst": 9, "kst": 9}

_LONGEST_DATE = 100
_YEARS_OF_THE_WEB = range(1990, 2101)  # any other year in a page or link is a field not filled in, or a number

_STAMP = re.compile(r"(-?)([0-9]{1,20})(?:\.([0-9]{1,20}))?")
_TIME = r"([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]+))?)?"
_ZONE = r"([A-Z]{1,5}|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})"
_ISO = re.compile(rf"([0-9]{{4}})([-/.]?)([0-9]{{2}})\2([0-9]{{2}})(?:(?:T|\s+){_TIME}\s*{_ZONE}?)?", re.IGNORECASE)
_RFC822 = re.compile(
    rf"(?:[A-Z]{{3,9}},?\s*)?([0-9]{{1,2}})[\s-]([A-Z]{{3}})[\s-]([0-9]{{4}}|[0-9]{{2}})(?:\s+{_TIME}\s*{_ZONE}?)?",
    re.IGNORECASE,
)
_COMMENT_AT_END = re.compile(r"\s\([^()]*\)$")
_LINK_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_LINK_DATE = re.compile(
    r"/(?:([0-9]{4})/([0-9]{2})/([0-9]{2})(?=/|$)"
    r"|([0-9]{4})-([0-9]{2})-([0-9]{2})(?=[-_/]|$)"
    r"|([0-9]{4})([0-9]{2})([0-9]{2})(?=[-_/]))"  # eight bare digits at the end are more often a number than a day
)


class _Reading(NamedTuple):
    """What a text says: a naive date and time, whether the time was said, and the zone if it was.

    `is_leap`: it said the second after `when` as a leap second.
    """

    when: datetime
    timed: bool
    zone: tzinfo | None
    is_leap: bool = False


def from_stamp(text: str) -> tuple[datetime, str] | None:
    """Read a seed's stamp: the instant, and "stamp" (milliseconds) or "stamp-seconds" (ten digits).

    Exact: no float is involved; what is finer than a microsecond is cut. None for what is no decimal number
    (`NaN`) or what `datetime` cannot hold.
    """
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        return None
    sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
    digits, provenance = (6, "stamp-seconds") if len(whole) == 10 else (3, "stamp")  # noqa: PLR2004 - ten is the rule
    micros = int(whole + fraction.ljust(digits, "0")[:digits])
    try:
        return _EPOCH + timedelta(microseconds=-micros if sign else micros), provenance
    except OverflowError:
        return None


def parse(text: str, *, day_first: bool = False, zone: tzinfo | None = None) -> datetime | None:
    """Read a date written for people or machines, or None.

    `day_first` decides what 12/10/2020 is. `zone` is the zone of a text that names none; without it such a text
    is None, unless it says a day only, which is then a day in UTC.
    """
    text = text.strip()
    if len(text) > _LONGEST_DATE:
        return None
    reading = _read_exact(text) or _read_loosely(text, day_first=day_first)
    if reading is None:
        return None
    return _instant(reading, zone or (None if reading.timed else UTC))


def from_link(url: str) -> datetime | None:
    """Read the day in a link's path: /2023/11/04/, /20231104-, /2023-11-04-slug. Midnight UTC, or None."""
    path = _LINK_ORIGIN.sub("", url, count=1).partition("#")[0].partition("?")[0]
    for match in _LINK_DATE.finditer(path):
        year, month, day = (int(group) for group in match.groups() if group is not None)
        reading = _reading(year, month, day, None, None)
        if reading is not None and year in _YEARS_OF_THE_WEB:
            return _instant(reading, UTC)
    return None


def for_machines(text: str, *, whole: bool = False) -> datetime | None:
    """Read a date of the web's years that is written for machines, ISO 8601 or RFC 822 and nothing else, or None.

    Of a time without a zone, the day; `whole`: only an instant, with time and zone.
    """
    text = text.strip()
    reading = _read_exact(text) if len(text) <= _LONGEST_DATE else None
    if reading is None or reading.when.year not in _YEARS_OF_THE_WEB:
        return None
    if whole and (not reading.timed or reading.zone is None):
        return None
    if reading.timed and reading.zone is None:
        reading = _Reading(datetime.combine(reading.when, datetime.min.time()), timed=False, zone=None)
    return _instant(reading, UTC)


def rfc3339(when: datetime) -> str:
    """Write `when` for Atom and JSON: UTC, `Z`, a fraction only if there is one. Raises ValueError on a naive one."""
    return _utc(when).isoformat().removesuffix("+00:00") + "Z"


def rfc822(when: datetime) -> str:
    """Write `when` for RSS: English names, four-digit year, +0000, whole seconds. Raises ValueError on a naive one."""
    utc = _utc(when)
    day = f"{_WEEKDAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year:04}"
    return f"{day} {utc.hour:02}:{utc.minute:02}:{utc.second:02} +0000"


def _utc(when: datetime) -> datetime:
    if when.tzinfo is UTC:
        return when
    if when.utcoffset() is None:
        raise ValueError(f"an instant needs a zone: {when!r}")
    return when.astimezone(UTC)


def _instant(reading: _Reading, unsaid: tzinfo | None) -> datetime | None:
    """Place a reading on the line of time; `unsaid` is the zone if it said none."""
    zone = reading.zone or unsaid
    if zone is None:
        return None
    when = reading.when.replace(tzinfo=zone)
    try:
        if zone is not UTC:
            when = when.astimezone(UTC)
        if reading.is_leap:
            when += _SECOND
            return when if (when.day, when.hour, when.minute, when.second) == _MONTH_BEGINS else None
    except (OverflowError, ValueError):  # the first and last days of datetime
        return None
    return when


def _read_exact(text: str) -> _Reading | None:
    """Read ISO 8601 (calendar dates) and RFC 822, to the letter but for customary spaces."""
    if match := _ISO.fullmatch(text):
        year, _, month, day, *time, zone = match.groups()
        return _reading(int(year), int(month), int(day), time, zone)
    if match := _RFC822.fullmatch(text):
        day, name, year, *time, zone = match.groups()
        century = 0 if len(year) == 4 else 2000 if int(year) < 50 else 1900  # noqa: PLR2004 - RFC 2822, section 4.3
        return _reading(century + int(year), _MONTH_NUMBERS.get(name.lower(), 0), int(day), time, zone)
    return None


def _reading(year: int, month: int, day: int, time: list[str | None] | None, zone: str | None) -> _Reading | None:
    """Build a reading from its parts; None if there is no such day, time or zone."""
    hour, minute, second, fraction = time or (None, None, None, None)
    offset = _zone(zone) if zone else None
    if zone and offset is None:
        return None
    micros = int((fraction or "")[:6].ljust(6, "0"))
    try:
        whole = 59 if second == _LEAP else int(second or 0)
        when = datetime(year, month, day, int(hour or 0), int(minute or 0), whole, micros)  # noqa: DTZ001
    except ValueError:
        return None
    return _Reading(when, hour is not None, offset, second == _LEAP)


@lru_cache(maxsize=100)  # one source says one or two
def _zone(text: str) -> timezone | None:
    """Read `+0800`, `+08:00`, `+08` or a name known to mean one thing."""
    if text[0] not in "+-":
        hours = _ZONE_HOURS.get(text.lower())
        return None if hours is None else timezone(timedelta(hours=hours))
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - a clock
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _read_loosely(text: str, *, day_first: bool) -> _Reading | None:
    """Let python-dateutil read `text`, without its traps.

    It fills gaps from a default, so it is asked twice: what differs was not said. It takes the century from the
    clock, so the year must stand in the text. It reads GMT+8 as eight hours behind, and year/day/month if `dayfirst`.
    """
    from dateutil.parser import parse as read  # slow to load, seldom needed

    text = re.sub(r"\b(?:UTC|GMT)(?=[+-][0-9])", "", _COMMENT_AT_END.sub("", text), flags=re.IGNORECASE)
    day_first = day_first and not text[:4].isdigit()
    try:
        first, other = (
            read(text, default=default, dayfirst=day_first, tzinfos=_loose_zone)
            for default in (datetime(2000, 1, 1, 0), datetime(2012, 12, 28, 1))  # noqa: DTZ001 - gaps, not instants
        )
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError):  # all seen of it on odd texts
        return None
    if first.date() != other.date() or f"{first.year:04}" not in text:
        return None
    when = first.replace(tzinfo=None)
    return _Reading(when, when.hour == other.hour, first.tzinfo)


def _loose_zone(name: str | None, offset: int | None) -> tzinfo | None:
    """Answer python-dateutil: the zone it found by name or offset in seconds; ValueError refuses the text."""
    if name is None:
        return None if offset is None else timezone(timedelta(seconds=offset))
    zone = _zone(name)
    if zone is None:
        raise ValueError(f"unknown zone {name}")
    return zone
