"""What this run has cleaned: bodies read while articles were archived, for when the same run publishes them.

Cleaning is most of the work of both.
"""

from feedarchiver import markup
from feedarchiver.archive.spool import Spool
from feedarchiver.markup import Body
from feedarchiver.model import Article, ObjectId


class Cleaned:
    """Bodies by the article that they are of."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def keep(self, article: ObjectId, body: Body) -> None:
        """Keep a body, if there is room."""
        self._spool.keep(article, body)

    def body(self, article_id: ObjectId, article: Article) -> Body:
        """Give the body of an article, cleaned now if it was not kept."""
        kept: Body | None = self._spool.find(article_id)
        return kept or body(article)


def body(article: Article) -> Body:
    """Clean what an article says: its content, else its summary."""
    return markup.parse(article.content or article.summary or "", base=article.link)
