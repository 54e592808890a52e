"""Pictures that came, or did not, stored some at a time: so that nobody who writes beside waits for the web."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from feedarchiver.archive.history import microseconds, moment
from feedarchiver.archive.wanted import Picture
from feedarchiver.archive.writer import Writer
from feedarchiver.errors import ImageRefused
from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure, Kind
from feedarchiver.updating import rations
from feedarchiver.updating.events import Notice
from feedarchiver.updating.storing import Writing
from feedarchiver.updating.unread import Note

_BOUNDS = politeness.Bounds(timedelta(days=1), timedelta(days=1), timedelta(days=30))
_BATCH, _BATCH_BYTES = 20, 8_000_000  # of pictures
_MOST_WAITING = 500  # results


@dataclass(slots=True)
class Fetched:
    """What fetching pictures came to. `failed`: not had this time; `left`: due, but there was no time."""

    stored: int = 0
    failed: int = 0
    left: int = 0
    notices: list[Notice] = field(default_factory=list)


class Shelving:
    """Takes what came, and stores it some at a time. Of failures alike a person hears once.

    `chance` spreads what would come at once.
    """

    def __init__(self, writing: Writing, now: datetime, chance: Callable[[], float], done: Fetched) -> None:
        self._writing, self._now, self._chance, self._done = writing, now, chance, done
        self._came: list[tuple[Picture, Answer | Failure]] = []
        self._pictures = self._size_bytes = 0
        self._told: dict[tuple[str, Kind], tuple[Failure, int]] = {}

    def put(self, picture: Picture, result: Answer | Failure) -> None:
        """Take what came of a picture."""
        self._came.append((picture, result))
        if isinstance(result, Answer):
            self._pictures += 1
            self._size_bytes += len(result.body or b"")

    def is_full(self) -> bool:
        """Tell whether there is enough to be stored."""
        full = self._pictures >= _BATCH or self._size_bytes > _BATCH_BYTES
        return full or len(self._came) >= _MOST_WAITING

    def flush(self, learned: Iterable[Note], brought: Mapping[str, int]) -> None:
        """Store what is waiting, what has been learned of hosts, and how many bytes each source has brought."""
        if not self._came:
            return
        with self._writing() as writer:
            for picture, result in self._came:
                failure = result if isinstance(result, Failure) else _stored(writer, picture, result)
                if failure is None:
                    self._done.stored += 1
                else:
                    writer.wanted.failed(self._put_off(picture, failure))
            for about, name, said in learned:
                writer.note(about, name, said)
            for source, size_bytes in brought.items():
                writer.note(*rations.note(writer.index, source, size_bytes, self._now))
        self._came.clear()
        self._pictures = self._size_bytes = 0

    def notices(self) -> Iterator[Notice]:
        """Say what could not be had for the first time."""
        for (source, kind), (failure, count) in self._told.items():
            others = f" ({count - 1} more likewise)" if count > 1 else ""
            after = "not asked for again" if kind is Kind.GONE else "asked for again later"
            yield Notice(source, f"picture {failure}{others}; {after}")

    def _put_off(self, picture: Picture, failure: Failure) -> Picture:
        self._done.failed += 1
        now, since = self._now, None if picture.since is None else moment(picture.since)
        before = politeness.Standing(due=now, asked=now, failed=picture.failed, failing_since=since)
        after = politeness.failed(before, failure, _BOUNDS, now, chance=self._chance())
        if not picture.failed:
            first, count = self._told.get((picture.source, failure.kind), (failure, 0))
            self._told[picture.source, failure.kind] = first, count + 1
        return picture._replace(
            due=None if after.due is None else microseconds(after.due),
            failed=after.failed,
            since=microseconds(after.failing_since or now),
            trouble=failure.reason,
        )


def _stored(writer: Writer, picture: Picture, answer: Answer) -> Failure | None:
    """Archive a picture, or say why not."""
    try:
        writer.add_image(picture.url, answer.body or b"")
    except ImageRefused as refused:
        return Failure(picture.url, Kind.MALFORMED, refused.reason)
    writer.wanted.had(picture.address)
    return None
