"""Searching titles and texts: an SQLite FTS5 index in a file of its own, brought up to date when somebody searches.

`postgres.search` has one in PostgreSQL, which finds the same.

Disposable, and kept apart from the index, so that importing costs nothing for it. It keeps the words of every article
that an entry has shown, by article id (an article never changes, so its words are never taken out), its text for
excerpts, and which of them each entry shows now. Words are cut by `feedarchiver.words`. What it has seen is the number
of a change of the index; an index with another mark means: read all entries again, the words stay.
"""

import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from feedarchiver import markup
from feedarchiver.archive.database import Database
from feedarchiver.archive.history import history, microseconds, moment
from feedarchiver.archive.searchfile import SearchFile, transaction
from feedarchiver.archive.telling import telling
from feedarchiver.errors import ArchiveError, StorageError
from feedarchiver.model import Article, ObjectId
from feedarchiver.words import Excerpt, Query, tokens

if TYPE_CHECKING:
    import sqlite3

    from feedarchiver.archive.archive import Archive

_T = TypeVar("_T")
SCHEMA = 1
VERSION = SCHEMA << 16 | markup.CLEANER_VERSION
_BATCH = 250
_MANY = 5_000
KEPT = "SELECT article, title, link, text FROM articles JOIN texts USING (number) WHERE number = ?"
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_TABLES = """
CREATE TABLE state (mark INTEGER NOT NULL, last INTEGER NOT NULL);
INSERT INTO state VALUES (0, 0);
CREATE TABLE articles (
    number INTEGER PRIMARY KEY, article TEXT NOT NULL UNIQUE, title TEXT NOT NULL, link TEXT
);
CREATE TABLE texts (number INTEGER PRIMARY KEY, text BLOB NOT NULL);
CREATE INDEX articles_title ON articles (title);
CREATE VIRTUAL TABLE words USING fts5 (title, text, content = '', tokenize = 'ascii');
INSERT INTO words (words, rank) VALUES ('rank', 'bm25(10.0, 1.0)'), ('hashsize', 33554432);
CREATE TABLE entries (entry INTEGER PRIMARY KEY, number INTEGER NOT NULL, shown INTEGER NOT NULL);
CREATE INDEX entries_number ON entries (number);
CREATE TABLE sources (entry INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY (entry, source)) WITHOUT ROWID;
CREATE TABLE unread (entry INTEGER PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An entry that was found: its published id, the article that it shows, and the place in the text.

    `shown` is when it was published, else captured. `title` and `excerpt` tell where the words stand.
    """

    id: str
    object_id: ObjectId
    title: Excerpt
    link: str | None
    sources: tuple[str, ...]
    published: datetime | None
    shown: datetime
    excerpt: Excerpt


class Place(Protocol):
    """Where a search index lies."""

    def work(self, task: Callable[[Any], _T], before: Callable[[Any], None]) -> _T:
        """Do a task on it. When it turns out to be damaged, make it anew, do `before`, and the task again."""

    def close(self) -> None:
        """Close it."""


class Search:
    """The search index of an archive, up to date once `catch_up` returns.

    Where nothing can be written it is a temporary file, copied from the one beside the index if there is one.
    """

    def __init__(self, archive: "Archive", place: Place) -> None:
        self._archive = archive
        self._file = place

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def catch_up(self, advance: Callable[[str], None]) -> None:
        """Index what has changed since the last time. `advance` is called with the id of each article read."""
        self._do(lambda db: self._catch_up(db, advance))

    def find(  # noqa: PLR0913 - all but the first have names and defaults
        self,
        query: str,
        *,
        sources: tuple[str, ...] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 20,
        newest: bool = False,
    ) -> list[Hit]:
        """Search what entries show now: the best first, or the newest. A query without a word finds nothing.

        `sources`: from any of these. `since` <= published, else captured, < `until`.
        """
        parsed = Query.parse(query)
        if not parsed.phrases:
            return []
        conditions: list[str] = []
        values: list[Any] = [*sources]
        if sources:
            among = ", ".join("?" * len(sources))
            conditions.append(f"EXISTS (SELECT 1 FROM sources s WHERE s.entry = e.entry AND s.source IN ({among}))")
        if since or until:
            conditions.append("e.shown BETWEEN ? AND ?")
            values += [microseconds(since or _FIRST), microseconds(until or _LAST) - 1]

        def ask(db: Database) -> list[tuple[Any, ...]]:
            found = self._found(db, parsed, conditions, values, limit, newest=newest)
            return [(*rest, *db.execute(KEPT, (number,)).fetchone()) for number, *rest in found]

        return [self._hit(parsed, *row) for row in self._do(ask)]

    def matching(self, query: str) -> set[ObjectId]:
        """Name every article that an entry shows or has shown and that the query finds."""
        parsed = Query.parse(query)
        return {ObjectId(name) for name in self._do(lambda db: self._matching(db, parsed))} if parsed.phrases else set()

    def titled(self, title: str) -> list[int]:
        """Return the entries that show an article with exactly this title."""
        statement = "SELECT entry FROM articles JOIN entries USING (number) WHERE title = ? ORDER BY shown DESC, entry"
        return [row[0] for row in self._do(lambda db: db.execute(statement, (markup.plain(title),)).fetchall())]

    def unread(self) -> int:
        """Count the entries with an article that could not be read: they are tried again each time."""
        return int(self._do(lambda db: db.execute("SELECT count(*) FROM unread").fetchone()[0]))

    def _hit(self, query: Query, entry: int, shown: int, *kept: Any) -> Hit:
        article, title, link, text = kept
        facts = self._archive.index.facts(entry)
        published = next(fact.published for fact in facts if fact.article == article)
        return Hit(
            id=history(facts).id,
            object_id=ObjectId(article),
            title=Excerpt(title, query.marks(title)),
            link=link,
            sources=tuple(sorted({fact.source for fact in facts})),
            published=None if published is None else moment(published),
            shown=moment(shown),
            excerpt=query.excerpt(zlib.decompress(text).decode()),
        )

    def _do(self, task: Callable[[Database], _T]) -> _T:
        return self._file.work(task, before=lambda db: self._catch_up(db, lambda _: None))

    def _catch_up(self, db: Database, advance: Callable[[str], None]) -> None:
        mark, last = self._archive.index.mark()
        before = _count(db)
        if retry := [row[0] for row in db.execute("SELECT entry FROM unread")]:
            with self._transaction(db):
                self._take(db, retry, advance)
        while (seen := db.execute("SELECT mark, last FROM state").fetchone()) and (seen[0] != mark or seen[1] < last):
            with self._transaction(db):
                self._next_batch(db, mark, advance)
        if _count(db) - before > _MANY:
            self._tidy(db)

    def _next_batch(self, db: Database, mark: int, advance: Callable[[str], None]) -> None:
        """Take the next changes in. Another process may have taken some since: the state is read within the lock."""
        seen, last = db.execute("SELECT mark, last FROM state").fetchone()
        if seen != mark:
            last = 0
            for table in ("entries", "sources", "unread"):
                db.execute(f"DELETE FROM {table}")
        changes = self._archive.index.changes(last, _BATCH)
        self._take(db, dict.fromkeys(entry for _, entry in changes), advance)
        db.execute("UPDATE state SET mark = ?, last = ?", (mark, changes[-1][0] if changes else last))

    def _take(self, db: Database, entries: Iterable[int], advance: Callable[[str], None]) -> None:
        known = {entry: self._archive.index.facts(entry) for entry in entries}
        self._archive.expect(ObjectId(fact.article) for facts in known.values() for fact in facts)
        for entry, facts in known.items():
            for table in ("entries", "sources", "unread"):
                db.execute(f"DELETE FROM {table} WHERE entry = ?", (entry,))
            if not facts:
                continue
            events = history(facts).events
            numbers = {name: self._number(db, name, advance) for name in {event.article for event in events}}
            if None in numbers.values():
                db.execute("INSERT INTO unread VALUES (?)", (entry,))
            current = events[-1].article
            if (number := numbers[current]) is not None:
                first = min((fact for fact in facts if fact.article == current), key=lambda fact: fact.order)
                shown = first.captured if first.published is None else first.published
                db.execute("INSERT INTO entries VALUES (?, ?, ?)", (entry, number, shown))
            db.executemany("INSERT INTO sources VALUES (?, ?)", {(entry, fact.source) for fact in facts})

    def _number(self, db: Database, name: str, advance: Callable[[str], None]) -> int | None:
        """Return the number of an article, whose words are indexed if need be. None when it cannot be read."""
        if row := db.execute("SELECT number FROM articles WHERE article = ?", (name,)).fetchone():
            return int(row[0])
        advance(name)
        article = _read(self._archive, ObjectId(name))
        if article is None:
            return None
        title, text = telling(article).searched
        number = self._enter(db, (name, title, _safe(article.link)))
        db.execute("INSERT INTO texts VALUES (?, ?)", (number, zlib.compress(text.encode())))
        self._index(db, number, tokens(title), tokens(text))
        return number

    # What follows is SQLite's own way.

    def _found(  # noqa: PLR0913 - `find`, taken apart
        self, db: Database, query: Query, conditions: list[str], values: list[Any], limit: int, *, newest: bool
    ) -> list[tuple[Any, ...]]:
        """Return number, entry and instant of what `find` finds, in order."""
        order = "e.shown DESC, e.number DESC" if newest else "words.rank"
        statement = (
            "SELECT e.number, e.entry, e.shown FROM words JOIN entries e ON e.number = words.rowid "
            f"WHERE {' AND '.join(['words MATCH ?', *conditions])} ORDER BY {order} LIMIT ?"
        )
        return db.execute(statement, (query.expression, *values, limit)).fetchall()

    def _matching(self, db: Database, query: Query) -> list[str]:
        """Name every article, shown or not, that a query finds."""
        statement = "SELECT article FROM words JOIN articles ON number = words.rowid WHERE words MATCH ?"
        return [name for (name,) in db.execute(statement, (query.expression,)).fetchall()]

    def _enter(self, db: Database, said: tuple[str, str, str | None]) -> int:
        """Take in an article: id, title, link. Returns its number."""
        query = "INSERT INTO articles (article, title, link) VALUES (?, ?, ?)"
        return cast("sqlite3.Cursor", db.execute(query, said)).lastrowid or 0

    def _index(self, db: Database, number: int, title: list[str], text: list[str]) -> None:
        """Index the words of an article."""
        words = " ".join(title), " ".join(text)
        db.execute("INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)", (number, *words))

    def _tidy(self, db: Database) -> None:
        """Do what makes searching quick after much was indexed."""
        db.execute("INSERT INTO words (words) VALUES ('optimize')")

    def _transaction(self, db: Database) -> AbstractContextManager[Any]:
        """Do all that is done within, or nothing; one process at a time."""
        return transaction(cast("sqlite3.Connection", db))


def file_at(path: Path) -> SearchFile:
    """Tell where a search index in a file is."""
    return SearchFile(path, _TABLES.strip().removesuffix(";"), VERSION)


def _read(archive: "Archive", object_id: ObjectId) -> Article | None:
    try:
        return archive.article(object_id)
    except (ArchiveError, StorageError):  # `verify` names it; the others are still found
        return None


def _safe(link: str | None) -> str | None:
    """Replace lone surrogates, which SQLite does not take."""
    return link and link.encode("utf-8", "replace").decode()


def _count(db: Database) -> int:
    return db.execute("SELECT max(number) FROM articles").fetchone()[0] or 0
