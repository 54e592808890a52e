"""The command that is called after a build that changed something: once for each change, however often it fails."""

import os
import signal
import time

import pytest
from hub import Hub
from living import living, within
from program import CONFIG, Program

from feedarchiver.announcing.after import Command, call
from feedarchiver.archive.archive import Archive


def configured(folder, command, more=""):
    program = Program(folder, f"[publish]\nafter = '''{command}'''\n{more}{CONFIG}")
    program.write("a.txt", title="One", link="https://example.org/1")
    return program


@pytest.fixture
def home(tmp_path):
    return configured(tmp_path / "home", 'echo "$PWD $FEEDARCHIVER_PUBLISH_FOLDER" >> called')


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("template") / "home")
    program.write("a.txt")
    assert program("run").status == 0
    return program


@pytest.fixture
def archive(tmp_path, template):
    program = template.copy(tmp_path / "home")
    with Archive.open(program.archive, program.archive / "index.db") as archive:
        yield archive


def calls(program):
    path = program.folder / "called"
    return path.read_text().splitlines() if path.exists() else []


def test_called_after_a_change(home):
    """It is called in the folder of config.toml, told where the feeds are, after a change and not without one."""
    assert home("run", "--config", home.folder / "config.toml").status == 0
    assert calls(home) == [f"{home.folder} {home.feeds}"]
    assert home("run").status == home("build").status == 0
    assert len(calls(home)) == 1
    home.write("b.txt", title="Two", link="https://example.org/2")
    assert home("run").status == 0
    assert len(calls(home)) == 2


def test_any_change(home):
    """It is called whatever has been mended: a feed, a page, the page of an article."""
    home("run")
    for count, name in enumerate(("all/rss.xml", "index.html", "articles"), 2):
        path = home.feeds / name
        path = next(path.iterdir()) if path.is_dir() else path
        path.unlink()
        home("run")
        assert path.exists()
        assert len(calls(home)) == count


def test_a_failure(tmp_path):
    """A failure is one line with its status and its last words, and status 3; it is called until it succeeds.

    What it prints is dropped, and it waits for no input.
    """
    home = configured(
        tmp_path / "home",
        "echo x | tee -a called; cat; echo first >&2; printf '  \\033[31mthe last \\n' >&2; echo >&2; ./ready",
    )
    ready = home.folder / "ready"
    ready.write_text("#!/bin/sh\nexit 23\n")
    ready.chmod(0o755)
    for count in (1, 2):
        ran = home("run", "-q")
        assert (ran.status, ran.out) == (3, "")
        assert ran.err == (
            "after: ended with status 23: \\x1b[31mthe last; the feeds are built; called again in the next run\n"
        )
        assert len(calls(home)) == count
    assert home.told("run")["built"]["written"] == []
    ready.write_text("#!/bin/sh\n")
    assert home("run").status == 0
    assert home("run").status == 0
    assert len(calls(home)) == 4


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-command", "ended with status 127: "),
        ("kill -9 $$", "ended with signal 9: it said nothing"),
        (r"printf 'red\377' >&2; false", "ended with status 1: red\ufffd"),
        ("yes | head -c 3000000 >&2; echo end >&2; false", "ended with status 1: end"),
    ],
)
def test_how_it_ended(archive, tmp_path, command, reason):
    """Whatever it does, what is said of it is its status and its last line."""
    came = call(archive, Command(command, tmp_path, {}), lambda: None)
    assert came.called
    assert came.trouble.startswith(reason)
    assert "\n" not in came.trouble


def test_the_hub_waits_for_it(tmp_path):
    """A hub is told of nothing that the command has not taken to where readers are."""
    with Hub() as hub:
        home = configured(tmp_path / "home", "test -e ready", f'hub = "{hub.url}"\n')
        assert home("run").status == 3
        assert hub.published == []
        (home.folder / "ready").touch()
        assert home("run").status == 0
        assert len(hub.published) == 6


def test_it_takes_too_long(archive, tmp_path):
    """A command that takes too long is ended with all that it has started, whatever it thinks of that."""
    line = "trap '' TERM; sleep 60 & echo $! > child; wait"
    came = call(archive, Command(line, tmp_path, {}, longest_s=0.5), lambda: None)
    assert came.trouble == "took longer than 0 s and was ended"
    within(5, lambda: not is_running(int((tmp_path / "child").read_text())))


def is_running(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_it_leaves_behind(archive, tmp_path):
    """What it starts and leaves behind holds nobody up."""
    began = time.monotonic()
    came = call(archive, Command("sleep 5 & echo $! > child", tmp_path, {}), lambda: None)
    assert came == (True, None)
    assert time.monotonic() - began < 4
    os.kill(int((tmp_path / "child").read_text()), signal.SIGTERM)


def test_never_two_at_once(tmp_path):
    """It is not called while it runs, even if who called it was killed; what was published meanwhile comes after."""
    line = (
        "mkdir running || echo overlap >> called; echo x >> called; until test -e go; do sleep 0.05; done; rmdir run*"
    )
    home = configured(tmp_path / "home", line)
    with living(home, "run") as first:
        within(10, lambda: calls(home))
        first.process.kill()
        first.process.wait(10)
    home.write("b.txt", title="Two", link="https://example.org/2")
    with living(home, "run") as second:
        within(10, lambda: (home.feeds / "all" / "rss.xml").read_bytes().count(b"<item>") == 2)
        assert calls(home) == ["x"]
        (home.folder / "go").touch()
        assert second.process.wait(20) == 0
    assert calls(home) == ["x", "x"]


def test_beside_the_daemon(tmp_path):
    """In the daemon it holds up neither the server nor what is published next, and SIGTERM ends it with the rest."""
    home = configured(tmp_path / "home", "echo x >> called; trap '' TERM; sleep 60")
    with living(home, "daemon", "--port", "0") as daemon:
        daemon.serving()
        within(10, lambda: calls(home))
        home.write("b.txt", link="https://example.org/bb")
        within(10, lambda: b"/bb" in daemon.get("/all/rss.xml").body)
        assert calls(home) == ["x"]
        assert daemon.end(timeout_s=5) == 0
    assert home("verify").status == 0


def test_tried_again_by_the_daemon(tmp_path):
    """The daemon logs a failure once, and tries again until it succeeds."""
    home = configured(tmp_path / "home", "echo x >> called; test -e ready")
    with living(home, "daemon", "--no-serve") as daemon:
        daemon.wait_for("ended with status 1: it said nothing")
        (home.folder / "ready").touch()
        within(15, lambda: len(calls(home)) == 2)
        assert daemon.end() == 0
    assert sum("ended with" in line for line in daemon.lines) == 1
    assert home("run").status == 0
    assert len(calls(home)) == 2
