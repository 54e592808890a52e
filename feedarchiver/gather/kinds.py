"""The kinds of sources on the web: each is a function from an answered document to what it says and what to ask next.

Pure. Asking, remembering and archiving are the same for all kinds and happen elsewhere. A kind that learns from one
document where others are (older entries, further sitemaps) names them; it is called again with each. What is behind
the links of its articles is read by `page`, of every kind in the same way.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from feedarchiver.gather.refusing import Unreadable
from feedarchiver.gather.web.exchange import Answer
from feedarchiver.model import Article, Received
from feedarchiver.urls import canonical

if TYPE_CHECKING:
    from feedarchiver.gather.feeds import FeedEntry
    from feedarchiver.gather.select import Select

__all__ = ["KINDS", "Part", "Reading", "Sought", "Unreadable", "feed", "key", "listing", "merged", "page", "sitemap"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRONT = ("", "/")
_LIKE_HTML = ("html", "xml", "text/plain")


class Sought(NamedTuple):
    """What is looked for: articles of a `source` at the address `asked`, by its selectors, none from before `since`."""

    source: str
    asked: str
    select: "Select | None" = None
    since: datetime | None = None


class Part(NamedTuple):
    """A further document of a source, and when it changed, as the one says that names it."""

    url: str
    modified: datetime | None


class Reading(NamedTuple):
    """What a document says: its articles, oldest first, and of each the key that tells it from others.

    `older` is the address of the document with what came before; `patience` how long the source says that this one
    may be kept. `problems`: one line for each kind of thing that was left out or guessed. `parts`: further documents.
    `passed`: how many articles and parts were passed over for their age. `guessed`: selectors that nobody has named.
    """

    received: tuple[Received, ...]
    keys: tuple[str, ...]
    older: str | None = None
    patience: timedelta | None = None
    problems: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    passed: int = 0
    guessed: "Select | None" = None


Read = Callable[[Answer, Sought], Reading]
"""Read an answered document. Raises Unreadable with the reason."""


class PageRead(NamedTuple):
    """An article with what its page says. `lacks`: why that is no text of its own, if it is none.

    `barred`: the page is a notice to robots, and may be another one in a while.
    """

    received: Received
    problems: tuple[str, ...] = ()
    lacks: str | None = None
    barred: bool = False


def feed(answer: Answer, sought: Sought) -> Reading:
    """Read a feed document."""
    from feedarchiver.gather.feeds import parse  # when nothing has changed, there is nothing to read

    parsed = parse(answer.body or b"", url=answer.url, media_type=answer.media_type, charset=answer.charset)
    return _reading(_oldest_first(parsed.entries), sought, parsed.problems)._replace(
        older=parsed.address("prev-archive") or parsed.address("next"), patience=parsed.ttl
    )


def listing(answer: Answer, sought: Sought) -> Reading:
    """Read a listing page, by selectors that are named or guessed."""
    from feedarchiver.gather import guessing
    from feedarchiver.gather import listing as reader
    from feedarchiver.gather.extract.page import opened

    page, select, guessed = opened(answer.body or b"", url=answer.url, charset=answer.charset), sought.select, None
    if select is None or select.items is None:
        best = next(iter(guessing.guess(page)), None)
        if best is None:
            raise Unreadable("no blocks of like shape with headlines; say where the articles are with `select`")
        guessed = best.select
        select = merged(guessed, select)
    parsed = reader.read(page, select)
    return _reading(_oldest_first(parsed.entries), sought, parsed.problems)._replace(guessed=guessed)


def sitemap(answer: Answer, sought: Sought) -> Reading:
    """Read a sitemap, or an index of sitemaps."""
    from feedarchiver.gather import sitemaps
    from feedarchiver.gather.feeds import FeedEntry

    found = sitemaps.parse(answer.body or b"", url=answer.url, since=sought.since)
    listed = (FeedEntry(one.article._replace(updated=one.modified), one.raw) for one in found.pages)
    return _reading(_oldest_first(listed), sought, found.problems)._replace(
        parts=tuple(Part(child.url, child.modified) for child in found.sitemaps), passed=found.older
    )


KINDS: dict[str, Read] = {"feed": feed, "page": listing, "sitemap": sitemap}


def page(answer: Answer, known: Received, select: "Select | None") -> PageRead:
    """Read the page of an article of which a document said what is `known`. Raises Unreadable."""
    from feedarchiver.gather.extract import extract

    if answer.media_type and not any(like in answer.media_type for like in _LIKE_HTML):
        raise Unreadable(f"it is no page but {answer.media_type}")
    came, wanted = urlsplit(answer.url), urlsplit(known.article.link or "")
    if came.path in _FRONT and not came.query and wanted.path not in _FRONT:  # where many sites lead who comes too late
        raise Unreadable(f"it leads to the front page, {answer.url}")
    data = answer.body or b""
    found = extract(data, url=answer.url, charset=answer.charset, own=known.article, select=select)
    return PageRead(
        Received(found.article, data, known.source, answer.url, said=known.article, charset=answer.charset),
        found.problems,
        lacks=found.decisions[0].reason if found.content_from is None or found.barred else None,
        barred=found.barred,
    )


def merged(guessed: "Select", own: "Select | None") -> "Select":
    """Let selectors that are named take the place of those that were guessed."""
    return guessed if own is None else guessed._replace(**{name: said for name, said in own._asdict().items() if said})


def key(article: Article) -> str:
    """Name an article shortly: by its link, since a guid may be another at every poll."""
    name = canonical(article.link) if article.link else article.guid or ""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _reading(entries: "Iterable[FeedEntry]", sought: Sought, problems: tuple[str, ...]) -> Reading:
    """Make a reading of entries, oldest first."""
    entries = [*entries]
    return Reading(
        received=tuple(Received(one.article, one.raw, sought.source, sought.asked) for one in entries),
        keys=tuple(key(one.article) for one in entries),
        problems=problems,
    )


def _oldest_first(entries: "Iterable[FeedEntry]") -> "list[FeedEntry]":
    """Put entries in the order of their dates; where one has none, in the reverse of the document's, newest first."""
    reverse = [*entries][::-1]
    instants = [entry.article.published or entry.article.updated for entry in reverse]
    if not all(instants):
        return reverse
    return sorted(reverse, key=lambda entry: entry.article.published or entry.article.updated or _EPOCH)
