"""How a source is, and why: what is remembered of it, held against the clock."""

from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from feedarchiver.archive.census import DAY
from feedarchiver.archive.history import microseconds, moment
from feedarchiver.archive.index import Index
from feedarchiver.gather.web.politeness import Standing
from feedarchiver.updating.source import WebSource, beyond, remembered
from feedarchiver.watching.rhythm import LOOKED_AT, Silence, silence
from feedarchiver.watching.secrets import masked

_FRESH = timedelta(days=7)  # for so long a gap is what a source is known for


class Watched(NamedTuple):
    """A source to look at: on the web, or a folder of seed files. `title` is what people call it."""

    id: str
    title: str
    web: WebSource | None = None
    folder: Path | None = None

    @property
    def place(self) -> str | None:
        """Name the host of a source on the web."""
        return (urlsplit(self.web.url).hostname or None) if self.web else None


class State(Enum):
    """How a source is: the first of these that is so."""

    GONE = "gone"
    FAILING = "failing"
    SILENT = "silent"
    GAP = "gap"
    DUE = "due"
    OK = "ok"


class Seen(NamedTuple):
    """What is known of a source. `standing` of None: it has not been asked; `news`: when it last had something new.

    A gap is a time in which articles may have come and gone. `left_out`: articles of which it named too many at once.
    """

    source: Watched
    at: datetime
    articles: int
    news: datetime | None
    silence: Silence | None
    standing: Standing | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    problems: tuple[str, ...] = ()
    left_out: int = 0
    refused: int = 0
    is_there: bool = True

    @property
    def is_heard(self) -> bool:
        """Tell whether it would have been noticed if it had something new: else its silence may be ours."""
        if self.source.web is None:
            return self.is_there
        standing = self.standing
        return standing is not None and not standing.failed and standing.due is not None and self.at < standing.due

    @property
    def state(self) -> State:
        """Say how it is."""
        standing = self.standing
        if standing is not None and standing.due is None:
            return State.GONE
        if not self.is_there or (standing is not None and standing.failed):
            return State.FAILING
        if self.is_silent:
            return State.SILENT
        if self.gaps and self.gaps[-1][1] > self.at - _FRESH:
            return State.GAP
        return State.DUE if self.source.web is not None and not self.is_heard else State.OK

    @property
    def is_silent(self) -> bool:
        """Tell whether it has been silent longer than usual for it."""
        return self.silence is not None and self.silence.is_unusual and self.is_heard

    @property
    def reasons(self) -> tuple[str, ...]:
        """Say what a person should know, the weightiest first. No address is told in full."""
        standing, told = self.standing, []
        if not self.is_there:
            told.append("its folder is not there")
        if standing is not None and standing.failed:
            often = f"{times(standing.failed)} since" if standing.failed > 1 else "at"
            reason = masked(standing.trouble or "nobody knows why")
            told.append(f"failed {often} {minute(standing.failing_since)}: {reason}")
        if standing is not None and standing.due is None:
            told.append(f"not asked again until it is named: feedarchiver update {self.source.id}")
        if self.is_silent and self.silence:
            told.append(f"nothing new for {days(self.silence.days)}; {days(self.silence.usual)} were the most lately")
        told += [f"articles may be missing from {minute(since)} to {minute(until)}" for since, until in self.gaps[-1:]]
        if self.left_out:
            told.append(f"{self.left_out:,} articles are left out until there is room for them: it named too many")
        if standing is not None and standing.moved:
            told.append(f"moved to {masked(standing.moved)}; write the new address into the configuration")
        if self.refused:
            told.append(f"{self.refused} seed {'file was' if self.refused == 1 else 'files were'} refused")
        if self.source.web is not None and standing is None:
            told.append("not asked yet")
        return (*told, *map(masked, self.problems))


def look(index: Index, source: Watched, now: datetime) -> Seen:
    """Gather what is known of a source."""
    news = index.census.last_news(source.id)
    known = remembered(index, source.web) if source.web else None
    return Seen(
        source=source,
        at=now,
        articles=index.entries(source.id),
        news=None if news is None else moment(news),
        silence=silence(index.census.days(source.id, LOOKED_AT), microseconds(now) // DAY),
        standing=known.standing if known else None,
        gaps=known.gaps if known else (),
        problems=known.problems if known else (),
        left_out=sum(beyond(index, source.id).values()) if source.web else 0,
        refused=index.census.refused(source.id),
        is_there=source.folder is None or source.folder.is_dir(),
    )


def minute(instant: datetime | None) -> str:
    """Write an instant for a person."""
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else "an unknown time"


def times(number: int) -> str:
    """Count how often something happened."""
    return "once" if number == 1 else f"{number:,} times"


def days(number: int) -> str:
    """Count days."""
    return "1 day" if number == 1 else f"{number} days"
