"""Articles with what they say, cleaned. Those that a run adds are at hand for the same run to publish them.

Cleaning is most of the work of both, and reading an article back is much of the rest.
"""

from collections.abc import Callable

from feedarchiver import markup
from feedarchiver.archive.spool import Spool
from feedarchiver.markup import Body
from feedarchiver.model import Article, ObjectId


class Cleaned:
    """Articles with their bodies. `read` reads an article that is not at hand."""

    def __init__(self, spool: Spool, read: Callable[[ObjectId], Article]) -> None:
        self._spool, self._read = spool, read

    def keep(self, object_id: ObjectId, article: Article, body: Body) -> None:
        """Keep an article with its body, if there is room."""
        self._spool.keep(object_id, (article, body))

    def __contains__(self, object_id: ObjectId) -> bool:
        return object_id in self._spool

    def find(self, object_id: ObjectId) -> tuple[Article, Body]:
        """Give an article and its body; what was not kept is read and cleaned now. Raises as `read` does."""
        kept: tuple[Article, Body] | None = self._spool.find(object_id)
        if kept is not None:
            return kept
        article = self._read(object_id)
        return article, body(article)


def body(article: Article) -> Body:
    """Clean what an article says: its content, else its summary."""
    return markup.parse(article.content or article.summary or "", base=article.link)
