"""Captures and articles that a stranger may have written: those of this format, down to the byte, and no others."""

import re

from feedarchiver.archive import objects
from feedarchiver.archive.history import microseconds
from feedarchiver.model import Article, Capture

_LONGEST_SOURCE = 255
_LATEST = 253_370_764_800_000_000  # 9999-01-01: the years after it must not run out
_FINGERPRINT = re.compile(r"[0-9]{1,9}:[0-9a-f]{32}")


def capture(data: bytes) -> Capture:
    """Read a capture. Raises ValueError."""
    if not objects.is_canonical(data):
        raise ValueError("it is no capture in this format")
    said = objects.decode_capture(data)
    if not 0 < len(said.source) <= _LONGEST_SOURCE:
        raise ValueError("it names no source, or one with a very long name")
    if not _FINGERPRINT.fullmatch(said.fingerprint):
        raise ValueError("its fingerprint is none")
    if microseconds(said.captured) >= _LATEST:
        raise ValueError("it was captured at the end of the calendar")
    if (said.origin is None) != (said.origin_captured is None):
        raise ValueError("it repeats a capture without saying which, or when that was")
    return said


def article(data: bytes) -> Article:
    """Read an article. Raises ValueError."""
    if not objects.is_canonical(data):
        raise ValueError("it is no article in this format")
    said = objects.decode_article(data)
    if not (said.link or said.guid):
        raise ValueError("it has neither a link nor an id")
    return said
