"""A bound on nesting and on attributes, laid on markup as text, before any parser sees it.

Browsers' rules for HTML cost quadratic time on elements nested by the thousand (lexbor: 50,000 <div> take 3.5 s, nh3
more) and on an element with thousands of attributes; lxml and feed readers drop text below some 254 levels. So tags
beyond the bound are taken out here, in one linear pass that keeps the text. Ordinary articles come back unchanged.

The stack imitates tree construction (HTML standard, 13.2.6) just closely enough never to hold fewer open elements than
a parser would. What would make a parser read the rest differently (scripts, comments, svg) is not let through.
"""

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

LIMIT = 90
_FORMATS = 12
_MANY_TAGS = 4_000  # nested, they take lexbor some 25 ms; each doubling takes four times as long
_SHORT = 16_000
_LONG_TAG = 4_000
_LONG = re.compile(rf">[^>]{{{_LONG_TAG + 1}}}")
_HIDDEN_ENDS = 4
# Not only first children, which would be quicker: to lexbor, one behind an instruction is none.
_DEEP, _DEEPISH = (" > ".join("*" * levels) for levels in (24, 12))
_MANY_ATTRIBUTES = 200

_S = r"[\t\n\f\r ]"
_ATTRIBUTE = (
    r"[\t\n\f\r /]*+(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)"
    rf"""(?:{_S}*+={_S}*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\t\n\f\r >"'][^\t\n\f\r >]*+)?+)?+"""
)
_TOKEN = re.compile(
    rf"<(?P<end>/?)(?P<name>[a-z][^\t\n\f\r />]*+)(?:{_ATTRIBUTE})*+[\t\n\f\r /]*+(?P<stop>>|\Z)"
    r"|<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<[!?/][^>]*+(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = re.compile(rf"</?[^\t\n\f\r />]+(?:{_ATTRIBUTE}){{0,{_MANY_ATTRIBUTES}}}+")

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_BLOCKS = frozenset(
    "address article aside blockquote center details dir div dl fieldset figcaption figure footer header hgroup"  # noqa: SIM905 - one a line would fill a page
    " listing main menu nav ol pre section summary ul".split()
)
_ROWS = frozenset(("tbody", "thead", "tfoot"))
_CELLS = frozenset(("td", "th"))
_TABLE_PARTS = _CELLS | {"table", "caption"}
_MARKERS = _CELLS | {"table", "caption", "object", "applet", "marquee"}  # no end tag inside reaches beyond them
_SCOPED = _BLOCKS | _HEADINGS | _ROWS | _MARKERS | {"p", "li", "dd", "dt", "tr", "button"}
_SPECIAL = _SCOPED | {"noscript", "xmp", "iframe"}
_FORMATTING = frozenset(
    ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
)
_VOID = frozenset(
    "area base basefont bgsound br col command embed frame hr image img input keygen link meta param source track"  # noqa: SIM905
    " wbr".split()
)
_VOID_TAGS = ("<br>", "<br/>", "<br />", "<img ")  # the usual ones, which never nest, as they are usually written
# Closing what came before without an end tag: the new element, and what it closes.
_CLOSES = {"li": ("li",), "dd": ("dd", "dt"), "dt": ("dd", "dt")}
_RUBY = frozenset(("rb", "rp", "rt", "rtc"))
_ENDLESS = _RUBY | {"dd", "dt", "li", "optgroup", "option", "p"}
_CLOSE_P = _BLOCKS | _HEADINGS | set(_CLOSES) | {"hr", "p", "xmp"}
_RAW = frozenset(("script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp", "svg", "template"))
_FOREIGN = frozenset(("svg", "template"))  # left out whole, if they end at all
_UNTRACEABLE = frozenset(
    ("form", "math", "select", "frameset", "plaintext", "html", "head", "body", "colgroup", "dialog", "search")
)


def is_suspicious(html: str) -> bool:
    """Tell whether parsing `html` as it is may take long."""
    tags = html.count("<")
    if tags > _MANY_TAGS and tags - html.count("</") - sum(map(html.count, _VOID_TAGS)) > _MANY_TAGS:
        return True
    # One tag may be long in one piece, or hidden by `>` in its values.
    return len(html) > _SHORT and (
        html.count(">") - tags > _HIDDEN_ENDS or ">" not in html[: _LONG_TAG + 1] or _LONG.search(html) is not None
    )


def is_deep(body: "LexborNode") -> bool:
    """Tell whether elements of `body` nest as no article's do. Cheap; a doubt to be settled by `shallow`."""
    # Most bodies nest so little that a short selector, which takes half the time, can tell.
    return body.css_first(_DEEPISH) is not None and body.css_first(_DEEP) is not None


def shallow(html: str) -> str:
    """Take the tags beyond the bound out of `html`, in linear time; their text stays."""
    stack, unclosed = _Open(), set[str]()
    out: list[str] = []
    at = 0
    while token := _TOKEN.search(html, at):
        out.append(html[at : token.start()])
        at, name, text = token.end(), (token["name"] or "").lower(), token[0]
        if name in _RAW:
            if not token["end"]:
                kept, at = _raw(html, token, unclosed)
                out.append(kept)
                if name == "xmp":  # the one of these that closes something
                    stack.start(name)
                    stack.end(name)
        elif not name or not token["stop"]:
            pass
        elif name not in _UNTRACEABLE and (stack.end(name) if token["end"] else stack.start(name)):
            out.append(text if len(text) < _LONG_TAG else _HEAD.match(text)[0] + ">")  # type: ignore[index]
        elif name in _SPECIAL or name in _UNTRACEABLE:
            out.append(" ")
    out.append(html[at:])
    return "".join(out)


def _raw(html: str, token: re.Match[str], unclosed: set[str]) -> tuple[str, int]:
    """Say what stands for an element whose content is no markup, and where the text goes on after it.

    `unclosed` remembers the elements without an end tag in the rest, so that it is not searched again.
    """
    name, after = token["name"].lower(), token.end()
    if name in _FOREIGN and (name in unclosed or token[0].endswith("/>")):
        return "", after
    end = re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE).search(html, after)
    if end is None and name in _FOREIGN:
        unclosed.add(name)
        return "", after
    stop = end.start() if end else len(html)
    if name == "xmp":
        return f"<xmp>{html[after:stop]}</xmp>", stop
    start = token[0] if name == "iframe" and len(token[0]) < _LONG_TAG else f"<{name}>"
    return f"{start}</{name}>", stop


class _Open:
    """The elements open at one place of the text: those a parser would have, or more."""

    def __init__(self) -> None:
        self.stack: list[str] = []
        self.dropped: Counter[str] = Counter()  # start tags taken out, whose end tags go too

    def start(self, name: str) -> bool:
        """Open `name`; False if its tag is to be taken out."""
        before = self.stack.copy()
        if name in _CLOSES:
            self._item(name)
        if name in _CLOSE_P:
            self._close("p", _MARKERS | {"button"})
        if name in _VOID:
            return True
        implied = self._imply(name)
        if implied is None or len(self.stack) + len(implied) >= LIMIT or (name in _FORMATTING and self._laden()):
            self.dropped[name] += 1
            self.stack = before  # what is taken out closes nothing
            return False
        self.stack += (*implied, name)
        return True

    def end(self, name: str) -> bool:
        """Close `name`; False if its tag is to be taken out."""
        if self.dropped[name]:
            self.dropped[name] -= 1
            return False
        if name in _FORMATTING:
            self._adopt(name)
        elif name in _HEADINGS:
            self._close(next(filter(_HEADINGS.__contains__, reversed(self.stack)), name), _MARKERS)
        elif name not in _SCOPED:
            self._close(name, _SPECIAL)
        elif name == "table" or name in _CELLS or name in _ROWS or name == "tr":
            self._close(name, frozenset(("table",)))
        else:
            self._close(name, _MARKERS | {"ul", "ol"} if name == "li" else _MARKERS)
        return True

    def _laden(self) -> bool:
        """Tell whether so many formatting elements are open that repeating them in each block would cost too much."""
        return sum(map(_FORMATTING.__contains__, self.stack)) >= _FORMATS

    def _imply(self, name: str) -> tuple[str, ...] | None:
        """Close what `name` closes by itself and list the elements implied before it; None where it cannot stand."""
        stack = self.stack
        if stack and (stack[-1] == name == "option" or (name in _HEADINGS and stack[-1] in _HEADINGS)):
            stack.pop()
        elif name in ("a", "nobr"):
            self._adopt(name)
        elif name == "button":
            self._close(name, _MARKERS)
        elif name in _RUBY:
            self._ruby(_ENDLESS if name in ("rb", "rtc") else _ENDLESS - {"rtc"})
        elif name == "table":
            place = next((place for place in range(len(stack) - 1, -1, -1) if stack[place] in _TABLE_PARTS), None)
            if place is not None and stack[place] == name:
                self._cut(place)
        elif name in _CELLS or name in _ROWS or name in ("tr", "caption"):
            return self._row(name)
        return ()

    def _item(self, name: str) -> None:
        """Close the item of a list before the next one."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] in _CLOSES[name]:
                self._cut(index)
                return
            if self.stack[index] in _SPECIAL and self.stack[index] not in ("address", "div", "p"):
                return

    def _ruby(self, endless: frozenset[str]) -> None:
        """Close what a part of a ruby closes: what is open at the top and needs no end tag."""
        around = next((name for name in reversed(self.stack) if name == "ruby" or name in _MARKERS), None)
        while around == "ruby" and self.stack[-1] in endless:
            self.stack.pop()

    def _row(self, name: str) -> tuple[str, ...] | None:
        """Clear the stack back to where a part of a table stands."""
        if "table" not in self.stack:
            return None
        table = len(self.stack) - 1 - self.stack[::-1].index("table")
        parts = [part for part in self.stack[table + 1 :] if part in _ROWS or part == "tr"]
        wanted = 2 if name in _CELLS else 1 if name == "tr" else 0
        self._cut(table + 1)
        self.stack = [*self.stack[:table], *self.stack[table + 1 :], "table", *parts[:wanted]]
        return ("tbody", "tr")[len(parts) : wanted]

    def _close(self, name: str, barriers: frozenset[str]) -> None:
        """Close the innermost `name` and all within it, unless a barrier stands before it."""
        if name not in self.stack:
            return
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] == name:
                self._cut(index)
                return
            if self.stack[index] in barriers:
                return

    def _cut(self, index: int) -> None:
        """Close everything from `index` on; formatting elements come back in what follows, except in a closed cell."""
        closed = self.stack[index:]
        marks = [place for place, name in enumerate(closed) if name in _MARKERS and name != "table"]
        self.stack[index:] = [name for name in closed[: marks[-1] if marks else None] if name in _FORMATTING]

    def _adopt(self, name: str) -> None:
        """Close a formatting element, which leaves the blocks within it open (the adoption agency algorithm)."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] == name:
                inner = self.stack[index + 1 :]
                blocks = sum(map(_SPECIAL.__contains__, inner))
                if not blocks:
                    inner = [other for other in inner if other in _FORMATTING]
                elif blocks >= 8 or self.stack.count(name) > 3:  # noqa: PLR2004 - the algorithm's own bounds
                    return
                self.stack[index:] = inner
                return
            if self.stack[index] in _MARKERS:
                return
