"""The README tells the truth: it names every command, and what it shows is what comes out."""

import re
import shutil

import pytest
from program import PROJECT, Program

from feedarchiver.commands import TABLE

README = (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", TABLE)
def test_every_command_is_named(command):
    """Each command stands in the table of commands."""
    assert re.search(rf"^\| `feedarchiver {command}[ `\[]", README, re.MULTILINE)


def test_no_other_command_is_named():
    """The table names no command that is not there."""
    assert set(re.findall(r"^\| `feedarchiver ([a-z-]+)", README, re.MULTILINE)) == set(TABLE)


def test_the_first_example(tmp_path):
    """What `make run` prints in a fresh clone is what the README shows."""
    for name in ("config.toml", "seeds", "feeds"):
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    ran = Program(tmp_path / "unused")("run", "--config", tmp_path / "config.toml")
    assert ran.status == 0
    assert f"    {ran.out}" in README


def test_the_example_of_a_mistake(tmp_path):
    """The message shown for a wrong configuration is the real one."""
    program = Program(tmp_path / "home")
    text = (program.folder / "config.toml").read_text()
    (program.folder / "config.toml").write_text(text + 'interval = "5 parsecs"\n')
    assert f"    {program('run').err}" in README


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make ([a-z]+)", README))))
def test_make_targets(target):
    """Each `make` target that the README names is in the Makefile."""
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(path):
    """Each file that the README links to is there."""
    assert (PROJECT / path).exists()
