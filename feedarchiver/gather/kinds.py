"""The kinds of sources on the web: each is a function from an answered document to what it says and what to ask next.

Pure. Asking, remembering and archiving are the same for all kinds and happen elsewhere. A kind that learns from one
document where others are (older entries, articles) names them; it is called again with each.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from feedarchiver.gather.feeds import FeedEntry, NotAFeed, parse
from feedarchiver.gather.web.exchange import Answer
from feedarchiver.model import Article, Received
from feedarchiver.urls import canonical

__all__ = ["KINDS", "NotAFeed", "Reading", "feed"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reading(NamedTuple):
    """What a document says: its articles, oldest first, and of each the key that tells it from others.

    `older` is the address of the document with what came before; `patience` how long the source says that this one
    may be kept. `problems`: one line for each kind of thing that was left out or guessed.
    """

    received: tuple[Received, ...]
    keys: tuple[str, ...]
    older: str | None = None
    patience: timedelta | None = None
    problems: tuple[str, ...] = ()


Read = Callable[[Answer, str, str], Reading]
"""Read an answered document, of a source, that was asked for at an address. Raises NotAFeed with the reason."""


def feed(answer: Answer, source: str, asked: str) -> Reading:
    """Read a feed document."""
    parsed = parse(answer.body or b"", url=answer.url, media_type=answer.media_type, charset=answer.charset)
    entries = _oldest_first(parsed.entries)
    return Reading(
        received=tuple(Received(article=one.article, raw=one.raw, source=source, url=asked) for one in entries),
        keys=tuple(_key(one.article) for one in entries),
        older=parsed.address("prev-archive") or parsed.address("next"),
        patience=parsed.ttl,
        problems=parsed.problems,
    )


KINDS: dict[str, Read] = {"feed": feed}


def _oldest_first(entries: Iterable[FeedEntry]) -> list[FeedEntry]:
    """Put entries in the order of their dates; where one has none, in the reverse of the document's, newest first."""
    reverse = [*entries][::-1]
    instants = [entry.article.published or entry.article.updated for entry in reverse]
    if not all(instants):
        return reverse
    return sorted(reverse, key=lambda entry: entry.article.published or entry.article.updated or _EPOCH)


def _key(article: Article) -> str:
    """Name an article shortly: by its link, since a guid may be another at every poll."""
    name = canonical(article.link) if article.link else article.guid or ""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
