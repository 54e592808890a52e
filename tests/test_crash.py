"""Killed before any call that changes a file, the archive verifies, and the next run completes what was left."""

import random
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import pytest
from crash import (
    KILL,
    SOAK,
    Call,
    Copy,
    Outcome,
    forked,
    index_differs,
    leftovers,
    needs_strace,
    outcome,
    sample,
    start,
    strike,
    trace,
)
from program import Program, seed_bytes


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """Give the states that commands are killed in: by name, a program's folder and what an undisturbed run comes to."""
    home = tmp_path_factory.mktemp("states")
    fresh = Program(home / "fresh")
    fresh.write("a.txt", title="One", link="https://example.org/1", body="<p>一</p><script>x()</script>")
    fresh.write("b.txt", title="Two", link="https://example.org/2", stamp="NaN")
    fresh.write("rfi/c.txt", title="Three", link="https://example.org/3", stamp=1600000000000)
    (fresh.seeds / "refused.txt").write_bytes(b"\xff")

    grown = Copy(fresh, home / "grown")
    assert grown("run").status == 3
    (grown.seeds / "a.txt").write_bytes(seed_bytes("One, edited", "https://example.org/1", 1705860902000))
    grown.write("d.txt", title="Four", link="https://example.org/4", stamp=1500000000000)
    grown.write("rfi/a.txt", title="Three", link="https://example.org/3", stamp=1600000000000)
    for path in grown.archive.glob("index.db*"):
        path.unlink()

    known = Copy(grown, home / "known")
    _, calls = trace(known, "import")
    last = next(call for call in reversed(calls) if call.name == "unlink" and call.paths[0].endswith("/pending"))
    shutil.rmtree(known.folder)
    known = Copy(grown, home / "known")
    after = next(call for call in calls[calls.index(last) + 1 :] if call.done)
    strike(known, after, KILL, "import")
    assert (known.archive / "index.db-wal").stat().st_size, "what the index knows lies in its log only"
    return {program.folder.name: (program, undisturbed(program)) for program in (fresh, grown, known)}


def undisturbed(program: Program) -> Outcome:
    """Tell what a run comes to that nothing disturbs."""
    run = Copy(program, program.folder.with_name(f"{program.folder.name}-undisturbed"))
    assert run("run").status == 3
    return outcome(run)


def faults(program: Program, wanted: Outcome) -> list[str]:
    """Say what is wrong after a crash, and after the run that follows."""
    found = []
    if program.archive.joinpath("format.json").exists():
        verified = forked(program, "verify")
        found += [f"verify: {verified.out}{verified.err}"] if verified.status else []
    ran = forked(program, "run")
    if ran.status != 3 or len(ran.err.splitlines()) != 1:
        return [*found, f"run: {ran}"]
    verified = forked(program, "verify")
    found += [f"verify after run: {verified.out}{verified.err}"] if verified.status else []
    got = outcome(program)
    found += [f"{what}: {a} instead of {b}" for what, a, b in zip(got._fields, got, wanted, strict=True) if a != b]
    found += [f"index: {differs}"] if (differs := index_differs(program)) else []
    found += [f"left over: {path}" for path in leftovers(program)]
    return found


def killed(of: Program, wanted: Outcome, folder: Path, call: Call, command: str) -> list[str]:
    """Kill a command in a copy of a program's folder before `call`, and say what is wrong then."""
    program = Copy(of, folder)
    ran, _ = strike(program, call, KILL, command)
    assert ran.status == -9, f"{call} was not met: {ran}"
    found = faults(program, wanted)
    shutil.rmtree(folder)
    return [f"killed before {call.name} {call.paths}: {fault}" for fault in found]


@needs_strace
@pytest.mark.parametrize(
    ("state", "command", "every"),  # so many calls are passed over; 0: all, in `make soak`
    [
        ("fresh", "run", 40),
        ("grown", "run", 40),
        ("known", "reindex", 40),
        ("grown", "import", 0),
        ("grown", "build", 0),
    ],
)
def test_killed_before_any_change(states, tmp_path, state, command, every):
    """Whichever call is the last, nothing is lost or torn, and the next run comes to what an undisturbed one does."""
    if not (every or SOAK):
        pytest.skip("`make soak` does this; `run` makes the same calls")
    template, wanted = states[state]
    _, calls = trace(Copy(template, tmp_path / "traced"), command)
    points = sample(calls, 1 if SOAK else every)
    assert (
        in_pool(killed, [(template, wanted, tmp_path / str(n), call, command) for n, call in enumerate(points)]) == []
    )


@pytest.mark.parametrize("state", ["fresh", "grown", "known"])
def test_killed_at_any_moment(states, tmp_path, state):
    """Killed at a random moment, nothing is lost or torn either."""
    template, wanted = states[state]
    luck = random.Random(state)
    began = time.monotonic()
    undisturbed(Copy(template, tmp_path / "timed"))
    longest_s = time.monotonic() - began
    kills = [
        (template, wanted, tmp_path / str(number), luck.uniform(0, longest_s)) for number in range(170 if SOAK else 4)
    ]
    assert in_pool(killed_at, kills) == []


def killed_at(of: Program, wanted: Outcome, folder: Path, after_s: float) -> list[str]:
    """Kill a run in a copy of a program's folder some time after its start, and say what is wrong then."""
    program = Copy(of, folder)
    child = start(program, "run")
    with suppress(subprocess.TimeoutExpired):
        child.wait(after_s)
    child.kill()
    child.communicate()
    found = faults(program, wanted)
    shutil.rmtree(folder)
    return [f"killed after {after_s:.3f} s: {fault}" for fault in found]


def in_pool(work: Callable[..., list[str]], tasks: list[tuple]) -> list[str]:
    """Do the tasks, two at a time, and gather what they find."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        return [fault for done in [pool.submit(work, *task) for task in tasks] for fault in done.result()]
