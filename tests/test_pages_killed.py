"""`update` killed while it reads articles' pages, and `reprocess` too: nothing lost, doubled or forgotten."""

import random
import subprocess
import time
from contextlib import suppress

import pytest
from crash import Copy, index_differs, leftovers, outcome, start
from news import ANYWHERE
from newspaper import SELECT, Newspaper, Reader
from program import SOAK
from web import Web

TOLD = (("page", "/news", SELECT), ("feed", "/feed.xml", "full_text = true\n"), ("sitemap", "/index.xml", ""))


@pytest.fixture(scope="module")
def paper():
    with Web(address="0.0.0.0") as web:
        paper = Newspaper(web)
        paper.has(*range(1, 4))
        yield paper


@pytest.fixture(scope="module")
def state(paper, tmp_path_factory):
    """Give a program that follows the newspaper in three ways, one that has done so, and how long that took."""
    home = tmp_path_factory.mktemp("killed")
    program = Reader(home / "fresh", paper, *TOLD[0])
    config = program.folder / "config.toml"
    for number, (kind, path, more) in enumerate(TOLD[1:]):
        url = paper.url(path, f"127.0.3.{number}")
        said = f'[[source]]\nid = "s{number}"\nkind = "{kind}"\nurl = "{url}"\nallow_private = {ANYWHERE}\n{more}'
        config.write_text(config.read_text() + said)
    undisturbed = Copy(program, home / "undisturbed")
    began = time.monotonic()
    assert undisturbed("update").status == 0
    return program, undisturbed, time.monotonic() - began


def killed(program, after_s, *arguments):
    child = start(program, *arguments)
    with suppress(subprocess.TimeoutExpired):
        child.wait(after_s)
    child.kill()
    child.communicate()


def faults(program, again, wanted):
    """Complete what was killed, and say what is wrong then."""
    found = []
    for command in (again, ("verify",)):
        ran = program(*command)
        found += [] if ran.status == 0 else [f"{command}: {ran}"]
    found += [] if outcome(program) == wanted else ["not what comes of it undisturbed"]
    found += [differs] if (differs := index_differs(program)) else []
    return found + leftovers(program)


def test_an_update_killed(state, tmp_path):
    """Killed at a random moment, the next update completes what is left, and each page is archived once."""
    program, undisturbed, longest_s = state
    luck, found = random.Random(11), []
    for number in range(100 if SOAK else 2):
        copy, after_s = Copy(program, tmp_path / str(number)), luck.uniform(0.3, 1) * longest_s
        killed(copy, after_s, "update")
        found += [
            f"after {after_s:.3f} s: {fault}" for fault in faults(copy, ("update", "--all"), outcome(undisturbed))
        ]
    assert found == []


def test_a_reprocessing_killed(state, tmp_path):
    """Killed while archived pages are read again, the next call completes it."""
    _, undisturbed, _ = state
    program = Copy(undisturbed, tmp_path / "program")
    config = program.folder / "config.toml"
    told = config.read_text().replace("full_text = true\n", 'full_text = true\nselect = { content = ".body p + p" }\n')
    config.write_text(told)
    whole = Copy(program, tmp_path / "whole")
    began = time.monotonic()
    assert whole.told("reprocess")["versions"] == 3
    longest_s = time.monotonic() - began
    luck, found = random.Random(3), []
    for number in range(100 if SOAK else 1):
        copy, after_s = Copy(program, tmp_path / str(number)), luck.uniform(0.5, 1) * longest_s
        killed(copy, after_s, "reprocess")
        found += [f"after {after_s:.3f} s: {fault}" for fault in faults(copy, ("reprocess",), outcome(whole))]
    assert found == []
