"""What went wrong, in the words of a person: for the end of a command, and for the log of one that goes on."""

import os
import sys

from feedarchiver.errors import FeedarchiverError, StorageError


def said(error: Exception) -> str | None:
    """Say what went wrong, a line for each problem. None: it is a mistake of this program."""
    if isinstance(error, FeedarchiverError):
        return str(error)
    if isinstance(error, OSError):
        return str(StorageError.of(error, "use", _name(error)))
    from sqlite3 import Error  # only a run in which something went wrong asks for it

    why = _sqlite(error) if isinstance(error, Error) else _postgres(error)
    if why is not None:
        advice = "no article is lost; run again, or make the index anew with `feedarchiver reindex`"
        return f"the index cannot be used: {why}; {advice}"
    return None


def _sqlite(error: Exception) -> str:
    """Say what SQLite says. It calls a full disk by several names."""
    is_full = getattr(error, "sqlite_errorname", "") in {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"}
    return "no space left on the disk" if is_full else str(error)


def _postgres(error: Exception) -> str | None:
    """Say what PostgreSQL says, if it is that which went wrong."""
    if "psycopg" not in sys.modules:
        return None
    from feedarchiver.archive.postgres.session import told

    return told(error)


def _name(error: OSError) -> str:
    """Name the file that an error is about. One without a file comes from writing what the command says."""
    return os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "the output"
