"""A well-formed feed document's elements: their text, their HTML, the base of their addresses."""

import copy
from dataclasses import dataclass
from html import escape

from lxml import etree

from feedarchiver.gather.feeds import entry

Element = etree._Element  # noqa: SLF001 - the only name its type has

# Tags are compared in small letters, namespaces too.
ATOM = "{http://www.w3.org/2005/atom}"
XHTML = "{http://www.w3.org/1999/xhtml}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class Document:
    """What holds for a whole document: its address, and whether an xml:base is said anywhere in it."""

    url: str | None
    rebased: bool

    def base(self, element: Element) -> str | None:
        """Return the xml:base that holds for an element, absolute; None if none is said."""
        said = element.base if self.rebased else None
        return entry.link(said, self.url) if said else None

    def address(self, element: Element, text: str | None) -> str:
        """Return what an element says as an address, resolved if it has an xml:base."""
        base = self.base(element)
        return (entry.link(text or "", base) if base else None) or (text or "").strip()

    def html(self, element: Element) -> str:
        """Take an element's text as HTML; where markup was left unescaped, that markup."""
        html = _inner(element) if len(element) else (element.text or "").strip()
        return entry.rebased(html, self.base(element))

    def construct(self, element: Element, *, title: bool = False) -> str:
        """Write an Atom text or content construct as HTML (RFC 4287, 3.1 and 4.1.3); "" for what is no text."""
        kind = (element.get("type") or "text").strip().lower()
        if kind == "text" or kind.startswith("text/plain"):
            text = words(element)
            return escape(text, quote=False) if title else entry.paragraphs(text)
        if kind in {"xhtml", "application/xhtml+xml"}:
            element = element[0] if len(element) == 1 and element[0].tag == f"{XHTML}div" else element
            return entry.rebased(_inner(element), self.base(element))
        return self.html(element) if kind == "html" or kind.startswith("text/") else ""


def _inner(element: Element) -> str:
    """Write what is inside an element as HTML: XHTML's names without their namespace."""
    element = copy.deepcopy(element)
    for child in element.iter():
        child.tag = child.tag.removeprefix(XHTML)
    etree.cleanup_namespaces(element)
    pieces = [escape(element.text or "", quote=False)]
    pieces += [etree.tostring(child, encoding="unicode", method="html") for child in element]
    return "".join(pieces).strip()


def words(element: Element) -> str:
    """Take the text of an element and of all inside it."""
    return "".join(map(str, element.itertext())).strip() if len(element) else (element.text or "").strip()
