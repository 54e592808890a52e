"""The templates of the pages for people, compiled once, and what they say of languages, dates and places."""

from datetime import datetime
from functools import cache
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
_RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he iw ks nqo ps sd syr ug ur yi".split())  # noqa: SIM905


@cache
def template(name: str) -> "Template":
    """Compile a template, once."""
    return _environment().get_template(name)


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
        day=day, entries=_entries, host=_host, instant=dates.rfc3339, minute=_minute, spoken=_spoken, text=xml_text
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


def _minute(moment: datetime) -> str:
    return f"{day(moment)} {moment:%H:%M} UTC"


def _host(link: str) -> str | None:
    """Name the site that a link leads to."""
    return (urlsplit(link).hostname or "").removeprefix("www.") or None


def _spoken(language: str | None) -> dict[str, str]:
    """Give the attributes of text in a language. Of one not said, HTML says "", and its letters tell the rest."""
    if not language:
        return {"lang": "", "dir": "auto"}
    tags = language.lower().split("-")
    return {"lang": language, "dir": "rtl" if tags[0] in _RIGHT_TO_LEFT or "arab" in tags[1:] else "ltr"}
