"""The program under strace: what it does to files, and what is left when it is struck at any one of those calls.

A *call* is a system call that changes a file below the program's folder. `strike` makes the n-th one kill the process
before it takes effect, or fail. What a power cut could leave is judged by `powercut`, from the same record of calls.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from program import PROJECT, Program, Ran

from feedarchiver.archive.bucket import KINDS
from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.objects import decode_capture
from feedarchiver.archive.reindex import rebuild

ON_NAMES = ("mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat")
ON_OPEN_FILES = ("write", "writev", "pwrite64", "fsync", "fdatasync", "syncfs", "ftruncate", "fchmod")
CHANGING = ("open", "openat", "creat", "truncate", "chmod", "fchmodat", *ON_NAMES, *ON_OPEN_FILES)
KILL = "signal=KILL"
ATOM = "{http://www.w3.org/2005/Atom}"

_LINE = re.compile(r"(?:\d+ +)?(?P<name>\w+)\((?P<said>.*?)(?:\) += (?P<result>-?\d+|\?).*| <unfinished \.\.\.>)$")
_WORD = re.compile(r'(?:\d+|AT_FDCWD)<(?P<open>[^>]*)>|"(?P<name>(?:[^"\\]|\\.)*)"')
_ALIKE = (  # what calls of one shape may differ in
    (re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}|[0-9a-f]{64}|(?<=/)[0-9a-f]{2}$"), "#"),
    (re.compile(r"(?<=/archive)/(raw|images)(?=/)"), "/articles"),
    (re.compile(r"(?<=/tmp)/(raw|images)-"), "/articles-"),
    (re.compile(r"/feeds/.*\.tmp$"), "/feeds/#.tmp"),
    (re.compile(r"/feeds/(?!#).*$"), "/feeds/#"),
)


class Call(NamedTuple):
    """A system call: which of its name it is in its run (from 1), the files it is about, and what it returned."""

    name: str
    number: int
    paths: tuple[str, ...]
    said: str
    result: str

    @property
    def done(self) -> bool:
        """Tell whether it took effect."""
        return self.result.isdigit()

    @property
    def shape(self) -> tuple[str, ...]:
        """What calls of one kind have in common: neither which object nor which document."""
        shapes = list(self.paths)
        for pattern, alike in _ALIKE:
            shapes = [pattern.sub(alike, shape) for shape in shapes]
        return self.name, *shapes


class Copy(Program):
    """A copy of a program's folder, with its times."""

    def __init__(self, of: Program, folder: Path) -> None:
        shutil.copytree(of.folder, folder, symlinks=True)
        self.folder, self.seeds = folder, folder / "seeds"
        self.archive, self.feeds = folder / "archive", folder / "feeds"


def start(program: Program, *arguments: str) -> subprocess.Popen:
    """Start a command."""
    return subprocess.Popen(
        [sys.executable, "-m", "feedarchiver", *arguments],
        cwd=program.folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@cache
def strace_is_missing() -> str:
    """Say why nothing can be traced here, or nothing."""
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return f"strace cannot trace: {done.stderr.strip()}" if done.returncode else ""


needs_strace = pytest.mark.skipif(bool(strace_is_missing()), reason=strace_is_missing())


def trace(program: Program, *arguments: str, strike: str | None = None) -> tuple[Ran, list[Call]]:
    """Run a command and return how it ended and every call it made. `strike`: what strace is to inject."""
    log = program.folder.with_suffix(".strace")
    options = ["-f", "-y", "-s", "0", "-o", str(log), "-e", "trace=" + ",".join(f"?{name}" for name in CHANGING)]
    options += ["-e", f"inject={strike}"] if strike else ["--seccomp-bpf"]  # quick, but strace 6.1 does not strike then
    done = subprocess.run(
        ["strace", *options, sys.executable, "-m", "feedarchiver", *arguments],
        cwd=program.folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr), list(read(log.read_text(), program.folder))


def strike(program: Program, call: Call, what: str, *arguments: str) -> tuple[Ran, list[Call]]:
    """Run a command that is struck at `call`: killed before it, or given an error ("error=EIO") in its stead."""
    return trace(program, *arguments, strike=f"{call.name}:{what}:when={call.number}")


def read(log: str, folder: Path) -> Iterator[Call]:
    """Read strace's lines; keep the calls about files below `folder`, which is where the program ran."""
    counts: Counter[str] = Counter()
    for line in log.splitlines():
        if found := _LINE.match(line):
            name = found["name"]
            counts[name] += 1
            paths = _paths(name, found["said"], str(folder))
            changes = "O_CREAT" in found["said"] or "O_TRUNC" in found["said"] or not name.startswith("open")
            if changes and any(path.startswith(f"{folder}/") or path == str(folder) for path in paths):
                yield Call(name, counts[name], paths, found["said"], found["result"] or "?")


def _paths(name: str, said: str, folder: str) -> tuple[str, ...]:
    words = list(_WORD.finditer(said))
    if name in ON_OPEN_FILES:
        return tuple(word["open"].removesuffix(" (deleted)") for word in words[:1] if word["open"])
    found, base = [], folder
    for word in words:
        if word["open"] is not None:
            base = word["open"]
        else:
            found.append(os.path.normpath(os.path.join(base, word["name"])))
    return tuple(found)


def sample(calls: Iterable[Call], every: int = 1) -> list[Call]:
    """Choose where to strike: the last call of each shape, and every so many of the others.

    SQLite's memory-mapped -shm file is left out: it is made anew after any crash.
    """
    told = [call for call in calls if call.done and not call.paths[0].endswith("-shm")]
    chosen = {*{call.shape: call for call in told}.values(), *told[::every]}
    return [call for call in told if call in chosen]


class Outcome(NamedTuple):
    """What an archive and its feeds hold, without the instants at which things were captured."""

    articles: frozenset[str]
    raw: frozenset[str]
    captures: Counter[tuple[str, ...]]
    entries: dict[str, frozenset[str]]


def outcome(program: Program) -> Outcome:
    """Read what a program's folder holds."""
    bucket = FolderBucket(program.archive)
    captures = [decode_capture(bucket.get("captures", name)) for name in bucket.names("captures")]
    said = Counter((c.article, c.raw, c.source, c.url or "", c.fingerprint) for c in captures)
    entries = {path: frozenset(_entries(data)) for path, data in program.documents().items() if path.endswith(".xml")}
    return Outcome(frozenset(bucket.names("articles")), frozenset(bucket.names("raw")), said, entries)


def _entries(data: bytes) -> Iterator[str]:
    """Every entry of a feed. An undated one is updated when it was captured, so that is left out."""
    root = ET.fromstring(data)
    for entry in (*root.iter("item"), *root.iter(f"{ATOM}entry")):
        entry.tail = None  # the white space after it is the document's
        if entry.tag != "item" and entry.find(f"{ATOM}published") is None:
            entry.remove(entry.find(f"{ATOM}updated"))
        yield ET.tostring(entry, encoding="unicode")


def index_differs(program: Program) -> str:
    """Say how the index differs from one made anew from the objects, or nothing."""
    fresh = rebuild(FolderBucket(program.archive), None)
    with closing(fresh), closing(sqlite3.connect(program.archive / "index.db")) as kept:
        for table, query in DERIVED.items():
            one, other = Counter(kept.execute(query)), Counter(fresh._db.execute(query))
            if one != other:
                return f"{table}: only in the index {one - other}, only in the objects {other - one}"
    return ""


DERIVED = {
    "captures": "SELECT capture, captured, published, updated, article, fingerprint, source, c.id, raw, said, n.id "
    "FROM captures c JOIN entries n USING (entry)",
    "aliases": "SELECT alias, id FROM aliases JOIN entries USING (entry)",
    "events": "SELECT source, captured, published, article, updated, kind, id FROM events JOIN entries USING (entry)",
    "images": "SELECT capture, address, image, type, width, height, length, captured, own_length FROM images",
}


def rows(path: Path) -> dict[str, list[tuple]]:
    """Read all rows of an index that the objects decide, with the numbers of entries, whatever order they came in."""
    with closing(sqlite3.connect(path)) as db:
        names = ("entries", "aliases", "captures", "events", "images")
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def leftovers(program: Program) -> list[str]:
    """Every file that is no part of a finished run's work."""
    kept = {"format.json", "index.db", "index.db.seal", "index.db.seal.new", "lock"}  # the next seal takes up a new one
    archive = [path for path in program.archive.rglob("*") if path.is_file()]
    objects = set(KINDS)
    odd = [p for p in archive if p.name not in kept and p.relative_to(program.archive).parts[0] not in objects]
    return [str(path) for path in (*odd, *program.feeds.rglob("*.tmp"))]
