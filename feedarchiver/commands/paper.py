"""An article on a terminal: paragraphs out of cleaned HTML, wrapped where each script may break."""

import re
import shutil
import unicodedata
from collections.abc import Iterator

from feedarchiver.markup.text import visible
from feedarchiver.words import UNSPACED

_REST = r'(?:[^<>"]|"[^"]*")*>'
_ITEM = re.compile(rf"<li\b{_REST}")
_EDGE = re.compile(
    r"</?(?:p|div|br|hr|h[1-6]|ul|ol|li|dl|dt|dd|blockquote|pre|table|caption|tr|figure|figcaption|section|article|aside"
    rf"|header|footer|details|summary|address)\b{_REST}"
)
# What a line may not begin with stays with what stands before it.
_PIECE = re.compile(
    rf"(?:[{UNSPACED}，。！？；：、…—”’）》」』】〉]|[^\s{UNSPACED}]+)[，。！？；：、…—”’）》」』】〉]*|\s+"
)
_WIDEST = 100


def width() -> int:
    """Tell how many columns to write in."""
    return min(shutil.get_terminal_size().columns, _WIDEST)


def paragraphs(html: str) -> list[str]:
    """Read cleaned HTML as paragraphs of text."""
    texts = map(visible, _EDGE.split(_ITEM.sub("<br>• ", html)))
    return [text for text in texts if text and text != "•"]


def wrapped(text: str, columns: int) -> Iterator[str]:
    """Break `text` into lines of at most `columns`, a wide character counting two; a longer word stands alone."""
    line, used = "", 0
    for piece in _PIECE.findall(text):
        taken = sum(_columns(character) for character in piece)
        if used + taken > columns and not piece.isspace() and line.strip():
            yield line.rstrip()
            line, used = "", 0
        if line or not piece.isspace():
            line, used = line + piece, used + taken
    if line.strip():
        yield line.rstrip()


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
