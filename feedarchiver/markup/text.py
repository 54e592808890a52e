"""Text out of markup: what a person reads of it, its beginning, titles, and the characters XML allows."""

import re
import unicodedata
from functools import cache
from html import unescape

_XML_OF_PLANE_0 = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd]*+")  # twice as fast as a search
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")

# By their first letters: a pattern with all of them side by side takes twice as long.
_BLOCK_NAMES = (
    "p(?:re)?|d(?:d|etails|i(?:alog|r|v)|l|t)|b(?:lockquote|ody|r)|a(?:ddress|rticle|side|udio)"
    "|c(?:aption|enter|ol(?:group)?)|f(?:i(?:eldset|gcaption|gure)|o(?:oter|rm))|h(?:[1-6]|ead(?:er)?|group|r|tml)|iframe"
    "|l(?:egend|i(?:sting)?)|m(?:ain|enu)|n(?:av|oscript)|o(?:l|pt(?:group|ion))|s(?:e(?:arch|ction)|ource|ummary)"
    "|t(?:able|body|d|foot|h(?:ead)?|itle|r)|ul|video|xmp"
)
# Attributes as they are written in what is allowed.
_WRITTEN = r"""(?: [^\t\n\f\r />][^\t\n\f\r />=]*+="[^"]*+")*+>"""
_BLOCK = re.compile(rf"</?(?:{_BLOCK_NAMES}){_WRITTEN}")
_TAG = re.compile(rf"</?[a-z][a-z0-9-]*+{_WRITTEN}")

_INLINE_NAMES = (
    "a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|img|ins|kbd|mark|q|rp|rt|ruby|s|samp|script|small|span|strike"
    "|strong|style|sub|sup|tt|u|var|wbr"
)
_TITLE_TAG = re.compile(
    rf"</?(?:({_BLOCK_NAMES})|{_INLINE_NAMES})"
    r"""(?:\s+[\w:-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*/?>|<!--.*?-->""",
    re.IGNORECASE | re.DOTALL,
)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_SENTENCE_END = re.compile(r"[。！？!?…]+[”’」』》）)\"']*|\.[”’)\"']*(?= )")
_WORD_END = re.compile(
    r"\s|(?=[，、；：,;:])|(?<=[，、；：,;:])|(?<=[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef])"
)
_TRAILING = " \t，、；：,;:-–—·“‘「『《（(["


@cache  # compiled when needed: that takes 6 ms
def _not_xml() -> re.Pattern[str]:
    """Match what XML 1.0 section 2.2 forbids, and the noncharacters that it discourages."""
    planes = "".join(f"{chr(plane * 0x10000)}-{chr(plane * 0x10000 + 0xFFFD)}" for plane in range(1, 17))
    return re.compile(f"[^\t\n\r\x20-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd{planes}]")


def xml_text(text: str) -> str:
    """Drop the characters that XML 1.0 forbids, noncharacters and lone surrogates."""
    return text if _XML_OF_PLANE_0.fullmatch(text) else _not_xml().sub("", text)


def plain(title: str) -> str:
    """Read `title`, plain or HTML, as one line of plain text. Call it once: what it returns is text, not markup.

    Only well-formed tags of HTML's own elements count as markup, so `a < b` and `List<String>` stay; so do
    ampersands that are no complete character reference.
    """
    if "<" in title:
        title = _TITLE_TAG.sub(lambda tag: " " if tag[1] else "", title)
    if "&" in title:
        title = _REFERENCE.sub(lambda found: unescape(found[0]), title)
    return " ".join(xml_text(_CONTROL.sub("", title)).split())


def visible(markup: str) -> str:
    """Read the text of allowed `markup`: white space is one space, and so is a block's edge."""
    text = _TAG.sub("", _BLOCK.sub(" ", markup)) if "<" in markup else markup
    return " ".join((unescape(text) if "&" in text else text).split())


def summary(text: str, limit: int = 280) -> str | None:
    """Cut the beginning of `text`, at most `limit` characters, at a sentence or else a word, and add an ellipsis.

    None where it would not be shorter than the text. `text`: normalised, as `Body.text` is.
    """
    if len(text) <= limit:
        return None
    window = text[:limit]  # one more than may be kept, to see whether a word ends there
    least = limit * 3 // 5
    ends = [found.end() for found in _SENTENCE_END.finditer(window) if least <= found.end() < limit]
    if not ends:
        ends = [found.end() for found in _WORD_END.finditer(window) if least <= found.end() < limit]
    cut = ends[-1] if ends else limit - 1
    while cut > 1 and _joins(text[cut - 1], text[cut]):
        cut -= 1
    return text[:cut].rstrip(_TRAILING) + "…"


def _joins(before: str, after: str) -> bool:
    """Tell whether two characters are parts of one that a person sees: marks, joined emoji."""
    return bool(unicodedata.combining(after)) or after in "\u200d\ufe0e\ufe0f" or before == "\u200d"
