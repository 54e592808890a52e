"""`update` killed at any moment, and beside other commands: nothing lost, nothing doubled, nobody kept waiting."""

import random
import subprocess
import time
from contextlib import suppress

import pytest
from crash import KILL, Copy, index_differs, leftovers, needs_strace, outcome, sample, start, strike, trace
from news import ANYWHERE, live, rss, source, stories
from program import CONFIG, SOAK, Program
from web import Web, silence

SOURCES, EACH = 6, 4


@pytest.fixture(scope="module")
def web():
    """Serve some feeds, each on a host of its own, one with an archive."""
    site = {f"/{n}.xml": rss(stories(*range(n * 100, n * 100 + EACH))) for n in range(SOURCES)}
    with Web(address="0.0.0.0") as web:
        older = web.url("/old.xml", "127.0.2.1")
        site["/0.xml"] = rss(stories(*range(EACH)), head=f"<atom:link rel='prev-archive' href='{older}'/>")
        site["/old.xml"] = rss(stories(*range(50, 50 + EACH)))
        web.pages = dict.fromkeys(site, live(site))
        yield web


@pytest.fixture(scope="module")
def state(web, tmp_path_factory):
    """Give a program that is about to update, and what that comes to undisturbed."""
    home = tmp_path_factory.mktemp("killed")
    told = [source(f"s{n}", web.url(f"/{n}.xml", f"127.0.1.{n + 1}"), private=ANYWHERE) for n in range(SOURCES)]
    program = Program(home / "fresh", "".join(told))
    undisturbed = Copy(program, home / "undisturbed")
    assert undisturbed("update", "--backfill").status == 0
    return program, outcome(undisturbed)


def faults(program, wanted):
    """Complete a killed update and say what is wrong then."""
    found = []
    if (program.archive / "format.json").exists():
        ran = program("verify")
        found += [] if ran.status == 0 else [f"verify: {ran}"]
    for again in (["update"], ["update", "s0", "--backfill"]):  # what is remembered is not asked for: it must be there
        ran = program(*again)
        found += [] if ran.status == 0 else [f"{again}: {ran}"]
    found += [] if outcome(program) == wanted else ["not what an undisturbed update comes to"]
    found += [differs] if (differs := index_differs(program)) else []
    return found + leftovers(program)


@needs_strace
def test_killed_before_a_change(state, tmp_path):
    """Killed before a call that changes a file, what was remembered is there, and the next update completes it."""
    program, wanted = state
    _, calls = trace(Copy(program, tmp_path / "traced"), "update", "--backfill")
    points = sample(calls)
    found = []
    for number, call in enumerate(points if SOAK else random.Random(7).sample(points, 2)):
        copy = Copy(program, tmp_path / str(number))
        ran, _ = strike(copy, call, KILL, "update", "--backfill")
        assert ran.status == -9, f"{call} was not met"
        found += [f"before {call.name} {call.paths}: {fault}" for fault in faults(copy, wanted)]
    assert found == []


def test_killed_at_any_moment(state, tmp_path):
    """Killed at a random moment, nothing is lost or doubled either."""
    program, wanted = state
    luck, found = random.Random(5), []
    began = time.monotonic()
    Copy(program, tmp_path / "timed")("update", "--backfill")
    longest_s = time.monotonic() - began
    for number in range(200 if SOAK else 2):
        copy, after_s = Copy(program, tmp_path / str(number)), luck.uniform(0.4, 1) * longest_s
        child = start(copy, "update", "--backfill")
        with suppress(subprocess.TimeoutExpired):
            child.wait(after_s)
        child.kill()
        child.communicate()
        found += [f"after {after_s:.3f} s: {fault}" for fault in faults(copy, wanted)]
    assert found == []


def test_two_at_once(state, tmp_path):
    """Two updates beside each other store each article once."""
    program, wanted = state
    copy = Copy(program, tmp_path / "both")
    copy("sources")
    children = [start(copy, "update", "--backfill") for _ in range(2)]
    for child in children:
        assert child.communicate(timeout=60)[1] == ""
    assert faults(copy, wanted) == []


def test_nobody_waits_for_the_web(tmp_path):
    """While a source does not answer, other commands write to the archive."""
    with Web({"/silent": silence}) as web:
        program = Program(tmp_path / "home", CONFIG + source("silent", web.url("/silent"), 'timeout = "15 s"\n'))
        program.write("a.txt")
        child = start(program, "update")
        while not web.asked and child.poll() is None:
            time.sleep(0.01)
        assert program("import").out == "1 article, 1 new\n"
        assert child.poll() is None
        child.kill()
        child.communicate()
