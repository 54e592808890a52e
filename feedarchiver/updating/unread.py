"""Articles whose own pages are still to be read, and further documents of a source: what of them is remembered.

An article is wanted from the moment that a document of its source names it to the moment that its page is archived.
In between it is a note in the index, written with the document's validators, so that no limit, failure or crash makes
it forgotten. What was read already stands in the archive, and not here.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.index import Index, Told
from feedarchiver.archive.known import aliases
from feedarchiver.archive.objects import decode_article, encode_article, object_id
from feedarchiver.errors import ArchiveError
from feedarchiver.gather import kinds
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Failure
from feedarchiver.model import Article, Filter, Received
from feedarchiver.updating.source import WebSource

_PAGE, _LEFT, _PART = "page", "left", "part"  # pages to be read; those that are not, any more; further documents
Note = tuple[str, str, str | None]
"""What is to be noted: about which sort of things, of which one, and what; None: nothing any more."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_TRIES = 6
_MOST_TRIES_IF_PASSING = 20


class Unread(NamedTuple):
    """An article as a document told it, whose own page is to be read.

    `due`: when; None: not again, because it has been tried in vain, or because the source's rules leave it out
    (`excluded`, under the settings `under`). `trouble`: why it could not be read the last time.
    """

    known: Received
    failed: int = 0
    due: datetime | None = _EPOCH
    trouble: str | None = None
    excluded: bool = False
    under: str = ""

    @property
    def key(self) -> str:
        """Tell it from the others of its source."""
        return kinds.key(self.known.article)

    @property
    def size_bytes(self) -> int:
        """How much there is to be remembered of it, roughly."""
        article = self.known.article
        return 1_000 + sum(map(len, (self.known.raw, article.content or "", article.summary or "", article.title)))

    @property
    def age(self) -> datetime:
        """When it was published or changed, as far as it is known."""
        return self.known.article.published or self.known.article.updated or _EPOCH

    def is_due(self, now: datetime, under: str, *, anyway: bool) -> bool:
        """Tell whether the page is to be read now. `anyway`: somebody asks for it."""
        if self.excluded:
            return self.under != under
        return anyway if self.due is None else anyway or self.due <= now

    def after(self, failure: Failure, *, bounds: politeness.Bounds, now: datetime, chance: float) -> "Unread":
        """Decide when to try again after a failure."""
        known = politeness.Standing(due=now, asked=now, failed=self.failed)
        then = politeness.failed(known, failure, bounds, now, chance=chance)
        most = _MOST_TRIES_IF_PASSING if politeness.may_pass(failure) else _MOST_TRIES
        due = None if then.failed >= most else then.due
        return self._replace(failed=then.failed, due=due, trouble=failure.reason)


class Part(NamedTuple):
    """A further document of a source, named by the one at `of`.

    `modified` says when it changed, `seen` when it was read, `read` what `modified` was then; `etag` and
    `http_modified` are the validators of that answer.
    """

    url: str
    of: str
    modified: datetime | None = None
    seen: datetime | None = None
    read: datetime | None = None
    etag: str | None = None
    http_modified: str | None = None

    @property
    def is_due(self) -> bool:
        """Tell whether it may have changed since it was read."""
        return self.seen is None or self.modified is None or self.modified != self.read


class Sorted(NamedTuple):
    """The articles of a document: those whose pages are to be read, those that have none, and how many are settled."""

    wanted: tuple[Unread, ...] = ()
    direct: tuple[Received, ...] = ()
    settled: int = 0
    excluded: int = 0


def about(source: str, *, is_left: bool = False) -> str:
    """Name the notes of pages that are to be read, or of those that are not, any more."""
    return _about(_LEFT if is_left else _PAGE, source)


def is_noted(index: Index, one: Unread) -> bool:
    """Tell whether an article's page is remembered as what it is now: one that is to be read, or not any more."""
    return index.notes.read(about(one.known.source, is_left=one.due is None), one.key) is not None


def is_wanted_anew(index: Index, one: Unread) -> bool:
    """Tell whether a document has said, since the page was asked for, that the article changed."""
    kept = _kept(index, one.known.source, one.key)
    return kept is not None and _has_changed(one.known.article, kept.known.article)


def pages(index: Index, source: str) -> Iterator[Unread]:
    """Read which pages of a source are wanted."""
    return (_wanted(said, source) for _, said in index.notes.all(_about(_PAGE, source)))


def waiting(index: Index, sources: Iterable[str]) -> Iterator[str]:
    """Name those of some sources of which pages are wanted."""
    abouts = {_about(_PAGE, source): source for source in sources}
    yield from (abouts[about] for about in sorted(index.notes.sorts(abouts)))


def left(index: Index, source: str) -> Iterator[Unread]:
    """Read which pages of a source are not tried any more, or left out by its rules."""
    return (_wanted(said, source) for _, said in index.notes.all(_about(_LEFT, source)))


def parts(index: Index, source: str) -> list[Part]:
    """Read which further documents a source has."""
    return [_part(said) for _, said in index.notes.all(_about(_PART, source))]


def page_notes(one: Unread, *, done: bool = False) -> Iterator[Note]:
    """Write what is to be noted of a page. `done`: it is not wanted any more."""
    article, raw = encode_article(one.known.article).decode(), one.known.raw.decode("utf-8", "surrogateescape")
    said: dict[str, object] = {
        "article": article,
        "raw": raw,
        "url": one.known.url,
        "failed": one.failed,
        "trouble": one.trouble,
    }
    said |= {"due": one.due and one.due.isoformat(), "excluded": one.excluded, "under": one.under}
    for sort_of, holds in ((_PAGE, one.due is not None), (_LEFT, one.due is None)):
        yield _about(sort_of, one.known.source), one.key, json.dumps(said) if holds and not done else None


def part_note(source: str, one: Part, *, gone: bool = False) -> Note:
    """Write the note of a further document; `gone`: it is not named any more."""
    said = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in one._asdict().items()}
    text = json.dumps({key: value for key, value in said.items() if value is not None})
    return _about(_PART, source), one.url, None if gone else text


def sort(archive: Archive, source: WebSource, received: Sequence[Received], *, past: bool = False) -> Sorted:
    """Tell which articles of a document are new, or changed as the document says, so that their pages are wanted.

    `past`: the document is of the past, and says nothing of changes.
    """
    under = source.settings
    wanted: dict[str, Unread] = {}
    direct, settled, excluded = [], 0, 0
    for one in received[-source.most :] if source.most else received:
        article, name = one.article, kinds.key(one.article)
        kept = _kept(archive.index, source.id, name)
        if not (article.link or "").lower().startswith(("http://", "https://")):
            direct.append(one)
        elif kept and not _has_changed(kept.known.article, article) and kept.under == under:
            settled += kept.due is None
            excluded += kept.excluded
        elif kept is None and _is_settled(archive, source.id, article, past=past):
            settled += 1
        elif _is_out(source, one):
            excluded += 1
        else:
            wanted[name] = Unread(one, under=under)
    return Sorted(tuple(wanted.values()), tuple(direct), settled, excluded)


def has_text(article: Article) -> bool:
    """Tell whether a document has told more of an article than its headline."""
    return bool(article.content or article.summary)


def has_page(index: Index, article: Article, source: str) -> bool:
    """Tell whether an article is archived as its own page has it."""
    return any(one.said for one in _told(index, article, source))


def _is_settled(archive: Archive, source: str, article: Article, *, past: bool) -> bool:
    """Tell whether the page was read when the document said what it says now, or nothing that differs."""
    read = [one for one in _told(archive.index, article, source) if one.said]
    if past or not read:
        return bool(read)
    last = max(read, key=lambda one: one.captured).said
    if last is None or last == object_id(encode_article(article)):
        return True
    with suppress(ArchiveError):  # what is damaged is read again
        return not _has_changed(archive.article(last), article)
    return False


def _has_changed(before: Article, now: Article) -> bool:
    """Tell whether what a document says of an article means that it was edited. Pictures and markup mean nothing."""
    if now.updated and (before.updated is None or now.updated > before.updated):
        return True
    return before.title != now.title or _text(before) != _text(now)


def _text(article: Article) -> str:
    from feedarchiver.markup.text import plain

    return plain(article.content or article.summary or "")


def _is_out(source: WebSource, one: Received) -> bool:
    """Tell whether the source's rules leave an article out, whatever its page may say."""
    if source.filter is None:
        return False
    from feedarchiver.archive.selection import takes

    include = source.filter.include
    by_link = include if all(field == "link" for field, _ in include) else ()
    return not takes(Filter(include=by_link, exclude=source.filter.exclude), one.article, source.id, _EPOCH)


def _told(index: Index, article: Article, source: str) -> list[Told]:
    entry = index.find(aliases(article, source))
    return [] if entry is None else index.told(entry, source)


def _about(what: str, source: str) -> str:
    return f"{what} {source}"


def _kept(index: Index, source: str, name: str) -> Unread | None:
    said = next(filter(None, (index.notes.read(_about(what, source), name) for what in (_PAGE, _LEFT))), None)
    return None if said is None else _wanted(said, source)


def _wanted(said: str, source: str) -> Unread:
    told: dict[str, Any] = json.loads(said)
    raw = told["raw"].encode("utf-8", "surrogateescape")
    known = Received(decode_article(told["article"].encode()), raw, source, told["url"])
    due = told["due"] and datetime.fromisoformat(told["due"])
    return Unread(known, told["failed"], due, told["trouble"], told["excluded"], told["under"])


def _part(said: str) -> Part:
    told: dict[str, Any] = json.loads(said)
    for key in ("modified", "seen", "read"):
        if key in told:
            told[key] = datetime.fromisoformat(told[key])
    return Part(**told)


def since(source: WebSource, now: datetime) -> datetime | None:
    """Return the instant before which nothing is taken."""
    longest: timedelta | None = source.longest_ago
    return None if longest is None else now - min(longest, now - _EPOCH)
