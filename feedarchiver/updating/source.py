"""A source on the web as it is configured, and what is remembered of it from run to run."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from feedarchiver.archive.index import Index
from feedarchiver.gather.web.politeness import Bounds, Host, Standing
from feedarchiver.model import Filter

if TYPE_CHECKING:
    from feedarchiver.gather.select import Select

SOURCE, HOST, _BEYOND = "source", "host", "beyond"  # what notes of the index are about
ITSELF = ""  # the name of a source's own document among those that name more than was taken
GUESSED = ("items", "link", "title", "date", "picture", "author")
_INSTANTS = ("due", "asked", "answered", "failing_since")


class WebSource(NamedTuple):
    """Where to ask, how, how often, and what to take. `filter`: only articles that it takes are archived.

    `most`: of one document only so many articles, the newest. `select`: where on its pages is what; `full_text`: the
    articles' own pages are read; `longest_ago`: nothing that changed before then. `allow_private`: the
    places at private addresses that it, and what it names, may be at.
    """

    id: str
    kind: str
    url: str
    bounds: Bounds
    filter: Filter | None = None
    most: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 45.0
    allow_private: tuple[str, ...] = ()
    select: "Select | None" = None
    full_text: bool = False
    longest_ago: timedelta | None = None

    @property
    def crawls(self) -> bool:
        """Tell whether it is a page that was not made for programs to ask."""
        return self.kind != "feed"

    @property
    def settings(self) -> str:
        """Digest what decides which articles the address gives."""
        decisive: tuple[object, ...] = (self.kind, self.url, self.filter, self.most, self.headers)
        decisive += tuple(filter(None, (self.select, self.full_text, self.longest_ago)))
        return blake2b(repr(decisive).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Remembered(NamedTuple):
    """What is remembered of a source. What was learned under other `settings` does not count, but for gaps.

    `keys` are those of the articles in the last document that was stored, `body` is its digest. A gap is a time in
    which articles may have come and gone. `older`: where the way back through the source's own archive goes on;
    `complete`: it has been gone to its end. `problems`: those of the last document. `guessed`: selectors that were
    guessed, as JSON. `unmatched`: what is wrong with the selectors for the articles' own pages.
    """

    settings: str = ""
    standing: Standing | None = None
    keys: tuple[str, ...] = ()
    body: str | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    older: str | None = None
    complete: bool = False
    problems: tuple[str, ...] = ()
    guessed: str | None = None
    unmatched: str | None = None

    @property
    def address(self) -> str | None:
        """Where the source lives now, if it has moved."""
        return self.standing.moved if self.standing else None

    def is_continued(self, keys: tuple[str, ...]) -> bool:
        """Tell whether a document with articles of these keys takes up where the last one ended."""
        return not self.keys or not set(self.keys).isdisjoint(keys)


def remembered(index: Index, source: WebSource) -> Remembered:
    """Read what is remembered of a source."""
    return remembered_as(index.notes.read(SOURCE, source.id), source)


def remembered_as(said: str | None, source: WebSource) -> Remembered:
    """Take what is noted of a source, as far as it counts under its settings."""
    known = _read(said) if said else Remembered()
    settings = source.settings
    return known if known.settings == settings else Remembered(settings=settings, gaps=known.gaps)


def written(known: Remembered) -> str:
    """Write what is remembered."""
    values = {key: value for key, value in known._asdict().items() if value}
    if known.gaps:
        values["gaps"] = [[instant.isoformat() for instant in gap] for gap in known.gaps]
    if known.standing:
        values["standing"] = _standing(known.standing)
    return json.dumps(values, ensure_ascii=False)


def beyond(index: Index, source: str) -> dict[str, int]:
    """Count which articles were left out as too many, by the document that names them."""
    return {document: int(said) for document, said in index.notes.all(f"{_BEYOND} {source}")}


def lacking(index: Index, sources: Iterable[str]) -> set[str]:
    """Name those of some sources of which articles were left out."""
    abouts = {f"{_BEYOND} {source}": source for source in sources}
    return {abouts[about] for about in index.notes.sorts(abouts)}


def beyond_note(source: str, document: str, count: int) -> tuple[str, str, str | None]:
    """Write how many articles of a document were left out."""
    return f"{_BEYOND} {source}", document, str(count) if count else None


def host_read(said: str | None) -> Host | None:
    """Read what is remembered of a host."""
    return Host(datetime.fromisoformat(said)) if said else None


def host_written(host: Host | None) -> str | None:
    """Write what is remembered of a host; None: nothing."""
    return host.not_before.isoformat() if host else None


def select_read(said: str | None) -> "Select | None":
    """Read selectors that were guessed."""
    if said is None:
        return None
    from feedarchiver.gather.select import Select

    return Select(**json.loads(said))


def select_written(select: "Select | None") -> str | None:
    """Write selectors that were guessed: those for what is on a listing page."""
    return None if select is None else json.dumps({key: getattr(select, key) for key in GUESSED})


def _standing(standing: Standing) -> Mapping[str, object]:
    values = {key: value for key, value in standing._asdict().items() if value}
    values |= {key: values[key].isoformat() for key in _INSTANTS if key in values}
    if standing.interval is not None:
        values["interval"] = standing.interval.total_seconds()
    return values


def _read(said: str) -> Remembered:
    values: dict[str, Any] = json.loads(said)
    for key in ("keys", "problems"):
        values[key] = tuple(values.get(key, ()))
    instants = (
        (datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in values.get("gaps", ())
    )
    values["gaps"] = tuple(instants)
    if standing := values.get("standing"):
        for key in _INSTANTS:
            if key in standing:
                standing[key] = datetime.fromisoformat(standing[key])
        if "interval" in standing:
            standing["interval"] = timedelta(seconds=standing["interval"])
        values["standing"] = Standing(**{"due": None} | standing)
    return Remembered(**values)
