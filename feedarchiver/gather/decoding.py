"""Text out of bytes that came from the web, before anything is parsed.

Strict UTF-8 decides for itself. Then a byte order mark, the transport's charset, the document's own declaration, by
w3lib's rules (gb2312 is read as gb18030, latin-1 as windows-1252); of two that are declared, the one that fits. What
is nearly UTF-8 is damaged UTF-8, whatever is declared. Nothing is refused: what cannot be read becomes U+FFFD, and is
counted.
"""

import re
from codecs import BOM_UTF8
from typing import NamedTuple

# UTF-16 and UTF-32 without a mark are known by the first character of a document, which is ASCII (XML 1.0, appendix F).
_WIDE = re.compile(rb"(?P<utf_32_be>\0\0\0[<{])|(?P<utf_32_le>[<{]\0\0\0)|(?P<utf_16_be>\0[<{])|(?P<utf_16_le>[<{]\0)")
_ESCAPE = b"\x1b"  # ISO-2022 is valid UTF-8 to the letter, and means something else
# Names that Python decodes and the web does not know; some take quadratic time.
_NO_CHARSETS = frozenset(("idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"))


class Decoded(NamedTuple):
    """A document's text, the encoding it was in, and how many characters could not be read."""

    text: str
    encoding: str
    unreadable: int


def decode(data: bytes, charset: str | None = None) -> Decoded:
    """Decode a document; `charset` is what the transport said."""
    if data.startswith(BOM_UTF8):
        data, charset = data[len(BOM_UTF8) :], None
    wide = _WIDE.match(data)
    if not wide and _ESCAPE not in data:
        try:
            return Decoded(data.decode(), "utf-8", 0)
        except UnicodeDecodeError:
            pass
    from w3lib.encoding import html_body_declared_encoding, read_bom, resolve_encoding  # most documents do not need it

    mark, bom = read_bom(data)
    if mark is not None and bom is not None:
        return _decoded(data[len(bom) :], mark)
    if wide:
        return _decoded(data, str(wide.lastgroup).replace("_", "-"))
    if _ESCAPE not in data and (damaged := _nearly_utf8(data)):
        return damaged
    names = (resolve_encoding(charset) if charset else None, html_body_declared_encoding(data))
    declared = [_decoded(data, name) for name in names if name and _is_charset(name)]
    if declared:
        return min(declared, key=lambda decoded: decoded.unreadable)
    return _nearly_utf8(data) or _decoded(data, "cp1252")


def utf8_if_xml(data: bytes) -> bytes | None:
    """Return a document from its first tag on, if it can be XML in UTF-8 only; None: it must be decoded to be read.

    It may still be neither, which a parser that takes nothing but UTF-8 finds out by itself: XML has no ESC, either.
    """
    data = data.removeprefix(BOM_UTF8).lstrip(b" \t\r\n")
    return data if data.startswith(b"<") and not _WIDE.match(data) else None


def _decoded(data: bytes, encoding: str) -> Decoded:
    from w3lib.encoding import to_unicode

    text = to_unicode(data, encoding)
    return Decoded(text, encoding, text.count("\ufffd"))


def _nearly_utf8(data: bytes) -> Decoded | None:
    """Read damaged UTF-8: at most a quarter of what is not ASCII is unreadable."""
    decoded = _decoded(data, "utf-8")
    foreign = len(decoded.text) - len(decoded.text.encode("ascii", "ignore"))
    return decoded if decoded.unreadable * 4 <= foreign else None


def _is_charset(name: str) -> bool:
    try:
        return name not in _NO_CHARSETS and bool("x".encode(name))
    except LookupError:  # a codec, but not of text
        return False
