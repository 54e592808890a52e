"""Pictures: the real address behind an `<img>`, what is no picture at all, and the one a person would name.

Lazy loading hides the address in data-attributes, srcset, `<picture>` or `<noscript>`; trackers and layouts use
`<img>` for what nobody looks at. Both are judged by words of markup and of file names, never by who published it.
"""

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.model import Image
from feedarchiver.urls import absolute, is_valid, unproxied

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_LAZY_SETS = ("data-lazy-srcset", "data-srcset", "srcset")
_SAYING_WHERE = (  # lazy ones first
    "data-lazy-src",
    "data-src",
    "data-original",
    "data-original-src",
    "data-lazy",
    "data-actualsrc",
    "data-hi-res-src",
    "data-img-src",
    "data-image-src",
    "data-full-src",
    "data-cfsrc",
    "nitro-lazy-src",
    "src",
)
_ELSEWHERE = frozenset((*_LAZY_SETS, *_SAYING_WHERE)) - {"src"}
_MANY = 64
_SENSIBLE_WIDTH = range(480, 2561)

_NO_ADDRESS = re.compile(r"\s*(?:data|blob|about|javascript):", re.IGNORECASE)
# Each begins with a set of characters, which lets a search skip the others quickly, and is in small letters.
_PIXEL = re.compile(
    r"[/_.-](?:(?<=/)(?:(?:_/stat|pixel|beacon|track(?:er|ing)?|hit|ping|count(?:er)?|stats?|collect|impression)"
    r"(?:\.(?:gif|png|php|aspx?))?\?|/pixel\.|[a-z]\.gif\?)"
    r"|(?:pixel|1x1|1px|beacon|tracking)\.(?:gif|png)(?:$|\?))"
)
_SPACER = re.compile(
    r"[/_.-](?:(?:(?<=/)"
    r"(?:spacer|blank|transparent|clear|empty|loading|lazy(?:load)?|placeholder|divider|separator)(?:[-_]?\d+(?:x\d+)?)?"
    r"|(?<=[_.-])(?:spacer|placeholder|divider))\.(?:gif|png|jpe?g|svg|webp)(?:$|\?)"
    r"|(?<=[/_-])(?:gr[ae]y[-_]?)?line\d{2,4}(?:-\w+)?\.(?:gif|png|jpe?g|webp)(?:$|\?))"
)
_SPACER_ALT = re.compile(
    r"(?:presentational )?(?:gr[ae]y |white )?line|presentational|spacer|divider|分[割隔][线線]|灰色?[线線]",
    re.IGNORECASE,
)
_ICON = re.compile(
    r"[/_.-](?:(?:icons?|favicon|sprites?|emoji|smil(?:ey|ies))(?:[/_.-][^?]*)?\.(?:png|gif|svg|ico|webp)$"
    r"|(?<=[./])gravatar\.com/"
    r"|(?<=/)(?:zoom|enlarge|magnif\w+|play|close|search|arrow|share|print)(?:[-_]\w{1,8})?\.(?:png|gif|svg|ico)$)"
)
_ICON_CLASS = re.compile(r"(?:^|[\s_-])(?:icons?|emoji|smiley|avatar|gravatar)(?=$|[\s_-])", re.IGNORECASE)
_EMOJI_CLASS = re.compile(r"(?:^|[\s-])(?:emoji|smiley)(?=$|\s)", re.IGNORECASE)
_EMOJI = 16  # characters: emoji drawn as pictures become characters again
_ICON_SIZE = 100  # pixels: below this on both sides, or below half of it on one, it is no lead image
_PIXEL_SIZE = 2
_NUMBER = re.compile(r"\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*", re.IGNORECASE)
_SIZE_IN_STYLE = re.compile(r"(?:^|;)\s*(width|height)\s*:\s*(\d{1,5})px", re.IGNORECASE)
_SIZE_IN_NAME = re.compile(r"-\d{2,4}x\d{2,4}(?=\.\w+\Z)|(?<=.)\.\w{3,4}\Z")
_CANDIDATE_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([wx])")
_PLEA = 200  # characters: a longer noscript text is content
_WORD = re.compile(r"\w")


class _Candidate(NamedTuple):
    """An address in a srcset; `width` in pixels, or None where only a density (`2x`) or nothing was said."""

    address: str
    width: int | None = None
    density: float = 1.0


_Found = tuple[str, int | None, int | None]
"""A picture's address, its width and height: an `Image` costs as much to make as to find, and only one is wanted."""


def settle(body: "LexborNode", base: str | None, names: frozenset[str], removed: dict[str, None]) -> Image | None:
    """Give every picture of `body` its real address, take out what is none, and return the lead image.

    `names`: those of the elements there are, and perhaps more.
    """
    lead = None
    if "noscript" in names and (noscripts := body.css("noscript")):
        held = sum(len(noscript.text()) for noscript in noscripts)
        plea = _PLEA if held * 2 <= len(body.text()) else -1  # more than half of the text is the article
        for noscript in reversed(noscripts):
            _settle_noscript(noscript, base, plea)
    for node in body.css("img") if "img" in names else ():
        attributes = node.attributes
        alt = attributes.get("alt")
        if alt and len(alt) <= _EMOJI and _EMOJI_CLASS.search(attributes.get("class") or ""):
            node.replace_with(alt)
            continue
        found = _picture(node, attributes, base)
        reason = _no_picture(node, attributes, found) if found else "placeholder"
        if found is None or reason:
            _take_out(node, reason or "placeholder", removed)
            continue
        _write(node, attributes, found)
        if lead is None and not _is_icon(node, attributes, found):
            url, width, height = found
            lead = Image(url=url, width=width, height=height, alt=_said(alt or ""))
    for node in body.css("picture > source") if "source" in names else ():
        node.decompose()
    return lead


def candidates(srcset: str) -> Iterator[_Candidate]:
    """Read a srcset (HTML standard, 4.8.4.2.1), also where a comma touches the next address."""
    words = iter(srcset.split())
    word = next(words, None)
    while word is not None:
        address, rest = word.strip(","), ""
        if address and not word.endswith(","):
            rest = next(words, "")
        size, _, glued = rest.partition(",")
        if address:
            number = _CANDIDATE_SIZE.fullmatch(size)
            width = int(float(number[1])) if number and number[2] == "w" else None
            yield _Candidate(address, width, float(number[1]) if number and number[2] == "x" else 1.0)
        word = glued or next(words, None)


def _settle_noscript(noscript: "LexborNode", base: str | None, plea: int) -> None:
    """Unwrap a picture that stands in for a lazy one, unless that one has its address; drop pleas for JavaScript."""
    inner = noscript.css_first("img")
    if inner is None:
        if noscript.css_first("iframe, video, audio") is None and len(noscript.text()) <= plea:
            noscript.decompose()
        else:
            noscript.unwrap()
        return
    found = _picture(inner, inner.attributes, base)
    for neighbour in (noscript.prev, noscript.next, _beyond(noscript.prev, "prev"), _beyond(noscript.next, "next")):
        twin = _twin(neighbour)
        other = _picture(twin, twin.attributes, base) if twin is not None else None
        if found and other and _file_name(other[0]) == _file_name(found[0]):
            noscript.decompose()
            return
    noscript.unwrap()


def _beyond(node: "LexborNode | None", direction: str) -> "LexborNode | None":
    """Step over a text node."""
    return getattr(node, direction) if node is not None and node.is_text_node else None


def _twin(node: "LexborNode | None") -> "LexborNode | None":
    if node is None or not node.is_element_node or node.tag == "noscript":
        return None
    return node if node.tag == "img" else node.css_first("img")


def _file_name(url: str) -> str:
    """Name a picture without the size that publishers put into file names and queries."""
    return _SIZE_IN_NAME.sub("", url.partition("?")[0].rpartition("/")[2])


def _picture(node: "LexborNode", attributes: dict[str, str | None], base: str | None) -> _Found | None:
    """Find the address of `node`'s picture: the largest sensible candidate, else the lazy one, else its src."""
    width, height = _length(attributes, "width"), _length(attributes, "height")
    if _ELSEWHERE.isdisjoint(attributes) and (url := _address(attributes.get("src"), base)):
        return url, width, height
    sets = [attributes[name] for name in _LAZY_SETS if name in attributes]
    best, other = _best(sets) if sets else (None, None)
    if best and (url := _address(best.address, base)):
        scaled = round(best.width * height / width) if best.width and width and height else None
        return url, best.width, scaled
    found = [attributes[name] for name in _SAYING_WHERE if name in attributes]
    if other:
        found.append(other.address)
    for address in chain(found, _sources(node)):
        if url := _address(address, base):
            return url, width, height
    return None


def _said(alt: str) -> str | None:
    """Read what is said of a picture."""
    text = " ".join(alt.split())
    return text if _WORD.search(text) else None


def _sources(node: "LexborNode") -> Iterator[str]:
    """List what the `<picture>` round `node` offers, best first."""
    if node.parent is None or node.parent.tag != "picture":
        return
    sources = [source.attributes for source in node.parent.css("source")]
    for candidate in _best([source[name] for source in sources for name in _LAZY_SETS if name in source]):
        if candidate:
            yield candidate.address


def _best(srcsets: list[str | None]) -> tuple[_Candidate | None, _Candidate | None]:
    """Choose the largest candidate of a sensible width, and the largest of the others."""
    sensible: list[_Candidate] = []
    others: list[_Candidate] = []
    for srcset in srcsets:
        for candidate in islice(candidates(srcset or ""), _MANY):
            is_sensible = candidate.width is not None and candidate.width in _SENSIBLE_WIDTH  # None: compared with each
            (sensible if is_sensible else others).append(candidate)
    return _largest(sensible), _largest(others)


def _largest(offered: list[_Candidate]) -> _Candidate | None:
    """Choose the largest candidate that is a picture, the first of several."""
    for candidate in sorted(offered, key=lambda one: one.width or one.density, reverse=True):
        if not _NO_ADDRESS.match(candidate.address) and not _SPACER.search(candidate.address.lower()):
            return candidate
    return None


def _address(address: str | None, base: str | None) -> str | None:
    if not address:
        return None
    if not is_valid(address):
        address = None if _NO_ADDRESS.match(address) else absolute(address, base)
    return unproxied(address) if address else None


def _length(attributes: dict[str, str | None], name: str) -> int | None:
    """Read a width or height in pixels; percentages and words say nothing. 0 and 1 are said, too."""
    said = attributes.get(name)
    number = _NUMBER.fullmatch(said) if said else None
    return int(number[1]) if number else None


def _no_picture(node: "LexborNode", attributes: dict[str, str | None], found: _Found) -> str | None:
    """Say why `node` is no picture: a tracking pixel, a spacer, a button's icon; None for a picture."""
    url = found[0].lower()
    sizes = _sizes(found)
    if (style := attributes.get("style")) and "px" in style:
        sizes += [int(size[1]) for size in _SIZE_IN_STYLE.findall(style)]
    if (sizes and min(sizes) <= _PIXEL_SIZE) or _PIXEL.search(url):
        return "tracking pixel"
    parent = node.parent
    if parent is not None and parent.tag == "a" and _ICON.search(url.partition("?")[0]):
        return "icon"  # a button: to enlarge, to print
    if _SPACER.search(url) or ((alt := attributes.get("alt")) and _SPACER_ALT.fullmatch(alt.strip())):
        return "spacer"
    return None


def _sizes(found: _Found) -> list[int]:
    return [size for size in found[1:] if size is not None]


def _is_icon(node: "LexborNode", attributes: dict[str, str | None], found: _Found) -> bool:
    """Tell a picture of the interface from one of the article."""
    sizes = _sizes(found)
    if sizes and (max(sizes) < _ICON_SIZE or min(sizes) < _ICON_SIZE // 2):
        return True
    parent = node.parent
    classes = (attributes.get("class"), parent.attributes.get("class") if parent is not None else None)
    return any(_ICON_CLASS.search(one) for one in classes if one) or bool(
        _ICON.search(found[0].lower().partition("?")[0])
    )


def _take_out(node: "LexborNode", reason: str, removed: dict[str, None]) -> None:
    node.decompose()
    removed[reason] = None


def _write(node: "LexborNode", attributes: dict[str, str | None], found: _Found) -> None:
    """Put what was found into the attributes that every reader knows."""
    url, width, height = found
    if attributes.get("src") != url:
        node.attrs["src"] = url
    for name, size in (("width", width), ("height", height)):
        if size is None:
            if name in attributes:
                del node.attrs[name]
        elif attributes.get(name) != (text := str(size)):
            node.attrs[name] = text
