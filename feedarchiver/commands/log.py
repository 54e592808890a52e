"""What a program that runs for long says: lines with their time, each fault once, however often it is met."""

import logging
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from feedarchiver.commands.console import Console, clock
from feedarchiver.errors import one_line


class Log(Console):
    """A console whose lines carry their time, and whose warnings are not repeated from run to run."""

    def __init__(self, config_path: Path, level: int, *, json: bool, now: Callable[[], datetime] = clock) -> None:
        super().__init__(config_path, level, json=json, now=now)
        self._before: set[str] = set()
        self._warned: set[str] = set()

    def another(self) -> "Log":
        """Make a log of another thread's work, which is told in the same way."""
        return Log(self.config_path, self.level, json=self.json, now=self.now)

    def turn(self) -> None:
        """Begin another run: what was warned of in the one before is known."""
        self._before, self._warned = self._warned, set()

    def warn(self, line: str, **fields: object) -> None:
        if line not in self._before | self._warned:
            super().warn(line, **fields)
        self._warned.add(line)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[str], None]]:  # noqa: ARG002 - a log has no bar to name
        def advance(name: str) -> None:
            self.detail(name)
            self.step()

        yield advance

    def _write(self, stream: Any, text: str) -> None:
        now = self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = f'{{"time": "{now}", {text[1:]}' if self.json else f"{now} {text}"
        with suppress(OSError):  # whoever read the log has gone; the work goes on
            stream.write(f"{one_line(line)}\n")
            stream.flush()


class Relay(logging.Handler):
    """Hands what libraries log to the log, on one line."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.ERROR)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = " ".join(record.getMessage().split()) + (f": {described(error)}" if error else "")
        self._log.warn(text, event="error", text=text)


def described(error: BaseException) -> str:
    """Name a mistake of the program itself: what it is, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
