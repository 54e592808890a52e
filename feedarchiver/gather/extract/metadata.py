"""What a page says of its article beside the text: title, authors, dates, picture, language, addresses.

Read are JSON-LD, Open Graph, the customary `<meta>` names, microdata, `<time>`, `<link rel=canonical>`, `<html lang>`
and `<title>`, in this order; each value remembers where it was found.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from feedarchiver import dates
from feedarchiver.gather import dated, dateline
from feedarchiver.gather.extract import jsonld
from feedarchiver.gather.extract.page import Element, Page
from feedarchiver.gather.feeds import entry, images
from feedarchiver.markup.text import plain
from feedarchiver.model import Image
from feedarchiver.urls import absolute, canonical, unproxied

_MOST = 500
_LONGEST = 2_000
_PUBLISHED = (  # noqa: SIM905 - one a line would fill a page
    "article:published_time og:published_time article:published datepublished pubdate publishdate publish_date"
    " publish_time publication_date date parsely-pub-date sailthru.date dc.date.issued dcterms.created dcterms.date"
    " dc.date weibo:article:create_at cxenseparse:recs:publishtime"
).split()
_UPDATED = ("article:modified_time", "og:updated_time", "datemodified", "lastmod", "last-modified", "dcterms.modified")
_AUTHORS = (
    "author",
    "article:author",
    "parsely-author",
    "sailthru.author",
    "dc.creator",
    "byl",
    "weibo:article:author",
)
_PICTURES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src")
_SEPARATOR = re.compile(r" [-–—·»•:] | ?[|_｜»] ?| ?[-–—](?=[^\x00-\x7f])")
_BY = re.compile(r"(?:by|von|par|por|作者|記者|记者|文)\s*[:：]?\s+|(?:作者|記者|记者|文)[:：]\s*", re.IGNORECASE)
_LONGEST_NAME = 80
_LINES = 12
_LINE = 60


class Found(NamedTuple):
    """A value, and where it was found."""

    value: Any
    origin: str


class Metadata(NamedTuple):
    """What a page says of its article. `free`: False where it says that reading costs. `found` tells where from."""

    title: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None
    published_from: str | None = None
    updated: datetime | None = None
    language: str | None = None
    image: Image | None = None
    canonical: str | None = None
    summary: str | None = None
    text: str | None = None
    is_article: bool = False
    free: bool | None = None
    found: tuple[tuple[str, str], ...] = ()


def read(page: Page, zone: tzinfo | None = None) -> Metadata:
    """Read what `page` says; `zone` is that of times which name none."""
    node = jsonld.article(page.data, page.url)
    told = node or {}
    meta = _meta(page.root)
    address = _canonical(page, meta)
    published, published_from = _published(page, told, meta, zone, address or page.url)
    values = {
        "title": _first(_titles(page.root, told, meta)),
        "authors": _first(_authors(page.root, told, meta)),
        "date": published,
        "updated": _first(_dates(told.get("dateModified"), "JSON-LD", _said(meta, _UPDATED), zone)),
        "language": _first(_languages(page.root, told, meta)),
        "picture": _first(_pictures(page, told, meta)),
        "canonical": Found(address, "rel=canonical") if address else None,
    }

    def value(name: str) -> Any:
        found = values[name]
        return found.value if found else None

    return Metadata(
        title=value("title") or "",
        authors=value("authors") or (),
        categories=_categories(told, meta),
        published=value("date"),
        published_from=published_from,
        updated=value("updated"),
        language=value("language"),
        image=value("picture"),
        canonical=address,
        summary=_summary(told, meta),
        text=next(iter(jsonld.texts(told.get("articleBody"))), None),
        is_article=node is not None or "article" in (text.lower() for text, _ in _said(meta, ["og:type"])),
        free=_free(told),
        found=tuple((name, found.origin) for name, found in values.items() if found),
    )


def _meta(root: Element) -> dict[str, list[str]]:
    """Collect the meta elements by their names in small letters."""
    told: dict[str, list[str]] = {}
    for element, _ in zip(root.iter("meta"), range(_MOST), strict=False):
        content = (element.get("content") or "").strip()
        name = element.get("property") or element.get("name") or element.get("itemprop") or element.get("http-equiv")
        if content and name and len(content) <= _LONGEST:
            told.setdefault(name.strip().lower(), []).append(content)
    return told


def _said(meta: dict[str, list[str]], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((text, name) for name in names for text in meta.get(name, ()))


def _first(found: Iterator[Found]) -> Found | None:
    return next((one for one in found if one.value), None)


def _titles(root: Element, told: jsonld.Node, meta: dict[str, list[str]]) -> Iterator[Found]:
    """Name what may be the title. Titles for search engines and other sites end in the name of the site."""
    page = _text(next(root.iter("title"), None))
    headings = [text for text in (_text(one) for one in root.iter("h1")) if text]
    sites = [plain(text) for text, _ in _said(meta, ["og:site_name", "application-name"])]
    sites += [plain(text) for text in jsonld.texts(told.get("publisher"))]
    if len(headings) == 1 and page.startswith(headings[0]):
        yield Found(_titled(headings[0]), "the heading, with which <title> begins")
    for text in jsonld.texts(told.get("headline")) + jsonld.texts(told.get("name")):
        yield Found(_titled(_without_site(plain(text), sites)), "JSON-LD headline")
    for text, name in _said(meta, ["og:title", "twitter:title"]):
        yield Found(_titled(_without_site(plain(text), sites)), name)
    if len(headings) == 1:
        yield Found(_titled(headings[0]), "the only <h1>")
    yield Found(_titled(_without_site(page, sites)), "<title>")


def _titled(text: str) -> str:
    return entry.settled(text[:_LONGEST])


def _without_site(title: str, sites: list[str]) -> str:
    """Take the name of the site off the end of a title; a last part is it if it is said to be, or is short."""
    title = title[:_LONGEST]
    for site in sites:
        head = title.removesuffix(site).rstrip() if site and title != site else title
        if head != title and (cut := re.search(r"[\s\-–—|_·»•:｜]+\Z", head)):
            return head[: cut.start()]
    parts = list(_SEPARATOR.finditer(title))
    if sites or not parts:
        return title
    head, tail = title[: parts[-1].start()], title[parts[-1].end() :]
    is_bar = parts[-1][0].strip() in ("|", "_", "｜")
    return head if len(tail) <= (len(head) if is_bar else len(head) * 2 // 3) else title


def _authors(root: Element, told: jsonld.Node, meta: dict[str, list[str]]) -> Iterator[Found]:
    yield Found(_names(jsonld.texts(told.get("author")) or jsonld.texts(told.get("creator"))), "JSON-LD author")
    for name in _AUTHORS:
        yield Found(_names(meta.get(name, ())), name)
    marked = root.xpath("//*[contains(@itemprop, 'author') or @rel='author' or contains(@class, 'author vcard')]")[:20]
    yield Found(_names(_text(one) for one in marked), "an element marked as author")


def _names(texts: Iterable[str]) -> tuple[str, ...]:
    """Take names of people; an address is none."""
    found = (_BY.sub("", entry.name(plain(text)), count=1).strip(" ,;、，") for text in texts)
    return tuple(dict.fromkeys(name for name in found if name and len(name) <= _LONGEST_NAME and "://" not in name))


def _published(
    page: Page, told: jsonld.Node, meta: dict[str, list[str]], zone: tzinfo | None, address: str
) -> tuple[Found | None, str | None]:
    """Find the date of publication, and the word for its kind of origin."""
    if found := _first(_dates(told.get("datePublished"), "JSON-LD", _said(meta, _PUBLISHED), zone)):
        return found, "markup"
    if marked := dateline.read(page.markup[page.markup.find("<body") :] if "<body" in page.markup else page.markup):
        return Found(marked, "an element marked as date"), "markup"
    if below := _below_headline(page.root, zone):
        return Found(below, "the line below the headline"), "markup"
    if linked := dates.from_link(address):
        return Found(linked, "the link"), "link"
    return None, None


def _below_headline(root: Element, zone: tzinfo | None) -> datetime | None:
    """Read the date in the lines between the headline and the first sentence."""
    headline = next(root.iter("h1"), None)
    if headline is None:
        title = _text(next(root.iter("title"), None))
        headline = next(
            (one for one in root.iter("td", "div", "h2", "b", "strong", "span") if _text(one) == title), None
        )
    if headline is None or headline.getroottree().getroot() is not root:
        return None
    for line in headline.xpath("following::text()[normalize-space()]")[:_LINES]:
        if len(line.strip()) > _LINE:
            return None
        if found := dated.read(line, dated.Writing(zone=zone)):
            return found
    return None


def _dates(told: object, origin: str, said: Iterator[tuple[str, str]], zone: tzinfo | None) -> Iterator[Found]:
    for text in jsonld.texts(told):
        yield Found(dated.read(text, dated.Writing(zone=zone)), origin)
    for text, name in said:
        yield Found(dated.read(text, dated.Writing(zone=zone)), name)


def _languages(root: Element, told: jsonld.Node, meta: dict[str, list[str]]) -> Iterator[Found]:
    for text in jsonld.texts(told.get("inLanguage")):
        yield Found(entry.language(text), "JSON-LD inLanguage")
    yield Found(entry.language(root.get("lang") or root.get("xml:lang")), "<html lang>")
    for text, name in _said(meta, ["og:locale", "content-language", "dc.language"]):
        yield Found(entry.language(text.replace("_", "-")), name)


def _pictures(page: Page, told: jsonld.Node, meta: dict[str, list[str]]) -> Iterator[Found]:
    publisher = told.get("publisher")
    logos = {one.url for one in _images(publisher.get("logo"), page.base)} if isinstance(publisher, dict) else set()
    width, height = (next(iter(meta.get(f"og:image:{side}", ())), None) for side in ("width", "height"))
    for text, name in _said(meta, _PICTURES):
        url = absolute(text, page.base)
        if url and url not in logos:
            sizes = (images.number(width), images.number(height)) if name.startswith("og:") else (None, None)
            yield Found(Image(url=unproxied(url), width=sizes[0], height=sizes[1]), name)
    for key in ("image", "thumbnailUrl"):
        for image in _images(told.get(key), page.base):
            if image.url not in logos:
                yield Found(image, f"JSON-LD {key}")


def _images(value: object, base: str) -> Iterator[Image]:
    """Read the pictures of a schema.org value: an address, an ImageObject, or a list of them."""
    for one in (value if isinstance(value, list) else [value])[:20]:
        said = (one.get("url") or one.get("contentUrl") or one.get("@id")) if isinstance(one, dict) else one
        url = absolute(said, base) if isinstance(said, str) else None
        if url:
            sizes = [
                images.number(str(one.get(side, ""))) if isinstance(one, dict) else None for side in ("width", "height")
            ]
            yield Image(url=unproxied(url), width=sizes[0], height=sizes[1])


def _canonical(page: Page, meta: dict[str, list[str]]) -> str | None:
    """Find the address that the page says is its own: on its site, and not the site's front page."""
    said = [one.get("href") or "" for one in page.root.iter("link") if (one.get("rel") or "").lower() == "canonical"]
    for text in (*said[:1], *meta.get("og:url", ())[:1]):
        url = absolute(text, page.base)
        if url and _site(url) == _site(page.url) and re.sub(r"https?://[^/]+/?", "", canonical(url)):
            return url
    return None


def _site(url: str) -> str:
    """Name the site of an address: its host without what stands before phones' and plain pages' names."""
    host = canonical(url).partition("://")[2].partition("/")[0]
    return re.sub(r"\A(?:www|m|mobile|amp|wap|3g)\.", "", host)


def _categories(told: jsonld.Node, meta: dict[str, list[str]]) -> tuple[str, ...]:
    said = jsonld.texts(told.get("articleSection")) + [
        text for text, _ in _said(meta, ["article:section", "article:tag"])
    ]
    return tuple(dict.fromkeys(text for text in map(plain, said) if text and len(text) <= _LONGEST_NAME))


def _summary(told: jsonld.Node, meta: dict[str, list[str]]) -> str | None:
    """Take the description, as HTML."""
    said = [text for text, _ in _said(meta, ["og:description", "description"])] or jsonld.texts(told.get("description"))
    return next((entry.paragraphs(plain(text)) for text in said if plain(text)), None)


def _free(told: jsonld.Node) -> bool | None:
    said = told.get("isAccessibleForFree")
    if isinstance(said, str):
        return {"true": True, "false": False}.get(said.strip().lower())
    return said if isinstance(said, bool) else None


def _text(element: Element | None) -> str:
    return "" if element is None else " ".join(element.text_content()[:_LONGEST].split())
