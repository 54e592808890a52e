"""Forms: what is written of an entry, with a blank in the place of everything that the entry says.

feedgen decides on structure, order and spelling, and is slow. Most entries have the same shape: a link, a summary, a
content, one picture. So feedgen writes one entry of each shape, whose values are marks, and entries of that shape fill
in the marks. JSON Feed, which `json` writes, gains by it, too. A test holds filled forms against what is written of the
same entries without any.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from typing import NamedTuple

from feedarchiver import dates
from feedarchiver.jsontext import escaped
from feedarchiver.model import Image
from feedarchiver.publish.rendered import Rendered

SHAPES = 256
"""How many forms are kept at hand."""

_MARK = re.compile(rb"\xef\xb7\x90(\w+)\xef\xb7\x91")  # between U+FDD0 and U+FDD1, noncharacters
_APART = "\ufdd2"  # a noncharacter, too: no value has one
_APART_BYTES = _APART.encode()
_NAMES = (
    *("id", "link", "title", "summary", "description", "updated", "published", "pubDate"),
    *("image", "type", "length", "width", "height", "language"),
)
_UPDATED, _PUBLISHED = datetime(1801, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(1802, 3, 4, 5, 6, 7, tzinfo=UTC)
_LENGTH, _WIDTH, _HEIGHT = 8_000_000_000_001, 8_000_000_000_002, 8_000_000_000_003
_NO_IMAGE = Image(url="", type="")


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
    language: bool

    @classmethod
    def of(cls, entry: Rendered) -> "Shape":
        """Tell the shape of an entry."""
        image = entry.image
        return cls(
            link=entry.link is not None,
            permalink=entry.id == entry.link,
            summary=bool(entry.summary),
            content=bool(entry.content),
            published=entry.published is not None,
            image=image is not None,
            sizes=(bool(image.length), bool(image.width), bool(image.height)) if image else (False, False, False),
            authors=len(entry.authors),
            categories=len(entry.categories),
            language=entry.language is not None,
        )

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
            language=mark("language") if self.language else None,
            authors=tuple(map(mark, _numbered("author", self.authors))),
            categories=tuple(map(mark, _numbered("category", self.categories))),
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
        self.entry, self.shape = entry, Shape.of(entry)
        self._content = entry.content.encode()  # replacing in bytes is twice as fast as in text
        self._values = _values(entry)

    @cached_property
    def in_xml(self) -> list[bytes]:
        """What to fill in, as it stands in XML: RSS and Atom both ask for it."""
        return [_in_text(self._content), *in_xml(self._values)]

    def in_json(self) -> list[bytes]:
        """Give what to fill in, as it stands in JSON between quotation marks."""
        return [escaped(self._content), *escaped(self._values).split(_APART_BYTES)]


def _values(entry: Rendered) -> bytes:
    """Join all that is to be filled in but the content: in the order of `_NAMES`, authors and categories behind."""
    image, summary, published = entry.image or _NO_IMAGE, entry.summary or "", entry.published
    said = (
        *(entry.id, entry.link or "", entry.title, summary, escape(summary, quote=False)),
        dates.rfc3339(entry.updated),
        *((dates.rfc3339(published), dates.rfc822(published)) if published else ("", "")),
        *(image.url, str(image.type), str(image.length), str(image.width), str(image.height)),
        entry.language or "",
    )
    return joined((*said, *entry.authors, *entry.categories))


class Form(NamedTuple):
    """A piece in parts: every other one is a blank, and `places` tells which value each of these is filled with."""

    parts: list[bytes]
    places: list[int]

    @classmethod
    def of_entry(cls, write: Callable[[Rendered], bytes], shape: Shape) -> "Form":
        """Find the blanks in what `write` writes of an entry of this shape."""
        written = write(shape.sample)
        for sample, name in (
            (dates.rfc3339(_UPDATED), "updated"),
            (dates.rfc3339(_PUBLISHED), "published"),
            (dates.rfc822(_PUBLISHED), "pubDate"),
            (str(_LENGTH), "length"),
            (str(_WIDTH), "width"),
            (str(_HEIGHT), "height"),
        ):
            written = written.replace(sample.encode(), mark(name).encode())
        values = *_NAMES, *_numbered("author", shape.authors), *_numbered("category", shape.categories)
        return cls.of(written, (b"content", *named_in_xml(values)))

    @classmethod
    def of(cls, written: bytes, names: Sequence[bytes]) -> "Form":
        """Find the blanks in what was written with marks. `names`: those of the values, in their order."""
        parts = _MARK.split(written)
        ends = (b"=" if before.endswith(b'="') else b"" for before in parts[::2])
        return cls(parts, [names.index(name + end) for name, end in zip(parts[1::2], ends, strict=False)])

    def fill(self, values: Sequence[bytes]) -> bytes:
        """Write what has this shape."""
        parts = self.parts.copy()
        parts[1::2] = [values[place] for place in self.places]
        return b"".join(parts)


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}{number}" for number in range(count)]


def mark(name: str) -> str:
    """Write what stands for a value."""
    return f"\ufdd0{name}\ufdd1"


DESCRIPTION = mark("description")
"""Stands for the summary as HTML."""


def joined(values: Iterable[str]) -> bytes:
    """Join short values, which are escaped far more quickly together."""
    return _APART.join(values).encode()


def named_in_xml(names: Sequence[str]) -> tuple[bytes, ...]:
    """Name what `in_xml` gives, the values being called `names`."""
    return (*(name.encode() for name in names), *(f"{name}=".encode() for name in names))


def in_xml(said: bytes) -> list[bytes]:
    """Escape joined values as libxml2 does, all in text, then all in attributes."""
    texts = _in_text(said)
    return [*texts.split(_APART_BYTES), *_in_attribute(texts).split(_APART_BYTES)]


def _in_text(value: bytes) -> bytes:
    """Escape a value as libxml2 does in text."""
    return value.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;").replace(b"\r", b"&#13;")


def _in_attribute(text: bytes) -> bytes:
    """Escape further what libxml2 escapes in attributes only."""
    return text.replace(b'"', b"&quot;").replace(b"\t", b"&#9;").replace(b"\n", b"&#10;")
