"""Forms: what feedgen writes of an entry, with a blank in the place of everything that the entry says.

feedgen decides on structure, order and spelling, and is slow. Most entries have the same shape: a link, a summary, a
content, one picture. So feedgen writes one entry of each shape, whose values are marks, and entries of that shape fill
in the marks. A test holds filled forms against what feedgen writes of the same entries.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from typing import NamedTuple

from feedarchiver import dates
from feedarchiver.model import Image
from feedarchiver.publish.rendered import Rendered

SHAPES = 256
"""How many forms are kept at hand."""

_MARK = re.compile(rb"\xef\xb7\x90(\w+)\xef\xb7\x91")  # between U+FDD0 and U+FDD1, noncharacters
_IN_TEXT, _IN_ATTRIBUTE = re.compile(r"[&<>\r]"), re.compile(r"[&<>\"\t\n\r]")
_ESCAPES = {ord(char): f"&#{ord(char)};" for char in "\t\n\r"} | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
}
_UPDATED, _PUBLISHED = datetime(1801, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(1802, 3, 4, 5, 6, 7, tzinfo=UTC)
_LENGTH, _WIDTH, _HEIGHT = 8_000_000_000_001, 8_000_000_000_002, 8_000_000_000_003


class Shape(NamedTuple):
    """What an entry has, whatever it says. `sizes`: whether its picture has a length, a width, a height."""

    link: bool
    permalink: bool
    summary: bool
    content: bool
    published: bool
    image: bool
    sizes: tuple[bool, bool, bool]
    authors: int
    categories: int

    @property
    def sample(self) -> Rendered:
        """An entry of this shape whose values are marks."""
        length, width, height = self.sizes
        return Rendered(
            id=mark("link" if self.permalink else "id"),
            link=mark("link") if self.link else None,
            title=mark("title"),
            updated=_UPDATED,
            published=_PUBLISHED if self.published else None,
            language=None,
            authors=tuple(mark(f"author{number}") for number in range(self.authors)),
            categories=tuple(mark(f"category{number}") for number in range(self.categories)),
            content=mark("content") if self.content else "",
            summary=mark("summary") if self.summary else None,
            image=Image(
                url=mark("image"),
                type=mark("type"),
                length=_LENGTH if length else None,
                width=_WIDTH if width else None,
                height=_HEIGHT if height else None,
            )
            if self.image
            else None,
        )


class Draft:
    """An entry on its way into the formats: what several of them need of it is made once."""

    def __init__(self, entry: Rendered) -> None:
        self.entry = entry

    @cached_property
    def shape(self) -> Shape:
        """The shape of the entry."""
        entry, image = self.entry, self.entry.image
        return Shape(
            link=entry.link is not None,
            permalink=entry.id == entry.link,
            summary=bool(entry.summary),
            content=bool(entry.content),
            published=entry.published is not None,
            image=image is not None,
            sizes=(bool(image.length), bool(image.width), bool(image.height)) if image else (False, False, False),
            authors=len(entry.authors),
            categories=len(entry.categories),
        )

    @cached_property
    def content(self) -> bytes:
        """The content as it stands in XML text."""
        data = self.entry.content.encode()  # replacing in bytes is twice as fast as in text
        return data.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;").replace(b"\r", b"&#13;")

    @cached_property
    def values(self) -> dict[str, str]:
        """What to fill in, by the name of the mark, not escaped."""
        entry, image = self.entry, self.entry.image
        said = {"id": entry.id, "title": entry.title, "updated": dates.rfc3339(entry.updated)}
        if entry.link:
            said["link"] = entry.link
        if entry.summary:
            said |= {"summary": entry.summary, "description": escape(entry.summary, quote=False)}
        if entry.published:
            said |= {"published": dates.rfc3339(entry.published), "pubDate": dates.rfc822(entry.published)}
        if image:
            sizes = {"length": image.length, "width": image.width, "height": image.height}
            said |= {"image": image.url, "type": str(image.type), **{name: str(size) for name, size in sizes.items()}}
        said |= {f"author{number}": name for number, name in enumerate(entry.authors)}
        return said | {f"category{number}": name for number, name in enumerate(entry.categories)}


class Form(NamedTuple):
    """A piece with blanks: bytes, then the name of a value and whether it stands in an attribute, in turn."""

    start: bytes
    blanks: tuple[tuple[str, bool, bytes], ...]

    @classmethod
    def of_entry(cls, written: bytes) -> "Form":
        """Find the blanks in what was written of the sample of a shape."""
        for sample, name in (
            (dates.rfc3339(_UPDATED), "updated"),
            (dates.rfc3339(_PUBLISHED), "published"),
            (dates.rfc822(_PUBLISHED), "pubDate"),
            (str(_LENGTH), "length"),
            (str(_WIDTH), "width"),
            (str(_HEIGHT), "height"),
        ):
            written = written.replace(sample.encode(), mark(name).encode())
        return cls.of(written)

    @classmethod
    def of(cls, written: bytes) -> "Form":
        """Find the blanks in what was written with marks."""
        start, *rest = _MARK.split(written)
        before, blanks = start, []
        for name_, after in zip(rest[::2], rest[1::2], strict=True):
            blanks.append((name_.decode(), before.endswith(b'="'), after))
            before = after
        return cls(start, tuple(blanks))

    def fill(self, values: Mapping[str, str], content: bytes = b"") -> bytes:
        """Write what has this shape. `values`: by the names of the marks; the one of `content` is XML already."""
        parts = [self.start]
        for name, in_attribute, after in self.blanks:
            if name == "content":
                parts.append(content)
            else:
                value = values[name]
                if (_IN_ATTRIBUTE if in_attribute else _IN_TEXT).search(value):
                    value = _escaped(value, in_attribute=in_attribute)
                parts.append(value.encode())
            parts.append(after)
        return b"".join(parts)


def mark(name: str) -> str:
    """Write what stands for a value."""
    return f"\ufdd0{name}\ufdd1"


DESCRIPTION = mark("description")
"""Stands for the summary as HTML."""


def _escaped(value: str, *, in_attribute: bool) -> str:
    """Escape as libxml2 does."""
    pattern = _IN_ATTRIBUTE if in_attribute else _IN_TEXT
    return pattern.sub(lambda found: _ESCAPES[ord(found[0])], value)
