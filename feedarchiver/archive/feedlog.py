"""The feeds' logs, kept: which events each feed has taken, and in which order.

A feed's log only grows, so the place of an event in it never changes and pages can be cut from it by counting. All of
it is derived from the events of the index (see `news`): a log may be dropped at any time and is made again the same.
A feed that takes only some articles goes on with an entry that it has: corrections reach the subscribers.

A row with an article in `before` shows a change and is an entry of its own in the feed; any other shows the entry.

Instants are whole microseconds since 1970. The caller holds the archive's lock and a transaction where it writes.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import NamedTuple

from feedarchiver.archive.database import Rows, long
from feedarchiver.archive.documents import Documents
from feedarchiver.archive.history import Kind
from feedarchiver.archive.news import News, changes, news
from feedarchiver.model import Feed, ObjectId

_RULES = 1  # counts changes of what a feed takes and in which order
_AT_ONCE = 500
_NO_DATE = -(2**63)  # before that of any article, dated or not
BEFORE = -(2**62)
"""Before every instant."""

TABLES = """
CREATE TABLE feeds (
    feed TEXT PRIMARY KEY, selection TEXT NOT NULL, captured INTEGER NOT NULL, events INTEGER NOT NULL,
    entries INTEGER NOT NULL, size INTEGER NOT NULL, updated INTEGER, key TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE log (
    feed TEXT NOT NULL, seq INTEGER NOT NULL, entry INTEGER NOT NULL, article TEXT NOT NULL, source TEXT NOT NULL,
    captured INTEGER NOT NULL, updated INTEGER NOT NULL, before TEXT, PRIMARY KEY (feed, seq)
) WITHOUT ROWID;
CREATE INDEX log_entry ON log (entry, feed);
CREATE INDEX log_captured ON log (captured);
"""
_REPLACING_FEED = """ON CONFLICT (feed) DO UPDATE SET
    selection = excluded.selection, captured = excluded.captured, events = excluded.events,
    entries = excluded.entries, size = excluded.size, updated = excluded.updated, key = excluded.key"""


class Line(NamedTuple):
    """What a row of a log shows: an entry's published id, article and source, and when it was updated.

    `before`: the article that the entry showed until then, when it is this change that is shown.
    """

    entry: int
    id: str
    article: ObjectId
    source: str
    captured: int
    updated: int
    before: ObjectId | None = None

    @classmethod
    def read(cls, row: tuple[int, str, str, str, int, int, str | None]) -> "Line":
        """Take a row of a query."""
        entry, id_, article, source, captured, updated, before = row
        return cls(entry, id_, ObjectId(article), source, captured, updated, ObjectId(before) if before else None)


class State(NamedTuple):
    """A feed as it was last published.

    `selection` decides what its log takes, which it has done up to the instant `captured`. `size` is that of its
    pages, `updated` the last change, `key` what else its documents were made from; "" means that they are not done.
    """

    selection: str
    captured: int
    events: int
    entries: int
    size: int
    updated: int | None
    key: str


def selection(feed: Feed) -> str:
    """Name what decides which events a feed takes."""
    decisive = (_RULES, feed.kind, feed.sources, feed.filter)
    return hashlib.sha256(repr(decisive).encode("utf-8", "surrogatepass")).hexdigest()


class FeedLog(Documents):
    """The logs of all feeds, and what is noted of their documents."""

    def states(self) -> dict[str, State]:
        """Tell how each feed was last published."""
        return {feed: State(*rest) for feed, *rest in self._db.execute("SELECT * FROM feeds")}

    def set_state(self, feed: str, state: State) -> None:
        """Note how a feed has been published."""
        self._db.execute(f"INSERT INTO feeds VALUES (?, ?, ?, ?, ?, ?, ?, ?) {_REPLACING_FEED}", (feed, *state))

    def extend(self, feed: Feed, takes: Callable[[News], bool] | None, until: int) -> State:
        """Take what has happened since the last time, up to the instant `until`. `takes` of None: everything.

        A log whose selection has changed is made again. Returns the state: the size is still that of before, and the
        documents are not done.
        """
        state = self.states().get(feed.id) or State("", BEFORE, 0, 0, 0, None, "")
        if state.selection != (wanted := selection(feed)):
            self._db.execute("DELETE FROM log WHERE feed = ?", (feed.id,))
            self._db.execute('UPDATE documents SET first = -1, "end" = -1 WHERE feed = ?', (feed.id,))
            state = State(wanted, BEFORE, 0, 0, state.size, None, "")
        events, entries = state.events, state.entries
        told = (changes if feed.kind == "changes" else news)(self._db, feed.sources, state.captured, until)
        with closing(told):
            while some := list(islice(told, _AT_ONCE)):
                known = {entry for (entry,) in self._of(feed.id, some, "entry")}
                taken = []
                for one in some:
                    if takes is None or one.entry in known or takes(one):
                        entries += one.entry not in known or one.before is not None
                        known.add(one.entry)
                        taken.append(one)
                self._append(feed.id, events, taken)
                events += len(taken)
        state = state._replace(captured=until, events=events, entries=entries, key="")
        self.set_state(feed.id, state)
        return state

    def unite(self, name: str, feeds: set[str], chosen: str, until: int) -> State:
        """Take into the log `name` what the logs of `feeds` have got since the last time, each event once.

        `chosen` names what decides the events in them; when it changes, the log is made again. In the state that is
        returned `updated` is a digest of all events.
        """
        state = self.states().get(name) or State("", BEFORE, 0, 0, 0, None, "")
        if state.selection != chosen:
            self._db.execute("DELETE FROM log WHERE feed = ?", (name,))
            state = State(chosen, BEFORE, 0, 0, state.size, None, "")
        events, entries, digest = state.events, state.entries, state.updated or 0
        query = (
            "SELECT l.feed, l.entry, l.article, l.source, l.captured, l.updated FROM log l JOIN events e "
            "ON e.entry = l.entry AND e.source = l.source AND e.captured = l.captured "
            "WHERE l.captured > ? ORDER BY l.captured, e.published, l.article, l.source"
        )
        with closing(long(self._db, query, (state.captured,))) as rows:
            told = (News(*rest) for feed, *rest in (rows if feeds else ()) if feed in feeds)
            while some := list(islice(told, _AT_ONCE)):
                known = defaultdict[int, set[tuple[str, int]]](set)
                for entry, article, updated in self._of(name, some, "entry, article, updated"):
                    known[entry].add((article, updated))
                taken = []
                for one in some:
                    shown = known[one.entry]
                    if (one.article, one.updated) not in shown:
                        entries += not shown
                        shown.add((one.article, one.updated))
                        digest = _digest(digest, one)
                        taken.append(one)
                self._append(name, events, taken)
                events += len(taken)
        state = state._replace(captured=until, events=events, entries=entries, updated=digest, key="")
        self.set_state(name, state)
        return state

    def told(self, after: int) -> Iterator[ObjectId]:
        """Name the articles that entries have come to show after an instant, the oldest first."""
        query = (
            f"SELECT captured, published, article FROM events WHERE kind = {Kind.MADE:d} AND "
            f"(captured, published, article) > (?, ?, ?) ORDER BY captured, published, article LIMIT {_AT_ONCE}"
        )
        last = after + 1, _NO_DATE, ""
        while some := self._db.execute(query, last).fetchall():
            yield from (ObjectId(article) for _, _, article in some)
            last = some[-1]

    def members(self, feed: str, after: int, limit: int) -> list[tuple[int, str, int]]:
        """Return up to `limit` entries of a log, those numbered higher than `after`: number, id, and last capture."""
        query = (
            "SELECT n.entry, n.id, (SELECT max(captured) FROM captures c WHERE c.entry = n.entry) FROM entries n "
            "WHERE n.entry > ? AND EXISTS (SELECT 1 FROM log WHERE entry = n.entry AND feed = ?) "
            "ORDER BY n.entry LIMIT ?"
        )
        return self._db.execute(query, (after, feed, limit)).fetchall()

    def captured(self, feed: str, since: int) -> list[tuple[int, str]]:
        """Return the entries of a log that have been captured after an instant: number and id."""
        query = (
            "SELECT n.entry, n.id FROM entries n WHERE n.entry IN (SELECT entry FROM captures WHERE captured > ?) "
            "AND EXISTS (SELECT 1 FROM log WHERE entry = n.entry AND feed = ?) ORDER BY n.entry"
        )
        return self._db.execute(query, (since, feed)).fetchall()

    def latest(self, feed: str, first: int, end: int) -> list[tuple[int, int]]:
        """Return the events that `lines` does, and when what each shows was updated."""
        query = "SELECT seq, updated, entry, before FROM log WHERE feed = ? AND seq >= ? AND seq < ? ORDER BY seq DESC"
        found: dict[tuple[int, int | None], tuple[int, int]] = {}
        for seq, updated, entry, before in self._db.execute(query, (feed, first, end)):
            found.setdefault((entry, None if before is None else seq), (seq, updated))
        return list(found.values())

    def lines(self, feed: str, first: int, end: int) -> list[tuple[int, Line]]:
        """Return the events `first` to before `end`, the latest first: all changes, of each entry only the latest."""
        lines: dict[tuple[int, int | None], tuple[int, Line]] = {}
        for seq, line in self.each(feed, first, end)[::-1]:
            lines.setdefault((line.entry, None if line.before is None else seq), (seq, line))
        return list(lines.values())

    def each(self, feed: str, first: int, end: int) -> list[tuple[int, Line]]:
        """Return every event from `first` to before `end`, in order."""
        query = (
            "SELECT l.seq, l.entry, n.id, l.article, l.source, l.captured, l.updated, l.before FROM log l "
            "JOIN entries n USING (entry) WHERE l.feed = ? AND l.seq >= ? AND l.seq < ? ORDER BY l.seq"
        )
        return [(seq, Line.read(tuple(row))) for seq, *row in self._db.execute(query, (feed, first, end))]

    def places(self, line: Line) -> list[tuple[str, int]]:
        """Return every feed that shows just this, and which event of its log does."""
        query = "SELECT feed, seq, before, captured FROM log WHERE entry = ? AND article = ? AND updated = ?"
        rows = self._db.execute(query, (line.entry, line.article, line.updated))
        shown = line.before, line.before and line.captured
        return [(feed, seq) for feed, seq, before, captured in rows if (before, before and captured) == shown]

    def events(self, entries: Iterable[int]) -> dict[str, list[int]]:
        """Return which events of each feed's log are about some entries, in order."""
        found: dict[str, list[int]] = {}
        for entry in entries:
            for feed, seq in self._db.execute("SELECT feed, seq FROM log WHERE entry = ?", (entry,)):
                found.setdefault(feed, []).append(seq)
        return {feed: sorted(places) for feed, places in found.items()}

    def forget(self, feed: str, since: int = BEFORE) -> None:
        """Drop what a feed's log has taken since an instant; without one, all that is known of the feed."""
        if since == BEFORE:
            for table in ("feeds", "log", "documents"):
                self._db.execute(f"DELETE FROM {table} WHERE feed = ?", (feed,))
            return
        state = self.states()[feed]
        self._db.execute("DELETE FROM log WHERE feed = ? AND captured >= ?", (feed, since))
        shown = "CASE WHEN before IS NULL THEN entry ELSE -1 - seq END"
        counted = f"SELECT count(*), count(DISTINCT {shown}) FROM log WHERE feed = ?"
        events, entries = self._db.execute(counted, (feed,)).fetchone()
        self._db.execute('DELETE FROM documents WHERE feed = ? AND "end" > ?', (feed, events))
        self.set_state(feed, state._replace(captured=since - 1, events=events, entries=entries, key=""))

    def _append(self, feed: str, seq: int, some: Iterable[News]) -> None:
        rows = (
            (feed, at, one.entry, one.article, one.source, one.captured, one.updated, one.before and one.before.article)
            for at, one in enumerate(some, seq)
        )
        self._db.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _of(self, feed: str, some: Collection[News], columns: str) -> Rows:
        """Ask for what a log has of the entries that some news are about."""
        # Asked for the feed itself, SQLite takes that for the better way in, and reads the whole log of it each time.
        query = f"SELECT {columns} FROM log WHERE entry IN ({', '.join('?' * len(some))}) AND feed || '' = ?"
        return self._db.execute(query, (*(one.entry for one in some), feed))


def _digest(before: int, one: News) -> int:
    """Add an event to the digest of those before it."""
    return int(hashlib.sha256(f"{before} {one.entry} {one.article} {one.updated}".encode()).hexdigest()[:15], 16)
