"""What a command says, and how: lines for a person, objects for a script, a bar on a terminal.

Results go to stdout. What was refused or failed goes to stderr, so that `-q` leaves just that.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from feedarchiver.errors import one_line

_Command = TypeVar("_Command", bound=Callable[..., Any])
_BAR_AFTER_S = 0.5
_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
_STYLES = {  # colour on a terminal, else what stands before and after
    "title": ("1", "", ""),
    "faint": ("2", "", ""),
    "hit": ("1;33", "[", "]"),
    "removed": ("31;9", "[-", "-]"),
    "added": ("32", "{+", "+}"),
}


class PathName(click.Path):
    """A path on the command line. An empty one, as of a shell's unset variable, would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not os.fspath(value):
            self.fail("must not be empty", param, ctx)
        return super().convert(value, param, ctx)


def clock() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


class Console:
    """The ways of speaking that the options of a command choose. `level`: -1 quiet, 0 plain, 1 verbose.

    `step` is called between any two steps of a long task; it may raise an error to end the task. `now` is the clock.
    """

    def __init__(self, config_path: Path, level: int, *, json: bool, now: Callable[[], datetime] = clock) -> None:
        self.config_path, self.level, self.json, self.now = config_path, level, json, now
        self.step: Callable[[], None] = lambda: None

    def say(self, text: str, **fields: object) -> None:
        """Give a result: `text` to a person, `fields` to a script."""
        if self.json:
            self._write(sys.stdout, _written(fields))
        elif self.level >= 0:
            self._write(sys.stdout, text)

    def show(self, *parts: str | tuple[str, str], **fields: object) -> None:
        """Give a result as one line of parts, each plain or with the name of its style."""
        if self.json or self.level < 0:
            self.say("", **fields)
            return
        styled = ((part, "") if isinstance(part, str) else part for part in parts)
        coloured = _is_coloured(sys.stdout)
        line = (_styled(one_line(text), style, coloured=coloured) for text, style in styled)
        sys.stdout.write(f"{''.join(line)}\n")

    def hand_over(self, data: bytes) -> None:
        """Give bytes exactly as they are."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)

    def detail(self, text: str) -> None:
        """Say what only -v asks for."""
        if self.level > 0 and not self.json:
            self._write(sys.stdout, text)

    def warn(self, line: str, **fields: object) -> None:
        """Say what a person must see: to stderr, whatever the options."""
        self._write(sys.stderr, _written(fields) if self.json else line)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show how far a long task is: a bar on a terminal, nothing elsewhere. Yields what to call for each step."""
        if self.json or self.level < 0 or not sys.stderr.isatty():
            yield self.detail
            return
        bar = _Bar(what)
        try:
            yield bar.advance
        finally:
            bar.stop()

    def _write(self, stream: Any, text: str) -> None:
        stream.write(f"{one_line(text)}\n")


def _written(fields: dict[str, object]) -> str:
    """Write JSON whose control characters stay JSON's own escapes when the line is made safe for a terminal."""
    return json.dumps(fields, ensure_ascii=False).translate(_CONTROLS)


def _is_coloured(stream: Any) -> bool:
    """Tell whether to use colour (https://no-color.org)."""
    return bool(stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


def _styled(text: str, style: str, *, coloured: bool) -> str:
    if not style or not text:
        return text
    colour, before, after = _STYLES[style]
    return f"\x1b[{colour}m{text}\x1b[0m" if coloured else f"{before}{text}{after}"


class _Bar:
    """A counting line that appears when a task takes long, so that a short one never loads rich."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._since = time.monotonic()
        self._count = 0
        self._progress: Any = None

    def advance(self, _name: str) -> None:
        self._count += 1
        if self._progress is None and time.monotonic() - self._since > _BAR_AFTER_S:
            self._start()
        if self._progress is not None:
            self._progress.update(self._task, completed=self._count)

    def _start(self) -> None:
        from rich.console import Console as Terminal
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn(self._what), TextColumn("{task.completed:.0f}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Terminal(stderr=True), transient=True)
        self._task = self._progress.add_task(self._what, total=None)
        self._progress.start()

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def common(command: _Command) -> _Command:
    """Give a command the options that all have, and a Console made of them as its first argument."""

    @wraps(command)  # which also hands over the arguments and options that the command has declared
    def with_console(config: Path, verbose: bool, quiet: bool, json: bool, **rest: Any) -> Any:  # noqa: FBT001
        return command(Console(config, verbose - quiet, json=json), **rest)

    for option in (
        click.option("--json", is_flag=True, help="Print one JSON object a line, for scripts."),
        click.option("-q", "--quiet", is_flag=True, help="Print only what a person must act on."),
        click.option("-v", "--verbose", is_flag=True, help="Name each thing done."),
        click.option(
            "--config",
            type=PathName(path_type=Path, dir_okay=False),
            default="config.toml",
            show_default=True,
            help="The configuration to use.",
        ),
    ):
        with_console = option(with_console)
    return with_console  # type: ignore[return-value]
