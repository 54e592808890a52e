"""The command that the owner wants called after something was published: rsync and the like.

It is called until it has succeeded once for what is published now. Another process does not call it meanwhile: the lock
belongs to the command itself, so it holds as long as the command runs, even when we are killed.
"""

import fcntl
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from feedarchiver.archive.archive import Archive
from feedarchiver.errors import StorageError

_ABOUT, _WHAT = "after", ""
_LONGEST_S = 1800.0
_WAIT_S = 60.0  # for another process that calls it
_LOOK_S = 0.1
_GRACE_S = 2.0
_TAIL = 4096


class Command(NamedTuple):
    """A command of the shell, the folder that it is called in, and what is added to its environment.

    `longest_s`: a command that takes longer is ended.
    """

    line: str
    folder: Path
    environment: dict[str, str]
    longest_s: float = _LONGEST_S


class Called(NamedTuple):
    """Whether the command was called, and what went wrong."""

    called: bool = False
    trouble: str | None = None


def call(archive: Archive, command: Command, step: Callable[[], None]) -> Called:
    """Call the command if something was published since it last succeeded.

    `step` is called while it runs, and may raise an error to end it.
    """
    if _is_done(archive):
        return Called()
    lock = archive.index_at.parent / f"{archive.index_at.name}.after"
    with _alone(lock, step) as held:
        if held is None:
            return Called(trouble="another process is still calling it")
        if _is_done(archive):  # by that other process
            return Called()
        published = archive.index.feeds.digest()
        trouble = _run(command, held, step)
        if trouble is None:
            with archive.publishing() as index:
                index.begin()
                index.notes.write(_ABOUT, _WHAT, published)
                index.commit()
        return Called(called=True, trouble=trouble)


def _is_done(archive: Archive) -> bool:
    return archive.index.notes.read(_ABOUT, _WHAT) == archive.index.feeds.digest()


@contextmanager
def _alone(path: Path, step: Callable[[], None]) -> Iterator[int | None]:
    """Hold the lock that keeps two from calling at once; None: another process kept it."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StorageError.of(error, "lock", str(path), "the command was not called") from error
    try:
        until = time.monotonic() + _WAIT_S
        while not (held := _try(lock)) and time.monotonic() < until:
            step()
            time.sleep(_LOOK_S)
        yield lock if held else None
    finally:
        os.close(lock)


def _try(lock: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _run(command: Command, lock: int, step: Callable[[], None]) -> str | None:
    """Run the command to its end. Returns what went wrong: its status, and the last line that it said on stderr."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", command.line],
        cwd=command.folder,
        env=os.environ | command.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(lock,),
    )
    said = b""
    until = time.monotonic() + command.longest_s
    try:
        while (piece := _heard(process)) is not None and time.monotonic() < until:
            said = (said + piece)[-_TAIL:]
            step()
        late = process.poll() is None
    finally:
        _end(process)
    if late:
        return f"took longer than {command.longest_s:.0f} s and was ended"
    if process.returncode == 0:
        return None
    how = f"status {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
    lines = said.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return f"ended with {how}: {last}"


def _heard(process: "subprocess.Popen[bytes]") -> bytes | None:
    """Wait a moment for what the command says on stderr; None: it has ended, whoever may still hold its stderr."""
    stderr = process.stderr
    assert stderr is not None  # noqa: S101 - for the types
    ended = process.poll() is not None
    with selectors.DefaultSelector() as selector:
        selector.register(stderr, selectors.EVENT_READ)
        if selector.select(0 if ended else _LOOK_S) and (piece := os.read(stderr.fileno(), 65536)):
            return piece
    if ended:
        return None
    with suppress(subprocess.TimeoutExpired):  # it has closed its stderr, or says nothing
        process.wait(_LOOK_S)
    return b""


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the command, and whatever it has started, if it has not ended."""
    if process.stderr:
        process.stderr.close()
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
