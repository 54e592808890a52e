"""What asking a source came to, on its way from the web to the archive; and what a whole update came to."""

from dataclasses import dataclass, field
from typing import NamedTuple

from feedarchiver.gather.kinds import PageRead, Reading
from feedarchiver.gather.web.exchange import Answer, Failure
from feedarchiver.model import Outcome
from feedarchiver.updating.source import WebSource
from feedarchiver.updating.unread import Note, Sorted, Unread


class Polled(NamedTuple):
    """A source has answered; `reading` of None: with nothing that was not there before. The answer's body is gone.

    `sorted`: its articles, of a source whose articles have pages that are read. `notes`: what is to be noted of its
    further documents.
    """

    source: WebSource
    answer: Answer
    reading: Reading | None = None
    digest: str | None = None
    sorted: Sorted | None = None
    notes: tuple[Note, ...] = ()


class Failed(NamedTuple):
    """A source has not answered, or not with what it should. `walking`: on the way back through its own archive."""

    source: WebSource
    failure: Failure
    walking: bool = False


class Walked(NamedTuple):
    """A document on the way back through a source's own archive, asked for at `asked`; `older` is the next one.

    `backfill`: it is the way that is gone once, to its end; else it is gone because of a gap, which `closes`, or not.
    `more`: the way goes on, in another run.
    """

    source: WebSource
    asked: str
    reading: Reading | None = None
    older: str | None = None
    backfill: bool = True
    closes: bool = False
    more: bool = False
    sorted: Sorted | None = None


class Parted(NamedTuple):
    """A further document of a source has answered, or not. `notes`: what is to be noted of it and its like.

    `document` is its address, of one that has been read.
    """

    source: WebSource
    notes: tuple[Note, ...] = ()
    reading: Reading | None = None
    sorted: Sorted | None = None
    failure: Failure | None = None
    document: str = ""


class Paged(NamedTuple):
    """The page of an article has been read, or why not."""

    source: WebSource
    unread: Unread
    read: PageRead | None = None
    failure: Failure | None = None


Event = Polled | Failed | Walked | Parted | Paged


class Notice(NamedTuple):
    """Something that a person should hear of a source."""

    source: str
    text: str


@dataclass(slots=True)
class Updated:
    """What an update came to: sources `asked`, pages of articles read. `failures` are of both; `notices` are none."""

    asked: int = 0
    pages: int = 0
    unchanged: int = 0
    excluded: int = 0
    new: int = 0
    versions: int = 0
    noise: int = 0
    known: int = 0
    failures: list[Notice] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """Count what adding an article came to."""
        setattr(self, outcome.value, getattr(self, outcome.value) + 1)

    @property
    def articles(self) -> int:
        """Every article that the sources gave and that was not excluded."""
        return self.new + self.versions + self.noise + self.known
