"""An entry as a feed says it, whatever the format, and the article that comes of it.

The readers of the formats collect; here is decided: which of several texts is the content, which date counts, what
the link is. An entry without link and guid has no identity and becomes no article.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape, unescape

from feedarchiver import dates, urls
from feedarchiver.gather.feeds import images
from feedarchiver.gather.feeds.parsed import FeedEntry, FeedLink, ParsedFeed, Problems
from feedarchiver.markup.text import plain
from feedarchiver.model import Article

_HTTP = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_TAG = re.compile(r"<[^<>]*>")
_WORDS_IN_A_LANGUAGE = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_MAIL = re.compile(r"[^\s()<>@]+@[^\s()<>@]+\s*\(([^()]+)\)|([^<>()]+)(?:<[^<>@]+@[^<>@]+>|\([^()@]+@[^()@]+\))")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_ELEMENT = re.compile(r"<[A-Za-z][^<>]*>")
_ADDRESS = re.compile(r"""(\s(?:href|src|poster|cite)\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+))""", re.IGNORECASE)
_PERIODS = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8760}
_LONGEST_TTL = timedelta(days=366)
_BEGINNINGS = 8, 64  # times as long as another text: many begin with a picture, or end with one


@dataclass(slots=True)
class Said:
    """What an entry says. Every list is in order of preference; texts are HTML, titles plain or HTML."""

    base: str | None = None
    titles: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    other_links: list[str] = field(default_factory=list)  # used only where none of those is an address
    guid: str | None = None
    published: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    bylines: list[str] = field(default_factory=list)  # authors where none are named by an element made for names
    categories: list[str] = field(default_factory=list)
    language: str | None = None
    contents: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    blurbs: list[str] = field(default_factory=list)  # used only where nothing else is said
    pictures: list[images.Candidate] = field(default_factory=list)


@dataclass(slots=True)
class Head:
    """What a feed says of itself. `authors` are those of entries that name none."""

    base: str | None = None
    title: str | None = None
    link: str | None = None
    language: str | None = None
    ttl: timedelta | None = None
    links: list[tuple[str, str]] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)


def feed(head: Head, entries: Iterable[tuple[Said, bytes]], problems: Problems, limit: int) -> ParsedFeed:
    """Make values of what a document says: a head, and its entries with the bytes of each."""
    home = link(head.link or "", head.base)
    head.base = head.base or home
    found = []
    for count, (said, raw) in enumerate(entries, 1):
        if count > limit:
            problems.add(f"more than {limit:,} entries; only the first {limit:,} were read")
            break
        article = _article(said, head, problems, count)
        if article is not None:
            found.append(FeedEntry(article, raw))
    links = ((rel, urls.absolute(url, head.base)) for rel, url in head.links)
    return ParsedFeed(
        title=plain(head.title or "") or None,
        link=home,
        language=language(head.language),
        ttl=head.ttl,
        links=tuple(dict.fromkeys(FeedLink(rel, url) for rel, url in links if url)),
        entries=tuple(found),
        problems=problems.lines(),
    )


def _article(said: Said, head: Head, problems: Problems, count: int) -> Article | None:
    base = said.base or head.base
    title = settled(plain(next(iter(said.titles), "")))
    address = next(filter(None, (link(text, base) for text in (*said.links, *said.other_links))), None)
    if address is None and not said.guid:
        problems.add("skipped, with neither link nor guid", f'entry {count} "{title[:80]}"')
        return None
    published = _date(said.published, problems)
    content, summary = _texts(said)
    return Article(
        title=title,
        link=address,
        guid=said.guid,
        published=published,
        published_from="feed" if published else None,
        updated=_date(said.updated, problems),
        authors=tuple(dict.fromkeys(said.authors or said.bylines or head.authors)),
        categories=tuple(dict.fromkeys(said.categories)),
        language=language(said.language) or language(head.language),
        summary=summary,
        content=content,
        image=images.chosen(said.pictures, base or address) if said.pictures else None,
    )


def link(text: str, base: str | None) -> str | None:
    """Return an address: as it stands when it is absolute, else resolved against `base`; None for any other."""
    text = text.strip()
    if _HTTP.fullmatch(text):
        return text if urls.encoded(text) else None
    return urls.encoded(text) if _SCHEME.match(text) else urls.absolute(text, base)


def language(text: str | None) -> str | None:
    """Take a language tag; None for what cannot be one."""
    text = text.strip() if text else ""
    return text if text and _WORDS_IN_A_LANGUAGE.fullmatch(text) else None


def settled(title: str) -> str:
    """Write plain text so that it is the same text when `plain` reads it again: escaped only where it must be."""
    return escape(title, quote=False) if ("<" in title or "&" in title) and plain(title) != title else title


def name(text: str) -> str:
    """Take the name out of RSS's `mail@host (name)` and of its variants; any other text as it is."""
    found = _MAIL.fullmatch(text.strip()) if "@" in text else None
    return (found[1] or found[2] if found else text).strip()


def paragraphs(text: str) -> str:
    """Write plain text as HTML, blank lines and line breaks kept."""
    html = escape(text.strip().replace("\r\n", "\n"), quote=False)
    if "\n" not in html:
        return html
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in _PARAGRAPH.split(html))


def rebased(html: str, base: str | None) -> str:
    """Resolve the relative addresses in `html` against an xml:base that its reader will not know."""
    if base is None:
        return html

    def resolved(found: re.Match[str]) -> str:
        said = unescape(found[2] or found[3] or found[4] or "")
        address = None if said.startswith("#") or ":" in said.partition("/")[0] else urls.absolute(said, base)
        return found[0] if address is None else f'{found[1]}"{address.replace("&", "&amp;")}"'

    return _ELEMENT.sub(lambda tag: _ADDRESS.sub(resolved, tag[0]), html)


def period(text: str, times: str | None) -> timedelta | None:
    """Read the syndication module's updatePeriod, divided by updateFrequency."""
    hours = _PERIODS.get(text.strip().lower())
    return None if hours is None else timedelta(hours=hours) / max(images.number(times) or 1, 1)


def minutes(text: str) -> timedelta | None:
    """Read RSS's ttl; None for nonsense and for more than a year."""
    said = images.number(text)
    ttl = timedelta(minutes=said) if said else None
    return ttl if ttl and ttl <= _LONGEST_TTL else None


def _texts(said: Said) -> tuple[str | None, str | None]:
    """Choose the content, the fullest text, and the summary, the first other one that says less."""
    texts = said.contents + said.summaries or said.blurbs
    if len(texts) <= 1:
        return (texts[0] if texts else None), None
    weights = _weights(texts)
    fullest = weights.index(max(weights))
    for number, text in enumerate(texts):
        if number >= len(said.contents) and 0 < weights[number] < weights[fullest]:
            return texts[fullest], text
    return texts[fullest], None


def _weights(texts: list[str]) -> list[int]:
    """Measure texts without their tags. Of one that says more than all the others hold, only so much is measured."""
    sizes = [len(text) for text in texts]
    longest = sizes.index(max(sizes))
    most = max(sizes[:longest] + sizes[longest + 1 :])
    return [_weight_above(most, text) if place == longest else _weight(text) for place, text in enumerate(texts)]


def _weight_above(most: int, text: str) -> int:
    """Measure a text, or as much of its beginning as says more than `most`."""
    for times in _BEGINNINGS:
        begun = _weight(text[: text.find(">", times * most) + 1])  # ends as a tag does, or is empty
        if begun > most:
            return begun
    return _weight(text)


def _weight(text: str) -> int:
    return len((_TAG.sub("", text) if "<" in text else text).strip())


def _date(texts: list[str], problems: Problems) -> datetime | None:
    """Read the first date that can be read. One without a zone is in UTC, as every reader of feeds takes it."""
    for text in texts:
        if found := dates.parse(text):
            return found
        if found := dates.parse(text, zone=UTC):
            problems.add("read as UTC, a date without a zone", repr(text[:60]))
            return found
        problems.add("not understood as a date", repr(text[:60]))
    return None
