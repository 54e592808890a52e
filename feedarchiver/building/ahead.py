"""What is made of articles ahead of a build, before it locks the archive: bodies cleaned, terms to find them by.

That is most of the work of a first build, and depends on nothing but the article; so others may do it, several at a
time, anywhere (`Prepare`). What they hand over is not trusted: the allow-list has its last word in the build, and what
cannot be what it is said to be is left out. The build itself makes whatever is not there.
"""

import hashlib
import re
import sys
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from feedarchiver import CLEANER_VERSION, RENDERER_VERSION, SEARCH_VERSION
from feedarchiver.archive.bucket import ahead
from feedarchiver.archive.cleaned import body, parted
from feedarchiver.archive.feedlog import BEFORE
from feedarchiver.building.keys import ARTICLES, SITE, pages_key, search_key
from feedarchiver.building.target import Target
from feedarchiver.errors import ArchiveError
from feedarchiver.markup import Body, xml_text
from feedarchiver.model import Article, Entry, Image, ObjectId
from feedarchiver.publish.rendered import NO_MATTER, render
from feedarchiver.publish.site import searched
from feedarchiver.publish.site_search import MANIFEST
from feedarchiver.publish.site_terms import CELLS, found_by

if TYPE_CHECKING:
    from feedarchiver.archive.archive import Archive

Prepare = Callable[[Iterator[ObjectId]], Generator[tuple[Sequence[ObjectId], object]]]
"""Has `made` done for articles by whoever can, some at a time; gives them with what is said to have come of them."""

MOST = 16_000_000
"""How many characters of articles are made something of at a time; some thousand in each are usual."""

_UNSAFE = re.compile(r'["\\/\x00-\x1f\ud800-\udfff]')  # in the scripts that lines become


def argument(articles: Iterable[ObjectId]) -> str:
    """Name articles to `prepared`, and who has it done."""
    return " ".join((_maker(), *articles))


def named(said: str) -> list[ObjectId]:
    """Read which articles an `argument` names."""
    return [ObjectId(article) for article in said.split()[1:]]


@cache
def _maker() -> str:
    """Name what decides what `made` makes, here: what another one has made may differ."""
    libraries = *map(version, ("selectolax", "nh3")), unicodedata.unidata_version, sys.version_info[:2]
    return _digest(repr((CLEANER_VERSION, RENDERER_VERSION, SEARCH_VERSION, *libraries)))[:16]


def wanted(archive: "Archive", target: Target, *, full: bool) -> Iterator[ObjectId]:
    """Name articles that a build is going to render, the oldest first: those that lack their page, or all."""
    log = archive.index.feeds
    noted = {path: key for path, (key, _) in log.documents(SITE).items() if path in {ARTICLES, MANIFEST}}
    pages, _, until = noted.get(ARTICLES, "").rpartition(" ")
    made = pages, noted.get(MANIFEST, "").partition(" ")[0]
    stands = not full and made == (pages_key(target), search_key(target))
    return log.told(int(until) if stands else BEFORE)


def prepared(archive: "Archive", said: str) -> list[list[Any]]:
    """Do what `made` does for the articles that an `argument` names.

    Raises ArchiveError when what comes of it may differ from what comes of it where that was made.
    """
    if said.partition(" ")[0] != _maker():
        raise ArchiveError("other versions of Python, selectolax or nh3 than there; use the same ones")
    return list(made(archive, named(said)))


def made(archive: "Archive", articles: Iterable[ObjectId], most: int = MOST) -> Iterator[list[Any]]:
    """Make of each article what a build will want of it, fit for JSON.

    One that cannot be read is passed over, and so is one with which all would be longer than `most` characters: they
    travel in one piece, and lie in the memory of several at once; a build makes one after the other.
    """
    room = most
    for _, object_id in ahead(archive.bucket, (("articles", article) for article in articles)):
        try:
            article = archive.article(object_id)
        except ArchiveError:
            continue  # the build tells of it
        length = len(article.content or "") + len(article.summary or "")
        if length > room:
            continue
        room -= length
        yield _made(object_id, article)


def _made(object_id: ObjectId, article: Article) -> list[Any]:
    cleaned = body(article)
    said = [object_id, list(cleaned)]

    def write(text: str) -> list[str]:
        written = found_by(text)
        said.extend((_digest(text), "|".join(written)))
        return written

    # What is searched depends on the entry's id only where an article has neither title nor text nor link.
    entry = Entry(id="", object_id=object_id, source="", updated=NO_MATTER, article=article)
    searched(render(entry, parted(article, cleaned)[1]), write=write)
    return said


class Ahead:
    """What was made ahead of one build, on this machine's disk. `is_full`: it has no room for more."""

    def __init__(self, archive: "Archive") -> None:
        self._archive, self._lines = archive, archive.spool()
        self.is_full = False

    def take(self, articles: Sequence[ObjectId], said: object) -> int:
        """Take what somebody says that he has made of articles. Returns of how many it can be that."""
        wanted = set(articles)
        self._archive.expect(articles)
        return sum(self._take(wanted, one) for one in said) if isinstance(said, list) else 0

    def _take(self, wanted: set[ObjectId], said: Any) -> bool:
        try:
            object_id, values, digest, joined = said
            wanted.remove(object_id)
            cleaned = _body(*values)
            if joined.count("|") + 1 != CELLS or _UNSAFE.search(joined):
                return False
            self._lines.keep(digest, joined)
            article = self._archive.article(object_id)
        except (ValueError, TypeError, KeyError, AttributeError, ArchiveError):
            return False
        self._archive.cleaned.keep(object_id, article, cleaned)
        self.is_full = object_id not in self._archive.cleaned or digest not in self._lines
        return not self.is_full

    def lines(self, text: str) -> list[str]:
        """Write what a text is found by into the line of each cell."""
        kept: str | None = self._lines.find(_digest(text))
        return found_by(text) if kept is None else kept.split("|")


def _body(text: Any, image: Any, removed: Any, settled: Any) -> Body:
    """Read a body. Raises TypeError, ValueError for what is none."""
    shown = None if image is None else Image(*image)
    if shown and (shown.url is None or not all(map(_is, shown, (str, str, int, int, int, str)))):
        raise TypeError("no image")
    return Body(xml_text(text), shown, tuple(map(str, removed)), xml_text(settled))


def _is(value: object, kind: type) -> bool:
    return value is None or isinstance(value, kind)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
