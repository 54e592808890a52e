"""The templates of the pages for people, compiled once, and what they say of languages, dates and places.

What is written for each entry is not rendered each time: a template is, once, with marks in the place of all that the
entry says, and the marks are filled in. (`forms` has feeds written so.)
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feedarchiver import dates
from feedarchiver.markup import xml_text
from feedarchiver.publish import atom, jsonfeed, rss
from feedarchiver.publish.opml import LIST
from feedarchiver.publish.pages import HTML
from feedarchiver.publish.plan import address

if TYPE_CHECKING:
    from jinja2 import Environment, Template

INDEX, SEARCH = "index.html", "search.html"
VERSIONS = "versions"
"""Names the part of a reading page that lists the versions of its entry."""
FORMATS = (("RSS", rss), ("Atom", atom), ("JSON Feed", jsonfeed))
_FORMS = 256
_ONE = -1  # of a text: that it is there; of several: how many
_MARK = re.compile("\ufdd0(\\d+)\ufdd1")  # noncharacters, which no text has: `xml_text` takes them away
_PLAIN_HOST = re.compile(r"https?://([a-z0-9.-]+)(?=[/?#]|$)")  # others are taken apart, which takes far longer
_RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he iw ks nqo ps sd syr ug ur yi".split())  # noqa: SIM905


@cache
def template(name: str) -> "Template":
    """Compile a template, once."""
    return _environment().get_template(name)


def filled(name: str, said: Mapping[str, str | tuple[str, ...] | None], html: str | None, **fixed: str | None) -> str:
    """Write a template with the texts of an entry, its `html`, and what many entries have alike (`fixed`)."""
    from markupsafe import escape

    texts: list[str] = []
    shape: list[tuple[str, int | str | None]] = []
    for key, value in said.items():
        if isinstance(value, tuple):
            texts += map(escape, value)
            shape.append((key, len(value)))
        elif value:
            texts.append(escape(value))
            shape.append((key, _ONE))
        else:
            shape.append((key, value))
    if html:
        texts.append(html)
    start, blanks = _form(name, (*shape, ("html", _ONE if html else html)), tuple(fixed.items()))
    parts = [start]
    for place, after in blanks:
        parts += texts[place], after
    return "".join(parts)


@lru_cache(_FORMS)
def _form(
    name: str, shape: tuple[tuple[str, int | str | None], ...], fixed: tuple[tuple[str, str | None], ...]
) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Render a template with marks. Returns its beginning; then, in turn, which text comes, and what follows it."""
    places = count()
    said: dict[str, object] = dict(fixed)
    for key, kind in shape:
        one = kind == _ONE
        marks = tuple(f"\ufdd0{next(places)}\ufdd1" for _ in range(1 if one else kind if isinstance(kind, int) else 0))
        said[key] = marks[0] if one else marks if isinstance(kind, int) else kind
    start, *rest = _MARK.split(template(name).render(said))
    return start, tuple(zip(map(int, rest[::2]), rest[1::2], strict=True))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # a run with nothing new does without it

    environment = Environment(
        autoescape=True,
        loader=PackageLoader("feedarchiver.publish"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        day=day, entries=_entries, instant=dates.rfc3339, minute=minute, spoken=_spoken, text=xml_text
    )
    environment.globals.update(address=address, FORMATS=FORMATS, HTML=HTML, INDEX=INDEX, OPML=LIST, SEARCH=SEARCH)
    environment.globals.update(VERSIONS=VERSIONS)
    return environment


def day(moment: datetime) -> str:
    """Write a day so that it is read the same in every language."""
    return moment.date().isoformat()


def _entries(kind: str, count: int = 0) -> str:
    """Name the entries of a feed of some kind."""
    many = {"health": "reports"}.get(kind, kind)
    return many[:-1] if count == 1 else many


def minute(moment: datetime) -> str:
    """Write a minute."""
    return f"{day(moment)} {moment:%H:%M} UTC"


def host(link: str) -> str | None:
    """Name the site that a link leads to."""
    plain = _PLAIN_HOST.match(link)
    return (plain[1] if plain else urlsplit(link).hostname or "").removeprefix("www.") or None


def _spoken(language: str | None) -> dict[str, str]:
    """Give the attributes of text in a language. Of one not said, HTML says "", and its letters tell the rest."""
    if not language:
        return {"lang": "", "dir": "auto"}
    tags = language.lower().split("-")
    return {"lang": language, "dir": "rtl" if tags[0] in _RIGHT_TO_LEFT or "arab" in tags[1:] else "ltr"}
