"""Where articles and notes of an update go: into the archive, or, to see what would come of it, nowhere."""

from collections.abc import Iterable
from typing import Protocol

from feedarchiver.archive.index import Index
from feedarchiver.archive.writer import Writer
from feedarchiver.model import Outcome, Received


class Store(Protocol):
    """Where articles and notes go."""

    index: Index

    def prepare(self, received: Iterable[Received]) -> None: ...

    def add(self, received: Received, *, polled: bool, past: bool = False) -> Outcome: ...

    def note(self, about: str, name: str, said: str | None) -> None: ...


class Foresight:
    """A store that stores nothing, and says what would come of it."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self.index = writer, writer.index
        self._seen: set[bytes] = set()

    def prepare(self, received: Iterable[Received]) -> None:
        """Do nothing ahead."""

    def add(self, received: Received, *, polled: bool, past: bool = False) -> Outcome:  # noqa: ARG002 - it is all polled
        if received.raw in self._seen:
            return Outcome.KNOWN
        self._seen.add(received.raw)
        return self._writer.foresee(received, past=past)

    def note(self, about: str, name: str, said: str | None) -> None:
        """Note nothing."""
