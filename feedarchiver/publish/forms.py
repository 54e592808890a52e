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
    def html(self) -> bytes:
        """The content, in UTF-8: replacing in bytes is twice as fast as in text."""
        return self.entry.content.encode()

    @cached_property
    def values(self) -> dict[str, str]:
        """What to fill in, by the name of the mark, but for the content."""
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

    @cached_property
    def texts(self) -> dict[str, bytes]:
        """What to fill in, by the name of the mark, as it stands in XML text."""
        return {"content": in_text(self.html), **{name: in_text(value.encode()) for name, value in self.values.items()}}


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

    def fill(self, texts: Mapping[str, bytes]) -> bytes:
        """Write what has this shape. `texts`: values as they stand in XML text, by the names of the marks."""
        parts = [self.start]
        for name, in_attribute, after in self.blanks:
            parts += (_in_attribute(texts[name]) if in_attribute else texts[name]), after
        return b"".join(parts)


def mark(name: str) -> str:
    """Write what stands for a value."""
    return f"\ufdd0{name}\ufdd1"


DESCRIPTION = mark("description")
"""Stands for the summary as HTML."""


def in_text(value: bytes) -> bytes:
    """Escape a value as libxml2 does in text."""
    return value.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;").replace(b"\r", b"&#13;")


def _in_attribute(text: bytes) -> bytes:
    """Escape further what libxml2 escapes in attributes only."""
    return text.replace(b'"', b"&quot;").replace(b"\t", b"&#9;").replace(b"\n", b"&#10;")
