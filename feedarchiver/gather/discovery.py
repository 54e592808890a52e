"""What an address is: a feed, a sitemap, a page that names its feeds, a listing page, an article. Pure.

It judges one document that was answered, and names the addresses worth asking next, best first; who asks them is the
caller's business. A page says where its feeds are, links to them, or keeps them where everybody does.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple
from urllib.parse import urljoin

from feedarchiver.gather import feeds, guessing, sitemaps
from feedarchiver.gather.decoding import decode
from feedarchiver.gather.extract import metadata
from feedarchiver.gather.extract.page import Element, NotAPage, Page, opened
from feedarchiver.markup.text import plain
from feedarchiver.urls import absolute, canonical

_TYPES = re.compile(
    r"application/(?:rss|atom|rdf)\+xml|application/feed\+json|application/json|(?:text|application)/xml", re.IGNORECASE
)
_LIKE_A_FEED = re.compile(
    r"(?:^|[/._=-])(?:rss|rss2|atom|feed|feeds|rdf|feed\.json|index\.xml)(?:$|[/._?=&#-])|\.(?:rss|atom|rdf)$|feeds?\.[a-z0-9-]+\.[a-z]{2,}/",
    re.IGNORECASE,
)
_NO_FEED = re.compile(
    r"comments?[/_-]feed|feed[/_-]comments|[?&]feed=comments|/(?:help|about|what-is)[^?]*rss", re.IGNORECASE
)
_SAYS_FEED = re.compile(r"\brss\b|\batom\b|feed|订阅|訂閱", re.IGNORECASE)
_BESIDE = ("feed/", "rss.xml", "atom.xml", "index.xml", "feed.xml", "rss", "feed.json")
_AT_ROOT = ("feed/", "feed", "rss.xml", "atom.xml", "index.xml", "feed.xml", "rss", "rss/", "feed.json", "?feed=rss2")
_SITEMAPS = ("sitemap.xml", "sitemap_index.xml", "news-sitemap.xml", "sitemap.xml.gz")
USUAL = "a usual place"
"""The reason of a lead that no page names."""
_MOST_LINKS = 5_000
_MOST = 25


class Kind(Enum):
    """What a document is."""

    FEED = "feed"
    SITEMAP = "sitemap"
    LISTING = "listing page"
    ARTICLE = "article"
    PAGE = "page"  # of HTML, without anything that repeats
    OTHER = "no source"


class Lead(NamedTuple):
    """An address worth asking, what it may be, and why; `title` as the page gives it."""

    url: str
    kind: Kind
    reason: str
    title: str | None = None


class Discovery(NamedTuple):
    """What a document turned out to be. `found`: how many articles it has; `guesses`: selectors for a listing page.

    `language`: that of a feed, as it says.
    """

    kind: Kind
    reason: str
    title: str | None = None
    found: int = 0
    guesses: tuple[guessing.Guess, ...] = ()
    leads: tuple[Lead, ...] = ()
    language: str | None = None


def discover(data: bytes, *, url: str, media_type: str | None = None, charset: str | None = None) -> Discovery:
    """Judge the document that came from `url`; `media_type` and `charset` are what the transport said."""
    start = data[:2_000].lstrip(b"\xef\xbb\xbf\0 \t\r\n")
    is_html = re.search(rb"<(?:!doctype\s+html|html|head|body)\b", start, re.IGNORECASE) is not None
    if not is_html:
        if found := _sitemap(data, url, charset):
            return found
        try:
            feed = feeds.parse(data, url=url, media_type=media_type, charset=charset)
        except feeds.NotAFeed as refused:
            reason = refused.reason
        else:
            count = len(feed.entries)
            reason = f"a feed with {count:,} {'entry' if count == 1 else 'entries'}"
            return Discovery(Kind.FEED, reason, feed.title, count, language=feed.language)
        if not start.startswith(b"<"):
            return Discovery(Kind.OTHER, reason, leads=tuple(_usual(url)))
    try:
        page = opened(data, url=url, charset=charset)
    except NotAPage as refused:
        return Discovery(Kind.OTHER, refused.reason, leads=tuple(_usual(url)))
    return _page(page)


def _sitemap(data: bytes, url: str, charset: str | None) -> Discovery | None:
    if not data.startswith(b"\x1f\x8b") and not sitemaps.is_sitemap(decode(data[:40_000], charset).text.lstrip()):
        return None
    try:
        found = sitemaps.parse(data, url=url)
    except sitemaps.NotASitemap:
        return None
    leads = tuple(Lead(child.url, Kind.SITEMAP, "named by the index") for child in found.sitemaps[:_MOST])
    count = len(found.pages)
    told = f"a sitemap of {count:,} page" if count else f"an index of {len(found.sitemaps):,} sitemap"
    reason = told if (count or len(found.sitemaps)) == 1 else f"{told}s"
    return Discovery(Kind.SITEMAP, reason, found=count, leads=leads)


def _page(page: Page) -> Discovery:
    """Judge a page: an article if it says so and does not repeat itself with dates, a listing if it does."""
    told = metadata.read(page)
    guesses = guessing.guess(page)
    best = guesses[0].found.entries if guesses else ()
    dated = sum(one.article.published is not None for one in best)
    title = next((" ".join(one.text_content().split()) for one in page.root.iter("title")), "") or None
    leads = tuple(_leads(page))
    if told.is_article and dated * 2 <= len(best):
        return Discovery(Kind.ARTICLE, "a page that says it is one article", title, 1, (), leads)
    if guesses:
        return Discovery(Kind.LISTING, guesses[0].reason, title, len(best), guesses, leads)
    return Discovery(Kind.PAGE, "a page without blocks of like shape that have headlines", title, 0, (), leads)


def _leads(page: Page) -> Iterator[Lead]:
    """Name what to ask next, each address once: what the page declares, what it links to, the usual places."""
    seen = {canonical(page.url)}
    for count, lead in enumerate(_all_leads(page)):
        if count > _MOST_LINKS or len(seen) > _MOST:
            return
        if (identity := canonical(lead.url)) not in seen:
            seen.add(identity)
            yield lead


def _all_leads(page: Page) -> Iterator[Lead]:
    declared = list(_declared(page))
    yield from (lead for lead in declared if not _NO_FEED.search(lead.url))
    for link, _ in zip(page.root.iter("a"), range(_MOST_LINKS), strict=False):
        href, label = link.get("href") or "", _label(link)
        address = absolute(href, page.base)
        if (
            address
            and _LIKE_A_FEED.search(href)
            and not _NO_FEED.search(href)
            and (_SAYS_FEED.search(label) or not label or _LIKE_A_FEED.search(href.rpartition("/")[2]))
        ):
            yield Lead(address, Kind.FEED, "linked from the page", label or None)
    yield from _usual(page.url)
    yield from (lead for lead in declared if _NO_FEED.search(lead.url))


def _declared(page: Page) -> Iterator[Lead]:
    """Read `<link rel=alternate>` with the media type of a feed (RFC 4287 and RSS autodiscovery), and rel=feed."""
    for link in page.root.iter("link"):
        rel = (link.get("rel") or "").lower().split()
        kind = (link.get("type") or "").strip()
        address = absolute(link.get("href") or "", page.base)
        if address and ("feed" in rel or ("alternate" in rel and _TYPES.match(kind) and not link.get("hreflang"))):
            if "json" in kind and "feed" not in kind and not _LIKE_A_FEED.search(address):
                continue  # WordPress names its interface for programs like that
            yield Lead(address, Kind.FEED, "declared by the page", plain(link.get("title") or "") or None)
        elif address and "sitemap" in rel:
            yield Lead(address, Kind.SITEMAP, "declared by the page")


def _usual(url: str) -> Iterator[Lead]:
    """Name the places where feeds and sitemaps usually are: beside a page, and at the root of its site."""
    root = urljoin(url, "/")
    beside = url.partition("?")[0].partition("#")[0]
    folder = beside if beside.endswith("/") else urljoin(beside, ".")
    if folder != root:
        yield from (Lead(folder + name, Kind.FEED, USUAL) for name in _BESIDE)
    yield from (Lead(root + name, Kind.FEED, USUAL) for name in _AT_ROOT)
    yield from (Lead(root + name, Kind.SITEMAP, USUAL) for name in _SITEMAPS)


def _label(link: Element) -> str:
    said = " ".join(link.text_content()[:300].split())
    return plain(said or link.get("title") or next((one.get("alt") or "" for one in link.iter("img")), ""))
