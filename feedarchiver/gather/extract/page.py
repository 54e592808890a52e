"""A page opened: bytes to a tree that every reader of pages works on, and to the data its scripts hold.

One linear pass over the text takes out scripts, styles, comments and declarations (so there is no DTD and no entity
but HTML's own); nesting is bounded before a parser sees it, and what is too much for an article is refused.
"""

import re
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urljoin

from lxml import etree, html

from feedarchiver.gather.decoding import decode
from feedarchiver.gather.refusing import Unreadable
from feedarchiver.markup import depth
from feedarchiver.markup.text import xml_text

Element: TypeAlias = Any  # lxml.html has no types

_UNSEEN = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<[?!][^>]*(?:>|\Z)"
    r"|<(?P<name>script|style)(?=[\s/>])(?P<attributes>[^>]*)(?:>|\Z)(?P<inner>.*?)(?:</(?P=name)(?=[\s/>])[^>]*(?:>|\Z)|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_JSON_LD = re.compile(r"application/ld\+json", re.IGNORECASE)
_MOST_DATA = 50
_LONGEST_DATA = 1_000_000
_LONGEST = 3_000_000
_MOST_TAGS = 25_000  # at the worst some two seconds of a finder's work
_DEEP = "boolean(/*" + "/*" * 200 + ")"  # libxml2 drops the text of what is deeper than 254


class NotAPage(Unreadable):
    """A document is no page of HTML, or none that can be read, for `reason`."""


class Page(NamedTuple):
    """A page without its scripts. `markup` is what `root` was made of; `base` is what its addresses are relative to."""

    url: str
    base: str
    markup: str
    root: Element
    data: tuple[str, ...]
    problems: tuple[str, ...]


def opened(data: bytes, *, url: str, charset: str | None = None) -> Page:
    """Open the page that came from `url`; `charset` is what the transport said. Raises NotAPage."""
    text, encoding, unreadable = decode(data, charset)
    problems = (f"{unreadable:,} characters cannot be read as {encoding}",) if unreadable else ()
    told: list[str] = []

    def take(found: re.Match[str]) -> str:
        if found["name"] and _JSON_LD.search(found["attributes"]) and len(told) < _MOST_DATA:
            told.append(found["inner"][:_LONGEST_DATA])
        return " "

    markup = _UNSEEN.sub(take, xml_text(text)).strip()
    if "<" not in markup:
        raise NotAPage("no HTML" if markup else "an empty document")
    if len(markup) > _LONGEST or markup.count("<") > _MOST_TAGS:
        raise NotAPage(f"{len(markup):,} characters and {markup.count('<'):,} tags, too much for a page of text")
    root, markup = _parsed(markup)
    return Page(url, _base(root, url), markup, root, tuple(told), problems)


def _parsed(markup: str) -> tuple[Element, str]:
    """Parse `markup`, made shallow where it has to be."""
    head = ""
    if depth.is_suspicious(markup):
        head, markup = _head(markup), depth.shallow(markup)
    root = tree(head + markup)
    if root.xpath(_DEEP):
        head, markup = head or _head(markup), depth.shallow(markup)
        root = tree(head + markup)
    return root, head + markup


def _head(markup: str) -> str:
    """Cut out what a page says of itself, which is not text and would be lost with the tags that nest."""
    end = re.search(r"</head|<body", markup[:_LONGEST_DATA], re.IGNORECASE)
    return markup[: end.start()] + "</head>" if end else ""


def tree(markup: str) -> Element:
    """Parse bounded `markup`. Raises NotAPage."""
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        return html.document_fromstring(markup.encode(), parser=parser, ensure_head_body=True)
    except etree.ParserError as error:
        raise NotAPage("no HTML") from error


def _base(root: Element, url: str) -> str:
    """Find what relative addresses are relative to (HTML standard, 4.2.3)."""
    for element in root.iter("base"):
        if said := element.get("href"):
            try:
                return str(urljoin(url, said.strip()))
            except ValueError:
                return url
    return url
