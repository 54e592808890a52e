"""Adding captures: raw bytes, then the article, then the capture, then the index row, in batches.

Before a batch's objects get their names, `pending` lists its captures; it goes when the index knows them. A crash in
between leaves that list, and the next writer indexes what it names, so an index that grew run by run always equals
one made from the objects.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import FolderBucket, sync_folder
from feedarchiver.archive.fingerprint import fingerprint, is_current
from feedarchiver.archive.history import Fact
from feedarchiver.archive.index import Index, Known
from feedarchiver.errors import StorageError
from feedarchiver.model import Article, Capture, ObjectId, Outcome, Received
from feedarchiver.urls import canonical, encoded

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH_BYTES = 16_000_000
_BATCH_CAPTURES = 1_000


class Writer:
    """The one that adds to an archive, while it holds the lock."""

    def __init__(self, bucket: FolderBucket, index: Index, now: datetime) -> None:
        self._bucket = bucket
        self.index = index
        last = index.last_captured()
        wanted = now.astimezone(UTC).replace(microsecond=0)
        self.captured = wanted if last is None else max(wanted, moment(last) + timedelta(seconds=1))
        self._captures: list[ObjectId] = []
        self._size_bytes = 0
        self._in_batch = False

    def add(self, received: Received) -> Outcome:
        """Archive an article. What these bytes from this source have said before is no new capture."""
        raw = objects.object_id(received.raw)
        if self.index.has_raw(raw, received.source):
            return Outcome.KNOWN
        article = received.article
        data = objects.encode_article(article)
        article_id = objects.object_id(data)
        names = aliases(article, received.source)
        outcome, print_ = self._judge(article, names)
        capture = Capture(
            article=article_id,
            raw=raw,
            source=received.source,
            url=received.url,
            captured=self.captured,
            fingerprint=print_,
        )
        capture_data = objects.encode_capture(capture)
        capture_id = objects.object_id(capture_data)
        self._begin()
        self._bucket.put("raw", raw, received.raw)
        self._bucket.put("articles", article_id, data)
        self._bucket.put("captures", capture_id, capture_data)
        self.index.add(known(capture_id, capture, article, names))
        self._captures.append(capture_id)
        self._size_bytes += len(received.raw) + len(data)
        if self._size_bytes > _BATCH_BYTES or len(self._captures) >= _BATCH_CAPTURES:
            self.commit()
        return outcome

    def saw_seed(self, source: str, name: str, stamp: str, refused: str | None) -> None:
        """Note the state of a seed file that has been taken or refused."""
        self._begin()
        self.index.saw(source, name, stamp, refused)

    def commit(self) -> None:
        """Make all that was added durable: objects first, then the index."""
        pending = os.path.join(self._bucket.root, "pending")
        if self._captures:
            try:
                with open(pending, "w", encoding="ascii") as file:
                    file.writelines(f"{capture}\n" for capture in self._captures)
                    file.flush()
                    os.fsync(file.fileno())
                sync_folder(self._bucket.root)
            except OSError as error:
                raise StorageError.of(error, "write", pending) from error
            self._bucket.flush()
        if self._in_batch:
            self.index.commit()
            self._in_batch = False
        if self._captures:
            os.unlink(pending)
            self._captures.clear()
            self._size_bytes = 0

    def recover(self) -> None:
        """Index the captures of a batch whose writer did not finish."""
        pending = os.path.join(self._bucket.root, "pending")
        try:
            with open(pending, encoding="ascii", errors="replace") as file:
                names = file.read().split()
        except FileNotFoundError:
            return
        self._begin()
        for name in names:
            with suppress(ValueError):  # a line that the crash cut short names nothing that was stored
                self._recover(ObjectId.parse(name))
        self.commit()
        os.unlink(pending)
        last = self.index.last_captured()
        if last is not None:
            self.captured = max(self.captured, moment(last) + timedelta(seconds=1))

    def _recover(self, capture_id: ObjectId) -> None:
        if self._bucket.has("captures", capture_id) and not self.index.has_capture(capture_id):
            capture = objects.decode_capture(self._bucket.get("captures", capture_id))
            article = objects.decode_article(self._bucket.get("articles", capture.article))
            self.index.add(known(capture_id, capture, article, aliases(article, capture.source)))

    def _begin(self) -> None:
        if not self._in_batch:
            self.index.begin()
            self._in_batch = True

    def _judge(self, article: Article, names: tuple[str, ...]) -> tuple[Outcome, str]:
        """Tell what the article is to its entry, and the fingerprint that says so in its capture."""
        print_ = fingerprint(article)
        entry = self.index.find(names)
        if entry is None:
            return Outcome.NEW, print_
        facts = self.index.facts(entry)
        if any(fact.fingerprint == print_ for fact in facts):
            return Outcome.NOISE, print_
        for fact in facts:  # another version of the cleaner took these: compare what they would be now
            if not is_current(fact.fingerprint):
                data = self._bucket.get("articles", ObjectId(fact.article))
                if fingerprint(objects.decode_article(data)) == print_:
                    return Outcome.NOISE, fact.fingerprint
        return Outcome.VERSION, print_


def aliases(article: Article, source: str) -> tuple[str, ...]:
    """Name what an entry is looked up by: its canonical link, then the source's own id for it."""
    by_link = (canonical(article.link),) if article.link else ()
    by_guid = (f"{source}\n{article.guid}",) if article.guid else ()
    return by_link + by_guid


def known(capture_id: ObjectId, capture: Capture, article: Article, names: tuple[str, ...]) -> Known:
    """Gather what the index keeps of a capture. `names`: the article's aliases."""
    fact = Fact(
        captured=microseconds(capture.captured),
        published=None if article.published is None else microseconds(article.published),
        updated=None if article.updated is None else microseconds(article.updated),
        article=capture.article,
        fingerprint=capture.fingerprint,
        source=capture.source,
        id=published_id(article, capture.source),
    )
    return Known(capture_id, names, fact, capture.raw)


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


def microseconds(instant: datetime) -> int:
    """Count whole microseconds since 1970."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def moment(microseconds_: int) -> datetime:
    """Read whole microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds_)
