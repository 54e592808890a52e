"""Check of the selectors of a [[source]]: where on its pages is what, and how its dates are written."""

import re
from collections.abc import Iterator
from datetime import UTC, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

from feedarchiver.config import checks
from feedarchiver.config.checks import shown

if TYPE_CHECKING:
    from feedarchiver.gather.select import Select

_LISTING = ("items", "link", "title", "date", "picture", "author")  # where on a listing page is what
_SELECTORS = (*_LISTING, "content")
_KEYS = (*_SELECTORS, "remove", "zone", "day_first", "date_format")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_FARTHEST = timedelta(hours=15)


def selectors(value: object) -> "Select":
    """Take a table of CSS selectors, with how dates are written."""
    if not isinstance(value, dict) or not value:
        raise ValueError(f'must be a table like {{ items = "div.news", content = "article" }}, not {shown(value)}')
    from feedarchiver.gather.dated import Writing  # most configurations do without
    from feedarchiver.gather.select import Select

    said: dict[str, str] = {}
    for key, given in value.items():
        if key not in _KEYS:
            raise ValueError(checks.unknown(key, _KEYS, "key"))
        if key in _SELECTORS:
            said[key] = _named(key, given)
    listed = value.get("remove", [])
    removed = [_named("remove", one) for one in (listed if isinstance(listed, list) else [listed])]
    zone, first, form = (value.get(key) for key in ("zone", "day_first", "date_format"))
    writing = Writing(
        format=None if form is None else _format(form),
        zone=None if zone is None else _zone(zone),
        day_first=False if first is None else _truth(first),
    )
    select = Select(**said, remove=tuple(removed), writing=writing)
    if problems := select.problems():
        raise ValueError(problems[0].removeprefix("select."))
    return select


def of_no_use(select: "Select", kind: str) -> Iterator[str]:
    """Name what is said of a listing page, where there is none."""
    for key in _LISTING:
        if getattr(select, key) is not None:
            yield f"{key}: a source of kind {kind!r} says that itself; leave it out"


def _named(key: str, value: object) -> str:
    try:
        return checks.text(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _format(value: object) -> str:
    """Take what `strptime` takes. Without any of its codes it would read no date, and say nothing."""
    form = _named("date_format", value)
    if "%" not in form:
        raise ValueError(f"date_format: {form!r} has no codes; write it like '%d.%m.%Y %H:%M'")
    return form


def _truth(value: object) -> bool:
    try:
        return checks.truth(value)
    except ValueError as error:
        raise ValueError(f"day_first: {error}") from None


def _zone(value: object) -> tzinfo:
    """Take the name of a time zone, or what it is ahead of UTC."""
    from zoneinfo import ZoneInfo

    name = _named("zone", value)
    if name == "UTC":
        return UTC
    if found := _OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if ahead < _FARTHEST:
            return timezone(-ahead if found[1] == "-" else ahead)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError
        raise ValueError(f"zone: {shown(name)} is not a time zone like 'Asia/Shanghai' or '+08:00'") from None
