"""Sitemaps read: which pages a site has, and what it says of them.

sitemaps.org 0.9 with Google's news and image extensions.

An index names further sitemaps, a urlset pages; a text file of one address a line is one, too. Gzip or not. Read as a
stream, without DTD and entities; of a broken document, what comes before the break is kept. Namespaces are not
looked at: half of the web writes them wrong.
"""

import io
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from lxml import etree

from feedarchiver import dates
from feedarchiver.gather.decoding import decode
from feedarchiver.gather.feeds import entry
from feedarchiver.gather.feeds.document import Element, words
from feedarchiver.gather.feeds.parsed import Problems
from feedarchiver.gather.refusing import Unreadable
from feedarchiver.markup.text import plain, xml_text
from feedarchiver.model import Article, Image
from feedarchiver.urls import absolute

_GZIP = b"\x1f\x8b"
_ROOTS = {"urlset": "url", "sitemapindex": "sitemap"}
_ROOT = re.compile(
    r"\A\s*(?:<[?!][^>]{0,2000}>\s*|<!--.{0,20000}?-->\s*){0,10}<(?:[\w.-]+:)?(urlset|sitemapindex)[\s>]", re.DOTALL
)
_MOST_LINES = 50_000
_MOST_PARTS = 100
_LONGEST = 8_000  # no server takes a longer address


class NotASitemap(Unreadable):
    """A document is no sitemap, or none that can be read, for `reason`."""


class Listed(NamedTuple):
    """A page of a sitemap: an article as far as it is told (perhaps only its link), and the bytes of its element."""

    article: Article
    modified: datetime | None
    raw: bytes


class Child(NamedTuple):
    """A sitemap that an index names."""

    url: str
    modified: datetime | None


class Sitemap(NamedTuple):
    """What a sitemap lists, in its order. `older`: how many pages and sitemaps were passed over for their age."""

    pages: tuple[Listed, ...] = ()
    sitemaps: tuple[Child, ...] = ()
    older: int = 0
    problems: tuple[str, ...] = ()


def is_sitemap(text: str) -> bool:
    """Tell whether a document begins like a sitemap in XML."""
    return _ROOT.match(text) is not None


def parse(
    data: bytes,
    *,
    url: str,
    since: datetime | None = None,
    limit_bytes: int = 60_000_000,
    limit_pages: int = 50_000,
) -> Sitemap:
    """Read the sitemap that came from `url`. Raises NotASitemap.

    Pages that changed or appeared before `since` are passed over; what says neither is kept. `limit_bytes` bounds the
    document, unpacked.
    """
    problems = Problems()
    data = _unpacked(data, limit_bytes, problems)
    text, encoding, unreadable = decode(data)
    if unreadable:
        problems.add(f"{unreadable:,} characters cannot be read as {encoding}")
    text = xml_text(text).lstrip()
    if is_sitemap(text):
        found = _elements(text, url, problems, limit_pages)
    elif text[:1] != "<" and "://" in text[:200]:
        found = _lines(text, limit_pages)
    else:
        raise NotASitemap("neither a sitemap nor a list of addresses" if text else "an empty document")
    pages: list[Listed] = []
    sitemaps: list[Child] = []
    older = 0
    for one in found:
        if since is not None and (when := _newest(one)) is not None and when < since:
            older += 1
        elif isinstance(one, Child):
            sitemaps.append(one)
        else:
            pages.append(one)
    return Sitemap(tuple(pages), tuple(sitemaps), older, problems.lines())


def _newest(one: Listed | Child) -> datetime | None:
    told = [one.modified, one.article.published if isinstance(one, Listed) else None]
    return max((when for when in told if when is not None), default=None)


def _unpacked(data: bytes, limit_bytes: int, problems: Problems) -> bytes:
    """Take gzip off, if it is there, never more than the limit; of a cut file, what is there. Raises NotASitemap."""
    if data.startswith(_GZIP):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data, limit_bytes + 1)
        except zlib.error as error:
            raise NotASitemap(f"damaged gzip: {error}") from error
        if not unpacker.eof and len(data) <= limit_bytes:
            problems.add("the gzip file is cut off; what is there was read")
    if len(data) > limit_bytes:
        raise NotASitemap(f"above the limit of {limit_bytes:,} bytes, unpacked")
    return data


def _elements(text: str, url: str, problems: Problems, limit: int) -> Iterator[Listed | Child]:
    """Read a urlset or an index, an element at a time."""
    events = etree.iterparse(
        io.BytesIO(text.encode(errors="replace")),
        events=("start", "end"),
        encoding="utf-8",
        recover=True,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    root, count = None, 0
    for event, element in events:
        if root is None:
            root = element
        if event == "start" or element.getparent() is not root:
            continue
        kind = _name(element)
        if kind in _ROOTS.values():
            count += 1
            if count > limit:
                problems.add(f"more than {limit:,} addresses; only the first {limit:,} were read")
                return
            if one := _child(element, url) if kind == "sitemap" else _listed(element, url):
                yield one
            else:
                problems.add("skipped, without an address", words(element)[:80])
        root.remove(element)  # memory stays flat
    if events.error_log:
        problems.add(f"not well-formed; what could be read was ({events.error_log[0].message})")


def _child(element: Element, url: str) -> Child | None:
    told = _told(element)
    address = absolute(_loc(told), url)
    return Child(address, dates.parse(told.get("lastmod", ""), zone=UTC)) if address else None


def _listed(element: Element, url: str) -> Listed | None:
    told = _told(element)
    address = entry.link(_loc(told), url)
    if address is None:
        return None
    parts = list(element)[:_MOST_PARTS]
    news = next((_told(part) for part in parts if _name(part) == "news"), {})
    publication = next(
        (_told(one) for part in parts if _name(part) == "news" for one in part if _name(one) == "publication"), {}
    )
    image = next((_told(part) for part in parts if _name(part) == "image"), {})
    published = dates.parse(news.get("publication_date", ""), zone=UTC)
    picture = absolute(image.get("loc", ""), url)
    keywords = (plain(word) for word in news.get("keywords", "").split(","))
    article = Article(
        title=entry.settled(plain(news.get("title", ""))),
        link=address,
        published=published,
        published_from="feed" if published else None,
        categories=tuple(dict.fromkeys(word for word in keywords if word)),
        language=entry.language(publication.get("language")),
        image=Image(url=picture, alt=plain(image.get("caption") or image.get("title") or "") or None)
        if picture
        else None,
    )
    modified = dates.parse(told.get("lastmod", ""), zone=UTC)
    return Listed(article, modified, etree.tostring(element, encoding="utf-8", with_tail=False))


def _loc(told: dict[str, str]) -> str:
    """Take what an element says that its address is; nothing, if nobody could ask for it."""
    said = told.get("loc", "")
    return said if len(said) <= _LONGEST else ""


def _told(element: Element) -> dict[str, str]:
    """Read the texts of an element's children by their names; of several of one name, the first."""
    told: dict[str, str] = {}
    for child in list(element)[:_MOST_PARTS]:
        told.setdefault(_name(child), words(child))
    return told


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _lines(text: str, limit: int) -> Iterator[Listed]:
    for line in text.split("\n", min(limit, _MOST_LINES))[: min(limit, _MOST_LINES)]:
        if address := absolute(line.strip(), None):
            yield Listed(Article(title="", link=address), None, line.strip().encode(errors="replace"))
