"""`feedarchiver` and `python -m feedarchiver`: carry out a command; what goes wrong is one line on stderr."""

import os
import sys

import click

from feedarchiver.commands import run
from feedarchiver.errors import FeedarchiverError, one_line


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
    except BrokenPipeError:  # whoever read the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _index_errors() -> type[Exception]:
    """Name what the index's library raises. Python asks for it only when something else has been raised."""
    from sqlite3 import Error

    return Error


if __name__ == "__main__":
    main()
