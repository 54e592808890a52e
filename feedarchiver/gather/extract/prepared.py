"""A page's tree before anything looks for the text in it: what nobody sees goes, what hides the article is opened.

Those who look for text know paragraphs and little else. So pictures, figures and players are taken out and marks put
in their place, to be put back, as the publisher wrote them, into the text that was found (`put_back`).
"""

import re
from collections.abc import Iterator
from itertools import islice

from lxml import etree
from lxml import html as lxml_html

from feedarchiver.gather.extract.page import Element, tree
from feedarchiver.markup.pictures import candidates
from feedarchiver.markup.text import xml_text
from feedarchiver.urls import absolute

_UNSEEN = (  # noqa: SIM905 - one a line would fill a page
    "applet button canvas datalist dialog embed fieldset frame input label link meta object option optgroup select svg"
    " template textarea"
).split()
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_AMP = {"amp-img": "img", "amp-video": "video", "amp-audio": "audio", "amp-iframe": "iframe", "amp-anim": "img"}
_KEPT = ("figure", "picture", "img", "video", "audio", "iframe")
_MARK = re.compile(r'<img\b[^>]{0,200}?\bsrc="https://kept\.invalid/(\d{1,5})\.png"[^>]{0,200}>(?:</img>)?')
_CAPTION = 600  # characters: a figure with more is a text with a picture
_ADDRESSES = frozenset(("href", "src", "poster", "cite"))
_LAZY = re.compile(r"data-[a-z-]*(?:src|original|url|image|full)[a-z-]*|nitro-lazy-src")
_LIKE_ADDRESS = re.compile(r"\.{0,2}/|https?:", re.IGNORECASE)
_SETS = re.compile(r"(?:data-[a-z-]*)?srcset")
_LONGEST_VALUE = 4_000
_MOST = 2_000  # pictures; the others stay what they are
_MOST_SIZES = 64


def prepare(root: Element, base: str) -> list[str]:
    """Tidy `root`, make its addresses absolute, put marks in place of what is kept, and return that."""
    body = root.find("body")
    if body is None:
        return []
    _open_noscript(body)
    for element in list(body.iter(*_AMP)):
        element.tag = _AMP[element.tag]
    total = len(body.text_content())
    _unhide(body, total)
    for element in list(body.iter("form")):
        if len(element.text_content()) * 3 > total:  # some systems put the whole page into one
            element.tag = "div"
        else:
            _drop(element)
    for element in list(body.iter(*_UNSEEN)):
        _drop(element)
    for element in list(body.iter("section")):
        element.tag = "div"
    for element in root.iter():
        _settle(element, base)
    return _marked(body)


def settled(markup: str, base: str) -> str:
    """Make the addresses in `markup` absolute."""
    root = tree(f"<body>{markup}")
    for element in root.iter():
        _settle(element, base)
    body = root.find("body")
    return "" if body is None else inner(body).strip()


def put_back(markup: str, kept: list[str]) -> str:
    """Replace the marks in `markup` by what they stand for."""
    return _MARK.sub(lambda mark: kept[int(mark[1])] if int(mark[1]) < len(kept) else "", markup)


def written(element: Element) -> str:
    """Write an element as HTML, without the text behind it."""
    text: str = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    return text


def inner(element: Element) -> str:
    """Write what is inside an element as HTML."""
    text = (element.text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text + "".join(etree.tostring(child, encoding="unicode", method="html", with_tail=True) for child in element)


def _open_noscript(body: Element) -> None:
    """Let the picture in a noscript take the place of the lazy one before it; drop what only asks for scripts."""
    total = len(body.text_content())
    for element in list(body.iter("noscript")):
        pictures = list(element.iter("img"))
        if len(element.text_content()) * 2 > total:
            element.tag = "div"
            continue
        before = element.getprevious()
        twin = None if before is None else before if before.tag == "img" else next(before.iter("img"), None)
        if pictures and twin is not None and twin.getparent() is not None and not (element.text_content().strip()):
            twin.getparent().replace(twin, _with_tail(pictures[0], twin.tail))
            _drop(element)
        elif pictures:
            element.tag = "span"
        else:
            _drop(element)


def _with_tail(element: Element, tail: str | None) -> Element:
    element.tail = xml_text(tail) if tail else None
    return element


def _unhide(body: Element, total: int) -> None:
    """Drop what is hidden; with half of the text in it, it is the article, waiting for a script."""
    for element in body.xpath("//*[@hidden or @style]"):
        if element.get("hidden") is None and not _HIDDEN.search(element.get("style") or ""):
            continue
        if element is body or len(element.text_content()) * 2 > total:
            element.attrib.pop("hidden", None)
            element.attrib.pop("style", None)
        else:
            _drop(element)


def _settle(element: Element, base: str) -> None:
    """Make the addresses of an element absolute, drop attributes that nobody needs or that are too long."""
    attributes = element.attrib
    for name, value in list(attributes.items()):
        if name in ("style", "background", "xmlns") or name.startswith("on") or len(value) > _LONGEST_VALUE:
            del attributes[name]
        elif _SETS.fullmatch(name):
            attributes[name] = ", ".join(_candidates(value, base))
        elif value.startswith("#"):
            continue
        elif name in _ADDRESSES or (_LAZY.fullmatch(name) and _LIKE_ADDRESS.match(value)):
            attributes[name] = absolute(value, base) or value


def _candidates(value: str, base: str) -> Iterator[str]:
    for one in islice(candidates(value), _MOST_SIZES):
        if url := absolute(one.address, base):
            yield f"{url} {one.width}w" if one.width else f"{url} {one.density:g}x"


def _marked(body: Element) -> list[str]:
    """Take out what is kept as it is, outermost first, and leave marks."""
    kept: list[str] = []
    for element in list(islice(body.iter(*_KEPT), _MOST)):
        if next(element.iterancestors("kept"), None) is not None:
            continue
        if element.tag == "figure" and (
            len(element.text_content()) > _CAPTION
            or next(element.iter("img", "video", "iframe", "audio"), None) is None
        ):
            continue
        mark = lxml_html.Element("img", src=f"https://kept.invalid/{len(kept)}.png")
        kept.append(written(element))
        parent = element.getparent()
        parent.replace(element, _with_tail(mark, element.tail))
        element.tag = "kept"  # what is inside it goes with it
    return kept


def _drop(element: Element) -> None:
    """Take an element out, but for the text behind it."""
    if element.getparent() is not None:
        element.drop_tree()
