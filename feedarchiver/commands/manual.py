"""The manual page, feedarchiver(1), out of what `--help` shows. Spec: man(7).

`make man` writes it to docs/feedarchiver.1, which is installed; a test holds that to be what comes out here.
"""

import inspect
import re
from collections.abc import Iterable, Iterator

import click

from feedarchiver import __version__
from feedarchiver.commands import EXIT_CODES, TABLE, cli
from feedarchiver.config import TABLES
from feedarchiver.config.environment import variable

_NAME = "feedarchiver"
_COMMON = {"--config", "--verbose", "--quiet", "--json", "--help"}
_FILES = """The configuration is config.toml in the current folder, or the file that --config names. Folders in it are
relative to its own. "feedarchiver init" writes one in which every key is explained."""
_ENVIRONMENT = """Each of these takes the place of a key of the configuration. In the header fields that a source sends,
${NAME} is the value of NAME."""
_NO_COLOR = "If it is set to anything, nothing is coloured."


def page() -> str:
    """Write the page."""
    return "\n".join([*_head(), *_commands(), *_ends()]) + "\n"


def _head() -> Iterator[str]:
    summary = inspect.cleandoc(cli.help or "")
    with click.Context(cli, info_name=_NAME) as ctx:
        yield f'.TH FEEDARCHIVER 1 "" "{_NAME} {__version__}" "User Commands"'
        yield f".SH NAME\n{_NAME} \\- {_text(summary[:1].lower() + summary[1:].rstrip('.'))}"
        yield f".SH SYNOPSIS\n.B {_NAME}\n{_text('COMMAND [OPTIONS] [ARGUMENTS]...')}"
        yield f".SH DESCRIPTION\n{_text(summary)}"
        yield from _options(ctx, cli.get_params(ctx))
        command = cli.get_command(ctx, "run")
    if command is not None:
        with click.Context(command, info_name="run") as ctx:
            yield ".PP\nAlmost every command has these options:"
            yield from _options(ctx, (param for param in command.get_params(ctx) if _COMMON & {*param.opts}))


def _commands() -> Iterator[str]:
    yield ".SH COMMANDS"
    with click.Context(cli, info_name=_NAME) as ctx:
        for name in TABLE:
            command = cli.get_command(ctx, name)
            if command is not None:
                yield from _described(name, command)


def _described(name: str, command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for inner, one in command.commands.items():
            yield from _described(f"{name} {inner}", one)
        return
    with click.Context(command, info_name=name) as ctx:
        usage = " ".join(piece for piece in command.collect_usage_pieces(ctx) if piece)
        yield f".SS {_text(name)}\n.B {_NAME} {_text(name)}\n{_text(usage)}"
        for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
            as_is = paragraph.startswith("\b\n")
            yield f".PP\n.nf\n{_text(paragraph[2:])}\n.fi" if as_is else f".PP\n{_text(paragraph)}"
        yield from _options(ctx, (param for param in command.get_params(ctx) if not _COMMON & {*param.opts}))


def _options(ctx: click.Context, params: Iterable[click.Parameter]) -> Iterator[str]:
    for param in params:
        if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
            yield f".TP\n.B {_text(record[0])}\n{_text(record[1])}"


def _ends() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for status, meaning in re.findall(r"^  (\d)  (.*)$", EXIT_CODES, re.MULTILINE):
        yield f".TP\n.B {status}\n{_text(meaning)}"
    yield f".SH FILES\n{_text(_FILES)}"
    yield f".SH ENVIRONMENT\n{_text(_ENVIRONMENT)}"
    for table, keys in TABLES.items():
        for key in keys:
            yield f".TP\n.B {variable(table, key)}\n{_text(f'{key} under [{table}]')}"
    yield f".TP\n.B NO_COLOR\n{_text(_NO_COLOR)}"


def _text(text: str) -> str:
    """Write text so that nothing in it is taken for a request or an escape of roff."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", escaped, flags=re.MULTILINE)
