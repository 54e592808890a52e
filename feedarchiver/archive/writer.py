"""Adding captures: raw bytes, then the article, then the capture, then the index row, in batches. Images likewise.

Before a batch's objects get their names, `pending` lists its captures; it goes when the index knows them. A crash in
between leaves that list, and the next writer indexes what it names, so an index that grew run by run always equals
one made from the objects.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import Store
from feedarchiver.archive.cleaned import Cleaned, body
from feedarchiver.archive.durable import sync_folder
from feedarchiver.archive.fingerprint import fingerprint, is_current
from feedarchiver.archive.history import microseconds, moment
from feedarchiver.archive.imagelog import KnownImage
from feedarchiver.archive.index import Index
from feedarchiver.archive.known import Known, aliases
from feedarchiver.archive.wanted import Wanted
from feedarchiver.errors import DamagedObject, MissingObject, StorageError
from feedarchiver.markup import Body
from feedarchiver.model import Article, Capture, ImageCapture, ObjectId, Outcome, Received
from feedarchiver.urls import canonical

_BATCH_BYTES = 16_000_000
_BATCH_CAPTURES = 1_000


class Writer:
    """The one that adds to an archive, while it holds the lock."""

    def __init__(self, bucket: Store, index: Index, now: datetime, cleaned: Cleaned | None = None) -> None:
        self._bucket, self._cleaned = bucket, cleaned
        self.index = index
        last = index.last_captured()
        wanted = now.astimezone(UTC).replace(microsecond=0)
        self.captured = wanted if last is None else max(wanted, _after(last))
        self._captures: list[ObjectId] = []
        self._size_bytes = 0
        self._kept = 0
        self._in_batch = False
        self._linked: dict[str, tuple[str, ...]] = {}  # aliases that captures of this instant have together
        self._is_pending, self._listed = False, 0  # whether there is a list, and how many of the captures are in it

    def step(self) -> None:
        """Let what follows be captured later than what came before, by the smallest instant there is."""
        self.captured += timedelta(microseconds=1)
        self._linked.clear()

    def add(self, received: Received, *, polled: bool = False) -> Outcome:
        """Archive an article. What these bytes from this source have said before is no new capture.

        `polled`: it comes again and again, and its bytes may differ in what no article keeps (how many comments there
        are). The same article from the same source is no new capture then.
        """
        raw = objects.object_id(received.raw)
        if self.index.has_raw(raw, received.source):
            return Outcome.KNOWN
        article = received.article
        data = objects.encode_article(article)
        article_id = objects.object_id(data)
        names = aliases(article, received.source)
        entry = self.index.find(names)
        if polled and self._has_said(article_id, entry, received.source):
            return Outcome.KNOWN
        if not self._is_any_order_right(names):
            self.step()
        said = body(article)
        outcome, print_ = self.judge(article, names, entry, said)
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
        lengths = len(received.raw), len(data), len(capture_data)
        self.index.add(Known.of(capture_id, capture, article, names, lengths))
        if self._cleaned is not None:
            self._cleaned.keep(article_id, said)
        self._linked |= dict.fromkeys(names, names) if len(names) > 1 else {}
        self._count(capture_id, len(received.raw) + len(data))
        return outcome

    def add_image(self, url: str, data: bytes) -> Outcome:
        """Archive an image found at an address. What is the copy of that address already is no new capture.

        Raises ImageRefused.
        """
        from feedarchiver import imagefile

        type_, width, height = imagefile.read(data)
        image = objects.object_id(data)
        before = self.index.images.copy(canonical(url))
        if before is not None and before.image == image:
            if self._bucket.length("images", image) is None:
                self.keep("images", image, data)  # it was lost
            return Outcome.KNOWN
        captured = self.captured
        if before is not None and before.captured >= microseconds(captured):
            captured = moment(before.captured + 1)  # the copy that came last is the one to show
        capture = ImageCapture(url, image, type_, width, height, len(data), captured)
        capture_data = objects.encode_image_capture(capture)
        self._bucket.put("images", image, data)
        self._size_bytes += len(data)
        self.take_image(capture_data, KnownImage.of(capture, capture_data))
        return Outcome.NEW if before is None else Outcome.VERSION

    def foresee(self, received: Received) -> Outcome:
        """Tell what adding an article that was polled would come to. Changes nothing."""
        if self.index.has_raw(objects.object_id(received.raw), received.source):
            return Outcome.KNOWN
        article = received.article
        names = aliases(article, received.source)
        entry = self.index.find(names)
        if self._has_said(objects.object_id(objects.encode_article(article)), entry, received.source):
            return Outcome.KNOWN
        return self.judge(article, names, entry, body(article))[0]

    def keep(self, kind: str, object_id: ObjectId, data: bytes) -> None:
        """Hand over an object that a capture to come refers to. One that stays without a capture harms nobody."""
        self._bucket.put(kind, object_id, data)
        self._kept += 1
        self._size_bytes += len(data)
        if self._size_bytes > _BATCH_BYTES or self._kept >= _BATCH_CAPTURES:
            self._store()

    def take(self, data: bytes, known: Known) -> int:
        """Take over a capture whose article and raw bytes are kept. Returns how many wait for `commit`."""
        self._begin()
        self._bucket.put("captures", known.capture, data)
        self.index.add(known)
        self._captures.append(known.capture)
        return len(self._captures)

    def take_image(self, data: bytes, known: KnownImage) -> None:
        """Take over a capture of an image that is kept."""
        self._begin()
        self._bucket.put("image-captures", known.capture, data)
        self.index.images.add(known)
        self._count(known.capture, len(data))

    def saw_seed(self, source: str, name: str, stamp: str, refused: str | None) -> None:
        """Note the state of a seed file that has been taken or refused."""
        self._begin()
        self.index.saw(source, name, stamp, refused)

    def note(self, about: str, name: str, said: str | None) -> None:
        """Note something for whoever gathers. It is durable no sooner than what was added before."""
        self._begin()
        self.index.notes.write(about, name, said)

    @property
    def wanted(self) -> Wanted:
        """The pictures that are to be fetched, to be written to. It is durable no sooner than what was added before."""
        self._begin()
        return self.index.wanted

    def commit(self) -> None:
        """Make all that was added durable: objects first, then the index."""
        if self._captures or self._kept:
            self._store()
        if self._in_batch:
            self.index.commit()
            self._in_batch = False
        if self._is_pending:
            with self._pending("remove") as pending:
                os.unlink(pending)
            self._is_pending, self._listed = False, 0
            self._captures.clear()

    def recover(self) -> None:
        """Finish what a writer that was killed has begun: its batch goes in whole, or as far as it got."""
        with self._pending("read") as pending:
            try:
                with open(pending, encoding="ascii", errors="replace") as file:
                    names = file.read().split()
            except FileNotFoundError:
                self._bucket.clear()
                return
        captures = []
        for name in names:
            with suppress(ValueError):  # a line that the crash cut short names nothing that was stored
                captures.append(ObjectId.parse(name))
        self._bucket.resume(captures)
        self._bucket.clear()
        self._bucket.harden()
        self._begin()
        for capture in captures:
            with suppress(ValueError, DamagedObject, MissingObject):  # `verify` names them
                self._recover(capture)
        self.commit()
        with self._pending("remove") as pending:
            os.unlink(pending)
        last = self.index.last_captured()
        if last is not None:
            self.captured = max(self.captured, _after(last))

    def _has_said(self, article_id: ObjectId, entry: int | None, source: str) -> bool:
        known = () if entry is None else self.index.facts(entry)
        return any(fact.article == article_id and fact.source == source for fact in known)

    def _is_any_order_right(self, names: tuple[str, ...]) -> bool:
        """Tell whether a capture of an entry so named may be taken in before or after all others of this instant.

        An index made anew takes them in another order than they came. A link and a guid that lead to different
        entries, or that others of this instant know in other company, may make one entry or two of them.
        """
        if len(self._linked) > _BATCH_CAPTURES or any(self._linked.get(name, names) != names for name in names):
            return False
        return len(names) == 1 or len({self.index.find([name]) for name in names}) == 1

    def _store(self) -> None:
        """Give the batch's objects their names. Until the index has committed, `pending` says that they have none."""
        with self._pending("write") as pending:
            with open(pending, "a", encoding="ascii") as file:  # what is listed already must stay so, come what may
                file.writelines(f"{capture}\n" for capture in self._captures[self._listed :])
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._bucket.root)
        self._is_pending, self._listed = True, len(self._captures)
        self._bucket.flush()
        self._size_bytes = self._kept = 0

    def _count(self, capture_id: ObjectId, size_bytes: int) -> None:
        """Count what has been handed over, and end the batch when it is large."""
        self._captures.append(capture_id)
        self._size_bytes += size_bytes
        if self._size_bytes > _BATCH_BYTES or len(self._captures) >= _BATCH_CAPTURES:
            self.commit()

    def _recover(self, capture_id: ObjectId) -> None:
        images = self.index.images
        if self._bucket.length("image-captures", capture_id) is not None and not images.has_capture(capture_id):
            images.add(KnownImage.read(self._bucket, capture_id))
        if self._bucket.length("captures", capture_id) is not None and not self.index.has_capture(capture_id):
            self.index.add(Known.read(self._bucket, capture_id))

    @contextmanager
    def _pending(self, what: str) -> Iterator[str]:
        """Have the path of the list of captures, to do `what` with it. Raises StorageError for OSError."""
        path = os.path.join(self._bucket.root, "pending")
        try:
            yield path
        except OSError as error:
            raise StorageError.of(error, what, path) from error

    def _begin(self) -> None:
        if not self._in_batch:
            self.index.begin()
            self._in_batch = True

    def judge(self, article: Article, names: tuple[str, ...], entry: int | None, said: Body) -> tuple[Outcome, str]:
        """Tell what an article is to its entry (None: it has none yet), and the fingerprint that says so.

        `names`: its aliases; `said`: its body, cleaned.
        """
        identity = names[0] if article.link else None
        print_ = fingerprint(article, identity, said)
        if entry is None:
            return Outcome.NEW, print_
        facts = self.index.facts(entry)
        if any(fact.fingerprint == print_ for fact in facts):
            return Outcome.NOISE, print_
        for fact in facts:  # another version of the cleaner took these: compare what they would be now
            if not is_current(fact.fingerprint):
                data = self._bucket.get("articles", ObjectId(fact.article))
                earlier = objects.decode_article(data)
                if fingerprint(earlier, canonical(earlier.link) if earlier.link else None, body(earlier)) == print_:
                    return Outcome.NOISE, fact.fingerprint
        return Outcome.VERSION, print_


def _after(last: int) -> datetime:
    """Return the first whole second after an instant."""
    return moment(last).replace(microsecond=0) + timedelta(seconds=1)
