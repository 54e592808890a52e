"""What a command loads: start-up is part of the design, and a module that is not needed must not creep in."""

import pkgutil
import subprocess
import sys

import pytest
from news import Newsroom
from program import CONFIG, PROJECT, SOAK, Program
from web import Web

import feedarchiver
from feedarchiver.commands import TABLE

HEAVY = {
    "apscheduler", "bs4", "dateutil", "feedgen", "feedparser", "filelock", "jinja2", "lxml", "nh3", "obstore",
    "procrastinate", "prometheus_client", "protego", "psycopg", "pydantic", "readability", "requests", "rich",
    "selectolax", "starlette", "tomlkit", "trafilatura", "urllib3", "uvicorn", "w3lib",
}  # fmt: skip
OURS = {"feedarchiver.markup", "feedarchiver.publish", "feedarchiver.archive.writer", "feedarchiver.dates"}


def loaded(folder, *arguments):
    """Run a command and return the modules that it loaded."""
    code = "import sys; from feedarchiver.commands import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["run"]])
def test_nothing_heavy(tmp_path, arguments):
    """`--help` and a `run` with nothing new load neither the web's libraries nor the wings that they do not use."""
    program = Program(tmp_path / "home")
    program.write("a.txt")
    program("run")
    program("run")  # a file younger than the clock's tick is read again
    assert not loaded(program.folder, *arguments) & (HEAVY | OURS)


def test_nothing_heavy_where_health_is_told(tmp_path):
    """Nor does a `run` with nothing new that looks for what goes wrong."""
    program = Program(tmp_path / "home", CONFIG + '[[feed]]\nid = "health"\nkind = "health"\n')
    program.write("a.txt")
    program("run")
    program("run")
    assert not loaded(program.folder, "run") & (HEAVY | OURS)


def test_nothing_of_the_web_when_nothing_is_due(tmp_path):
    """A run in which no source on the web is due loads nothing to ask it with, nor to read it."""
    with Web() as web:
        room = Newsroom(tmp_path / "home", web)
        room("run")
        room("run")
        assert not loaded(room.folder, "run") & (HEAVY | OURS)
        assert len(web.asked) == 1


def test_feeds_alone(tmp_path):
    """A run that publishes feeds alone loads nothing that only pages for people, searching or changes need."""
    program = Program(tmp_path / "home", f"[publish]\npages = false\n{CONFIG}")
    program.write("a.txt")
    others = {"publish.changed", "publish.site_search", "textdiff", "words"}
    modules = loaded(program.folder, "run")
    assert "feedarchiver.publish.rss" in modules
    assert not modules & {"jinja2", *(f"feedarchiver.{name}" for name in others)}


def test_help_reads_no_command(tmp_path):
    """`--help` loads no command's module."""
    modules = loaded(tmp_path, "--help")
    assert not [name for name in modules if name.startswith("feedarchiver.commands.")]
    assert "feedarchiver.flow" not in modules


EACH = """
import os, sys
for name in sys.argv[1:]:
    if not (child := os.fork()):
        __import__(name)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(name)
"""


def test_each_command_loads_by_itself():
    """The module of any command can be the first that an interpreter loads: none leans on what another has loaded."""
    every = {module.name for module in pkgutil.walk_packages(feedarchiver.__path__, "feedarchiver.")}
    names = {module for module, _ in TABLE.values()}
    assert names < every
    command = [sys.executable, "-c", EACH, *sorted(every if SOAK else names)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
