"""Killed before any call that changes a file, the archive verifies, and the next run completes what was left."""

import random
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import pytest
from crash import (
    KILL,
    Call,
    Copy,
    Outcome,
    index_differs,
    leftovers,
    needs_strace,
    outcome,
    sample,
    start,
    strike,
    trace,
)
from program import SOAK, Program, Ran, seed_bytes


class State(NamedTuple):
    """What a command is killed in, the command that completes its work, and what that comes to undisturbed."""

    program: Program
    again: tuple[str, ...]
    ended: Ran
    wanted: Outcome

    @classmethod
    def of(cls, program: Program, *again: str) -> Self:
        """Let a command come undisturbed to its end, in a copy."""
        copy = Copy(program, program.folder.with_name(f"{program.folder.name}-undisturbed"))
        return cls(program, again, copy(*again), outcome(copy))


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """Give the states that commands are killed in, by name."""
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

    copied = Copy(grown, home / "copied")
    assert copied("import").status == 3
    assert copied("export", "copy.tar").status == 0
    shutil.rmtree(copied.archive)
    merged = Copy(copied, home / "merged")
    assert merged("import", merged.write("other/e.txt", title="Five", link="https://example.org/5")).status == 0

    again = {"copied": ("import-archive", "copy.tar"), "merged": ("import-archive", "copy.tar")}
    programs = (fresh, grown, logged(grown, home / "logged"), copied, merged)
    return {
        name: State.of(program, *again.get(name, ("run",))) for program in programs if (name := program.folder.name)
    }


def logged(of: Program, folder: Path) -> Program:
    """Kill an import when it is done but for SQLite's own tidying: the newest of the index lies in its log only."""
    _, calls = trace(Copy(of, folder), "import")
    shutil.rmtree(folder)
    last = next(call for call in reversed(calls) if call.name == "unlink" and call.paths[0].endswith("/pending"))
    program = Copy(of, folder)
    strike(program, next(call for call in calls[calls.index(last) + 1 :] if call.done), KILL, "import")
    assert (program.archive / "index.db-wal").stat().st_size
    return program


def faults(program: Program, state: State) -> list[str]:
    """Say what is wrong after a crash, and after the command that completes the work."""
    found = []
    if program.archive.joinpath("format.json").exists():
        verified = program.warm("verify")
        found += [f"verify: {verified.out}{verified.err}"] if verified.status else []
    if program.archive.joinpath("pending").exists():
        time.sleep(1 - time.time() % 1)  # a capture of the same second would be the same capture: nothing to see
    ran = program.warm(*state.again)
    if (ran.status, ran.err) != (state.ended.status, state.ended.err):
        return [*found, f"{' '.join(state.again)}: {ran}"]
    verified = program.warm("verify")
    found += [f"verify at the end: {verified.out}{verified.err}"] if verified.status else []
    got, wanted = outcome(program), state.wanted
    found += [f"{what}: {a} instead of {b}" for what, a, b in zip(got._fields, got, wanted, strict=True) if a != b]
    found += [f"index: {differs}"] if (differs := index_differs(program)) else []
    found += [f"left over: {path}" for path in leftovers(program)]
    return found


def killed(state: State, folder: Path, call: Call, *command: str) -> list[str]:
    """Kill a command before `call`, in a copy of a program's folder, and say what is wrong then."""
    program = Copy(state.program, folder)
    ran, _ = strike(program, call, KILL, *command)
    assert ran.status == -9, f"{call} was not met: {ran}"
    found = faults(program, state)
    shutil.rmtree(folder)
    return [f"killed before {call.name} {call.paths}: {fault}" for fault in found]


@needs_strace
@pytest.mark.parametrize(
    ("name", "command", "first"),  # every sixth shape of calls from this one on; None: all calls, in `make soak`
    [
        ("fresh", "run", 0),
        ("grown", "run", 1),
        ("logged", "reindex", 2),
        ("grown", "import", None),
        ("grown", "build", None),
        ("copied", "import-archive copy.tar", None),
        ("merged", "import-archive copy.tar", None),
    ],
)
def test_killed_before_any_change(states, tmp_path, name, command, first):
    """Whichever call is the last, nothing is lost or torn, and the next run comes to what an undisturbed one does."""
    if first is None and not SOAK:
        pytest.skip("this is for `make soak`")
    state, words = states[name], command.split()
    _, calls = trace(Copy(state.program, tmp_path / "traced"), *words)
    points = sample(calls) if SOAK else sample(calls, len(calls))[first::6]
    assert in_pool(killed, [(state, tmp_path / str(n), call, *words) for n, call in enumerate(points)]) == []


@pytest.mark.parametrize("name", ["fresh", "grown", "logged"])
def test_killed_at_any_moment(states, tmp_path, name):
    """Killed at a random moment, nothing is lost or torn either."""
    state, luck = states[name], random.Random(name)
    began = time.monotonic()
    Copy(state.program, tmp_path / "timed")(*state.again)
    longest_s = time.monotonic() - began
    moments = [luck.uniform(0, longest_s) for _ in range(170 if SOAK else 3)]
    assert in_pool(killed_at, [(state, tmp_path / str(n), moment) for n, moment in enumerate(moments)]) == []


def killed_at(state: State, folder: Path, after_s: float) -> list[str]:
    """Kill a run some time after its start, in a copy of a program's folder, and say what is wrong then."""
    program = Copy(state.program, folder)
    child = start(program, *state.again)
    with suppress(subprocess.TimeoutExpired):
        child.wait(after_s)
    child.kill()
    child.communicate()
    found = faults(program, state)
    shutil.rmtree(folder)
    return [f"killed after {after_s:.3f} s: {fault}" for fault in found]


def in_pool(work: Callable[..., list[str]], tasks: list[tuple]) -> list[str]:
    """Do the tasks, two at a time, and gather what they find."""
    with ThreadPoolExecutor(2) as pool:
        return [fault for done in [pool.submit(work, *task) for task in tasks] for fault in done.result()]
