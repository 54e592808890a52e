"""An ill-formed document before feedparser sees it: where its entries are, how much is read, references put right.

feedparser takes up to 0.1 ms a tag, and quadratic time on a tag with thousands of attributes. One linear pass here,
which knows CDATA, comments and tags, cuts a document before that adds up. It keeps each entry's own text too, which
feedparser does not tell. Another puts right what would be read as something else (R&D becomes R&D; there).
"""

import re
from html.entities import html5
from typing import NamedTuple

from feedarchiver.markup.text import xml_text

_TOKEN = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    r"""|<(?P<end>/?)(?:[\w.-]+:)?(?P<name>[\w.-]*)(?P<rest>(?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>?""",
    re.DOTALL,
)
_REFERENCE = re.compile(
    r"(?P<kept><!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&(?:amp|lt|gt|quot|apos);)"
    r"|&(?:\#(?P<code>[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});|(?P<name>[A-Za-z][A-Za-z0-9]{0,30};))?",
    re.DOTALL,
)
_NAMES = frozenset(("item", "entry"))
_LAST_CHARACTER = 0x10FFFF
_MOST_TOKENS = 200_000
_MOST_ATTRIBUTES = 300
_MOST_CHARACTERS = 4_000_000  # feedparser takes up to 60 bytes for each
_TOO_MUCH = "more markup or text than an ill-formed document may have"


class Outline(NamedTuple):
    """The text that may be read, the own text of each entry in it, and why it was cut, if it was."""

    text: str
    entries: list[str]
    cut: str | None


def outline(text: str, limit: int) -> Outline:
    """Cut `text` after `limit` entries, or before the entry that makes it too costly."""
    entries: list[str] = []
    started: int | None = None
    whole = 0  # what comes before it is read in any case
    for count, token in enumerate(_TOKEN.finditer(text, 0, _MOST_CHARACTERS)):
        name, end = token["name"], token["end"]
        if count >= _MOST_TOKENS or (name and token["rest"].count("=") > _MOST_ATTRIBUTES):
            return Outline(text[:whole], entries, _TOO_MUCH)
        if not name or name.lower() not in _NAMES:
            continue
        if started is not None:
            whole = token.end() if end else token.start()
            entries.append(text[started:whole])
            started = None
        if not end:
            if len(entries) >= limit:
                return Outline(text[: token.start()], entries, f"more than {limit:,} entries")
            started = token.start()
    if len(text) > _MOST_CHARACTERS:
        return Outline(text[:whole], entries, _TOO_MUCH)
    if started is not None:
        entries.append(text[started:])
    return Outline(text, entries, None)


def mended(text: str) -> str:
    """Write HTML's named references as numbers, ampersands that are none as such; drop what XML forbids."""
    declares = "<!ENTITY" in text

    def mend(found: re.Match[str]) -> str:
        if found["kept"]:
            return found[0]
        if code := found["code"]:
            number = int(code[1:], 16) if code[0] in "xX" else int(code)
            return found[0] if number <= _LAST_CHARACTER and xml_text(chr(number)) else ""
        if characters := html5.get(found["name"] or ""):
            return "".join(f"&#{ord(character)};" for character in characters)
        return found[0] if found["name"] and declares else f"&amp;{found[0][1:]}"

    return _REFERENCE.sub(mend, xml_text(text))
