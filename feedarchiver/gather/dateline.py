"""The date that an article's own markup says for machines: in JSON-LD, a meta element, microdata, `<time>`, a dateline.

What an article is not about (what it links to, lists, quotes) has dates of its own, which are not its.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from feedarchiver import dates

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_LONGEST = 65_536  # lexbor is quadratic on deep nesting: 13,000 nested elements take a quarter of a second


def read(html: str) -> datetime | None:
    """Read the date that markup says, or None. Only the first 65,536 characters count.

    In this order: JSON-LD `datePublished` of an article; the meta element `article:published_time`; an element with
    `itemprop="datePublished"` or `<time pubdate>`; and, before the text has got going, a `<time datetime>` or a piece
    of text that is an ISO 8601 or RFC 822 instant with its zone and nothing else. Dates inside links, lists, asides,
    quotes or another item's microdata belong to something else, a `<time>` within a sentence to what it tells of.
    """
    from selectolax.lexbor import LexborHTMLParser  # only undated articles need it

    root = LexborHTMLParser(html[:_LONGEST]).root
    if root is None:
        return None
    for finder in (_json_ld, _marked, _early):
        for text in finder(root):
            found = dates.for_machines(text)
            if found is not None:
                return found
    return None


def _json_ld(root: "LexborNode") -> Iterator[str]:
    """Yield `datePublished` of the articles a page's JSON-LD is about: top level and @graph, not what they name."""
    import json

    for script in root.css('script[type="application/ld+json" i]'):
        try:
            told = json.loads(script.text())
        except (ValueError, RecursionError):
            continue
        things: list[Any] = told if isinstance(told, list) else [told]
        graphs = [thing["@graph"] for thing in things if isinstance(thing, dict) and "@graph" in thing]
        for thing in [*things, *(node for graph in graphs if isinstance(graph, list) for node in graph)]:
            if isinstance(thing, dict) and _is_article(thing.get("@type")):
                said = thing.get("datePublished")
                yield said if isinstance(said, str) else ""


def _is_article(kind: object) -> bool:
    """Tell whether a schema.org type or list of types is that of an article or a blog posting."""
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(one, str) and one.endswith(("Article", "Posting")) for one in kinds)


def _marked(root: "LexborNode") -> Iterator[str]:
    """Yield what stands in elements marked as the date of publication."""
    for meta in root.css('meta[property="article:published_time" i], meta[name="article:published_time" i]'):
        yield meta.attributes.get("content") or ""
    for node in root.css('[itemprop~="datePublished"], time[pubdate]'):
        if _is_own(node):
            attributes = node.attributes
            yield attributes.get("datetime") or attributes.get("content") or node.text()


def _early(root: "LexborNode") -> Iterator[str]:
    """Yield the dates among the first 200 characters of text: `<time datetime>`, and texts ending in a zone."""
    seen = 0
    for node in root.traverse(include_text=True, skip_empty=True):
        text = node.text_content
        if text is None:
            if node.tag == "time" and "itemprop" not in node.attributes and _is_own(node) and not _in_sentence(node):
                yield node.attributes.get("datetime") or ""
            continue
        parent = node.parent
        if parent is None or parent.tag in {"script", "style", "title", "noscript", "template"}:
            continue
        text = text.strip()
        if dates.for_machines(text, whole=True) and _is_own(node):
            yield text
        seen += len(text)
        if seen > 200:  # noqa: PLR2004 - a byline, a caption, a headline; not yet a story
            return


def _is_own(node: "LexborNode") -> bool:
    """Tell whether a date stands with the article itself, not with something it links to, quotes or lists."""
    above, scoped = node.parent, False
    for _ in range(100):
        if above is None or above.tag in {"body", "html"}:
            return True
        if above.tag in {"a", "li", "aside", "nav", "blockquote"}:
            return False
        attributes = above.attributes
        if not scoped and "itemscope" in attributes:
            scoped = True
            if not _is_article(attributes.get("itemtype")):
                return False
        above = above.parent
    return False  # nobody writes a byline a hundred elements deep


def _in_sentence(node: "LexborNode") -> bool:
    """Tell whether a `<time>` stands in a paragraph with more around it than a byline."""
    above = node.parent
    while above is not None and above.tag in {"b", "em", "i", "small", "span", "strong"}:
        above = above.parent
    return above is not None and above.tag == "p" and len(above.text(strip=True)) - len(node.text(strip=True)) > 40  # noqa: PLR2004
