"""`feedarchiver` and `python -m feedarchiver`: carry out a command; what goes wrong is one line on stderr."""

import gc
import io
import os
import sys

import click

from feedarchiver.commands import run
from feedarchiver.commands.trouble import said
from feedarchiver.errors import FeedarchiverError, one_line

_ALLOCATIONS = 20_000  # until cycles are looked for: there are few, and each look costs more than most of them hold


def main() -> None:
    """Run the command line and exit with its status."""
    gc.set_threshold(_ALLOCATIONS)
    _ready_streams()
    status = _status(sys.argv[1:])
    gc.freeze()  # to look for cycles in all that goes now would take a fifth of a short command's time
    sys.exit(status)


def _ready_streams() -> None:
    """See that there are three streams, and that any character can be said, in whatever the terminal's encoding."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed: the next file would get its number, and what is said there
            nobody = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(nobody, mode, encoding="utf-8"))  # noqa: SIM115 - until the program ends
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr has it


def _status(arguments: list[str]) -> int:
    try:
        status = run(arguments)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("feedarchiver: stopped; what was committed is kept; run again to complete\n")
        return 130
    except Exception as error:
        lines = said(error)
        if lines is None:
            raise
        if not isinstance(error, BrokenPipeError):  # that one means that whoever read the output has gone
            for line in lines.split("\n"):
                sys.stderr.write(f"feedarchiver: {one_line(line)}\n")
        if isinstance(error, OSError):
            _drop_output()
        return error.exit_status if isinstance(error, FeedarchiverError) else 1
    return status


def _drop_output() -> None:
    """Let nothing more be written to stdout where that fails: the interpreter would try once more and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
