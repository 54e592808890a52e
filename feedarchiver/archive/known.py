"""What the index keeps of a capture, and how it is read out of the objects: by what an entry is known, and its id."""

from typing import NamedTuple, Self

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import Bucket, Length, read
from feedarchiver.archive.history import Fact, microseconds
from feedarchiver.model import Article, Capture, ObjectId
from feedarchiver.urls import canonical, encoded


class Known(NamedTuple):
    """A capture as the index keeps it: its id, the entry's aliases to look it up by, its fact and its raw bytes.

    `lengths`: in bytes, those of the raw bytes, the article, the capture itself, and `said` where there is one.
    `origin`: the capture of another archive that this one repeats. `said`: the article as it was known before its page
    was read.
    """

    capture: ObjectId
    aliases: tuple[str, ...]
    fact: Fact
    raw: ObjectId
    lengths: tuple[int, ...]
    origin: ObjectId | None = None
    said: ObjectId | None = None

    @classmethod
    def of(
        cls,
        capture_id: ObjectId,
        capture: Capture,
        article: Article,
        names: tuple[str, ...],
        lengths: tuple[int, ...],
    ) -> Self:
        """Gather what the index keeps of a capture. `names`: the article's aliases."""
        fact = Fact(
            captured=microseconds(capture.captured),
            published=None if article.published is None else microseconds(article.published),
            updated=None if article.updated is None else microseconds(article.updated),
            article=capture.article,
            fingerprint=capture.fingerprint,
            source=capture.source,
            id=published_id(article, capture.source),
            origin_captured=None if capture.origin_captured is None else microseconds(capture.origin_captured),
        )
        return cls(capture_id, names, fact, capture.raw, lengths, capture.origin, capture.said)

    @classmethod
    def read(cls, bucket: Bucket, capture_id: ObjectId) -> Self:
        """Read what the index keeps of a capture out of its objects.

        Raises DamagedObject, MissingObject; ValueError for what is no capture or no article.
        """
        capture_data = read(bucket, "captures", capture_id)
        capture = objects.decode_capture(capture_data)
        article_data = read(bucket, "articles", capture.article)
        article = objects.decode_article(article_data)
        lengths = measured(bucket.length, capture, len(article_data), len(capture_data))
        return cls.of(capture_id, capture, article, aliases(article, capture.source), lengths)


def measured(length: Length, capture: Capture, article: int, own: int) -> tuple[int, ...]:
    """Measure what a capture is about, beside its article and itself, whose lengths are known."""
    said = (length("articles", capture.said) or 0,) if capture.said else ()
    return length("raw", capture.raw) or 0, article, own, *said


def aliases(article: Article, source: str) -> tuple[str, ...]:
    """Name what an entry is looked up by: its canonical link, then the source's own id for it."""
    by_link = (canonical(article.link),) if article.link else ()
    by_guid = (f"{source}\n{article.guid}",) if article.guid else ()
    return by_link + by_guid


def published_id(article: Article, source: str) -> str:
    """Decide the id that feeds show: the original link as a URI, else a UUID of source and guid.

    Raises ValueError when the article has neither link nor guid.
    """
    if article.link and (link := encoded(article.link)):
        return link
    if not (article.link or article.guid):
        raise ValueError("an article needs a link or a guid")
    import uuid

    return uuid.uuid5(uuid.NAMESPACE_URL, article.link or f"{source}\n{article.guid}").urn
