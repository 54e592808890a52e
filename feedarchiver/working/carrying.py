"""Partitions, carried out by a worker: in other processes, one for each core, which give way to everything else.

So what is asked of hosts is not delayed; and partitions do not wait for it: they are taken from a queue of their own.
"""

from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.postgres.session import Session
from feedarchiver.archive.spread import Crew, cores_here
from feedarchiver.working import works
from feedarchiver.working.board import Posted
from feedarchiver.working.patience import Ended, Patience
from feedarchiver.working.queue import Batch
from feedarchiver.working.works import Part

_NICE = 10
_CALM_S = 5.0  # who cannot do partitions is not to take them all from those who can


def crew(archive: Archive, nice: int = 0) -> "Crew[Part, bytes]":
    """Make who does parts of works with an archive. `nice` as there."""
    return Crew(partial(works.do, archive.place, archive.index_at), cores_here(), nice)


class Carrying:
    """Carries partitions out, for a worker called `name`. `opened` connects to the jobs."""

    def __init__(self, archive: Archive, opened: Callable[[], Session], name: str, patience: Patience) -> None:
        self._opened, self._name, self._patience = opened, name, patience
        self._crew = crew(archive, _NICE)

    def carry_out(self, batch: Batch) -> None:
        """Do a partition, if somebody still waits for it. Raises what doing it raises, and tells who waits."""
        part = Part(*batch.names)
        with closing(self._opened()) as session:
            posted = Posted(session, batch.place.site)
            if not posted.is_wanted():
                return
            try:
                said = self._crew.do(part)
            except Exception as error:
                posted.failed(f"worker {self._name}: {error}")
                with suppress(Ended):
                    self._patience.sleep(_CALM_S)
                raise
            posted.done(said)

    def close(self) -> None:
        """End the processes."""
        self._crew.close()
