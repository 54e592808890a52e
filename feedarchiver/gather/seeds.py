"""Seed files read: bytes to an Article.

    <!--1699137901000-->             milliseconds since 1970-01-01 UTC, or NaN
    [title](original link)
    ------
                                     (a blank line, customary)
    HTML body

The title runs from the first `[` to the last `](` before the separator, the link from there to the last `)`: both may
hold brackets, the title line breaks as well. The separator is a whole line of three or more hyphens. Jekyll front
matter may come first. Refused, each with a reason: what is empty, not UTF-8, without separator or http(s) link.
"""

import re
from datetime import datetime

from feedarchiver import dates
from feedarchiver.errors import SeedRefused
from feedarchiver.gather import dateline
from feedarchiver.gather.frontmatter import FrontMatter
from feedarchiver.model import Article

_STAMP = re.compile(r"\s*<!--(.*?)-->")
_SEPARATOR = re.compile(r"^-{3,}[ \t]*\r?$", re.MULTILINE)
_BLANK_LINE = re.compile(r"[ \t]*\r?\n")
_NOTHING = re.compile(r"\s*+(?:undefined\s*+)?\Z")
_HTTP = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)


def parse(data: bytes) -> tuple[Article, tuple[str, ...]]:
    """Read a seed file: the article, and what was odd about it. Raises SeedRefused."""
    text = _decoded(data)
    front, start = FrontMatter.split(text)
    separator = _SEPARATOR.search(text, start)
    if separator is None:
        raise SeedRefused("no separator, a line of three or more hyphens")
    header = text[start : separator.start()]
    stamp = _STAMP.match(header)
    title, link = _title_and_link(header[stamp.end() :] if stamp else header)
    content = _content(text, separator.end())
    published, published_from = _published(stamp and stamp.group(1), front, content, link)
    article = Article(
        title=title,
        link=link,
        published=published,
        published_from=published_from,
        authors=front.authors,
        categories=front.categories,
        content=content,
    )
    return article, (*front.warnings, *_oddities(stamp and stamp.group(1), article))


def _decoded(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise SeedRefused(f"not UTF-8 at byte {error.start}") from error
    text = text.removeprefix("\ufeff")
    if not text or text.isspace():
        raise SeedRefused("empty file")
    return text


def _title_and_link(header: str) -> tuple[str, str]:
    """Take the title, its line breaks as spaces, and the link as it stands. Raises SeedRefused."""
    opens, middle = header.find("["), header.rfind("](")
    closes = header.rfind(")")
    if opens < 0 or middle < opens or closes < middle:
        raise SeedRefused("no [title](link) before the separator")
    title, link = header[opens + 1 : middle], header[middle + 2 : closes].strip(" \t")
    if not _HTTP.match(link):
        raise SeedRefused("no http(s) link")
    if "\n" in link or "\r" in link:
        raise SeedRefused("a line break in the link")
    if "\n" in title:
        title = " ".join(filter(None, (line.strip(" \t\r") for line in title.split("\n"))))
    return title, link


def _content(text: str, start: int) -> str | None:
    """Take the body as received, but for the customary blank line; None for nothing or a script's `undefined`."""
    start = min(start + 1, len(text))
    blank = _BLANK_LINE.match(text, start)
    start = blank.end() if blank else start
    return None if _NOTHING.match(text, start) else text[start:]


def _published(
    stamp: str | None, front: FrontMatter, content: str | None, link: str
) -> tuple[datetime | None, str | None]:
    """Decide the date and where it is from: a numeric stamp, else front matter, the body's markup, the link."""
    if stamped := dates.from_stamp(stamp or ""):
        return stamped
    if front.date:
        return front.date, "front-matter"
    if content and (marked := dateline.read(content)):
        return marked, "markup"
    if linked := dates.from_link(link):
        return linked, "link"
    return None, None


def _oddities(stamp: str | None, article: Article) -> list[str]:
    """Say what a person may want to mend. `NaN` is no oddity: the format knows it."""
    oddities = []
    if article.published_from == "stamp-seconds":
        oddities.append(f"the stamp {stamp} has ten digits: read as seconds")
    elif stamp is None and article.published_from != "front-matter":
        oddities.append("no stamp in line 1")
    elif stamp is not None and article.published_from != "stamp" and stamp.strip().lower() != "nan":
        oddities.append(f"the stamp {stamp[:40]!r} is no usable number of milliseconds")
    if not article.title.strip():
        oddities.append("no title")
    return oddities
