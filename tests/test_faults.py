"""What goes wrong around the program is one line that says what was kept, an exit status, and no loss."""

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from crash import (
    ATOM,
    Call,
    Copy,
    Outcome,
    index_differs,
    needs_strace,
    outcome,
    sample,
    start,
    strike,
    trace,
)
from program import CONFIG, PROJECT, SOAK, Program, Ran

from feedarchiver import flow
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.lock import locked
from feedarchiver.errors import ArchiveInUse

ERRORS = ("ENOSPC", "EIO", "EROFS")


@pytest.fixture
def program(tmp_path):
    """Give a folder with some articles, archived and published."""
    program = Program(tmp_path / "home")
    for number in range(5):
        name = f"rfi/{number}.txt" if number % 2 else f"{number}.txt"
        program.write(
            name, title=f"T{number}", link=f"https://example.org/{number}", stamp=1600000000000 + number * 1000
        )
    assert program("run").status == 0
    return program


def add(program: Program) -> None:
    program.write("new.txt", title="New", link="https://example.org/new", stamp=1700000000000)


def undisturbed(program: Program) -> Outcome:
    """Tell what a run comes to in a copy that nothing disturbs."""
    run = Copy(program, program.folder.with_name(f"{program.folder.name}-undisturbed"))
    assert run("run").status == 0
    return outcome(run)


def is_whole(program: Program, wanted: Outcome, command: Callable[..., Ran] = Program.__call__) -> None:
    """Check that nothing was lost, and that the next run completes what was left."""
    verified = command(program, "verify")
    assert verified.status == 0, verified
    ran = command(program, "run")
    assert (ran.status, ran.err) == (0, "")
    assert command(program, "verify").status == 0
    assert outcome(program) == wanted
    assert index_differs(program) == ""


def is_one_line(ran: Ran, *said: str) -> None:
    """Check that a command failed with one line that says all of this."""
    assert ran.status == 1, ran
    assert len(ran.err.splitlines()) == 1, ran.err
    assert ran.err.startswith("feedarchiver: "), ran.err
    assert [words for words in said if words not in ran.err] == [], ran.err


@contextmanager
def mounted(*arguments: str, at: Path):
    """Have something mounted. Skips where that is not allowed."""
    done = subprocess.run(["mount", *arguments, str(at)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


@contextmanager
def read_only(path: Path):
    """Have a folder read-only, for root too."""
    with mounted("--bind", str(path), at=path):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True)
        yield


def failed(of: Program, wanted: Outcome, folder: Path, call: Call, error: str) -> None:
    """Let a call of a run fail in a copy of a program's folder, and check what is said and what is left."""
    program = Copy(of, folder)
    ran, calls = strike(program, call, f"error={error}", "run")
    struck = [one for one in calls if (one.name, one.number) == (call.name, call.number)]
    assert struck, f"{call} was not met"
    assert ran.status in (0, 1), ran
    if ran.status:
        is_one_line(ran)
        assert any(kept in ran.err for kept in ("nothing lost", "no article is lost", "nothing was changed")), ran.err
    is_whole(program, wanted, Program.warm)
    shutil.rmtree(folder)


@needs_strace
def test_any_call_may_fail(program, tmp_path):
    """Whichever call finds the disk full, failing or read-only: one line, nothing lost, and the next run completes."""
    add(program)
    for path in program.archive.glob("index.db*"):
        path.unlink()
    wanted = undisturbed(program)
    _, calls = trace(Copy(program, tmp_path / "traced"), "run")
    points = [(call, error) for call in sample(calls, len(calls)) for error in ERRORS]
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(failed, program, wanted, tmp_path / str(number), *point)
            for number, point in enumerate(points if SOAK else points[::32])  # each error in turn
        ]
        for one in done:
            one.result()


@needs_strace
def test_fsync_fails(program, tmp_path):
    """A disk that fails when bytes or names are made durable is named, and nothing rests on them."""
    add(program)
    wanted = undisturbed(program)
    _, calls = trace(Copy(program, tmp_path / "traced"), "run")
    for place in ("archive/tmp/articles-", "archive/captures/", "feeds/all"):
        call = next(call for call in calls if "sync" in call.name and f"/{place}" in call.paths[0])
        struck = Copy(program, tmp_path / place.replace("/", " "))
        ran, _ = strike(struck, call, "error=EIO", "run")
        is_one_line(ran, "cannot", f"/{place[:9]}", "the disk reports an error; nothing lost")
        is_whole(struck, wanted)


@pytest.mark.parametrize("size_kb", range(16, 400, 16) if SOAK else (16, 256))
def test_disk_full(tmp_path, size_kb):
    """On a disk that is too small a run fails with one line; with more room the next one completes."""
    source = Program(tmp_path / "source")
    for number in range(12):
        source.write(f"{number}.txt", link=f"https://example.org/{number}", body=f"<p>{number}</p>" * 300)
    wanted = undisturbed(source)
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", at=disk):
        program = Program(disk / "home", CONFIG.replace('"seeds/"', f'"{source.seeds}"'))
        is_one_line(program("run"), "lost")
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        if (program.archive / "format.json").exists():
            assert program("verify").status == 0
        assert program("run").status == 0
        assert outcome(program)[:3] == wanted[:3]
        assert index_differs(program) == ""


def test_a_full_disk_costs_no_index(tmp_path):
    """On a disk without any room the index is read, and whoever writes says why not; it is not made anew for it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs", at=disk):
        program = Program(disk / "home")
        add(program)
        assert program("run").status == 0
        program.write("b.txt", title="B", link="https://example.org/b")
        index = (program.archive / "index.db").stat()
        before = (program.archive / "index.db").read_bytes()
        ballast = disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        assert program("status").status == 0
        for command in ("run", "import"):
            is_one_line(program(command), "no space left on the disk", "no article is lost")
        assert (program.archive / "index.db").stat().st_ino == index.st_ino
        assert (program.archive / "index.db").read_bytes() == before
        ballast.unlink()
        assert program("run").status == 0
        assert (program.archive / "index.db").stat().st_ino == index.st_ino


def test_a_file_above_the_limit_of_the_process(program):
    """A limit on file sizes is met like a full disk."""
    add(program)
    wanted = undisturbed(program)
    child = subprocess.Popen(
        [sys.executable, "-m", "feedarchiver", "run"],
        cwd=program.folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),  # noqa: PLW1509 - no threads here
    )
    _, err = child.communicate(timeout=60)
    is_one_line(Ran(child.returncode, "", err), "lost")
    is_whole(program, wanted)


def test_read_only_archive(program):
    """What only reads works on a read-only archive; what would write says so in one line, and changes nothing."""
    before, archived = program.documents(), program.state(program.archive)
    shutil.rmtree(program.feeds)
    with read_only(program.archive):
        assert program("verify").status == 0
        assert program("run").status == 0, "there is nothing new to keep"
        assert program.documents() == before
        assert program("show", "T1").status == 0
        assert program("log", "https://example.org/1").status == 0
        add(program)
        is_one_line(program("import"), "archive/lock: the file system is read-only; nothing was changed")
        is_one_line(program("reindex"), "archive/lock: the file system is read-only; nothing was changed")
        assert program.state(program.archive) == archived
    is_whole(program, undisturbed(program))


def test_read_only_archive_without_an_index(program):
    """A read-only archive whose index is gone is read all the same."""
    before = program.documents()
    shutil.rmtree(program.feeds)
    (program.archive / "index.db").unlink()
    with read_only(program.archive):
        ran = program("build")
        assert (ran.status, ran.err) == (0, "")
        assert program.documents() == before


def test_published_folder_that_cannot_be_written(program):
    """When feeds cannot be written the articles are kept all the same, and the next run publishes them."""
    add(program)
    wanted = undisturbed(program)
    before = program.documents()
    with read_only(program.feeds):
        is_one_line(program("run"), "cannot write", "feeds/", "the file system is read-only; nothing lost")
        assert program.documents() == before
        assert outcome(program).articles == wanted.articles
    is_whole(program, wanted)


def test_a_file_where_feeds_should_be(program):
    """A file in the place of the published folder is named and left alone."""
    shutil.rmtree(program.feeds)
    program.feeds.write_text("mine")
    is_one_line(program("build"), "cannot write", "feeds", ": not a directory; nothing lost")
    assert program.feeds.read_text() == "mine"


def test_output_that_cannot_be_written(program):
    """A full disk behind the output is one line too."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "feedarchiver", "run"],
            cwd=program.folder,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    is_one_line(Ran(done.returncode, "", done.stderr), "cannot use the output: no space left on the disk; nothing lost")


def test_output_that_cannot_say_it(program):
    """A terminal that knows few characters is told the others by their numbers."""
    program.write("u.txt", title="Übersicht 新闻", link="https://example.org/u")
    assert program("run", PYTHONIOENCODING="ascii").status == 0
    ran = program("show", "https://example.org/u", PYTHONIOENCODING="ascii")
    assert (ran.status, ran.out.splitlines()[0]) == (0, "\\xdcbersicht \\u65b0\\u95fb")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(program, closed):
    """Who closes the output hears nothing, and nothing is said into a file that has got its number."""
    program.write("closed.txt", title="Closed", link="https://example.org/closed")
    command = (
        f'"{sys.executable}" -m feedarchiver run {closed}; exec "{sys.executable}" -m feedarchiver status {closed}'
    )
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=program.folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert program("verify").status == 0


@pytest.mark.parametrize(("processes", "rounds"), [(8, 10) if SOAK else (4, 2)])
def test_many_at_once(tmp_path, processes, rounds):
    """However many import and run at once, each article is archived exactly once, and all of them end well."""
    program = Program(tmp_path / "home")
    for round_ in range(rounds):
        for number in range(12):
            link = f"https://example.org/{round_}/{number}"
            program.write(f"{round_}/{number}.txt", link=link, title=link, stamp=1600000000000 + number)
        started = [start(program, ("import", "run")[number % 2]) for number in range(processes)]
        ended = [(child.communicate(timeout=120), child.returncode) for child in started]
        assert {(said[1], status) for said, status in ended} == {("", 0)}
        articles = 12 * (round_ + 1)
        assert program("verify").out == f"{3 * articles} objects, {articles} articles, 0 faults\n"
    assert program("run").status == 0
    assert index_differs(program) == ""
    assert {len(entries) for path, entries in outcome(program).entries.items() if path.startswith("0/")} == {12}


@contextmanager
def holder(program: Program):
    """Have another process hold the archive's lock until its input ends."""
    said = "from feedarchiver.archive.lock import locked; import pathlib, sys\n"
    said += f"with locked(pathlib.Path({str(program.archive)!r})): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", said]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout.readline() == b"held\n"
            yield child
        finally:
            child.kill()


def test_a_lock_that_is_held(program):
    """Whoever cannot have the lock in time is told which process holds it, and since when."""
    with (
        holder(program) as child,
        pytest.raises(ArchiveInUse, match=rf"in use by process {child.pid} since \d.*; nothing was done; try again"),
        locked(program.archive, wait_s=0.1),
    ):
        pass


def test_a_lock_that_is_freed(program):
    """A run beside another one waits for it, and then does its work."""
    add(program)
    with holder(program) as child:
        waiting = start(program, "run")
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=1)
        child.stdin.close()
        out, err = waiting.communicate(timeout=60)
    assert (out[:17], err, waiting.returncode) == ("6 articles, 1 new", "", 0)


def test_a_stale_lock(program):
    """The lock of a process that was killed is no hindrance."""
    with holder(program) as child:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(timeout=10)
        assert (program.archive / "lock").read_text().startswith(f'{{"pid": {child.pid}')
        with locked(program.archive, wait_s=0.1):
            pass
    add(program)
    assert program("run").status == 0


def test_a_clock_that_jumps(tmp_path):
    """With the clock in 1970 and in 2038, captures keep their order, dates stay, and nothing is captured again."""
    program = Program(tmp_path / "home")
    instants: list[datetime] = []
    now = datetime(2026, 1, 1, tzinfo=UTC)
    clock = (now, datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), now)
    for number, moment in enumerate(clock):
        stamp = 1600000000000 if number % 2 else "NaN"
        program.write(f"{number}.txt", title=f"T{number}", link=f"https://example.org/{number}", stamp=stamp)
        known = entries(program)
        with Archive.create(program.archive, program.archive / "index.db", now=moment) as archive:
            folders = [flow.SeedFolder(path=program.seeds, source="seeds")]
            done = flow.import_seeds(archive, folders, now=moment, limit_bytes=10**6, advance=lambda _: None)
            assert (done.new, done.known, done.versions) == (1, number, 0)
            instants.append(archive.index.last_captured())
        assert program("build").status == 0
        assert known.items() <= entries(program).items(), "what was published stays as it was"
    assert instants == sorted(set(instants))
    assert index_differs(program) == ""


def entries(program: Program) -> dict[str, str]:
    """Every entry of the feed of all articles, by its title."""
    path = program.feeds / "all" / "atom.xml"
    if not path.exists():
        return {}
    root = ET.parse(path).getroot()
    return {entry.findtext(f"{ATOM}title"): ET.tostring(entry, "unicode") for entry in root.iter(f"{ATOM}entry")}


def scribble(index: Path, luck: random.Random) -> str:
    """Do something to the index that a program or a disk might, and say what."""
    seal, log = (index.with_name(index.name + suffix) for suffix in (".seal", "-wal"))
    data = index.read_bytes()
    place = luck.choice((0, luck.randrange(100), luck.randrange(len(data))))
    noise = luck.randbytes(luck.choice((1, 16, 4096)))
    deeds = {
        "deleted": index.unlink,
        "emptied": lambda: index.write_bytes(b""),
        "cut": lambda: os.truncate(index, luck.randrange(len(data))),
        "scribbled": lambda: index.write_bytes(data[:place] + noise + data[place + len(noise) :]),
        "longer": lambda: index.write_bytes(data + noise),
        "no seal": seal.unlink,
        "seal scribbled": lambda: seal.write_bytes(noise),
        "log of noise": lambda: log.write_bytes(noise),
        "another file": lambda: index.write_bytes(b"not a database at all\n" * 500),
        "a folder's worth": lambda: [path.unlink() for path in index.parent.glob("index.db*")],
    }
    deed = luck.choice(sorted(deeds))
    deeds[deed]()
    return f"{deed} at {place}, {len(noise)} bytes"


@pytest.mark.parametrize("number", range(50 if SOAK else 5))
def test_index_damaged(program, number):
    """Whatever becomes of the index, it is made anew in silence, and the feeds come out byte-identical."""
    before = program.documents()
    done = scribble(program.archive / "index.db", random.Random(number))
    if number % 2:
        shutil.rmtree(program.feeds)
    ran = program("run")
    assert (ran.status, ran.err) == (0, ""), done
    assert program.documents() == before, done
    assert index_differs(program) == "", done
    assert program("verify").status == 0, done


def test_index_damage_that_is_noticed_late(program):
    """Damage that leaves size and time as they were is met in the middle: one line, and the next run is well."""
    before = program.documents()
    index = program.archive / "index.db"
    state, data = index.stat(), index.read_bytes()
    index.write_bytes(data[:4096] + bytes(len(data) - 4096))
    os.utime(index, ns=(state.st_atime_ns, state.st_mtime_ns))
    add(program)
    ran = program("run")
    if ran.status:
        is_one_line(ran, "the index cannot be used", "no article is lost; run again")
        assert program("run").status == 0
    (program.seeds / "new.txt").unlink()
    assert index_differs(program) == ""
    assert before.keys() <= program.documents().keys()


@pytest.mark.parametrize("damage", ["damaged", "missing"])
def test_a_damaged_or_missing_article(program, damage):
    """An article that is damaged or missing is named and left as it is; all others are served; a copy mends it."""
    before = program.documents()
    [path] = [path for path in program.archive.glob("articles/*/*") if b'"T3"' in path.read_bytes()]
    data, name = path.read_bytes(), path.parent.name + path.name
    path.unlink()
    if damage == "damaged":
        path.write_bytes(data.replace(b"T3", b"T4"))
    shutil.rmtree(program.feeds)
    ran = program("build")
    assert ran.status == 1
    assert {
        line for line in ran.err.splitlines() if f"object {name}" not in line or f"is {damage}" not in line
    } == set()
    assert "restore it from a copy" in ran.err
    assert set(entries(program)) == {"T0", "T1", "T2", "T4"}
    assert not path.exists() if damage == "missing" else path.read_bytes() != data, "nothing is repaired"
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    assert program("build").status == 0
    assert program.documents() == before


def where_the_disk_fails(program: Program, path: Path, *arguments: str) -> Ran:
    """Run a command to which the disk reports an error whenever it reads a file."""
    failing = ["strace", "-f", "-o", os.devnull, "-P", str(path), "-e", "trace=read", "-e", "inject=read:error=EIO"]
    done = subprocess.run(
        [*failing, sys.executable, "-m", "feedarchiver", *arguments],
        cwd=program.folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@needs_strace
@pytest.mark.parametrize("kind", ["articles", "captures"])
def test_an_object_where_the_disk_fails(program, kind):
    """An object that the disk reports an error for is named; all else is indexed and published, then and later."""
    before = program.documents()
    article = next(path for path in program.archive.glob("articles/*/*") if b'"T3"' in path.read_bytes())
    name = (article.parent.name + article.name).encode()
    path = next(path for path in program.archive.glob(f"{kind}/*/*") if path == article or name in path.read_bytes())
    named = path.parent.name + path.name
    verified = where_the_disk_fails(program, path, "verify")
    assert (verified.status, verified.out) == (1, "15 objects, 5 articles, 1 fault\n")
    assert f"{kind} {named} cannot be read (" in verified.err
    assert "https://example.org/3): the disk reports an error; it was left as it is; restore it" in verified.err
    reindexed = where_the_disk_fails(program, path, "reindex")
    assert (reindexed.status, reindexed.out) == (1, "4 articles in 4 versions, from 4 captures\n")
    assert "captures that could not be read, so what they tell of is in no feed: 1; " in reindexed.err
    assert program("reindex").status == 0, "the disk is well again"
    shutil.rmtree(program.feeds)
    built = where_the_disk_fails(program, path, "build")
    if kind == "articles":
        assert f"object {named} cannot be read: the disk reports an error; it was left as it is;" in built.err
        assert (built.status, set(entries(program))) == (1, {"T0", "T1", "T2", "T4"})
    assert program("build").status == 0
    assert program.documents() == before


@pytest.mark.parametrize("kind", ["raw", "articles", "captures"])
def test_what_is_no_file(program, kind):
    """A pipe, a folder or a device in an object's place is damage like any other: nobody waits for it.

    An index made anew without it is no index of everything, which every build says.
    """
    before = program.documents()
    paths = sorted(program.archive.glob(f"{kind}/*/*"))[:3]
    kept = [path.read_bytes() for path in paths]
    for path, make in zip(paths, (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)), strict=True):
        path.unlink()
        make(path)
    verified = program("verify")
    assert verified.status == 1
    for path in paths:
        assert f"{kind} {path.parent.name}{path.name} is damaged" in verified.err
    lacks = kind != "raw"
    lack = "captures that could not be read, so what they tell of is in no feed: 3; restore what `feedarchiver verify` "
    for command in ("reindex", "build", "run"):
        ran = program(command)
        assert (ran.status, lack in ran.err) == ((1, True) if lacks else (0, False))
    for path, data in zip(paths, kept, strict=True):
        path.rmdir() if path.is_dir() else path.unlink()
        path.write_bytes(data)
    assert program("reindex").status == 0
    assert program("build").status == 0
    assert program.documents() == before


def test_a_link_in_the_place_of_tmp(program, tmp_path):
    """What lies where `tmp` leads to is not ours to clear away: that is said, and nothing is removed."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("mine")
    shutil.rmtree(program.archive / "tmp", ignore_errors=True)
    (program.archive / "tmp").symlink_to(other)
    add(program)
    ran = program("run")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert f"cannot clear {program.archive}/tmp: it is a link to another folder, which was left as it is" in ran.err
    assert (other / "precious").read_text() == "mine"
    (program.archive / "tmp").unlink()
    assert program("run").status == 0


def test_a_foreign_file(program):
    """A file that is no object is named by verify, left alone, and hinders nothing."""
    foreign = program.archive / "articles" / "notes.txt"
    foreign.write_text("mine")
    add(program)
    assert program("run").status == 0
    verified = program("verify")
    assert verified.status == 1
    assert "articles/notes.txt is no object of this archive; it was left as it is" in verified.err
    assert program("reindex").status == 0
    assert foreign.read_text() == "mine"


def test_what_is_no_index(tmp_path):
    """A file that a configuration names as its index, and that is none, is left as it is, whatever it is."""
    config = '[archive]\nindex = "sqlite:{}"\n' + CONFIG
    program = Program(tmp_path / "home")
    seed = program.write("a.txt")
    with closing(sqlite3.connect(program.folder / "my.db")) as db:
        db.execute("CREATE TABLE mine (one)")
    for name in ("config.toml", "seeds/a.txt", "my.db"):
        (program.folder / "config.toml").write_text(config.format(name))
        before = program.state(program.seeds), (program.folder / "my.db").read_bytes()
        for command in ("run", "reindex", "status"):
            is_one_line(
                program(command), f"{program.folder / name} is no index, and was left as it is; name another file"
            )
        assert (program.state(program.seeds), (program.folder / "my.db").read_bytes()) == before
        assert (program.folder / "config.toml").read_text() == config.format(name)
    assert seed.read_bytes().startswith(b"<!--")
    (program.folder / "config.toml").write_text(config.format("other.db"))
    assert program("run").status == 0
    (program.folder / "other.db.seal").unlink()
    assert program("run").status == 0, "what was an index is made anew"


@pytest.mark.parametrize(
    ("made", "status", "said"),
    [
        ({"notes.txt": b"mine"}, 1, "is not an archive: it has no format.json; it was left as it is"),
        ({"format.json": b'{"layout": 99}'}, 1, "use a newer feedarchiver; nothing was changed"),
        ({"format.json": b"\xff{"}, 1, "is damaged; restore it from a copy; nothing was changed"),
        ({"format.json": b"[]"}, 1, "is damaged; restore it from a copy; nothing was changed"),
        ({"../config.toml": b"\xff"}, 2, "config.toml"),
        ({"../archive": b"a file"}, 1, "archive"),
    ],
    ids=["no archive", "newer layout", "damaged format", "odd format", "config not UTF-8", "a file in its place"],
)
@pytest.mark.parametrize("command", ["run", "import", "build", "verify", "reindex"])
def test_what_is_no_archive(tmp_path, made, status, said, command):
    """A folder that is no archive, or not one of ours, is refused in one line and left exactly as it was."""
    program = Program(tmp_path / "home")
    add(program)
    for name, data in made.items():
        path = program.archive / name
        if name != "../archive":
            program.archive.mkdir(exist_ok=True)
        path = program.folder / name[3:] if name.startswith("../") else path
        path.write_bytes(data)
    before = program.state()
    ran = program(command)
    assert ran.status == status, ran
    assert len(ran.err.splitlines()) == 1
    assert said in ran.err
    assert program.state() == before


def test_config_that_cannot_be_read(tmp_path):
    """A config.toml that cannot be read is a mistake of usage, in words."""
    program = Program(tmp_path / "home")
    config = program.folder / "config.toml"
    config.unlink()
    assert program("run").status == 2
    config.mkdir()
    assert program("run").status == 2
    config.rmdir()
    config.symlink_to("config.toml")
    ran = program("run")
    assert ran.status == 2
    assert not program.archive.exists()
