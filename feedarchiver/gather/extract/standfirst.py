"""The standfirst: the paragraph between headline and text, which those who look for the text often leave behind."""

import re

from feedarchiver.gather.extract import prepared
from feedarchiver.gather.extract.page import Element

_CLASS = re.compile(
    r"(?:^|[\s_-])(?:chap[oô]|chapeau|standfirst|lead|lede|dek|deck|vorspann|intro|introduction|subtitle|sub-?head(?:line)?"
    r"|summary|abstract|daoyu|zhaiyao|entradilla|sommario|ingress)(?=$|[\s_-])",
    re.IGNORECASE,
)
_NAMES = ("p", "h2", "h3", "h4", "div", "blockquote")
_BLOCKS = ("p", "div", "ul", "ol", "table", "section", "h1", "h2")
_LENGTHS = range(15, 900)
_LEVELS = 4


def before(root: Element, text: str, summary: str) -> str | None:
    """Return the HTML of the standfirst of the page if `text`, which was found in it, lacks it.

    It stands below the page's one headline and says so in its class, or it is the `summary` the page gives of itself.
    """
    headlines = list(root.iter("h1"))
    if len(headlines) != 1:
        return None
    scope = headlines[0]
    for _ in range(_LEVELS):
        parent = scope.getparent()
        if parent is None or parent.tag in ("body", "html"):
            break
        scope = parent
    told = "".join(text.split())
    for element in scope.iter(*_NAMES):
        words = " ".join(element.text_content().split())
        if len(words) not in _LENGTHS or not (_CLASS.search((element.get("class") or "")[:200]) or words == summary):
            continue
        if "".join(words.split()) in told:
            return None
        if _is_plain(element) and _follows(headlines[0], element):
            return f"<p>{prepared.inner(element).strip()}</p>\n"
    return None


def _is_plain(element: Element) -> bool:
    """Tell whether an element is one paragraph of text of its own: no blocks, no list of links, nothing beside."""
    if next(element.iter(*_BLOCKS), element) is not element and list(element.iter(*_BLOCKS))[1:]:
        return False
    linked = sum(len(link.text_content()) for link in element.iter("a"))
    around = {parent.tag for parent in element.iterancestors()}
    return linked * 3 < len(element.text_content()) and around.isdisjoint(("a", "li", "aside", "nav", "footer"))


def _follows(headline: Element, element: Element) -> bool:
    """Tell whether `element` comes after the headline, with little text between."""
    between = 0
    for node in headline.xpath("following::text()")[:200]:
        holder = node.getparent()
        if holder is element or element in holder.iterancestors():
            return True
        between += len(node.strip())
        if between > _LENGTHS.stop:
            break
    return False
