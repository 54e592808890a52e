"""Cleaned content made ready for a page of ours: fitted into a document that has an order.

Headings go below the page's own title without skipping a level, landmarks become plain blocks, pictures wait until they
are near and films until somebody starts them. Works on markup that `markup` has cleaned, where every `<` outside a
quoted value begins a tag; so a tag is read whole, and nothing inside a value is ever taken for one. Where no value may
hold a `<`, which is nearly always, only the tags that change are looked at.
"""

import re
from dataclasses import dataclass

_REST = r'((?:[^<>"]|"[^"]*")*)>'
_ANY_TAG = re.compile(rf"<(/?)([a-z][a-z0-9]*){_REST}")
_VALUE_WITH_TAG = re.compile('="[^"<]*<')  # or a text that looks so
_HEADING = re.compile(r"<h([1-6])[ >]")
_LANDMARKS = frozenset(("address", "article", "aside", "footer", "header", "main", "nav", "section"))
_ADDED = {
    "audio": ' preload="none"',
    "img": ' loading="lazy" decoding="async"',
    "video": ' preload="none"',
}
_OURS = re.compile(rf"<(/?)({'|'.join(sorted((*_LANDMARKS, *_ADDED)))}|h[1-6])(?=[ >]){_REST}")
_HIGHEST, _LOWEST = 2, 6


def readable(content: str) -> str:
    """Fit cleaned HTML into a page whose title is its only `h1`."""
    levels = sorted(set(_HEADING.findall(content)))
    ranks = {f"h{level}": min(_HIGHEST + rank, _LOWEST) for rank, level in enumerate(levels)}
    return (_ANY_TAG if _VALUE_WITH_TAG.search(content) else _OURS).sub(_Tags(ranks).fitted, content)


@dataclass(slots=True)
class _Tags:
    """The tags of one content, met in order. `last` and `open` are levels of headings as they are written."""

    ranks: dict[str, int]
    last: int = _HIGHEST - 1
    open: int = _HIGHEST

    def fitted(self, tag: re.Match[str]) -> str:
        """Write a tag as the page has it."""
        slash, name, rest = tag.groups()
        if name in _LANDMARKS:
            return f"<{slash}div{rest}>"
        if name in _ADDED and not slash:
            return f"<{name}{_ADDED[name]}{rest}>"
        if name in self.ranks:
            if not slash:
                self.last = self.open = min(self.ranks[name], self.last + 1)
            return f"<{slash}h{self.open}{rest}>"
        return tag[0]
