"""An entry ready to be written in any format: clean, complete, free of what XML forbids.

Here is decided what readers are shown (READERS.md): one picture that is also visible in the content, a title that is
never empty, a summary only where it is shorter than the content. How a format spells it is the business of `rss` and
`atom`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from html import escape, unescape
from typing import NamedTuple

from feedarchiver import markup, urls
from feedarchiver.model import Article, Entry, Image, ObjectId

TITLE_LENGTH = 80
NO_MATTER = datetime(1970, 1, 1, tzinfo=UTC)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # the shape of RFC 5646
_PICTURE = re.compile(r"image/[A-Za-z0-9.+-]+")
_ILLUSTRATED = re.compile(r"""<(?:img|video)(?: [a-z]+="[^"]*")*>""")
_ADDRESS = re.compile(r'( (?:src|poster))="([^"]*)"')
_TYPES = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}


class Rendered(NamedTuple):
    """What a document says of one entry.

    `title` and `summary` are plain text, `content` is clean HTML ("" when there is none), `link` and the address of
    `image` are percent-encoded. `summary` is shorter than the content. An `image` has a type and stands in `content`.
    `about`: the id of the entry that this is about, when it is none itself but tells of it. `paged`: whether it has a
    reading page of its own; what has none is shown whole in lists.
    `base`: what the addresses of copies begin with; our own pages, whose links are relative, leave it out.
    `text`: what `content` reads as; None where that has to be read out of it.
    """

    id: str
    link: str | None
    title: str
    updated: datetime
    published: datetime | None
    language: str | None
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    content: str
    summary: str | None
    image: Image | None
    about: str | None = None
    paged: bool = True
    base: str = ""
    text: str | None = None


Stored = Callable[[str], Image | None]
"""Gives what is known of the image at an address out of its stored copy, and the address to show; None without one."""


def render(
    entry: Entry, bodies: Sequence[markup.Body] = (), stored: Stored = lambda _: None, base: str = ""
) -> Rendered:
    """Clean an entry's article and settle what every format shows of it.

    `bodies`: its content and its summary, those that it has, if they have been cleaned already.
    """
    article = entry.article
    name, link = markup.xml_text(entry.id), urls.encoded(article.link) if article.link else None
    htmls = [html for html in (article.content, article.summary) if html] or [""]
    said = bodies or [markup.parse(html, base=article.link) for html in htmls]
    texts = [one.text for one in said]
    shown = next((number for number, text in enumerate(texts) if text), 0)  # a content without a word is a picture
    text, html = texts[shown], said[shown].html()
    image = next(filter(None, map(_lead, (article.image, *(one.image for one in said)))), None)
    copy = stored(image.url) if image else None
    if image and not _shows(html, image):
        sized = image._replace(width=copy.width, height=copy.height) if copy else image
        html = f"<p>{img(sized)}</p>{html}"
    summary = markup.summary(texts[-1]) or texts[-1]
    return Rendered(
        id=name,
        link=link,
        title=_plain(article.title) or _start(text) or link or name,
        updated=entry.updated,
        published=article.published,
        language=article.language if article.language and _LANGUAGE.fullmatch(article.language) else None,
        authors=_names(article.authors),
        categories=_names(article.categories),
        content=illustrated(html, stored),
        summary=summary if summary and _is_shorter(summary, text, html) else None,
        image=copy._replace(alt=image.alt) if image and copy else image,
        base=base,
        text=None if markup.PLAYER_SIGN in html else text,
    )


def pictures(article: Article, bodies: Sequence[markup.Body] = ()) -> tuple[str | None, tuple[str, ...]]:
    """Name the pictures that an entry with this article shows: the lead picture, and all of them, that one first.

    `bodies`: as for `render`.
    """
    named: dict[str, Image | None] = {}
    entry = Entry(id="", object_id=ObjectId(""), source="", updated=NO_MATTER, article=article)
    shown = render(entry, bodies, named.setdefault)
    return shown.image.url if shown.image else None, tuple(named)


def _plain(text: str) -> str:
    return markup.xml_text(markup.plain(text)).strip()


def _names(names: Iterable[str]) -> tuple[str, ...]:
    """Keep each name once, in the order said."""
    return tuple(dict.fromkeys(filter(None, map(_plain, names))))


def _start(text: str) -> str:
    """Cut a headline from the beginning of a text that has none."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def _is_shorter(summary: str, text: str, html: str) -> bool:
    """Tell whether a summary is shorter than the content, as text and as written: liferea shows the longer one."""
    return len(summary) < len(text) and len(escape(summary)) < len(html)


def _lead(image: Image | None) -> Image | None:
    """Complete a picture for the places that demand a media type. None if its address cannot be published."""
    url = urls.encoded(image.url) if image else None
    if image is None or url is None:
        return None
    said = image.type if image.type and _PICTURE.fullmatch(image.type) else None
    return image._replace(url=url, type=said or media_type(url))


def media_type(url: str) -> str:
    """Guess the media type of a picture by the ending of its path; most of the web's pictures are JPEG.

    A table of ours, since that of the standard library differs from machine to machine.
    """
    path = url.partition("?")[0].partition("#")[0]
    return _TYPES.get(path.rpartition(".")[2].lower(), "image/jpeg")


def illustrated(html: str, stored: Stored) -> str:
    """Put the addresses of copies into cleaned HTML, where there are any."""
    if "<img " not in html and ' poster="' not in html:
        return html
    named = dict.fromkeys(address for _, address in _ADDRESS.findall("".join(_ILLUSTRATED.findall(html))))
    copies = {address: copy for address in named if (copy := stored(unescape(address)))}
    if not copies:
        return html

    def replaced(found: re.Match[str]) -> str:
        copy = copies.get(found[2])
        return f'{found[1]}="{_attribute(copy.url)}"' if copy else found[0]

    return _ILLUSTRATED.sub(lambda tag: _ADDRESS.sub(replaced, tag[0]), html)


def _shows(html: str, image: Image) -> bool:
    return f'src="{_attribute(image.url)}"' in html


def _attribute(url: str) -> str:
    """Escape an address as the cleaned HTML has it: an encoded one holds no quotation mark but the harmless one."""
    return escape(url, quote=False)


def img(image: Image) -> str:
    """Write a picture."""
    sizes = (("width", image.width), ("height", image.height))
    size = "".join(f' {name}="{value}"' for name, value in sizes if value)
    return f'<img src="{_attribute(image.url)}" alt="{escape(_plain(image.alt or ""))}"{size}>'
