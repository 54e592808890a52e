"""Articles with what they say, cleaned. Those that a run adds are at hand for the same run to publish them.

Cleaning is most of the work of both, and reading an article back is much of the rest.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from feedarchiver.model import Article, Image, ObjectId

if TYPE_CHECKING:
    from feedarchiver.archive.spool import Spool
    from feedarchiver.markup import Body


class Cleaned:
    """Articles without their content and summary, and with these as bodies instead. `read` reads a whole article."""

    def __init__(self, spool: "Spool", read: Callable[[ObjectId], Article]) -> None:
        self._spool, self._read = spool, read

    def keep(self, object_id: ObjectId, article: Article, body: "Body") -> None:
        """Keep an article, if there is room. `body`: its first, which is cleaned already."""
        self._spool.keep(object_id, _plain(*parted(article, body)))

    def __contains__(self, object_id: ObjectId) -> bool:
        return object_id in self._spool

    def find(self, object_id: ObjectId) -> "tuple[Article, tuple[Body, ...]]":
        """Give an article and its bodies; what was not kept is read and cleaned now. Raises as `read` does."""
        kept = self._spool.find(object_id)
        return _whole(*kept) if kept else parted(article := self._read(object_id), body(article))


def body(article: Article, *, text_only: bool = False) -> "Body":
    """Clean what an article says first: its content, else its summary. `text_only`: as to `markup.parse`."""
    from feedarchiver import markup  # a run in which nothing has changed does without it

    return markup.parse(article.content or article.summary or "", base=article.link, text_only=text_only)


def parted(article: Article, first: "Body") -> "tuple[Article, tuple[Body, ...]]":
    """Part an article from what it says. `first`: the first of that, cleaned."""
    from feedarchiver import markup

    more = (markup.parse(article.summary, base=article.link),) if article.content and article.summary else ()
    return article._replace(content=None, summary=None), (first, *more)


def _plain(article: Article, bodies: "tuple[Body, ...]") -> tuple[list[Any], list[list[Any]]]:
    """Write both without any class: to keep and find these again takes as long as all the rest."""
    title, link, guid, published, published_from, updated, *more, image = article
    dates = (one and one.isoformat() for one in (published, updated))
    return [title, link, guid, published_from, *dates, *more, image and tuple(image)], [
        [text, image and tuple(image), removed, settled] for text, image, removed, settled in bodies
    ]


def _whole(article: list[Any], bodies: list[list[Any]]) -> "tuple[Article, tuple[Body, ...]]":
    from feedarchiver.markup import Body

    title, link, guid, published_from, *dates = article[:6]
    published, updated = (one and datetime.fromisoformat(one) for one in dates)
    shown = (title, link, guid, published, published_from, updated, *article[6:-1], _image(article[-1]))
    return Article._make(shown), tuple(
        [Body(text, _image(image), removed, settled) for text, image, removed, settled in bodies]
    )


def _image(values: tuple[Any, ...] | None) -> Image | None:
    return Image._make(values) if values else None
