"""What this run has cleaned: bodies read while articles were archived, kept until the same run publishes them.

Cleaning is most of the work of both. The bodies wait in memory, then in a nameless file; what does not fit is cleaned
again, and so is everything in another run: nothing here outlives the process.
"""

import pickle
import tempfile
from typing import TYPE_CHECKING, Any

from feedarchiver import markup
from feedarchiver.model import Article, ObjectId

if TYPE_CHECKING:
    from feedarchiver.markup import Body

_MEMORY_BYTES = 4_000_000
_MOST_BYTES = 256_000_000
_MOST = 20_000


class Cleaned:
    """Bodies by the article that they are of, for as long as they are wanted."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._file: Any = None
        self._places: dict[ObjectId, tuple[int, int]] = {}
        self._end = 0

    def keep(self, article: ObjectId, body: "Body") -> None:
        """Keep a body, if there is room."""
        if self._end > _MOST_BYTES or len(self._places) >= _MOST:
            return
        data = pickle.dumps(body, pickle.HIGHEST_PROTOCOL)
        try:
            if self._file is None:
                self._file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=self._folder)  # noqa: SIM115 - see `close`
            self._file.seek(self._end)
            self._file.write(data)
        except OSError:  # a full disk: what is written next will say so
            self.close()
            self._end = _MOST_BYTES + 1
            return
        self._places[article] = self._end, len(data)
        self._end += len(data)

    def body(self, article_id: ObjectId, article: Article) -> "Body":
        """Give the body of an article, cleaned now if it was not kept."""
        try:
            start, length = self._places[article_id]
            self._file.seek(start)
            kept: Body = pickle.loads(self._file.read(length))  # noqa: S301 - ours, in a file that has no name
        except KeyError:
            return body(article)
        except (OSError, ValueError, EOFError):
            self.close()
            return body(article)
        return kept

    def close(self) -> None:
        """Drop everything."""
        self._places.clear()
        if self._file is not None:
            self._file.close()
            self._file = None


def body(article: Article) -> "Body":
    """Clean what an article says: its content, else its summary."""
    return markup.parse(article.content or article.summary or "", base=article.link)
