"""A listing page read: entries out of a page that has no feed, by the source's CSS selectors.

What a selector finds is taken as a person would: an address from `href` or `src`, a date from `datetime` or the text.
A selector that finds nothing in any item is said, one that should find the items and does not is refused.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from feedarchiver import urls
from feedarchiver.gather import dated
from feedarchiver.gather.extract import prepared
from feedarchiver.gather.extract.page import Page, opened
from feedarchiver.gather.feeds import entry
from feedarchiver.gather.feeds.parsed import FeedEntry, ParsedFeed, Problems
from feedarchiver.gather.refusing import Unreadable
from feedarchiver.gather.select import Select, outermost, soup
from feedarchiver.model import Article, Image

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_HEADINGS = "h1, h2, h3, h4, h5, h6"
_DATES = ("datetime", "content", "data-time", "data-date", "title")
_PICTURES = ("data-src", "data-original", "data-lazy-src", "data-lazy", "src", "content", "href")
_LONGEST_TITLE = 500


class NoItems(Unreadable):
    """A page yields no entry, for `reason`."""


def parse(
    data: bytes, *, url: str, select: Select, charset: str | None = None, limit_entries: int = 1_000
) -> ParsedFeed:
    """Read the entries of the listing page that came from `url`. Raises NotAPage, NoItems.

    `select.items` must be given and valid. Each entry's raw bytes are its own element.
    """
    return read(opened(data, url=url, charset=charset), select, limit_entries)


def read(page: Page, select: Select, limit_entries: int = 1_000, tree: "BeautifulSoup | None" = None) -> ParsedFeed:
    """Read the entries of an opened listing page, which may have been parsed as `tree` already. Raises NoItems."""
    if select.items is None:
        raise NoItems("no selector for the items")
    tree = tree or soup(page.markup, select.remove)
    found = outermost(tree.select(select.items))
    if not found:
        raise NoItems(f"the selector {select.items!r} for the items matches nothing")
    problems = Problems()
    if len(found) > limit_entries:
        problems.add(f"more than {limit_entries:,} items; only the first {limit_entries:,} were read")
    # `content` may be meant for the articles' own pages.
    missed = dict.fromkeys(key for key in ("link", "title", "date", "picture", "author") if getattr(select, key))
    entries: dict[str, FeedEntry] = {}
    for item in found[:limit_entries]:
        article = _Item(item, page.base, select, missed).article()
        if article is None:
            problems.add("skipped, without a link", " ".join(item.get_text(" ", strip=True).split())[:80])
        elif article.link is not None:
            entries.setdefault(urls.canonical(article.link), FeedEntry(article, str(item).encode(errors="replace")))
    if not entries:
        raise NoItems(f"none of {len(found):,} items has a link" + (f" ({select.link!r})" if select.link else ""))
    for key in missed:
        problems.add(f"the selector {getattr(select, key)!r} for the {key} matches nothing in any item")
    if select.date and "date" not in missed and not any(one.article.published for one in entries.values()):
        problems.add(f"what the selector {select.date!r} finds can be read as a date in no item")
    title = tree.find("title")
    return ParsedFeed(
        title=" ".join(title.get_text().split()) or None if title else None,
        link=page.url,
        language=entry.language(str(tree.html.get("lang") or "")) if tree.html else None,
        entries=tuple(entries.values()),
        problems=(*page.problems, *problems.lines()),
    )


class _Item:
    """An item of a listing page while it is read; what its selectors find is crossed off `missed`."""

    def __init__(self, item: "Tag", base: str, select: Select, missed: dict[str, None]) -> None:
        self.item, self.base, self.select, self.missed = item, base, select, missed

    def article(self) -> Article | None:
        """Make the article; None without a link."""
        link = self._link()
        if link is None:
            return None
        date = self._said("date", _date_texts)
        published = next(filter(None, (dated.read(text, self.select.writing) for text in date)), None)
        content = self._first("content")
        return Article(
            title=entry.settled(self._title()),
            link=link,
            published=published,
            published_from="markup" if published else None,
            authors=tuple(dict.fromkeys(self._said("author", _texts))),
            content=prepared.settled("".join(map(str, content.contents)), self.base) or None if content else None,
            image=self._picture(),
        )

    def _first(self, key: str, otherwise: str | None = None) -> "Tag | None":
        found = self._all(key, otherwise)
        return found[0] if found else None

    def _all(self, key: str, otherwise: str | None = None) -> "list[Tag]":
        selector = getattr(self.select, key) or otherwise
        if selector is None:
            return []
        found = list(self.item.select(selector))
        if not found and self.item.css.match(selector):
            found = [self.item]
        if found:
            self.missed.pop(key, None)
        return found

    def _said(self, key: str, take: "Callable[[Tag], list[str]]") -> list[str]:
        return [text for element in self._all(key) for text in take(element)]

    def _link(self) -> str | None:
        """Take the first address: of the item itself, or of a link in or round it."""
        found = self._all("link", "a[href]")
        if not found and self.select.link is None and (around := self.item.find_parent("a", href=True)):
            found = [around]
        for element in found:
            holder = element if element.get("href") else element.find("a", href=True)
            if holder is not None and (address := entry.link(str(holder.get("href")), self.base)):
                return address
        return None

    def _title(self) -> str:
        """Take the title: by its selector, else the heading, else the link that says most."""
        found = self._first("title") or (self.item.select_one(_HEADINGS) if not self.select.title else None)
        if found is None and not self.select.title:
            links = self._all("link", "a[href]")
            found = max(links, key=lambda one: len(one.get_text(strip=True)), default=None)
        if found is None:
            return ""
        text = " ".join(found.get_text(" ", strip=True).split())
        return (text or str(found.get("title") or found.get("alt") or "").strip())[:_LONGEST_TITLE]

    def _picture(self) -> Image | None:
        found = self._first("picture")
        if found is None:
            return None
        holder = found if any(found.get(name) for name in _PICTURES) else found.find("img") or found
        for name in _PICTURES:
            if (said := holder.get(name)) and (url := urls.absolute(str(said), self.base)):
                return Image(url=urls.unproxied(url), alt=str(holder.get("alt") or "").strip() or None)
        return None


def _date_texts(element: "Tag") -> list[str]:
    said = [str(element.get(name)) for name in _DATES if element.get(name)]
    return [*said, *_texts(element)]


def _texts(element: "Tag") -> list[str]:
    text = " ".join(element.get_text(" ", strip=True).split())
    return [text] if text else []
