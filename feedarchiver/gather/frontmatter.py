"""Jekyll front matter: the lines between `---` and `---` that may stand before a seed.

Read is the part of YAML that people write there: `key: value`, plain or quoted; lists as `[a, b]` or as lines of
`- a`; comments. Used are `date`, `author`, `authors`, `categories` and `tags`; what is not understood of these is
ignored with a warning. Every other key belongs to someone else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from feedarchiver import dates

_WORDS = frozenset({"categories", "tags"})  # one string there is several words, Jekyll says
_KEYS = _WORDS | {"date", "author", "authors"}

_FENCE = re.compile(r"\s*---[ \t]*\r?\n")
_END = re.compile(r"^(?:---|\.\.\.)[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_PAIR = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*))?")
_QUOTED = r""""(?:[^"\\]|\\["\\/])*"|'(?:[^']|'')*'"""
_SCALAR = re.compile(rf"({_QUOTED})\s*(?:#.*)?")
_ITEM = re.compile(rf"\s*(?:({_QUOTED})\s*|([^\s,\[\]{{}}\"'][^,\[\]{{}}]*))?(,|\]\s*(?:#.*)?\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """What front matter says of an article."""

    date: datetime | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @classmethod
    def split(cls, text: str) -> tuple["FrontMatter", int]:
        """Read the front matter `text` begins with, if it does, and say where the rest starts."""
        opens = _FENCE.match(text)
        closes = _END.search(text, opens.end()) if opens else None
        if opens is None or closes is None:
            return cls(), 0
        return cls.read(text[opens.end() : closes.start()]), closes.end()

    @classmethod
    def read(cls, block: str) -> "FrontMatter":
        """Read the lines between the fences. A date without a zone is in UTC, as YAML 1.1 says of its timestamps."""
        said, odd = _pairs(block)
        date = None
        if said.get("date"):
            date = dates.parse(said["date"][0], zone=UTC)
            if date is None:
                odd.append("date")
        return cls(
            date=date,
            authors=_once([*said.get("author", ()), *said.get("authors", ())]),
            categories=_once([*said.get("categories", ()), *said.get("tags", ())]),
            warnings=tuple(f"front matter: {what} is not understood" for what in _once(odd)),
        )


def _pairs(block: str) -> tuple[dict[str, list[str]], list[str]]:
    """Read the values of the keys that are used, and name what was not understood."""
    said: dict[str, list[str]] = {}
    odd: list[str] = []
    key = None
    for line in block.split("\n"):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if pair := _PAIR.fullmatch(line.rstrip()):
            key = pair[1].lower()
            values = _values(pair[2] or "", words=key in _WORDS) if key in _KEYS else []
        elif key in _KEYS and bare.startswith("- "):
            item = _scalar(bare[2:].strip())
            values = None if item is None else [*said.get(key or "", ()), item]
        elif key is not None and key not in _KEYS and line[0] in " \t-":
            continue  # the inside of a value that is nobody's business here
        else:
            values = None
        if values is None:
            odd.append(key if key in _KEYS else "a line without a key")
        elif key in _KEYS:
            said[key] = values
    return said, odd


def _values(raw: str, *, words: bool) -> list[str] | None:
    """Read what follows a key: a list in brackets, or a scalar, which may be words."""
    if not raw.startswith("["):
        scalar = _scalar(raw)
        if scalar is None or not words:
            return None if scalar is None else [scalar]
        return [word.strip() for word in (scalar.split(",") if "," in scalar else scalar.split())]
    items, position = [], 1
    while item := _ITEM.match(raw, position):
        scalar = _scalar((item[1] or item[2] or "").strip())
        if scalar is None:
            return None
        items.append(scalar)
        if item[3] != ",":
            return items
        position = item.end()
    return None


def _scalar(raw: str) -> str | None:
    """Read one plain or quoted value; "" for nothing, None if it is not understood."""
    if match := _SCALAR.fullmatch(raw):
        quoted = match[1][1:-1]
        return re.sub(r"\\(.)", r"\1", quoted) if match[1][0] == '"' else quoted.replace("''", "'")
    plain = re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
    if plain in {"", "~", "null"}:
        return ""
    return None if plain[0] in "\"'[]{}&*!|>%@`" or ": " in plain else plain


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    """Drop what is empty or said before."""
    return tuple(dict.fromkeys(filter(None, texts)))
