"""The corridor from the web into the archive: sources asked, answers read, articles stored, as they come.

    source.py    what is configured, what is remembered
    unread.py    articles whose pages are to be read, further documents: remembered until they are
    manner.py    how sources are asked, and what of them
    job.py       a source that is being asked
    waiting.py   how much of that a source may bring
    again.py     archived pages, read again
    asking.py    which requests to make
    answers.py   what each answer means
    events.py    what an answer came to
    storing.py   the batches that are written, what is decided and remembered
    taking.py    their articles, as many as a source may bring
    wanting.py   after the articles: which pictures they name that are not archived yet
    pictures.py  those pictures, asked for
    shelving.py  and stored
    rations.py   how much of them a source may bring
    turns.py     each source in its turn
    hosts.py     what is remembered of hosts
    robots.py    what is remembered of robots.txt files

Memory does not grow with the number of sources: requests are made when somebody is free to carry them out, and what
comes is stored as soon as a batch is full. A run in which no source is due loads nothing of the web.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.model import Outcome, Received
from feedarchiver.updating.asking import Asking
from feedarchiver.updating.events import Notice, Updated
from feedarchiver.updating.manner import Manner
from feedarchiver.updating.source import WebSource

if TYPE_CHECKING:
    from feedarchiver.gather.web.client import Turn

_LONGEST_S = 300  # after that, no more pages and further documents are asked for in a run
_AGAIN_S = 15  # what came is stored at least as often

__all__ = ["Manner", "Notice", "Updated", "WebSource", "update"]


def update(  # noqa: PLR0913 - each is one thing that a caller knows
    archive: Archive,
    sources: Iterable[WebSource],
    *,
    now: datetime,
    manner: Manner,
    contact: str | None,
    chance: Callable[[], float],
    advance: Callable[[str], None],
    told: Callable[[Outcome, Received], None],
    gap_s: float = 1.0,
    beat: Callable[[], None] = lambda: None,
    turn: "Turn | None" = None,
) -> Updated:
    """Ask the sources and archive what they say.

    A crash or an error on the way keeps every batch that was stored; what was not is asked for again. `told` is called
    with each article that is new or a version, `advance` with each source that has answered. `contact`: who runs this.
    `gap_s` is the pause between two requests to one host. `beat` is called every second while answers are awaited.
    `turn`: whoever else asks the same hosts.
    """
    began_s = flushed_s = time.monotonic()
    asking = Asking(archive, sources, now, manner, lambda: time.monotonic() - began_s > _LONGEST_S)
    requests = asking.requests()
    first = next(requests, None)
    if first is None:
        return Updated(notices=asking.notices)
    from feedarchiver.gather.web.client import Client
    from feedarchiver.gather.web.together import ask_all
    from feedarchiver.updating.storing import Storing

    storing = Storing(archive, now, chance, told, manner.most)
    with (
        Client(now=now, contact=contact, robots=asking.robots.known, turn=turn) as client,
        closing(ask_all(client, chain([first], requests), gap_s=gap_s, beat=beat)) as results,
    ):
        for request, result in results:
            event = asking.take(request, result)
            advance(event.source.id)
            storing.put(event)
            if manner.dry_run:
                storing.foresee()
            elif storing.is_full() or time.monotonic() - flushed_s > _AGAIN_S:
                storing.flush(asking.learned())
                flushed_s = time.monotonic()
    if not manner.dry_run:
        storing.flush(asking.learned())
    return storing.finish(asking.notices)
