"""One writer at a time: a lock file that the kernel frees when its holder ends, however it ends."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from feedarchiver.errors import ArchiveInUse, StorageError

WAIT_S = 60.0
"""How long a command waits for another one."""


@contextmanager
def locked(store: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock of the archive in `store`. Raises ArchiveInUse, naming the holder, after `wait_s` seconds."""
    import filelock

    path = store / "lock"
    try:
        lock = filelock.FileLock(path, timeout=wait_s, is_singleton=False)
        lock.acquire()
    except filelock.Timeout:
        raise ArchiveInUse(_holder(path)) from None
    except OSError as error:
        raise StorageError.of(error, "lock", str(path), "nothing was changed") from error
    try:
        _sign(path)
        yield
    finally:
        lock.release()


def holder(store: Path, wait_s: float) -> str | None:
    """Name who holds the lock of the archive in `store` and goes on for `wait_s` seconds. Raises OSError."""
    import filelock

    lock = filelock.FileLock(store / "lock", timeout=wait_s, is_singleton=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        return _holder(store / "lock")
    lock.release()
    return None


def _sign(path: Path) -> None:
    """Say in the lock file who holds it. Others only read this to name the holder: where it fails, they cannot."""
    since = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    with suppress(OSError):
        path.write_text(json.dumps({"pid": os.getpid(), "since": since}) + "\n", encoding="utf-8")


def _holder(path: Path) -> str:
    try:
        said = json.loads(path.read_bytes())
        return f"process {int(said['pid'])} since {said['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
