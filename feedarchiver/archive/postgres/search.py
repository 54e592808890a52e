"""The search index in PostgreSQL: what it finds, and in which order, is what `archive.search` finds in a file.

The words of an article are a tsvector, made of the tokens of `feedarchiver.words` with their places; a phrase is tokens
in a row. A tsvector forgets places: those beyond 16,383, and of each token those beyond the 256th. An article that
loses something by this is marked; of those, what has all words of a phrase is read to see whether it has the phrase.
Of a very long one the places are left out, or there is no tsvector at all.

Results are ranked by BM25, as SQLite does: the first ones by PostgreSQL's own rank are put in that order.
"""

import hashlib
import math
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from feedarchiver.archive.database import Database, IndexAddress
from feedarchiver.archive.postgres.dialect import statements
from feedarchiver.archive.postgres.session import Session, is_doubtful
from feedarchiver.archive.search import KEPT, VERSION, Search
from feedarchiver.words import Query, tokens

if TYPE_CHECKING:
    from feedarchiver.archive.archive import Archive

_T = TypeVar("_T")
_SCHEMA = 1
_RANKED = 200
_LAST_PLACE, _MOST_PLACES, _LONGEST_TOKEN, _LONGEST_VECTOR = 16_383, 255, 500, 900_000
_WITH_TEXT = "JOIN articles USING (number) JOIN texts USING (number)"
_TITLE_WEIGHT = 10.0
_K1, _B, _RARE = 1.2, 0.75, 1e-6  # as in SQLite's FTS5

_TABLES = """
CREATE TABLE state (mark INTEGER NOT NULL, last INTEGER NOT NULL, articles INTEGER NOT NULL, tokens INTEGER NOT NULL);
INSERT INTO state VALUES (0, 0, 0, 0);
CREATE TABLE articles (
    number INTEGER PRIMARY KEY, article TEXT NOT NULL UNIQUE, title TEXT NOT NULL, link TEXT
);
CREATE TABLE texts (number INTEGER PRIMARY KEY, text BLOB NOT NULL);
CREATE INDEX articles_title ON articles USING hash (title);
CREATE TABLE words (number BIGINT PRIMARY KEY, words tsvector, is_short BOOLEAN NOT NULL);
CREATE INDEX words_words ON words USING gin (words);
CREATE INDEX words_long ON words (number) WHERE words IS NULL;
CREATE TABLE entries (entry BIGINT PRIMARY KEY, number INTEGER NOT NULL, shown INTEGER NOT NULL);
CREATE INDEX entries_number ON entries (number);
CREATE INDEX entries_shown ON entries (shown);
CREATE TABLE sources (entry INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY (entry, source)) WITHOUT ROWID;
CREATE TABLE unread (entry BIGINT PRIMARY KEY)
"""


class PostgresSearchPlace:
    """The space of an archive's search index. It stays when the index is made anew."""

    def __init__(self, at: IndexAddress, archive: str) -> None:
        self._at = at
        self._space = f"feedarchiver_search_{archive}"
        self.number = int.from_bytes(hashlib.sha256(self._space.encode()).digest()[:8], "big", signed=True)
        self._session: Session | None = None

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def work(self, task: Callable[[Session], _T], before: Callable[[Session], None]) -> _T:
        try:
            return task(self._open())
        except Exception as error:
            if not is_doubtful(error):
                raise
        self.close()
        session = self._open(anew=True)
        before(session)
        return task(session)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that is done within, or nothing; one process at a time."""
        session = self._open()
        with session.transaction():
            session.execute("SELECT pg_advisory_xact_lock(?)", (self.number,))
            yield

    def _open(self, *, anew: bool = False) -> Session:
        if self._session is None:
            self._session = Session.open(self._at)
            self._prepare(self._session, anew=anew)
            self._session.execute(f"SET search_path TO {self._space}")
        return self._session

    def _prepare(self, session: Session, *, anew: bool) -> None:
        """Make the tables, in the place of those of another version if there are any."""
        version = f"{_SCHEMA}.{VERSION}"
        said = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = ?"
        if not anew and session.execute(said, (self._space,)).fetchone() == (version,):
            return
        with session.transaction():
            session.execute("SELECT pg_advisory_xact_lock(?)", (self.number,))
            if not anew and session.execute(said, (self._space,)).fetchone() == (version,):
                return  # another process was quicker
            session.execute(f"DROP SCHEMA IF EXISTS {self._space} CASCADE")
            session.execute(f"CREATE SCHEMA {self._space}")
            session.execute(f"COMMENT ON SCHEMA {self._space} IS '{version}'")
            session.execute(f"SET LOCAL search_path TO {self._space}")
            for statement in statements(_TABLES):
                session.execute(statement)


class PostgresSearch(Search):
    """The search index of an archive, in PostgreSQL."""

    def __init__(self, archive: "Archive", place: PostgresSearchPlace) -> None:
        super().__init__(archive, place)
        self._space = place

    def _found(  # noqa: PLR0913 - as in Search
        self, db: Any, query: Query, conditions: list[str], values: list[Any], limit: int, *, newest: bool
    ) -> list[tuple[Any, ...]]:
        having, tried = _having(query)
        where = " AND ".join([having, *conditions])
        chosen = (
            f"SELECT e.number, e.entry, e.shown, w.is_short FROM words w JOIN entries e USING (number) WHERE {where}"
        )
        if newest:
            found = []
            with closing(db.stream(f"{chosen} ORDER BY e.shown DESC, e.number DESC", (*tried, *values))) as rows:
                for *one, is_short in rows:
                    if is_short or _finds(db, query, one[0]):
                        found.append(tuple(one))
                    if len(found) == limit:
                        break
            return found
        rank = "ts_rank('{0.1, 0.1, 0.1, 1}', w.words, CAST(? AS tsquery))"
        best = f"{chosen} ORDER BY {rank} DESC NULLS FIRST, e.number LIMIT ?"
        read = f"SELECT b.number, b.entry, b.shown, title, text FROM ({best}) AS b {_WITH_TEXT}"
        rows = db.execute(read, (*tried, *values, _words(query), max(_RANKED, limit))).fetchall()
        scores = _Scores(db, query)
        ranked = sorted((scores.score(title, zlib.decompress(text).decode()), *one) for *one, title, text in rows)
        return [tuple(one) for score, *one in ranked if score < 0][:limit]

    def _matching(self, db: Any, query: Query) -> list[str]:
        having, tried = _having(query)
        chosen = f"SELECT article, w.number, w.is_short FROM words w JOIN articles USING (number) WHERE {having}"
        with closing(db.stream(chosen, tried)) as rows:
            return [name for name, number, is_short in rows if is_short or _finds(db, query, number)]

    def _enter(self, db: Database, said: tuple[str, str, str | None]) -> int:
        query = "INSERT INTO articles (article, title, link) VALUES (?, ?, ?) RETURNING number"
        return int(db.execute(query, said).fetchone()[0])

    def _index(self, db: Database, number: int, title: list[str], text: list[str]) -> None:
        vector, is_short = _vector(title, text)
        db.execute("INSERT INTO words VALUES (?, CAST(? AS tsvector), ?)", (number, vector, is_short))
        count = len(title) + len(text)
        db.execute("UPDATE state SET articles = articles + 1, tokens = tokens + ?", (count,))

    def _tidy(self, db: Database) -> None:
        db.execute("VACUUM ANALYZE words")  # merges what the index has put aside
        db.execute("ANALYZE entries")

    def _transaction(self, _db: Database) -> AbstractContextManager[Any]:
        return self._space.transaction()


class _Scores:
    """How well articles match a query, by BM25. Spec: https://www.sqlite.org/fts5.html#the_bm25_function."""

    def __init__(self, db: Any, query: Query) -> None:
        self._rows = query.rows
        articles, tokens_ = db.execute("SELECT articles, tokens FROM state").fetchone()
        self._average = tokens_ / max(articles, 1)
        self._weights = []
        for row in self._rows if len(self._rows) > 1 else ():  # the weight of a single one changes no order
            (having,) = db.execute(
                "SELECT count(*) FROM words WHERE words @@ CAST(? AS tsquery)", (_phrase(row),)
            ).fetchone()
            self._weights.append(max(math.log((articles - having + 0.5) / (having + 0.5)), 0) or _RARE)

    def score(self, title: str, text: str) -> float:
        """Return the score of an article: below zero, the less the better. Zero: a phrase is not there."""
        kept = tokens(title), tokens(text)
        length = sum(map(len, kept))
        score = 0.0
        for row, weight in zip(self._rows, self._weights or [1.0], strict=True):
            often = _TITLE_WEIGHT * _count(row, kept[0]) + _count(row, kept[1])
            if not often:
                return 0.0
            score -= weight * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * length / self._average))
        return score


def _count(row: tuple[list[str], bool], kept: list[str]) -> int:
    """Count how often a phrase is among tokens."""
    phrase, is_open = row
    if is_open and len(phrase) == 1:
        return sum(1 for token in kept if token.startswith(phrase[0]))
    first, size = phrase[0], len(phrase)
    found, place = 0, -1
    with suppress(ValueError):
        while True:
            place = kept.index(first, place + 1)
            there = kept[place : place + size]
            if is_open and len(there) == size and there[-1].startswith(phrase[-1]):
                there[-1] = phrase[-1]
            found += there == phrase
    return found


def _finds(db: Any, query: Query, number: int) -> bool:
    """Read an article and tell whether every phrase is in it."""
    _, title, _, text = db.execute(KEPT, (number,)).fetchone()
    return query.finds(title, zlib.decompress(text).decode())


def _having(query: Query) -> tuple[str, list[str]]:
    """Say what the words of an article must be, so that nothing is missed."""
    phrases = " & ".join(map(_phrase, query.rows))
    return (
        "(w.words @@ CAST(? AS tsquery) AND (NOT w.is_short OR w.words @@ CAST(? AS tsquery)) OR w.words IS NULL)",
        [_words(query), phrases],
    )


def _words(query: Query) -> str:
    return " & ".join(" & ".join(_operands(row)) for row in query.rows)


def _phrase(row: tuple[list[str], bool]) -> str:
    return f"({' <-> '.join(_operands(row))})"


def _operands(row: tuple[list[str], bool]) -> list[str]:
    kept, is_open = row
    written = list(map(_quoted, kept))
    return [*written[:-1], f"{written[-1]}:*"] if is_open else written


def _vector(title: list[str], text: list[str]) -> tuple[str | None, bool]:
    """Write the tokens of an article as a tsvector, and tell whether nothing is lost by it. None: they are too many."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for place, token in enumerate(title, 1):
        places[token[:_LONGEST_TOKEN]].append(f"{place}A")
    for place, token in enumerate(text, len(title) + 2):  # no phrase reaches from the title into the text
        places[token[:_LONGEST_TOKEN]].append(str(place))
    bare_bytes = len("".join(places).encode())
    if bare_bytes + 4 * len(places) + 2 * (len(title) + len(text)) > _LONGEST_VECTOR:
        return (" ".join(map(_quoted, places)) if bare_bytes < _LONGEST_VECTOR else None), False
    is_short = (
        len(title) + len(text) < _LAST_PLACE
        and all(len(at) <= _MOST_PLACES for at in places.values())
        and all(len(token) < _LONGEST_TOKEN for token in places)
    )
    return " ".join(f"'{token}':{','.join(at[:_MOST_PLACES])}" for token, at in places.items()), is_short


def _quoted(token: str) -> str:
    """Write a token, in which there are letters and digits only."""
    return f"'{token[:_LONGEST_TOKEN]}'"
