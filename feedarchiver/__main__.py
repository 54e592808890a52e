"""`feedarchiver` and `python -m feedarchiver`: carry out a command; what goes wrong is one line on stderr."""

import os
import sys

import click

from feedarchiver.commands import run
from feedarchiver.errors import FeedarchiverError, StorageError, one_line


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(_status(sys.argv[1:]))


def _status(arguments: list[str]) -> int:
    try:
        status = run(arguments)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except FeedarchiverError as error:
        for line in str(error).split("\n"):
            sys.stderr.write(f"feedarchiver: {one_line(line)}\n")
        return error.exit_status
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("feedarchiver: stopped; what was committed is kept; run again to complete\n")
        return 130
    except _index_errors() as error:
        advice = "no article is lost; run again, or make the index anew with `feedarchiver reindex`"
        sys.stderr.write(f"feedarchiver: the index cannot be used: {one_line(str(error))}; {advice}\n")
        return 1
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # that one means that whoever read the output has gone
            sys.stderr.write(f"feedarchiver: {one_line(str(StorageError.of(error, 'use', _name(error))))}\n")
        _drop_output()
        return 1
    return status


def _name(error: OSError) -> str:
    """Name the file that an error is about. One without a file comes from writing what the command says."""
    return os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "the output"


def _drop_output() -> None:
    """Let nothing more be written to stdout where that fails: the interpreter would try once more and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _index_errors() -> type[Exception]:
    """Name what the index's library raises. Python asks for it only when something else has been raised."""
    from sqlite3 import Error

    return Error


if __name__ == "__main__":
    main()
