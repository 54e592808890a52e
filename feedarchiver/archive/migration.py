"""The same archive in another place: its objects, then its index, between any two kinds of places.

Objects never change and are named by their bytes, so what the other place has is not copied again, and a migration
that was cut off goes on where it was. Most is copied without a lock, and whoever writes here is not kept waiting; what
has come meanwhile is copied in the end, with the lock, and after it the index as it is then. So feeds go on there as
they would have here, and what the index alone knows comes along.

Until everything has come for the first time the other place has no format.json: nobody takes it for an archive, and
begins another history in it. An archive there is the same one when its format.json is the same. When it has captures
that are not known here it has gone on by itself, and must not get another past: `copies` takes in what it lacks.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import CAPTURES, Store, read
from feedarchiver.archive.holdings import OTHERS
from feedarchiver.archive.index import Index
from feedarchiver.archive.objects import references
from feedarchiver.archive.verify import Verifier
from feedarchiver.errors import (
    ArchiveError,
    ArchiveInUse,
    DamagedObject,
    MissingObject,
    StorageError,
    UnreadableObject,
)
from feedarchiver.model import ObjectId, parse_object_id
from feedarchiver.s3.address import Address

_BATCH_BYTES, _BATCH = 16_000_000, 1_000
_HERE, _THERE = 0, 1
_FAULTS = {
    DamagedObject: "is damaged",
    UnreadableObject: "cannot be read",
    MissingObject: "is missing",
    StorageError: "cannot be read",
}
_NOT_COPIED = "it was not copied; restore it from another copy and run this again"

_Named = tuple[str, ObjectId]


class _GoneOn(Exception):
    """The other place has captures of its own."""


@dataclass(slots=True)
class Migrated:
    """What it came to, in objects. `gone_on`: the other place has captures of its own, its index is as it was."""

    copied: int = 0
    there: int = 0
    gone_on: bool = False


class Migration:
    """An archive on its way to `target`, which need not be one yet.

    `fault` is told a line for each object that cannot be copied, `advance` the id of each that is looked at.
    """

    def __init__(
        self, source: Archive, target: Archive, fault: Callable[[str], None], advance: Callable[[str], None]
    ) -> None:
        self._source, self._target = source, target
        self._fault, self._advance = fault, advance
        is_far = isinstance(target.place, Address)
        self._store = target.bucket.beside() if is_far else target.bucket
        self._faulty: set[str] = set()
        self._done = Migrated()
        self._keeps = source.place == target.place  # the objects are there, only the index goes somewhere else
        self._shares = _is_same(source.desk, target.desk)  # both have one lock

    def run(self) -> Migrated:
        """Copy everything. Raises ArchiveError when something else is at the target, which is kept then."""
        self._prepare()
        with ExitStack() as stack:
            is_apart = self._keep_apart(stack)
            if is_new := self._is_new():  # somebody else may have been at it meanwhile
                self._store.announce(self._source.format)
            try:
                if is_apart:
                    self._copy_all(with_captures=is_new)
                with self._at_rest() as index:
                    if not is_apart:
                        self._copy_all(with_captures=False)
                    self._target.replace_index(partial(self._follow, index))
            except _GoneOn:
                self._done.gone_on = True
        if not self._done.gone_on:
            self._target.bucket.begin(self._source.format)
        return self._done

    def check(self, advance: Callable[[str], None]) -> Iterator[str]:
        """Hold names and sizes at the target against its index. Yields what is wrong and has not been said."""
        for checked in Verifier(self._target.bucket, self._target.index).names_and_sizes():
            advance(checked.name)
            if checked.fault and checked.name not in self._faulty:
                yield str(checked)

    def _prepare(self) -> None:
        """See that the target can be used, and finish what a writer there that was killed has begun."""
        is_new = self._is_new()
        if not is_new and not self._shares and not self._target.is_settled():
            with self._target.publishing():
                pass

    def _is_new(self) -> bool:
        """Tell whether the archive has not begun at the target. Raises ArchiveError when something else has."""
        target, own = self._target, self._source.format
        has_index = target.has_index()  # a database that does not answer says so before hours have gone by
        found = target.bucket.format()
        if found not in {None, own}:
            told = "both were left as they are; `feedarchiver import-archive` makes one of two"
            raise ArchiveError(f"{target.place} is another archive; {told}")
        if found is None and target.bucket.announced() != own:
            if not target.bucket.is_bare():
                raise ArchiveError(f"{target.place} is not empty, and no archive; it was left as it is")
            if has_index and isinstance(target.index_at, Path):
                raise ArchiveError(
                    f"{target.index_at} is the index of something else; it was left as it is; name another"
                )
        return found is None

    def _keep_apart(self, stack: ExitStack) -> bool:
        """See that nobody else writes to the target. Returns whether that is so without the lock of the source."""
        if not self._shares:
            stack.enter_context(self._target.alone())
        return not self._shares or isinstance(self._target.place, Address)

    @contextmanager
    def _at_rest(self) -> Iterator[Index]:
        """Have the index of the source while nobody writes there. Raises ArchiveError, saying what is kept."""
        try:
            with self._source.publishing() as index:
                yield index
        except ArchiveInUse as error:
            told = "what was copied is kept; run this again when it has finished"
            raise ArchiveError(f"the archive is in use by {error.holder}; {told}") from error

    def _copy_all(self, *, with_captures: bool) -> None:
        """Copy what is here now: of the captures those that were here before all that they refer to is listed."""
        if self._keeps:
            return
        self._store.clear()
        with closing(sqlite3.connect("", isolation_level=None)) as db:
            db.execute("CREATE TABLE captures (kind TEXT NOT NULL, id TEXT NOT NULL)")
            db.execute("BEGIN")
            for kind in CAPTURES:
                for named in self._lacking(kind, counts=True):
                    if with_captures:
                        db.execute("INSERT INTO captures VALUES (?, ?)", named)
            for kind in OTHERS:
                self._copy(self._lacking(kind, counts=True))
            self._copy((kind, ObjectId(name)) for kind, name in db.execute("SELECT kind, id FROM captures"))

    def _follow(self, index: Index, path: Path) -> Index:
        """Copy what has come since, and then the index. Nobody writes meanwhile, neither here nor there."""
        if not self._keeps:
            for kind in CAPTURES:
                captures = self._lacking(kind)
                while some := list(islice(captures, _BATCH)):
                    self._copy_with_others(some)
        return index.copy_to(path)

    def _lacking(self, kind: str, *, counts: bool = False) -> Iterator[_Named]:
        """Name the objects of a kind that the target lacks: both lists are in order. Raises _GoneOn."""
        listed = (_ids(store, kind, place) for place, store in enumerate((self._source.bucket, self._store)))
        for name, found in groupby(merge(*listed), itemgetter(0)):
            self._advance(name)
            places = {place for _, place in found}
            if places == {_HERE}:
                yield kind, name
            elif places == {_THERE} and not self._is_known(kind, name):
                raise _GoneOn
            elif counts and _HERE in places:
                self._done.there += 1

    def _is_known(self, kind: str, name: ObjectId) -> bool:
        """Tell whether an object that is only at the target says nothing new: it is no capture, or was lost here."""
        if kind not in CAPTURES:
            return True
        index = self._source.index
        return index.has_capture(name) if kind == "captures" else index.images.has_capture(name)

    def _copy_with_others(self, captures: list[_Named]) -> None:
        """Copy captures and whatever they refer to that the target lacks."""
        read_ = list(self._sound(captures))
        wanted: set[_Named] = set()
        for kind, _, data in read_:
            with suppress(ValueError):  # it says nothing that this program can read, but it is whole
                wanted.update(references(kind, data))
        named = sorted(wanted)
        lengths = self._store.together(lambda one: self._store.length(*one), named)
        self._copy(one for one, length in zip(named, lengths, strict=True) if length is None)
        self._put(read_)

    def _copy(self, named: Iterable[_Named]) -> None:
        self._put(self._sound(named))

    def _put(self, found: Iterable[tuple[str, ObjectId, bytes]]) -> None:
        """Store objects, as many at a time as are worth it."""
        count = size_bytes = 0
        for kind, name, data in found:
            self._store.put(kind, name, data)
            self._done.copied += 1
            count, size_bytes = count + 1, size_bytes + len(data)
            if count >= _BATCH or size_bytes >= _BATCH_BYTES:
                self._store.flush()
                count = size_bytes = 0
        self._store.flush()

    def _sound(self, named: Iterable[_Named]) -> Iterator[tuple[str, ObjectId, bytes]]:
        """Read objects and check them against their names. Says what cannot be had."""
        for (kind, name), data in self._source.bucket.together(self._read, named):
            if isinstance(data, bytes):
                yield kind, name, data
            elif name not in self._faulty:
                self._faulty.add(name)
                about = Verifier(self._source.bucket, self._source.index).about(kind, name)
                self._fault(f"{kind} {name}{about} {_FAULTS[type(data)]}; {_NOT_COPIED}")

    def _read(self, named: _Named) -> tuple[_Named, bytes | Exception]:
        try:
            return named, read(self._source.bucket, *named)
        except (DamagedObject, MissingObject) as error:
            return named, error
        except StorageError as error:
            if isinstance(self._source.place, Address):  # it has been tried again, and would be the same with the rest
                raise
            return named, error


def _ids(store: Store, kind: str, place: int) -> Iterator[tuple[ObjectId, int]]:
    for name in store.names(kind):
        with suppress(ValueError):  # no object; `verify` names it
            yield parse_object_id(name), place


def _is_same(one: Path, other: Path) -> bool:
    return one == other or (one.exists() and other.exists() and one.samefile(other))
