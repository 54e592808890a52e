"""Checks of a [[source]], and the value made of it: a folder of seed files, or something on the web that is asked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from feedarchiver.config import checks, filters, selecting
from feedarchiver.config.checks import REQUIRED, shown
from feedarchiver.model import Filter

if TYPE_CHECKING:
    from feedarchiver.gather.select import Select

_LONGEST_TIMEOUT = timedelta(minutes=10)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 section 5.6.2
_FIELD = re.compile(r"[\x20-\x7e]+")
# What the client says itself, each for a reason.
_OURS = {"accept-encoding", "connection", "content-length", "host", "if-modified-since", "if-none-match"}
_OURS |= {"proxy-authorization", "range", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"}


def kind(value: object) -> str:
    """Take the kind of a source."""
    if checks.text(value) not in _KINDS:
        *others, last = map(repr, _KINDS)
        raise ValueError(f"{shown(value)} is not a kind of source; known are {', '.join(others)} and {last}")
    return str(value)


def url(value: object) -> str:
    """Take an address to ask. What else it may not be (a private one) is judged when it is dialled."""
    address = checks.text(value)
    if not re.match(r"https?://[^\s/?#]", address, re.IGNORECASE):
        raise ValueError(f"{shown(address)} is not an http(s) address like 'https://example.org/feed.xml'")
    if re.match(r"[^:]*://[^/?#]*@", address):
        raise ValueError("must not hold a user name or password; put it into headers")
    return address


def interval(value: object) -> tuple[timedelta, timedelta]:
    """Take how often to ask: a duration, or the shortest and the longest of them."""
    if not isinstance(value, list):
        length = checks.duration(value)
        return length, length
    if len(value) != 2:  # noqa: PLR2004 - the two bounds
        raise ValueError("must be a duration, or a list of the shortest and the longest, like ['15 min', '1 day']")
    shortest, longest = map(checks.duration, value)
    if shortest > longest:
        raise ValueError("the first duration must not be longer than the second")
    return shortest, longest


def timeout(value: object) -> timedelta:
    """Take how long a whole answer may take."""
    length = checks.duration(value)
    if length > _LONGEST_TIMEOUT:
        raise ValueError(f"must be at most {_LONGEST_TIMEOUT.total_seconds() / 60:.0f} minutes")
    return length


def headers(value: object) -> tuple[tuple[str, str], ...]:
    """Take header fields to send with a request. Their values may be secrets and stand in no message."""
    if not isinstance(value, dict) or not value:
        raise ValueError(f'must be a table like {{ Authorization = "Bearer ..." }}, not {shown(value)}')
    for name, said in value.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{shown(name)} is not the name of a header field")
        if name.lower() in _OURS:
            raise ValueError(f"{name}: is not yours to set")
        if not isinstance(said, str) or not _FIELD.fullmatch(said.strip()):
            raise ValueError(f"{name}: must be text in quotes, of printable ASCII characters")
    return tuple((name, said.strip()) for name, said in value.items())


def images(value: object) -> str:
    """Take which pictures of articles are fetched."""
    if checks.text(value) not in {"lead", "all"}:
        raise ValueError(f"{shown(value)} is no choice of images; write 'lead' or 'all', or leave it out for none")
    return str(value)


def private(value: object) -> bool | tuple[str, ...]:
    """Take which places at private addresses may be asked: true is that of the source's own address."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, list):
        raise ValueError(f"must be true, false or a list of hosts and networks, not {shown(value)}")  # noqa: TRY004
    from feedarchiver.gather.web.allowed import place

    for one in value:
        place(checks.text(one))
    return tuple(value)


_WEB = frozenset(
    ("url", "interval", "include", "exclude", "max_articles", "select", "headers", "timeout", "allow_private")
)
_KINDS: dict[str, frozenset[str]] = {  # the keys that each kind has beside those that all have
    "seeds": frozenset(("folder", "allow_private")),
    "feed": _WEB | {"full_text"},
    "page": _WEB,
    "sitemap": _WEB | {"max_age"},
}
_PLACES = {"folder": "url", "url": "folder"}  # what says where, and what a source of the other sort says

KEYS: checks.Keys = {
    "id": (checks.source_id, REQUIRED),
    "kind": (kind, REQUIRED),
    "title": (checks.text, None),
    "language": (checks.language, None),
    "images": (images, None),
    "folder": (checks.folder, None),
    "url": (url, None),
    "interval": (interval, None),
    "include": (filters.patterns, None),
    "exclude": (filters.patterns, None),
    "max_articles": (checks.whole_number, None),
    "max_age": (checks.duration, None),
    "full_text": (checks.truth, None),
    "select": (selecting.selectors, None),
    "timeout": (timeout, None),
    "headers": (headers, None),
    "allow_private": (private, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a source on the web is asked. `interval`: the shortest and the longest. None: not said.

    `full_text`: the articles' own pages are read. `allow_private`: the places at private addresses that may be asked.
    """

    url: str
    interval: tuple[timedelta, timedelta] = (timedelta(minutes=15), timedelta(days=1))
    filter: Filter | None = None
    max_articles: int | None = None
    max_age: timedelta | None = None
    full_text: bool = False
    select: "Select | None" = None
    headers: tuple[tuple[str, str], ...] = ()
    timeout: timedelta = timedelta(seconds=45)
    allow_private: tuple[str, ...] = ()


class Pictures(NamedTuple):
    """Which pictures of a source's articles are fetched: "lead" or "all". `allow_private`: as of Asking."""

    which: str
    allow_private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A configured place that articles come from: a folder of seed files, or something on the web that is asked.

    Exactly one of `folder` and `asking` is there. The subfolders of a folder are sources of their own. `pictures` of
    None: those of its articles are not fetched.
    """

    id: str
    kind: str
    title: str | None
    language: str | None
    pictures: Pictures | None = None
    folder: Path | None = None
    asking: Asking | None = None


def misplaced(table: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """Say which keys a source of this kind lacks or does not have. `table`: those that were sound, `given`: all."""
    if "kind" not in table:
        return
    own = _KINDS[table["kind"]]
    for key in _PLACES:
        if key in own and key not in given:
            yield f"{key}: is missing"
    if table["kind"] in ("feed", "sitemap") and (select := table.get("select")):
        yield from (f"select: {problem}" for problem in selecting.of_no_use(select, table["kind"]))
        if table["kind"] == "feed" and not table.get("full_text"):
            yield "select: says where an article's page has its text; add full_text = true"
    others = {key for keys in _KINDS.values() for key in keys} - own
    yield from (_stray(key, table["kind"]) for key in given if key in others and key in table)
    if table["kind"] == "seeds" and "allow_private" in given and "images" not in given:
        yield "allow_private: nothing is fetched without images; leave it out"
    elif table["kind"] == "seeds" and table.get("allow_private") is True:
        yield "allow_private: a folder has no host of its own; name those of the pictures, like ['192.168.1.5']"


def _stray(key: str, of_kind: str) -> str:
    if (key, of_kind) == ("interval", "seeds"):
        return "interval: seed folders are read in every run; leave it out"
    return f"{key}: a source of kind {of_kind!r} has none; leave it out"


def made(table: dict[str, Any], folder: Path | None) -> Source:
    """Make the value of a checked [[source]]; `folder` is its folder's whole path."""
    said = {key: table[key] for key in ("id", "kind", "title", "language")}
    table["allow_private"] = _opened(table["allow_private"], table["url"])
    said["pictures"] = Pictures(table["images"], table["allow_private"]) if table["images"] else None
    if folder is not None:
        return Source(**said, folder=folder)
    rules = {key: table[key] for key in ("include", "exclude") if table[key] is not None}
    keys = ("url", "interval", "max_articles", "max_age", "select", "headers", "timeout", "allow_private")
    asking = {key: table[key] for key in keys if table[key] is not None}
    asking["full_text"] = table["kind"] != "feed" or bool(table["full_text"])
    return Source(**said, asking=Asking(**asking, filter=Filter(**rules) if rules else None))


def _opened(said: bool | tuple[str, ...] | None, own: str | None) -> tuple[str, ...]:  # noqa: FBT001 - as in the file
    """List the places at private addresses that a source at the address `own` may ask."""
    if not isinstance(said, bool):
        return said or ()
    if not said or own is None:
        return ()
    from feedarchiver.gather.web import allowed

    return allowed.own(own)
