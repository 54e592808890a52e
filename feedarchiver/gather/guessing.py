"""The repeated structure of a listing page, guessed where nobody has written selectors for it.

Looked for are blocks of like shape, each with one link that reads like a headline, perhaps with a date and a picture.
What comes out are selectors, tried on the page itself: a person sees what they find, confirms, and keeps them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from feedarchiver.gather import dated, listing
from feedarchiver.gather.extract.page import Element, Page
from feedarchiver.gather.feeds.parsed import ParsedFeed
from feedarchiver.gather.select import Select, soup
from feedarchiver.urls import absolute, canonical
from feedarchiver.words import UNSPACED

_MOST_LINKS = 3_000
_LEVELS = 6
_FEWEST = 3
_HEADLINE = range(12, 400)  # in Latin letters
_UNSPACED = re.compile(rf"[{UNSPACED}]")
_STATE = re.compile(
    r"\d|(?:^|[-_])(?:odd|even|first|last|active|current|selected|new|hot|lazy(?:load(?:ed)?)?)(?:$|[-_])",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"(?:^|[\s_-])(?:nav|menu|foot(?:er)?|breadcrumbs?|crumbs?|pag(?:er|ination)|tags?|side(?:bar)?|aside|rank(?:ing)?|hot"
    r"|related|recommend(?:ed)?|share|comments?|ads?|friend|links?)(?=$|[\s_-])",
    re.IGNORECASE,
)
_ASIDES = frozenset(("nav", "footer", "aside", "form"))
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LONGEST_CLASS = 60
_LONGEST_CLASSES = 200
_SHAPE = 3  # levels
_SAMPLE = 100  # items
_TITLE = re.compile(r"title|headline|subject|(?:^|[\s_-])tit(?:$|[\s_-])", re.IGNORECASE)
_DATE_LENGTH = range(6, 60)
_MOST = 0.8  # of the items must agree where it is
_HALF = 0.5


Escape = Callable[[str], str]
Finder = Callable[[Element], Element | None]


class Guess(NamedTuple):
    """Selectors for a listing page, what they find on it, and a line that says why."""

    select: Select
    found: ParsedFeed
    reason: str


class _Item(NamedTuple):
    """A block, the address its headline leads to, and the link that is its headline."""

    block: Element
    address: str
    link: Element


class _Group(NamedTuple):
    items: tuple[_Item, ...]
    score: float
    dated: bool


def guess(page: Page, most: int = 3) -> tuple[Guess, ...]:
    """Guess the selectors of a listing page, the likeliest first; none for a page without repeated headlines."""
    guesses: list[Guess] = []
    tree = soup(page.markup)
    for group in sorted(_groups(page), key=lambda group: -group.score)[: most * 2]:
        select = _select(group, page)
        try:
            found = listing.read(page, select, tree=tree)
        except listing.NoItems:
            continue
        links = {one.article.link for one in found.entries}
        if len(links) < _FEWEST or any(links & {one.article.link for one in other.found.entries} for other in guesses):
            continue
        dates = sum(one.article.published is not None for one in found.entries)
        reason = (
            f"{len(found.entries)} blocks of like shape ({select.items}), each with a headline; {dates} with a date"
        )
        guesses.append(Guess(select, found, reason))
        if len(guesses) == most:
            break
    return tuple(guesses)


def _groups(page: Page) -> Iterator[_Group]:
    """Collect blocks by their shape and that of what is round them, and judge each collection."""
    body = page.root.find("body")
    blocks: dict[tuple[str, ...], dict[Element, list[Element]]] = defaultdict(dict)
    addresses: dict[Element, str] = {}
    for link in list(page.root.iter("a"))[:_MOST_LINKS]:
        address = absolute(link.get("href") or "", page.base)
        if address is None or (link.get("href") or "").startswith("#") or _weight(_text(link)) not in _HEADLINE:
            continue
        addresses[link] = canonical(address)
        block: Element | None = link
        for _ in range(_LEVELS):
            if block is None or block is body:
                break
            blocks[_shape(block)].setdefault(block, []).append(link)
            block = block.getparent()
    home = canonical(page.url)
    for held in blocks.values():
        if len(held) >= _FEWEST and (group := _judged(held, addresses, home)):
            yield group


def _judged(held: dict[Element, list[Element]], addresses: dict[Element, str], home: str) -> _Group | None:
    """Judge blocks of one shape: by how many headlines they hold, how much these say, and what else is there."""
    items = []
    for block, links in held.items():
        if len({addresses[link] for link in links}) > _FEWEST:
            return None  # a block of blocks
        link = max(links, key=lambda one: (_in_heading(one), _weight(_text(one))))
        if addresses[link] != home:
            items.append(_Item(block, addresses[link], link))
    distinct = {item.address for item in items}
    if len(distinct) < _FEWEST or len(distinct) * 2 < len(items):
        return None
    titles = [min(_weight(_text(item.link)), 90) for item in items]
    has_dates = sum(_date(item.block) is not None for item in items) >= len(items) * _HALF
    score = min(len(distinct), 60) * (sum(titles) / len(titles))
    score *= 1.5 if has_dates else 1
    score *= 1.3 if sum(_in_heading(item.link) for item in items) >= len(items) * _HALF else 1
    score *= (
        1.1 if sum(len(_text(item.block)) > len(_text(item.link)) * 1.5 for item in items) >= len(items) * _HALF else 1
    )
    score *= 0.15 if _is_aside(items[0].block) else 1
    return _Group(tuple(items), score, has_dates)


def _select(group: _Group, page: Page) -> Select:
    """Write the selectors that find the items of a group and what is in them."""
    from soupsieve import escape

    blocks = [item.block for item in group.items[:_SAMPLE]]
    return Select(
        items=_path(blocks[0], escape),
        link=_link(group, page, escape),
        title=_inside(blocks, _title, escape),
        date=_inside(blocks, _date, escape) if group.dated else None,
        picture=_picture(blocks),
    )


def _path(block: Element, escape: Escape) -> str:
    """Write a selector for the blocks like this one: up to a parent that can be named."""
    parts = [_simple(block, escape)]
    parent = block.getparent()
    while parent is not None and parent.tag not in ("body", "html"):
        part = _simple(parent, escape)
        parts.insert(0, part)
        if part != parent.tag:
            break
        parent = parent.getparent()
    return " > ".join(parts)


def _link(group: _Group, page: Page, escape: Escape) -> str | None:
    """Write a selector for the link, where it is not the first one of the item."""

    def first(item: _Item) -> bool:
        links = [item.block, *item.block.iter("a")] if item.block.tag == "a" else list(item.block.iter("a"))
        return bool(links) and canonical(absolute(links[0].get("href") or "", page.base) or "") == item.address

    if sum(map(first, group.items)) >= len(group.items) * _MOST:
        return None
    links = {item.block: item.link for item in group.items}
    return _inside([item.block for item in group.items], links.get, escape)


def _title(block: Element) -> Element | None:
    """Find a title that is not simply the link: a heading, or what is called one."""
    heading = next(block.iter(*_HEADINGS), None)
    if heading is not None:
        return heading
    return next((one for one in block.iter() if _TITLE.search((one.get("class") or "")[:200]) and _text(one)), None)


def _picture(blocks: list[Element]) -> str | None:
    """Say that items have pictures: most do, and not all the same dot."""
    sources = [
        {value for name, value in image.items() if "src" in name} for block in blocks for image in block.iter("img")
    ]
    distinct = {frozenset(said) for said in sources}
    return "img" if len(sources) >= len(blocks) * _HALF and len(distinct) * 2 > len(blocks) * _HALF else None


def _date(block: Element) -> Element | None:
    """Find the element of a block that is a date, or says one for machines."""
    for element in block.iter("time"):
        if dated.read(element.get("datetime") or _text(element)):
            return element
    for element in block.iter("span", "em", "i", "small", "p", "div", "td", "dd", "b", "font", "li", "cite"):
        text = _text(element) if len(element) <= 1 else ""
        if len(text) in _DATE_LENGTH and re.search(r"[12]\d{3}", text) and dated.read(text):
            return element
    return None


def _inside(blocks: Iterable[Element], find: Finder, escape: Escape) -> str | None:
    """Write the selector that most blocks agree on for something within them; None if too few have it."""
    blocks = list(blocks)
    found = [element for block in blocks if (element := find(block)) is not None]
    if len(found) < max(len(blocks) * _HALF, 1):
        return None
    name, _ = Counter(_named(one, escape) for one in found).most_common(1)[0]
    return name


def _named(element: Element, escape: Escape) -> str:
    """Write the shortest selector that says what an element is: with a class, else below its parent's."""
    own = _simple(element, escape)
    parent = element.getparent()
    if own != element.tag or element.tag in (*_HEADINGS, "time") or parent is None:
        return own
    return f"{_simple(parent, escape)} > {own}" if parent.tag in (*_HEADINGS, "p", "div", "span", "dt") else own


def _simple(element: Element, escape: Escape) -> str:
    classes = _classes(element)
    identity = element.get("id") or ""
    if identity and not re.search(r"\d", identity) and not classes:
        return f"{element.tag}#{escape(identity)}"
    return str(element.tag) + "".join(f".{escape(name)}" for name in classes)


def _classes(element: Element) -> list[str]:
    """List the classes that say what an element is, not which one of several or in what state."""
    return sorted(
        {
            name
            for name in (element.get("class") or "")[:_LONGEST_CLASSES].split()
            if not _STATE.search(name) and len(name) < _LONGEST_CLASS
        }
    )[:3]


def _shape(block: Element) -> tuple[str, ...]:
    shape: list[str] = []
    element: Element | None = block
    while element is not None and len(shape) < _SHAPE:
        shape.append(f"{element.tag} {' '.join(_classes(element))}")
        element = element.getparent()
    return tuple(shape)


def _in_heading(link: Element) -> bool:
    return next(link.iterancestors(*_HEADINGS), None) is not None or next(link.iter(*_HEADINGS), None) is not None


def _is_aside(block: Element) -> bool:
    return any(
        one.tag in _ASIDES
        or _ASIDE.search(f"{one.get('class') or ''}"[:_LONGEST_CLASSES] + f" {one.get('id') or ''}"[:_LONGEST_CLASSES])
        for one in (block, *block.iterancestors())
        if one.tag not in ("body", "html")
    )


def _weight(text: str) -> int:
    """Measure how much a headline says, in Latin letters."""
    return len(text) + 2 * len(_UNSPACED.findall(text))


def _text(element: Element) -> str:
    return " ".join(element.text_content()[:4_000].split())
