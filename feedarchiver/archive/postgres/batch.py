"""Writing to an index in PostgreSQL: what a batch needs is looked up at once and remembered, and few answers awaited.

Others may write at the same time: see `beside`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from feedarchiver.archive.database import key
from feedarchiver.archive.history import Fact
from feedarchiver.archive.index import Told
from feedarchiver.archive.postgres.index import PostgresIndex
from feedarchiver.archive.postgres.session import Session
from feedarchiver.archive.schema import FACT
from feedarchiver.errors import Crossed
from feedarchiver.model import ObjectId

if TYPE_CHECKING:
    from feedarchiver.archive.known import Known

_NUMBERS = 100


class BatchIndex(PostgresIndex):
    """An index that is written to. `numbering`: the advisory lock under which changes get their numbers."""

    def __init__(self, session: Session, numbering: int) -> None:
        super().__init__(session)
        self._numbering = numbering
        self._numbers: list[int] = []  # of entries to come
        self._forget()

    def begin(self) -> None:
        self._forget()
        super().begin()

    def settle_names(self) -> None:
        """See whether all went well so far. Raises Crossed when another batch has just given one of the names."""
        self._session.execute("SELECT 1").fetchone()
        if any(given.rowcount != expected for given, expected in self._given):
            raise Crossed
        self._given.clear()

    def commit(self) -> None:
        """Make the batch durable. Changes get their numbers in the order of the commits, so that none is overlooked."""
        if self._given:
            self.settle_names()
        if self._changes:
            self._session.execute("SELECT pg_advisory_xact_lock(?)", (self._numbering,))
            query = "INSERT INTO changes (entry) SELECT unnest(CAST(? AS BIGINT[]))"
            self._session.execute(query, (list(self._changes),))
        super().commit()

    def expect(self, aliases: Iterable[str]) -> None:
        """Look up many at once: which entries they stand for, and the captures of those."""
        keys = {key(alias): alias for alias in aliases if alias not in self._found}
        if not keys:
            return
        query = "SELECT alias, entry FROM aliases WHERE alias = ANY(CAST(? AS TEXT[]))"
        rows = self._session.execute(query, (list(keys),))
        known = {keys[alias]: int(entry) for alias, entry in rows}
        self._found |= {alias: known.get(alias) for alias in keys.values()}
        entries = {*known.values()} - self._captures.keys()
        self._captures |= {entry: [] for entry in entries}
        query = f"SELECT entry, raw, said, {FACT} FROM captures WHERE entry = ANY(CAST(? AS BIGINT[]))"
        for entry, raw, said, *fact in self._session.execute(query, (list(entries),)) if entries else ():
            self._captures[entry].append((Fact(*fact), raw, said))

    def find(self, aliases: Iterable[str]) -> int | None:
        for alias in aliases:
            if alias not in self._found:
                self._found[alias] = super().find([alias])
            if (entry := self._found[alias]) is not None:
                return entry
        return None

    def facts(self, entry: int) -> list[Fact]:
        return [fact for fact, *_ in self._captures[entry]] if entry in self._captures else super().facts(entry)

    def told(self, entry: int, source: str) -> list[Told]:
        if entry not in self._captures:
            return super().told(entry, source)
        return [
            Told(fact.captured, ObjectId(fact.article), raw, fact.fingerprint, said)
            for fact, raw, said in self._captures[entry]
            if fact.source == source
        ]

    def hold(self, names: Iterable[str]) -> bool:
        """Keep others from adding to the entries so named. False: they were kept from it before."""
        entries = {entry for name in names if (entry := self.find([name])) is not None} - self._held
        for entry in sorted(entries):
            self._session.execute("SELECT 1 FROM entries WHERE entry = ? FOR NO KEY UPDATE", (entry,)).fetchone()
            self._captures.pop(entry, None)
        self._held |= entries
        return bool(entries)

    def is_own(self, entry: int) -> bool:
        """Tell whether this batch has made the entry."""
        return entry in self._made

    def add(self, known: "Known", *, is_new: bool = False) -> None:
        self.hold(known.aliases)
        super().add(known, is_new=is_new)
        self._captures.pop(self.find(known.aliases) or 0, None)

    def _name(self, entry: int, aliases: Iterable[str]) -> None:
        """Let aliases that are not known stand for an entry; whether they do, `settle_names` tells."""
        fresh = sorted({alias for alias in aliases if self.find([alias]) is None})
        self._found |= dict.fromkeys(fresh, entry)
        if fresh:
            query = "INSERT INTO aliases SELECT unnest(CAST(? AS TEXT[])), ? ON CONFLICT DO NOTHING"
            self._given.append((self._session.execute(query, (list(map(key, fresh)), entry)), len(fresh)))

    def _changed(self, entry: int) -> None:
        self._changes[entry] = None

    def _enter(self, id_: str, aliases: Iterable[str]) -> int:
        if not self._numbers:
            query = "SELECT nextval(pg_get_serial_sequence('entries', 'entry')) FROM generate_series(1, ?)"
            self._numbers = [number for (number,) in self._session.execute(query, (_NUMBERS,))]
        entry = self._numbers.pop(0)
        self._session.execute("INSERT INTO entries (entry, id) VALUES (?, ?)", (entry, id_))
        self._made.add(entry)
        self._held.add(entry)
        self._name(entry, aliases)
        return entry

    def _forget(self) -> None:
        self._found: dict[str, int | None] = {}
        self._captures: dict[int, list[tuple[Fact, ObjectId, ObjectId | None]]] = {}
        self._given: list[tuple[Any, int]] = []
        self._held: set[int] = set()
        self._made: set[int] = set()
        self._changes: dict[int, None] = {}
