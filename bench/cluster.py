"""Workers on PostgreSQL: host jobs a second, what a job costs beside its fetch, and how long a tick takes.

A fetch waits 20 ms and answers 304: what is measured is taking, carrying out, storing and ending jobs, not HTTP.
PostgreSQL, the workers and the tick share the cores; fsync is off.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedarchiver.archive.archive import Archive
    from feedarchiver.working.queue import Queue

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))
FETCH_S, WORKERS, CONCURRENCY = 0.02, 2, 50


def sources(count: int) -> list:
    from feedarchiver.gather.web.politeness import Bounds
    from feedarchiver.updating import WebSource

    bounds = Bounds(timedelta(hours=1), timedelta(hours=1), timedelta(days=1))
    return [WebSource(f"s{n}", "feed", f"http://host{n}.example/feed", bounds) for n in range(count)]


def main(count: int = 3_000) -> None:
    from postgres import Cluster

    from feedarchiver.archive.archive import Archive
    from feedarchiver.archive.database import IndexAddress
    from feedarchiver.working.queue import Queue
    from feedarchiver.working.tick import Tick

    cluster = Cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="feedarchiver-bench-") as name:
            at = IndexAddress(cluster.database(), Path(name))
            now = datetime.now(UTC).replace(microsecond=0)
            with Archive.create(Path(name, "archive"), at, now=now) as archive:
                _measure_tick(archive, Queue(at, archive.format), now)
                with closing(Queue(at, archive.format)) as queue:
                    queue.session.execute("TRUNCATE procrastinate_jobs CASCADE")
                    assert Tick(sources(count), []).go(archive, queue, now) == count
            _measure_work(name, at.url, count, cluster.process.pid)
    finally:
        cluster.close()


def _measure_tick(archive: "Archive", queue: "Queue", now: datetime) -> None:
    from feedarchiver.working.tick import Tick

    with closing(queue):
        queue.session.execute("SELECT 1")
        tick = Tick(sources(10_000), [])
        for what in ("10,000 due sources made into jobs", "the same, all of them jobs already"):
            began_s, used_s = time.monotonic(), _used_s()
            made = tick.go(archive, queue, now)
            wall_s, cpu_s = time.monotonic() - began_s, _used_s() - used_s
            print(f"{what:40} {made:6} jobs {cpu_s:6.2f} s CPU {wall_s:6.2f} s wall")


def _measure_work(folder: str, url: str, count: int, server: int) -> None:
    before_s = _cpu_s(server)
    arguments = [sys.executable, __file__, folder, url, str(count)]
    workers = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(WORKERS)]
    told = [[float(word) for word in worker.communicate()[0].split()] for worker in workers]
    wall_s = max(ended for _, ended, *_ in told) - min(began for began, *_ in told)
    cpu_s, theirs_s = sum(cpu for *_, cpu, _ in told), _cpu_s(server) - before_s
    if sum(jobs for *_, jobs in told) != count:
        raise RuntimeError(f"not all jobs were done: {told}")
    alone_s = count * FETCH_S / WORKERS / CONCURRENCY
    print(f"{WORKERS} workers, {count} jobs of one fetch of {FETCH_S * 1000:.0f} ms: {count / wall_s:.0f} jobs/s")
    print(f"CPU of a job: worker {cpu_s / count * 1000:.2f} ms, PostgreSQL {theirs_s / count * 1000:.2f} ms")
    print(f"wall clock of a job beside its share of the fetches: {(wall_s - alone_s) / count * 1000:.2f} ms")


def _cpu_s(server: int) -> float:
    """Add up what PostgreSQL's processes have used, those that ended included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:  # it has just ended
            continue
        if stat.parent.name == str(server):
            ticks += sum(map(int, fields[11:15]))
        elif fields[1] == str(server):
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _work(folder: str, url: str, count: int) -> None:
    """Be a worker, whose fetches only wait."""
    from feedarchiver.archive.archive import Archive
    from feedarchiver.archive.database import IndexAddress
    from feedarchiver.gather.web.client import Client, Journey
    from feedarchiver.gather.web.exchange import Answer
    from feedarchiver.working import tasks
    from feedarchiver.working.worker import Orders, work

    class Waiting(Client):
        """Takes its turn, waits, and answers that nothing has changed."""

        def _hop(self, journey: Journey, _errand: object) -> Answer:
            time.sleep(FETCH_S)
            return Answer(journey.url, None, etag='"1"')

    tasks.Client = Waiting
    at, done, began = IndexAddress(url, Path(folder)), [], []
    orders = Orders(
        engine=at,
        archive=lambda: Archive.open(Path(folder, "archive"), at),
        sources={source.id: source for source in sources(count)},
        illustrated={},
        contact=None,
        concurrency=CONCURRENCY,
        until_idle=True,
        clock=lambda: datetime.now(UTC),
        chance=random.random,
        told=lambda *_: None,
        done=lambda updated, _: done.append(updated.asked),
        began=lambda _: began.append((time.time(), _used_s())),
        waits=lambda error: print(error, file=sys.stderr),
        failed=lambda job, error, _: print(job, repr(error), file=sys.stderr),
    )
    work(orders)
    ((at_s, used_s),) = began
    print(at_s, time.time(), _used_s() - used_s, sum(done))


def _used_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    _work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
