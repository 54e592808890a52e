"""What a request asks of a file that is there: which version the client has, which part it wants, packed or not.

Pure: headers in, decisions out. Spec: RFC 9110, sections 8.8, 12.5.3, 13 and 14. What is malformed is as if not said.
"""

import re
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_TAG = re.compile(rb'(?:W/)?"([^"]*)"')
_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")
_QUALITY = re.compile(rb"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


class Part(NamedTuple):
    """Bytes from `start` to before `end`."""

    start: int
    end: int


def takes_gzip(accepted: bytes | None) -> bool:
    """Tell whether a client asks for gzip. One that says nothing, or only "*", does not: some break on it."""
    for coding in (accepted or b"").lower().split(b","):
        name, _, parameter = coding.partition(b";")
        if name.strip() in (b"gzip", b"x-gzip"):
            quality = _QUALITY.fullmatch(parameter.strip()) if parameter.strip() else None
            return quality is None or float(quality[1]) > 0
    return False


def known_tag(none_match: bytes, tags: tuple[str, ...]) -> str | None:
    """Return which of the tags a client has, if any. "*" has the first."""
    if none_match.strip() == b"*":
        return tags[0]
    has = {tag.decode("latin-1") for tag in _TAG.findall(none_match)}
    return next((tag for tag in tags if tag in has), None)


def is_newer(modified_s: int, since: bytes) -> bool:
    """Tell whether a file has been modified since the instant a client names."""
    seconds = _seconds(since)
    return seconds is None or modified_s > seconds


def is_same(if_range: bytes | None, tag: str, modified_s: int | None) -> bool:
    """Tell whether the version that a client has a part of is this one. None: it does not say, and takes any."""
    if if_range is None or if_range == f'"{tag}"'.encode():
        return True
    return modified_s is not None and _seconds(if_range) == modified_s


def part(wanted: bytes, size: int) -> Part | None:
    """Read a single range. None for anything else, which is answered whole; an empty part where there is nothing."""
    found = _RANGE.fullmatch(wanted.strip())
    if not found or found[0] == b"bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    return Part(start, end) if start < end else Part(0, 0)


def _seconds(date: bytes) -> float | None:
    try:
        return parsedate_to_datetime(date.decode("ascii")).timestamp()
    except (ValueError, OverflowError):
        return None
