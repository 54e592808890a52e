"""Who reads the objects of an archive for a command: this machine, with the help of workers where there are some."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.survey import Each, Helped, Surveyor
from feedarchiver.commands.console import Console
from feedarchiver.commands.helping import helping, warn
from feedarchiver.config import Config


@contextmanager
def surveying(console: Console, config: Config, archive: Archive) -> Iterator[Surveyor | None]:
    """Have who makes surveys; None: this machine does, alone. No worker is asked before there is enough to do."""
    if config.engine is None:
        yield None
        return
    with ExitStack() as stack:
        helper = _Helper(console, config.engine, archive, stack)
        yield Helped(archive.bucket, helper.asked, partial(warn, console))


class _Helper:
    """Asks for help when it is wanted, once, and says who helps. It ends with `stack`."""

    def __init__(self, console: Console, engine: IndexAddress, archive: Archive, stack: ExitStack) -> None:
        self._console, self._engine, self._archive, self._stack = console, engine, archive, stack
        self._each: Each | None = None
        self._is_asked = False

    def asked(self) -> Each | None:
        if not self._is_asked:
            self._is_asked = True
            parts = self._stack.enter_context(helping(self._console, self._engine, self._archive))
            self._each = None if parts is None else parts.each
        return self._each
