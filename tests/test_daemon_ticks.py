"""The daemon's ticks, with work that only counts: clocks that jump, runs that take long, folders that change."""

import asyncio
import os
import threading
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from feedarchiver.daemon import Came, Daemon, Watch


class Counting:
    """Work that notes its runs, and lasts until `go` is set."""

    def __init__(self, folder, came=Came.DONE):
        self.folder, self.came, self.far = folder, came, Came.DONE
        self.runs = self.under_way = self.most = self.announced = 0
        self.go = threading.Event()
        self.go.set()

    def folders(self):
        return [str(self.folder)]

    def run(self, step):
        self.runs += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            while not self.go.wait(0.01):
                step()
            return self.came
        finally:
            self.under_way -= 1

    def ask(self, step):
        return self.far

    def fetch(self, step):
        return Came.DONE

    def announce(self, step):
        self.announced += 1

    def reload(self):
        pass


@asynccontextmanager
async def ticking(work):
    daemon = Daemon(work)
    async with daemon.ticking():
        yield daemon


async def until(is_so, timeout_s=15):
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def test_a_clock_that_is_set_back(tmp_path):
    """When the scheduler waits for a time that is an hour ahead all of a sudden, ticks go on within seconds."""
    work = Counting(tmp_path)

    async def live():
        async with ticking(work) as daemon:
            await until(lambda: work.runs == 1)
            daemon._scheduler.modify_job("tick", next_run_time=datetime.now(UTC) + timedelta(hours=1))
            (tmp_path / "new").touch()
            await until(lambda: work.runs == 2)

    asyncio.run(live())


def test_runs_do_not_overlap(tmp_path):
    """While a run lasts no other begins, whatever changes; what was missed is caught up once."""
    work = Counting(tmp_path)
    work.go.clear()

    async def live():
        async with ticking(work):
            await until(lambda: work.runs == 1)
            os.utime(tmp_path, (1, 1))
            (tmp_path / "new").touch()
            await asyncio.sleep(2.5)  # two ticks that come to nothing
            assert work.runs == 1
            work.go.set()
            await until(lambda: work.runs == 2)

    asyncio.run(live())
    assert work.most == 1


def test_news_from_afar(tmp_path):
    """What comes from the web while a run is under way is published by another one right after it."""
    work = Counting(tmp_path)
    work.go.clear()
    os.utime(tmp_path, (1, 1))

    async def live():
        async with ticking(work) as daemon:
            await until(lambda: work.runs == 1)
            work.far = Came.SOON
            daemon._ask()
            work.far = Came.DONE
            work.go.set()
            await until(lambda: work.runs == 2, timeout_s=4)

    asyncio.run(live())


def test_announcing(tmp_path):
    """What is published is announced within a tick or two, also while a run lasts; what was left over, at the start."""
    work = Counting(tmp_path)
    work.go.clear()

    async def live():
        async with ticking(work) as daemon:
            await until(lambda: work.announced == 1 and work.under_way)
            daemon.published()
            await until(lambda: work.announced == 2, timeout_s=4)

    asyncio.run(live())


def test_the_end_does_not_wait_for_the_work(tmp_path):
    """A run that would last for ever ends with its next step."""
    work = Counting(tmp_path)
    work.go.clear()

    async def live():
        async with ticking(work):
            await until(lambda: work.runs == 1)
            began = time.monotonic()
        assert time.monotonic() - began < 2

    asyncio.run(live())
    assert work.under_way == 0


def test_failure_is_illness(tmp_path):
    """A run that failed is told to whoever asks for health."""
    work = Counting(tmp_path, Came.FAILED)

    async def live():
        async with ticking(work) as daemon:
            await until(daemon.facts)
            assert daemon.ill() == "the last run failed; the log says why"

    asyncio.run(live())


@pytest.mark.parametrize("deed", ["make", "remove", "rename", "gone"])
def test_watching(tmp_path, deed):
    """A name that comes, goes or changes is seen; what stands still is not."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    os.utime(folder, (1, 1))
    watch = Watch()
    watch.look([str(folder)])
    assert not watch.has_changed()
    if deed == "make":
        (folder / "new").touch()
    elif deed == "remove":
        (folder / "old").unlink()
    elif deed == "rename":
        (folder / "old").rename(folder / "new")
    else:
        folder.rename(tmp_path / "away")
    assert watch.has_changed()


def test_a_folder_that_changes_just_now(tmp_path):
    """A folder that changed in the same instant as it was looked at counts as changed: its time may stand still."""
    watch = Watch()
    (tmp_path / "new").touch()
    watch.look([str(tmp_path)])
    assert watch.has_changed()
