"""The machine: its clock, Python and SQLite, and the optional parts that are installed."""

import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import feedarchiver
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.history import moment
from feedarchiver.config import Config
from feedarchiver.doctor import Finding
from feedarchiver.errors import FeedarchiverError
from feedarchiver.watching.sources import minute

_APART_S = 5.0
_DAY_S = 86_400
_SET_IT = "set the clock, and let the machine keep it (timedatectl set-ntp true)"
# Of each optional part: the modules that it may be, what it gives, how it is installed.
_PARTS = {
    "full text": (("trafilatura",), "full text of article pages in alphabetic scripts", "extract"),
    "s3": (("obstore",), "archives and feeds in a bucket", "s3"),
    "zstd": (("compression.zstd", "backports.zstd"), "exports as .tar.zst", "zstd"),
}


def clock(config: Config) -> Iterator[Finding]:
    """Hold the clock against everything here that remembers a time."""
    now = datetime.now(UTC)
    newest = _newest(config)
    installed = Path(feedarchiver.__file__).stat().st_mtime
    if newest is not None and (newest - now).total_seconds() > _APART_S:
        told = f"it says {minute(now)}, but the newest capture is of {minute(newest)}"
        yield Finding("clock", told, f"{_SET_IT}; what comes until then is dated after that capture")
    elif installed - now.timestamp() > _DAY_S:
        yield Finding("clock", f"it says {minute(now)}, which is before this program was installed", _SET_IT)
    else:
        yield Finding("clock", f"it says {minute(now)}, after all that is archived")
    with suppress(OSError), tempfile.TemporaryFile(dir=config.published) as file:
        file.write(b"?")
        file.flush()
        apart = abs(os.fstat(file.fileno()).st_mtime - time.time())
        if apart > _APART_S:
            told = f"that of the disk of {config.published} is {apart:,.0f} seconds apart from that of this machine"
            yield Finding("clock", told, "let both keep the same time: files are told apart by theirs")


def parts() -> Iterator[Finding]:
    """Tell what this runs on, and which optional parts there are."""
    yield Finding("python", f"{platform.python_version()}; feedarchiver {feedarchiver.__version__}")
    yield _sqlite()
    for name, (modules, gives, extra) in _PARTS.items():
        if any(map(_is_there, modules)):
            yield Finding(name, f"installed: {gives}")
        else:
            yield Finding(name, f"not installed; for {gives}: pip install 'feedarchiver[{extra}]'")


def _sqlite() -> Finding:
    with closing(sqlite3.connect(":memory:")) as db:
        try:
            db.execute("CREATE VIRTUAL TABLE words USING fts5 (title, tokenize = 'ascii')")
        except sqlite3.OperationalError:
            told = f"{sqlite3.sqlite_version}, without FTS5: there is no search, and no feed of one"
            return Finding("sqlite", told, "use a Python whose SQLite has FTS5; python.org's and Debian's have it")
    return Finding("sqlite", f"{sqlite3.sqlite_version} with FTS5, which is all that search needs")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _newest(config: Config) -> datetime | None:
    """Return the instant of the newest capture, if the archive can be read."""
    with suppress(FeedarchiverError), Archive.open(config.store, config.index) as archive:
        last = archive.index.last_captured() if archive.index_stands() else None
        return None if last is None else moment(last)
    return None
