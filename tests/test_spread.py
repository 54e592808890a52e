"""Work that is spread over processes comes to what one process makes of it, and leaves none behind."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing import active_children

import pytest
from crash import rows
from many import fill
from program import PROJECT
from tasks import Large, killed, missing, squared

from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.reindex import rebuild
from feedarchiver.archive.spread import Crew, spread
from feedarchiver.archive.verify import Verifier
from feedarchiver.errors import ArchiveError, MissingObject

MANY = 1_100  # more than one batch for each of two processes
_PATIENCE_S = 30
TASK = """
import fcntl, sys
from contextlib import closing
from itertools import count
from feedarchiver.archive.spread import Crew, spread

held = []

def task(number):
    if not held:
        held.append(open(sys.argv[1]))
        fcntl.flock(held[0], fcntl.LOCK_SH)
    return number

if __name__ == "__main__":
    with closing(Crew(task, 1)) as crew:
        for number in {"spread": spread(task, count(), 100), "crew": map(crew.do, count())}[sys.argv[2]]:
            if number % 1000 == 0:
                print(number, flush=True)
"""


@pytest.fixture(autouse=True)
def cores():
    """Have two cores."""
    if os.cpu_count() == 1:
        pytest.skip("this machine has one core")


def test_results_are_in_order():
    """What comes of each item comes in the order of the items, from several other processes."""
    found = list(spread(squared, iter(range(MANY)), 500))
    assert [square for square, _ in found] == [number * number for number in range(MANY)]
    assert len({process for _, process in found} - {os.getpid()}) > 1
    assert not active_children()


def test_little_to_do_and_one_core():
    """What is little is done by this process, and so is everything where there is one core."""
    here = {os.getpid()}
    assert {process for _, process in spread(squared, range(MANY), MANY + 1)} == here
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert {process for _, process in spread(squared, range(MANY), 10)} == here
    finally:
        os.sched_setaffinity(0, allowed)


def test_what_goes_wrong():
    """What the task raises is raised where the results are; a process that was killed is one line."""
    found = []
    with pytest.raises(MissingObject, match="f" * 64):
        found.extend(spread(missing, range(MANY), 10))
    with pytest.raises(ArchiveError, match="reading objects, was ended by signal 9; nothing was changed; try again"):
        list(spread(killed, range(MANY), 10))
    assert not active_children()


def test_a_crew():
    """A crew does what several threads bring, in as many processes as it has, which nobody else ends."""
    with closing(Crew(squared, 2)) as crew, ThreadPoolExecutor(4) as threads:
        found = [*threads.map(crew.do, range(50))]
        assert [square for square, _ in found] == [number * number for number in range(50)]
        processes = {process for _, process in found}
        assert len(processes - {os.getpid()}) == len(processes) <= 2
        for process in processes:
            os.kill(process, signal.SIGTERM)  # which a service manager sends to all: it is for the first one to decide
        assert crew.do(3)[1] in processes
    assert not active_children()


def test_a_crew_that_fails():
    """What the task raises is raised to who brought it, and the process goes on; one that ends is one line."""
    with closing(Crew(missing, 1)) as crew:
        with pytest.raises(MissingObject, match="f" * 64):
            crew.do(700)
        assert crew.do(1) == 1
    with closing(Crew(killed, 1)) as crew:
        with pytest.raises(
            ArchiveError, match="reading objects, was ended by signal 9; nothing was changed; try again"
        ):
            crew.do(700)
        assert crew.do(1) == 1


def test_nobody_wants_more():
    """Who stops half-way leaves no process behind."""
    results = spread(squared, range(10**9), 10)
    assert next(results)[0] == 0
    assert len(active_children()) > 1
    results.close()
    assert not active_children()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("how", ["spread", "crew"])
def test_the_others_end_with_it(tmp_path, how, ending):
    """A process that is killed takes the others with it; Ctrl-C, which all of them get, is for the first one alone."""
    (tmp_path / "task.py").write_text(TASK)
    lock = tmp_path / "lock"
    lock.touch()
    process = subprocess.Popen(
        [sys.executable, tmp_path / "task.py", lock, how],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process, lock.open() as file:
        assert process.stdout.readline() == "0\n"
        with pytest.raises(BlockingIOError):  # somebody is at work
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (os.killpg if ending == signal.SIGINT else os.kill)(process.pid, ending)
        assert process.stderr.read().count("Traceback") == (ending == signal.SIGINT)
        process.wait(_PATIENCE_S)
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                assert time.monotonic() < end, "a process is still there"
                time.sleep(0.01)
            else:
                break


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Have a folder with many objects, of which some are damaged, missing or odd."""
    root = tmp_path_factory.mktemp("many")
    fill(root)
    return root


def test_an_index_that_several_processes_read_for(root, tmp_path):
    """An index made anew by several processes has the same rows as one that a single process has made."""
    for bucket in (Large(root), FolderBucket(root)):
        rebuild(bucket, tmp_path / f"{type(bucket).__name__}.db").close()
    one, other = (rows(tmp_path / f"{name}.db") for name in ("Large", "FolderBucket"))
    assert one == other
    assert len(one["captures"]) > 580


def test_what_several_processes_verify(root):
    """Several processes find what a single one finds, in the same order, and name it in the same words."""
    one, other = ([*map(str, Verifier(bucket(root), None).objects())] for bucket in (Large, FolderBucket))
    assert one == other
    assert sum(not line.endswith("is in order") for line in one) >= 10
