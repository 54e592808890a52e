"""A date as a page writes it for people: in a format its source is known to use, or found among other words.

What is relative ("3 hours ago") or lacks its year is no date: nothing here knows what day it is.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from feedarchiver import dates

_LONGEST = 300
_CJK_DAY = re.compile(r"([12]\d{3})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日號号일]?")
_CJK_TIME = re.compile(r"(上午|下午|晚上|午前|午後|오전|오후)?\s*(\d{1,2})[時时點点시:](\d{2})[分분]?(?::?(\d{2})秒?)?")
_AFTERNOON = frozenset(("下午", "晚上", "午後", "오후"))
_NOON = 12
_CLOCK = r"(?:[T,\s]\s*(?:at\s+)?\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:\s*[ap]\.?m\.?)?)?"
_ZONE = r"(?:\s*(?:Z|[+-]\d{2}:?\d{2}|(?:UTC|GMT)(?:[+-]\d{1,2}(?::?\d{2})?)?|[A-Z]{3,4})\b)?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\.?"
_AMONG_WORDS = re.compile(
    rf"(?<![\d./-])(?:[12]\d{{3}}([-/.])\d{{1,2}}\1\d{{1,2}}|\d{{1,2}}([-/.])\d{{1,2}}\2[12]\d{{3}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s{_MONTH},?\s[12]\d{{3}}|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s[12]\d{{3}}){_CLOCK}{_ZONE}",
)
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")


class Writing(NamedTuple):
    """How a source writes its dates. `format`: as strptime reads it; `zone`: that of a time which names none."""

    format: str | None = None
    zone: tzinfo | None = None
    day_first: bool = False


def read(text: str, writing: Writing = Writing()) -> datetime | None:  # noqa: B008 - a value, never changed
    """Read the date in `text`, or None. Of a time whose zone nobody says, the day is kept."""
    text = " ".join(text[:_LONGEST].split())
    if not text:
        return None
    if writing.format is not None:
        return _formatted(text, writing.format, writing.zone)
    for form in _forms(text):
        found = dates.parse(form, day_first=writing.day_first, zone=writing.zone)
        if found is None and (timed := dates.parse(form, day_first=writing.day_first, zone=UTC)):
            found = timed.replace(hour=0, minute=0, second=0, microsecond=0)
        if found is not None:
            return found
    return None


def _forms(text: str) -> Iterator[str]:
    """Write a text as `dates.parse` may read it: as it is, in figures, and only the part that looks like a date."""
    if day := _CJK_DAY.search(text):
        year, month, number = (int(group) for group in day.groups())
        written = f"{year:04}-{month:02}-{number:02}"
        if time := _CJK_TIME.match(text, day.end()) or _CJK_TIME.match(text, _after_weekday(text, day.end())):
            half, hour, minute, second = time.groups()
            later = _NOON if half in _AFTERNOON and int(hour) < _NOON else 0
            written += f" {int(hour) + later:02}:{minute}:{second or '00'}"
        yield written
        return
    yield text
    if found := _AMONG_WORDS.search(text):
        yield re.sub(r",?\s+at\s+", " ", _ORDINAL.sub("", found[0]))


def _after_weekday(text: str, at: int) -> int:
    """Step over blanks, a comma, and the day of the week."""
    found = re.compile(r"[\s,，]*(?:[(（]?(?:星期|週|周)?[一二三四五六日天月火水木金土](?:曜日?)?[)）]?)?\s*").match(
        text, at
    )
    return found.end() if found else at


def _formatted(text: str, form: str, zone: tzinfo | None) -> datetime | None:
    """Read a text that is in a format, or begins or ends with what is."""
    words = text.split(" ")
    count = len(form.split())
    for part in (text, " ".join(words[:count]), " ".join(words[-count:])):
        try:
            when = datetime.strptime(part, " ".join(form.split()))  # noqa: DTZ007 - it may name a zone
        except ValueError:
            continue
        if when.tzinfo is None:
            timed = "%H" in form or "%I" in form or "%X" in form or "%c" in form or "%T" in form
            if zone is None and timed:
                when = when.replace(hour=0, minute=0, second=0, microsecond=0)
            when = when.replace(tzinfo=zone or UTC)
        try:
            return when.astimezone(UTC)
        except (OverflowError, ValueError):  # the first and last days of datetime
            return None
    return None
