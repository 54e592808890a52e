"""What the last verification found, in a note of the index: nothing else tells it. It is lost with the index."""

import json
import sqlite3
from datetime import datetime
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.index import Index
from feedarchiver.archive.notes import VERIFIED
from feedarchiver.errors import ArchiveInUse, StorageError

_MOST_LINES, _LONGEST = 10, 300


class Verified(NamedTuple):
    """When it began, whether it read all bytes, how many objects it met, what was wrong, and the first of that."""

    at: datetime
    quick: bool
    objects: int
    faults: int
    first: tuple[str, ...] = ()


def read(index: Index) -> Verified | None:
    """Read the note."""
    said = index.notes.read(*VERIFIED)
    if said is None:
        return None
    values = json.loads(said)
    first = tuple(values.pop("first"))
    return Verified(datetime.fromisoformat(values.pop("at")), first=first, **values)


def note(archive: Archive, verified: Verified) -> None:
    """Note what was found, if that can be noted now: a verification itself needs no lock and changes nothing.

    That names and sizes are in order says nothing of bytes that were found damaged before.
    """
    if not archive.is_settled() or not archive.index_stands():
        return  # a writer has more to do there than to take down a note
    before = read(archive.index)
    if verified.quick and not verified.faults and before is not None and before.faults:
        return
    first = [line[:_LONGEST] for line in verified.first[:_MOST_LINES]]
    said = json.dumps(verified._asdict() | {"at": verified.at.isoformat(), "first": first}, ensure_ascii=False)
    try:
        with archive.writing(verified.at) as writer:
            writer.note(*VERIFIED, said)
    except (ArchiveInUse, StorageError, sqlite3.OperationalError):
        return  # what was found has been said
