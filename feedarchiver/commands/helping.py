"""Workers that help a command: who they are, and what keeps them from it, in a line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.commands.console import Console
from feedarchiver.commands.naming import plural

if TYPE_CHECKING:
    from feedarchiver.working.parts import Parts


@contextmanager
def helping(console: Console, engine: IndexAddress, archive: Archive) -> "Iterator[Parts | None]":
    """Have workers help, and say how many; None: this machine does all, which only -v tells where it may be meant."""
    try:
        from feedarchiver.working.parts import helped
    except ImportError:  # workers are others; this machine can do without them
        yield None
        return
    with helped(engine, archive, lambda why: warn(console, why)) as help_:
        if help_ is None:
            console.detail("no worker helps; all is done here")
        else:
            console.say(f"spread over {plural(help_.workers, 'worker')}", event="spread", workers=help_.workers)
        yield help_ and help_.parts


def warn(console: Console, why: str) -> None:
    """Say what keeps workers from helping."""
    console.warn(why, event="worker", reason=why)
