"""Adding captures: raw bytes, then the article, then the capture, then the index row, in batches. Images likewise.

Before a batch's objects get their names, `pending` lists its captures; it goes when the index knows them. A crash in
between leaves that list, and the next writer indexes what it names, so an index that grew run by run always equals
one made from the objects.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import Store
from feedarchiver.archive.cleaned import Cleaned, body
from feedarchiver.archive.history import microseconds, moment
from feedarchiver.archive.imagelog import KnownImage
from feedarchiver.archive.index import Index
from feedarchiver.archive.known import Known, aliases
from feedarchiver.archive.pending import Pending, PendingFile
from feedarchiver.archive.repeated import Saying, is_known, latest
from feedarchiver.archive.seen import Seen, judge
from feedarchiver.archive.wanted import Wanted
from feedarchiver.errors import DamagedObject, MissingObject
from feedarchiver.model import Article, Capture, ImageCapture, ObjectId, Outcome, Received
from feedarchiver.urls import canonical

if TYPE_CHECKING:
    from feedarchiver.markup import Body

_BATCH_BYTES = 16_000_000
_BATCH_CAPTURES = 1_000
_PREPARED_BYTES = 4_000_000


class Writer:
    """The one that adds to an archive, while it holds the lock."""

    def __init__(
        self, bucket: Store, index: Index, now: datetime, cleaned: Cleaned | None = None, pending: Pending | None = None
    ) -> None:
        self._bucket, self._cleaned = bucket, cleaned
        self._pending = pending or PendingFile(bucket.root)
        self.index = index
        self.captured = self._begin_at(now.astimezone(UTC).replace(microsecond=0))
        self._captures: list[ObjectId] = []
        self._size_bytes = 0
        self._kept = 0
        self._in_batch = False
        self._prepared: dict[int, tuple[Received, tuple[str, ...], Body | None]] = {}
        self._linked: dict[str, tuple[str, ...]] = {}  # aliases that captures of this instant have together
        self._is_pending, self._listed = False, 0  # whether there is a list, and how many of the captures are in it

    def step(self) -> None:
        """Let what follows be captured later than what came before, by the smallest instant there is."""
        self.captured += timedelta(microseconds=1)
        self._linked.clear()

    def expect(self, received: Iterable[Received]) -> None:
        """Be told what is about to be added: some indexes look it up quicker all at once."""
        self._begin()
        self.index.expect(name for one in received for name in aliases(one.article, one.source))

    def prepare(self, received: Iterable[Received]) -> None:
        """Clean what is about to be added, as far as it is of no entry that is known and does not fill the memory.

        First cleaned and then stored, articles take a fifth less CPU than one by one: what is at work stays in the
        processor's caches.
        """
        self._begin()
        self._prepared.clear()
        size_bytes, named = 0, []
        for one in received:
            size_bytes += len(one.raw)
            if size_bytes > _PREPARED_BYTES:
                break
            named.append((one, aliases(one.article, one.source)))
        self.index.expect(name for _, names in named for name in names)
        for one, names in named:
            cleaned = self._clean(one.article) if self.index.find(names) is None else None
            self._prepared[id(one)] = one, names, cleaned

    def add(self, received: Received, *, polled: bool = False, past: bool = False) -> Outcome:
        """Archive an article. What these bytes from this source have said before is no new capture.

        `polled`: it comes again and again, and its bytes may differ in what no article keeps (how many comments there
        are). What the source said last is no new capture then; what it said before that has come back, unless it is
        read in its `past`.
        """
        raw = objects.object_id(received.raw)
        if not polled and self.index.has_raw(raw, received.source):
            return Outcome.KNOWN
        seen = self._look(received, raw, polled=polled, past=past)
        if seen is None:
            return Outcome.KNOWN
        captured = self._instant(seen)
        capture = Capture(
            article=seen.article,
            raw=raw,
            source=received.source,
            url=received.url,
            captured=captured,
            fingerprint=seen.fingerprint,
            said=seen.said,
            charset=received.charset,
        )
        data = objects.encode_capture(capture)
        capture_id = objects.object_id(data)
        self._begin()
        self._bucket.put("raw", raw, received.raw)
        fresh = [self._bucket.put("articles", *article) for article in seen.articles]
        self._bucket.put("captures", capture_id, data)
        (_, first), *rest = seen.articles
        lengths = len(received.raw), len(first), len(data), *(len(other) for _, other in rest)
        known = Known.of(capture_id, capture, received.article, seen.names, lengths)
        self.index.add(known, is_new=seen.outcome is Outcome.NEW)
        if self._cleaned is not None and fresh[0]:  # one that was there may be damaged: it is to be read
            self._cleaned.keep(seen.article, received.article, seen.body)
        self._linked |= dict.fromkeys(seen.names, seen.names) if len(seen.names) > 1 else {}
        self._count(capture_id, len(received.raw) + sum(len(other) for _, other in seen.articles))
        return seen.outcome

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

    def foresee(self, received: Received, *, past: bool = False) -> Outcome:
        """Tell what adding an article that was polled would come to. Changes nothing."""
        seen = self._look(received, objects.object_id(received.raw), polled=True, past=past)
        return Outcome.KNOWN if seen is None else seen.outcome

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
            self._pending.settle()
            self._is_pending, self._listed = False, 0
            self._captures.clear()

    def recover(self, left: Sequence[ObjectId] = ()) -> None:
        """Finish what a writer that was killed has begun: its batch goes in whole, or as far as it got.

        `left`: captures that others may have left.
        """
        captures = self._pending.read()
        if captures is not None:
            self._bucket.resume(captures)
        self._bucket.clear()
        if captures is None and not left:
            return
        self._bucket.harden()
        self.take_over((*(captures or ()), *left))
        if captures is not None:
            self._pending.settle()
        last = self.index.last_captured()
        if last is not None:
            self.captured = max(self.captured, _after(last))

    def take_over(self, captures: Iterable[ObjectId]) -> None:
        """Take in those of these captures that got their names."""
        self._begin()
        for capture in captures:
            with suppress(ValueError, DamagedObject, MissingObject):  # `verify` names them
                self._recover(capture)
        self.commit()

    def _begin_at(self, now: datetime) -> datetime:
        """Choose the instant of what is added: now, in whole seconds, and after everything that was."""
        last = self.index.last_captured()
        return now if last is None else max(now, _after(last))

    def _instant(self, seen: Seen) -> datetime:
        """Choose the instant of a capture."""
        if not self._is_any_order_right(seen.names, is_new=seen.outcome is Outcome.NEW):
            self.step()
        return self.captured

    def _is_any_order_right(self, names: tuple[str, ...], *, is_new: bool) -> bool:
        """Tell whether a capture of an entry so named may be taken in before or after all others of this instant.

        An index made anew takes them in another order than they came. A link and a guid that lead to different
        entries (where it `is_new`, to none), or that others of this instant know in other company, may make one or two.
        """
        if len(self._linked) > _BATCH_CAPTURES or any(self._linked.get(name, names) != names for name in names):
            return False
        return is_new or len(names) == 1 or len({self.index.find([name]) for name in names}) == 1

    def _store(self) -> None:
        """Give the batch's objects their names. Until the index has committed, `pending` says that they have none."""
        self._pending.add(self._captures[self._listed :])
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

    def _begin(self) -> None:
        if not self._in_batch:
            self.index.begin()
            self._in_batch = True

    def _clean(self, article: Article) -> "Body":
        return body(article, text_only=self._cleaned is None)

    def _look(self, received: Received, raw: ObjectId, *, polled: bool, past: bool) -> Seen | None:
        """Look at an article; None: it says what its source has said."""
        article, articles = received.article, []
        for one in (article, *([] if received.said is None else [received.said])):
            data = objects.encode_article(one)
            articles.append((objects.object_id(data), data))
        said = None if received.said is None else articles[1][0]
        prepared = self._prepared.pop(id(received), None)
        names = prepared[1] if prepared else aliases(article, received.source)
        entry = self.index.find(names)
        told = [] if entry is None or not polled else self.index.told(entry, received.source)
        if polled and is_known(Saying(articles[0][0], raw, said), told, past=past):
            return None
        cleaned = (prepared and prepared[2]) or self._clean(article)
        outcome, print_ = judge(self._bucket, self.index, article, names, entry, cleaned)
        if outcome is Outcome.NOISE and not past and told and print_ not in latest(told):
            outcome = Outcome.VERSION  # it has come back
        return Seen(tuple(articles), said, names, cleaned, outcome, print_)


def _after(last: int) -> datetime:
    """Return the first whole second after an instant."""
    return moment(last).replace(microsecond=0) + timedelta(seconds=1)
