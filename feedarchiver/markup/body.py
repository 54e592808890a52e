"""An article's body, read once: its cleaned HTML, its text, its lead image, and what was cleaned away.

Everything is decided on one tree (lexbor), in an order that matters: what is never shown goes first, then noise, then
pictures and links get their real addresses; the allow-list has the last word on the HTML, and adds nothing to the text.
"""

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

from feedarchiver.markup import depth, noise, pictures
from feedarchiver.markup.safe import TAGS, allowed
from feedarchiver.markup.survey import Survey, notes
from feedarchiver.markup.text import xml_text
from feedarchiver.model import Image
from feedarchiver.urls import absolute, is_valid

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_UNSEEN = frozenset(
    "script style template link meta base title svg canvas param annotation noframes noembed dialog".split()  # noqa: SIM905
)
_UNSEEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CONTROLS = frozenset(
    "input select option textarea datalist button object embed applet frame area track".split()  # noqa: SIM905
)
_REPORTED = {"script": "script", "style": "style", "svg": "svg", "template": "template", "dialog": "hidden block"}
_MAILTO = re.compile(
    r"mailto:[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+(?:\?[A-Za-z0-9._~%&=+\-,;:@/?!$'()*]*)?", re.IGNORECASE
)
# In small letters. Each begins with one of few characters, which lets a search skip the others quickly.
_ADVERT_FRAME = re.compile(r"doubleclick|google(?:syndication|tagmanager)|/ads?[/?.]|a(?<=\ba)dserv")
_STRANGE = f":not(body, {', '.join(sorted(TAGS))})"
_PLAIN_NAMES = re.compile(r"[a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*")
_STRANGE_BLOCKS = frozenset(("dir", "form", "hgroup", "listing", "marquee", "optgroup", "option", "search"))
_TINY = re.compile(r"[0-2](?:px)?")
# The last private-use character marks the links made of players, until their text has been told from the article's own.
_PLAYER = "\U0010fffd"
PLAYER_SIGN = "▶ "
"""What the mark becomes: content with it reads otherwise than `Body.text`, which leaves those links out."""
# Those of `TAGS` that do not keep apart what stands before and after them.
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code del dfn em i img ins kbd mark q rp rt ruby s samp small span strike strong sub sup"  # noqa: SIM905 - one a line would fill a page
    " time tt u var wbr".split()
)
_PARAGRAPH_LEVEL = frozenset(("p", "span", "a", "b", "i", "em", "strong", "small", "h1", "h2", "h3", "h4", "h5", "h6"))


class Body(NamedTuple):
    """What a cleaned body says. `removed`: short words for what was cleaned away, in order.

    `settled`: its HTML, cleaned except for what the allow-list does not let through. Never to be published as it is.
    None where only the text was asked for.
    """

    text: str
    image: Image | None
    removed: tuple[str, ...]
    settled: str | None

    def html(self) -> str:
        """Give the cleaned HTML: safe, with absolute addresses, the same for the same input.

        Made when asked for: importing an article needs its text only, and the allow-list is a third of the work.
        Raises ValueError where only the text was asked for.
        """
        if self.settled is None:
            raise ValueError("only the text of this body was asked for")
        return allowed(self.settled).replace(_PLAYER, PLAYER_SIGN)


def parse(html: str, *, base: str | None, text_only: bool = False) -> Body:
    """Clean `html`, a body or a whole page. `base`: the address it came from, against which links are resolved.

    `text_only`: its HTML is not asked for, and not written.
    """
    from selectolax.lexbor import LexborHTMLParser  # a run with nothing new does without it

    html = xml_text(html).replace(_PLAYER, "").removesuffix("<!")  # of that lexbor makes a comment with earlier text
    suspicious = depth.is_suspicious(html)
    # Opening the body at once keeps a document's head and framesets from being read as such.
    tree = LexborHTMLParser(f"<body>{depth.shallow(html) if suspicious else html}")
    if not suspicious and tree.body is not None and depth.is_deep(tree.body):
        tree = LexborHTMLParser(f"<body>{depth.shallow(html)}")
    body = tree.body
    if body is None:
        return Body("", None, (), None if text_only else "")
    survey = Survey.of(body)
    names = survey.names
    removed: dict[str, None] = {}
    _drop_unseen(body, survey, removed)
    noise.clear(body, survey, removed)
    _drop_controls(body, names, removed)
    image = pictures.settle(body, base, names, removed)
    if broken := [link for link in survey.links if not is_valid(link)]:
        _settle_links(body, base, broken)
    if not names.isdisjoint(("video", "audio")):
        _settle_media(body, base, removed)
    if "iframe" in names:
        _link_players(tree, body, base, removed)
    _unwrap_strange(body, names - TAGS - _UNSEEN - _CONTROLS - {"iframe"})
    noise.drop_labels(body, html)
    settled = None if text_only else body.inner_html or ""
    text = _text(body, survey)
    if "&" in html and "&#" in html:  # references may name what XML forbids
        settled, text = settled and xml_text(settled), xml_text(text)
    return Body(" ".join(text.split()), image, tuple(removed), settled)


def _text(body: "LexborNode", survey: Survey) -> str:
    """Read the text, with white space where a block begins or ends, without the links made of players.

    Takes the tree apart.
    """
    for node in body.css("a") if "iframe" in survey.names else ():
        if node.text(deep=False).startswith(_PLAYER):  # and not one round such a link
            node.replace_with(" ")
    for node in notes(body) if survey.notes else ():
        node.decompose()
    inline = survey.names & _INLINE
    for node in body.css(", ".join(sorted(inline))) if inline else ():  # from without: each moves what it holds once
        node.unwrap(delete_empty=True)
    body.merge_text_nodes()
    return body.text(separator=" ")


def _drop_unseen(body: "LexborNode", survey: Survey, removed: dict[str, None]) -> None:
    """Drop what no reader of the page would see."""
    for node in _elements(body, survey.names & _UNSEEN):
        if word := _REPORTED.get(node.tag or ""):
            removed[word] = None
        node.decompose()
    for node in _elements(body, survey.names & {"xmp", "plaintext"}):
        node.replace_with(node.text())  # it is not escaped when written
    if not survey.hides:
        return
    total = len(body.text())
    for node in reversed(body.css("[hidden], [style]")):
        hidden = "hidden" in node.attributes or _UNSEEN_STYLE.search(node.attributes["style"] or "")
        # A hidden block with more than half of the text is the article, waiting for a script.
        if hidden and len(node.text()) * 2 <= total:
            node.decompose()
            removed["hidden block"] = None


def _elements(body: "LexborNode", names: frozenset[str]) -> "list[LexborNode]":
    """List the elements with these names, what lies within first: taking one away frees what it holds."""
    return body.css(", ".join(sorted(names)))[::-1] if names else []


def _drop_controls(body: "LexborNode", names: frozenset[str], removed: dict[str, None]) -> None:
    """Drop the controls of forms and the boxes of plug-ins, but no picture or text that such a box stands round."""
    for node in _elements(body, names & _CONTROLS):
        if node.tag in ("button", "object", "applet") and (
            node.css_first("img") is not None or (node.tag != "button" and node.text().strip())
        ):
            node.unwrap()
            continue
        removed["plug-in" if node.tag in ("object", "embed", "applet", "frame") else "form control"] = None
        node.decompose()


def _settle_links(body: "LexborNode", base: str | None, broken: list[str]) -> None:
    """Make every link absolute; unwrap those that lead nowhere. `broken`: what those say that are no addresses yet."""
    is_odd = any(not link or link.startswith("http") for link in broken)
    for link in body.css("a" if is_odd else 'a:not([href^="http"])'):  # of the others there may be hundreds
        href = link.attributes.get("href")
        url = href if href and is_valid(href) else _target(href, base) if href else None
        if url is None:
            link.unwrap()
        elif url != href:
            link.attrs["href"] = url


def _target(href: str, base: str | None) -> str | None:
    href = href.strip()
    if href[:7].lower() == "mailto:":
        return href if _MAILTO.fullmatch(href) else None
    return absolute(href, base)


def _unwrap_strange(body: "LexborNode", names: frozenset[str]) -> None:
    """Unwrap what the allow-list does not know: with some it would drop the text; some change how the rest is read."""
    is_plain = _PLAIN_NAMES.fullmatch(" ".join(names))
    for node in _elements(body, names) if is_plain or not names else reversed(body.css(_STRANGE)):
        if node.tag == "body":
            continue
        if node.tag in _STRANGE_BLOCKS:  # they keep apart what they hold
            node.insert_before(" ")
            node.insert_after(" ")
        node.unwrap(delete_empty=True)


def _settle_media(body: "LexborNode", base: str | None, removed: dict[str, None]) -> None:
    """Keep players that name a file of their own; their fallback text is for other browsers."""
    for node in body.css("video, audio"):
        sources = 0
        for child in list(node.iter(include_text=True)):
            url = _source(child.attributes, base) if child.tag == "source" else None
            if url is None:
                child.decompose()
            else:
                child.attrs["src"] = url
                sources += 1
        url = _source(node.attributes, base)
        if url is None and not sources:
            removed["player"] = None
            node.decompose()
            continue
        poster = absolute(node.attributes.get("poster") or "", base)
        for name, value in (("src", url), ("poster", poster), ("controls", "")):
            if value is not None:
                node.attrs[name] = value
            elif name in node.attributes:
                del node.attrs[name]


def _source(attributes: dict[str, str | None], base: str | None) -> str | None:
    """Find the address of a player's file or page, lazy or not."""
    for name in ("src", "data-src", "data-lazy-src"):
        if url := absolute(attributes.get(name) or "", base):
            return url
    return None


def _link_players(tree: "LexborHTMLParser", body: "LexborNode", base: str | None, removed: dict[str, None]) -> None:
    """Replace frames with links to what they show; drop those that show adverts or nothing."""
    for frame in body.css("iframe"):
        attributes = frame.attributes
        url = _source(attributes, base)
        is_advert = url is not None and _ADVERT_FRAME.search(url.lower()) is not None
        if (
            url is None
            or is_advert
            or any(_TINY.fullmatch((attributes.get(side) or "").strip()) for side in ("width", "height"))
        ):
            removed["advert" if is_advert else "frame"] = None
            frame.decompose()
            continue
        if "url=" in url:  # a frame round a frame names the page it came from
            query = parse_qs(urlsplit(url).query)
            url = absolute(query["url"][0], base) or url if "src" in query and "url" in query else url
        link = tree.create_node("a")
        link.attrs["href"] = url
        title = " ".join((attributes.get("title") or "").split())
        link.insert_child(_PLAYER + (title or urlsplit(url).netloc))
        if frame.parent is None or frame.parent.tag in _PARAGRAPH_LEVEL:
            frame.replace_with(link)
        else:
            paragraph = tree.create_node("p")
            paragraph.insert_child(link)
            frame.replace_with(paragraph)
