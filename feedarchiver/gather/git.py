"""A git repository's history: every committed version of every file, in the order of the commits.

Asked is the `git` program, by plumbing that no configuration of the repository steers: `rev-list` names the commits of
all branches and tags (not the stash, not notes), `diff-tree` what each of them brought, `cat-file` the bytes. The three
run side by side through pipes, so memory stays flat. Nothing of the repository is executed, checked out, changed or
fetched. Links, submodules and hidden names (a leading dot) are passed over, as in a folder. Refused, one by one: what
is above the caller's limit and what the repository lacks.
"""

import os
import re
import select
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, Self

from feedarchiver.errors import StorageError, UsageError
from feedarchiver.model import Refusal

_KEPT = "the repository was left as it is"
_GIT = (
    *("git", "--no-optional-locks", "--no-replace-objects", "--no-pager"),
    *("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null"),
    # Git's own memory: large bytes are passed on, packs mapped a little at a time. Half a gigabyte less, and no slower.
    *("-c", "core.bigFileThreshold=16m", "-c", "core.deltaBaseCacheLimit=32m"),
    *("-c", "core.packedGitLimit=32m", "-c", "core.packedGitWindowSize=1m"),
)
# No system-wide configuration, no protocol to fetch what a partial clone lacks, nobody to ask for a password.
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_SILENCE_S = 300.0  # rev-list must have seen every commit before it names the oldest: 10 s for a million
_PIECE = 65_536
_AHEAD = 64  # blobs asked for at a time: their names fit into a pipe, so neither side waits for the other
_LONGEST_FIELD = 1_000_000
_FILE = ("100644", "100755", "100664")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A file as a commit holds it.

    `name` is its path below the folder asked for, with forward slashes, valid text: bytes that are not UTF-8 are
    percent-encoded. `committed` is None where `datetime` cannot hold what the commit says.
    """

    name: str
    commit: str
    committed: datetime | None
    data: bytes


class _Change(NamedTuple):
    """That a commit brought a file: the name of its bytes, not yet the bytes."""

    commit: str
    committed: datetime | None
    path: bytes
    blob: str


def history(folder: Path, below: str | None = None, *, limit_bytes: int) -> Iterator[Version | Refusal]:
    """Read every version of every file in `folder`, or in its subfolder `below`, parents before children.

    The same bytes come once for each path. What was deleted or overwritten is included; so is what a merge changed.
    Raises UsageError (no git, no repository, a stranger's one), StorageError when git fails or falls silent.
    """
    place = os.fspath(folder)
    shallow, _, prefix = _asked(place, "rev-parse", "--is-shallow-repository", "--show-prefix").partition(b"\n")
    root = prefix.removesuffix(b"\n") + (os.fsencode(below.strip("/")) + b"/" if below else b"")
    return _history(place, root, limit_bytes, shallow=shallow == b"true")


def _history(place: str, root: bytes, limit_bytes: int, *, shallow: bool) -> Iterator[Version | Refusal]:
    with ExitStack() as stack:
        blobs = stack.enter_context(_Process(place, "cat-file", "--batch", stdin=subprocess.PIPE))
        changes = _changes(place, root, stack)
        while batch := list(islice(changes, _AHEAD)):
            blobs.ask("".join(f"{change.blob}\n" for change in batch).encode())
            for change in batch:
                yield _version(place, change, blobs, limit_bytes)
    if shallow:
        reason = "a shallow clone, its older commits are not there; `git fetch --unshallow` gets them"
        yield Refusal(place=place, reason=reason, kept="what is there was read")


def _changes(place: str, root: bytes, stack: ExitStack) -> Iterator[_Change]:
    """Name every version of every file once, oldest commit first."""
    walk = ("rev-list", "--reverse", "--date-order", "--exclude=refs/stash", "--exclude=refs/notes/*", "--all")
    commits = stack.enter_context(_Process(place, *walk))
    told = ("diff-tree", "--stdin", "-r", "-m", "--root", "--raw", "-z", "--no-renames", "--no-abbrev")
    within = [b"--relative=" + root] if root else ["--no-relative"]
    brought = stack.enter_context(_Process(place, *told, "--format=%H %ct", *within, stdin=commits.stdout))
    commits.stdout.close()  # it is diff-tree's alone, whose end then ends rev-list
    commit, committed = "", None
    seen = set[int]()
    fields = brought.fields()
    for field in fields:
        said = field.removeprefix(b"\n")
        if not said.startswith(b":"):
            commit, _, stamp = said.decode("ascii").partition(" ")
            committed = _instant(stamp)
            continue
        path = next(fields)
        _, mode, _, blob, _ = said.decode("ascii").split(" ")
        # One number for both, a third of the memory of a pair: a blob's name is random enough to be mixed into.
        key = int(blob, 16) ^ hash(path)
        if mode in _FILE and key not in seen and not path.startswith(b".") and b"/." not in path:
            seen.add(key)
            yield _Change(commit, committed, path, blob)
    brought.finish()
    commits.finish()


def _version(place: str, change: _Change, blobs: "_Process", limit_bytes: int) -> Version | Refusal:
    """Read the answer about one blob."""
    name = _text(change.path)
    where = f"{place}: {name} in commit {change.commit[:12]}"
    answer = blobs.line().split(b" ")
    if len(answer) != 3:  # noqa: PLR2004 - name, type, size; or name, "missing"
        return Refusal(place=where, reason="its bytes are not in the repository", kept=_KEPT)
    size = int(answer[2])
    if size > limit_bytes:
        blobs.skip(size + 1)
        reason = f"{size:,} bytes long, above the limit of {limit_bytes:,}"
        return Refusal(place=where, reason=reason, kept=_KEPT)
    data = blobs.exactly(size + 1)[:-1]
    return Version(name=name, commit=change.commit, committed=change.committed, data=data)


class _Process:
    """A git process and the pipe it answers through. Each read ends: with bytes, at their end, or in StorageError."""

    def __init__(self, place: str, *command: str | bytes, stdin: "int | IO[bytes] | None" = None) -> None:
        self.place = place
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self.process = subprocess.Popen(
                [*_GIT, *command],
                cwd=place,
                env=_environment(),
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                bufsize=0,
            )
        except OSError as error:
            self.errors.close()
            raise UsageError(_not_started(place, error)) from error
        assert self.process.stdout is not None  # noqa: S101 - for the types: it was asked for
        self.stdout = self.process.stdout
        self.answers = select.poll()
        self.answers.register(self.stdout, select.POLLIN)
        self.held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()  # no harm if it has ended
        for pipe in (self.process.stdin, self.stdout, self.errors):
            if pipe is not None:
                pipe.close()
        self.process.wait()

    def ask(self, question: bytes) -> None:
        """Write `question`, which fits into a pipe whole."""
        assert self.process.stdin is not None  # noqa: S101 - for the types
        try:
            self.process.stdin.write(question)
        except OSError as error:
            raise self.failure("git ended early") from error

    def piece(self) -> bytes:
        """Read what has come, at most 65,536 bytes; nothing at the end."""
        if not self.answers.poll(_SILENCE_S * 1000):
            raise self.failure(f"git has said nothing for {_SILENCE_S:.0f} seconds")
        return os.read(self.stdout.fileno(), _PIECE)

    def fields(self) -> Iterator[bytes]:
        """Read to the end what is separated by NUL."""
        while piece := self.piece():
            *whole, self.held = (self.held + piece).split(b"\0")
            yield from whole
            if len(self.held) > _LONGEST_FIELD:
                raise self.failure("a path of more than a million bytes")

    def line(self) -> bytes:
        """Read up to a line feed and drop that."""
        while b"\n" not in self.held:
            self.held += self._more()
        line, _, self.held = self.held.partition(b"\n")
        return line

    def exactly(self, size: int) -> bytes:
        """Read `size` bytes."""
        pieces, missing = [self.held], size - len(self.held)
        while missing > 0:
            pieces.append(self._more())
            missing -= len(pieces[-1])
        data = b"".join(pieces)
        self.held = data[size:]
        return data[:size]

    def skip(self, size: int) -> None:
        """Read `size` bytes and keep none."""
        while len(self.held) < size:
            size -= len(self.held)
            self.held = self._more()
        self.held = self.held[size:]

    def finish(self) -> None:
        """Wait for a process whose answer has been read. Raises StorageError if it failed."""
        if self.ended():
            raise self.failure("git failed")

    def ended(self) -> int:
        """Wait for the process's end; its exit status, which is 0 for success."""
        try:
            return self.process.wait(_SILENCE_S)
        except subprocess.TimeoutExpired as error:
            raise self.failure(f"git has not ended for {_SILENCE_S:.0f} seconds") from error

    def failure(self, reason: str) -> StorageError:
        """Say what went wrong, in git's own words where it has any."""
        return StorageError("read the history of", self.place, _complaint(self.errors) or reason, _KEPT)

    def _more(self) -> bytes:
        piece = self.piece()
        if not piece:
            raise self.failure("git ended early")
        return piece


def _asked(place: str, *command: str) -> bytes:
    """Ask git one short thing. Raises UsageError when it cannot be answered."""
    with _Process(place, *command) as process:
        answer = b""
        while piece := process.piece():
            answer += piece
        if process.ended() == 0:
            return answer
        complaint = _complaint(process.errors)
    if "dubious ownership" in complaint:
        reason = "belongs to another user; if you trust it: git config --global --add safe.directory"
        raise UsageError(f"the repository {place} {reason} {os.path.realpath(place)}")
    if "not a git repository" in complaint:
        raise UsageError(f"{place} is not in a git repository")
    raise UsageError(f"{place}: {complaint or 'git failed'}")


def _environment() -> dict[str, str]:
    """Take the caller's environment without what would point git elsewhere (GIT_DIR and the like)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _ENVIRONMENT


def _not_started(place: str, error: OSError) -> str:
    if error.filename == place:
        return f"{place} is no folder that can be read: {(error.strerror or str(error)).lower()}"
    return f"git is needed for that, and cannot be started: {(error.strerror or str(error)).lower()}"


def _complaint(errors: IO[bytes]) -> str:
    """Take the first line that git complained in."""
    errors.seek(0)
    line = errors.readline(500).decode(errors="replace").strip()
    return re.sub(r"^(?:fatal|error): ", "", line)


def _instant(stamp: str) -> datetime | None:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(stamp))
    except (OverflowError, ValueError):
        return None


def _text(path: bytes) -> str:
    """Make a path valid text, as `folder` does: each byte that is no UTF-8 percent-encoded, then percent signs too."""
    try:
        return path.decode()
    except UnicodeDecodeError:
        text = path.decode(errors="surrogateescape")
        return re.sub("[%\udc80-\udcff]", lambda char: f"%{ord(char[0]) & 0xFF:02X}", text)
