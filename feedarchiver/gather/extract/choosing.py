"""Which text is the article's: the source's own selector, a finder, the page's data, or what the feed said already.

Lengths decide, and the marks of paywalls and notices; every decision comes with its reason.
"""

import re
from html import unescape
from typing import NamedTuple

from feedarchiver.gather.extract import faithful, finders, prepared, standfirst, verdict
from feedarchiver.gather.extract.metadata import Metadata
from feedarchiver.gather.extract.page import Page, tree
from feedarchiver.gather.feeds import entry
from feedarchiver.gather.select import Select, outermost, soup
from feedarchiver.model import Article
from feedarchiver.words import UNSPACED

_TAG = re.compile(r"<[^<>]*>")
_HEADING = re.compile(r"<(h[1-3])\b[^<>]*>(.{0,1000}?)</\1>", re.DOTALL)
_BEGINNING = 3_000
_WEAK = 250
_FULLER = 2
_UNSPACED = re.compile(rf"[{UNSPACED}]")


class Text(NamedTuple):
    """A text for the article: its HTML, what of it is read, and who found it."""

    html: str
    read: str
    origin: str


class Choice(NamedTuple):
    """The HTML chosen, who found it ("feed" for what was there before, None for nothing), and why."""

    html: str | None
    origin: str | None
    reason: str
    problems: tuple[str, ...] = ()


def content(page: Page, told: Metadata, own: Article | None, select: Select | None) -> Choice:
    """Choose the text of the article. Changes the tree of `page`."""
    best, problems = _best(page, told, select)
    said = read(own.content or own.summary or "") if own else ""
    kept = (own.content if own else None, "feed" if own and own.content else None)
    feed = f"the feed's own text of {len(said):,} characters stays" if kept[1] else "nothing is taken"
    if best is None:
        return Choice(*kept, f"no text was found; {feed}", problems)
    length = weight(best.read)
    wall = verdict.has_wall(page.markup)
    if reason := verdict.barred(best.read, length) or verdict.teased(best.read, length, free=told.free, wall=wall):
        if kept[1] is None and "notice" not in reason:
            return Choice(best.html, best.origin, f"{reason}; it is all there is", problems)
        return Choice(*kept, f"{reason}; {feed}", problems)
    if len(best.read) <= len(read(own.content or "") if own else ""):
        return Choice(*kept, f"the page says no more than the feed ({len(best.read):,} characters); {feed}", problems)
    before = f"; the feed had {len(said):,}" if said else ""
    return Choice(best.html, best.origin, f"{best.origin}, {len(best.read):,} characters{before}", problems)


def read(markup: str) -> str:
    """Read roughly what `markup` says: enough to measure and compare."""
    return " ".join(unescape(_TAG.sub(" ", markup)).split())


def weight(text: str) -> int:
    """Measure how much `text` says, in Latin letters: a character of a script without spaces is worth three."""
    return len(text) + 2 * len(_UNSPACED.findall(text))


def _best(page: Page, told: Metadata, select: Select | None) -> tuple[Text | None, tuple[str, ...]]:
    """Find the best text in a page, whatever the feed said."""
    problems: tuple[str, ...] = ()
    if select is not None and select.content:
        if text := _selected(page, select.content, select.remove, told.title):
            return text, ()
        problems = (f"the selector {select.content!r} for the content matches nothing, or no text",)
    best = _found(page, told, select.remove if select else ())
    if told.text and (best is None or len(best.read) * 2 < len(told.text)):
        html = told.text if "</p>" in told.text else entry.paragraphs(told.text)
        best = Text(html, read(html), "JSON-LD articleBody")
    return best, problems


def _selected(page: Page, selector: str, remove: tuple[str, ...], title: str) -> Text | None:
    elements = outermost(soup(page.markup, remove).select(selector))
    html = prepared.settled("\n".join(str(element) for element in elements), page.base)
    return _text(html, title, f"the selector {selector!r}")


def _found(page: Page, told: Metadata, remove: tuple[str, ...]) -> Text | None:
    """Ask the finder for such text; where it finds little, ask the other one too."""
    root = page.root if not remove else tree(str(soup(page.markup, remove)))
    kept = prepared.prepare(root, page.base)
    first, second = finders.order(root.text_content())
    best = None
    for name in (first, second):
        html = finders.found(name, root, page.base)
        if html:
            html = faithful.restored(html, read(html), root)
        text = _text(prepared.put_back(html, kept), told.title, name) if html else None
        if text and (best is None or len(text.read) > len(best.read) * _FULLER):
            best = text
        if best and weight(best.read) >= _WEAK:
            break
    lead = standfirst.before(root, best.read, read(told.summary or "")) if best else None
    return _text(lead + best.html, told.title, best.origin) if best and lead else best


def _text(html: str, title: str, origin: str) -> Text | None:
    """Make a text of HTML, without the heading that is the title; None if nobody could read anything in it."""
    begin = html[:_BEGINNING]
    if (heading := _HEADING.search(begin)) and _same(read(heading[2]), title):
        html = html[: heading.start()] + html[heading.end() :]
    words = read(html)
    return Text(html.strip(), words, origin) if words else None


def _same(heading: str, title: str) -> bool:
    return "".join(heading.split()).casefold() == "".join(read(title).split()).casefold() != ""
