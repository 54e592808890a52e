"""Who reads the objects of an archive for a command: this machine, with the help of workers where there are some."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.survey import Each, Helped, Surveyor
from feedarchiver.commands.console import Console
from feedarchiver.commands.naming import plural
from feedarchiver.config import Config


@contextmanager
def surveying(console: Console, config: Config, archive: Archive) -> Iterator[Surveyor | None]:
    """Have who makes surveys; None: this machine does, alone. No worker is asked before there is enough to do."""
    if config.engine is None:
        yield None
        return
    with ExitStack() as stack:
        helper = _Helper(console, config.engine, archive, stack)
        yield Helped(archive.bucket, helper.asked, helper.warn)


class _Helper:
    """Asks for help when it is wanted, once, and says who helps. It ends with `stack`."""

    def __init__(self, console: Console, engine: IndexAddress, archive: Archive, stack: ExitStack) -> None:
        self._console, self._engine, self._archive, self._stack = console, engine, archive, stack
        self._each: Each | None = None
        self._is_asked = False

    def asked(self) -> Each | None:
        if not self._is_asked:
            self._is_asked = True
            self._each = self._ask()
        return self._each

    def warn(self, why: str) -> None:
        self._console.warn(why, event="worker", reason=why)

    def _ask(self) -> Each | None:
        try:
            from feedarchiver.working.parts import helped
        except ImportError:  # workers are others; this machine can do without them
            return None
        help_ = self._stack.enter_context(helped(self._engine, self._archive, self.warn))
        if help_ is None:
            return None
        self._console.say(f"spread over {plural(help_.workers, 'worker')}", event="spread", workers=help_.workers)
        return help_.parts.each
