"""What can be done in partitions, by name: a job names its work, nothing executable is ever sent.

A work gets the archive and says which part of it is meant by a text of its own. What it comes to is made of numbers,
texts, lists, dictionaries and None; it travels as JSON, compressed. It is called in a process of its own, on whichever
machine, and imports what it needs itself.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from feedarchiver import __version__
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.schema import SCHEMA
from feedarchiver.archive.survey import surveyed
from feedarchiver.errors import ArchiveError
from feedarchiver.s3.address import Address

MOST_BYTES = 256_000_000
"""How much there may be in what somebody else packed: more than the longest articles that are prepared come to."""

_LEAST_BYTES = 64  # that a value takes in memory, be it an empty list
_QUICKLY = 1  # most of it are hashes
VERSION = f"{__version__} with index {SCHEMA}"
"""Whose work it is: what another version says may be of another shape."""


class Part(NamedTuple):
    """A part of a work, as a job says it. `sight` tells which archive is meant, `version` whose work."""

    work: str
    argument: str
    sight: str
    version: str = VERSION


def do(place: Path | Address, index_at: Path | IndexAddress, part: Part) -> bytes:
    """Do a part of a work with the archive at `place`. Raises ArchiveError when that is not the one that is meant."""
    if part.version != VERSION or part.work not in WORKS:
        raise ArchiveError(f"{part.work} is of feedarchiver {part.version}, this is {VERSION}; use the same one")
    with Archive.open(place, index_at) as archive:
        if archive.sight() != part.sight:
            raise ArchiveError(f"{place} here is not the archive there, but a copy of it; have both use the same one")
        return packed(WORKS[part.work](archive, part.argument))


def _read_captures(archive: Archive, part: str) -> object:
    from feedarchiver.archive import reindex

    return surveyed(archive.bucket, reindex.READING, part)


def _look_at_objects(archive: Archive, part: str) -> object:
    from feedarchiver.archive import verify

    return surveyed(archive.bucket, verify.LOOKING, part)


def _prepare(archive: Archive, part: str) -> object:
    from feedarchiver.building.ahead import prepared

    return prepared(archive, part)


WORKS: Mapping[str, Callable[[Archive, str], object]] = {
    "reindex": _read_captures,
    "verify": _look_at_objects,
    "prepare": _prepare,
}
"""Each work by its name."""


def packed(value: object) -> bytes:
    """Pack what a work has come to."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), _QUICKLY)


def unpacked(said: bytes, most_bytes: int = 0) -> Any:
    """Unpack what a work has come to, if it is no more than `most_bytes` (0: whatever it is). Raises ValueError.

    So much may its values take, too: three bytes are a list, which takes 64.
    """
    unpacking = zlib.decompressobj()
    try:
        value = unpacking.decompress(said, most_bytes)
        if not unpacking.eof:
            raise ValueError("it is cut off, or too long")
        if most_bytes and sum(map(value.count, (b",", b"[", b"{"))) * _LEAST_BYTES > most_bytes:
            raise ValueError("it has too many values")
        return json.loads(value)
    except (zlib.error, RecursionError) as error:
        raise ValueError(str(error)) from error
