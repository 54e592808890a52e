"""Work shared by several processes: the same as one would do, each thing once, no host asked twice at a time."""

import os
import random
import signal
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import images
import pytest
from farm import OBJECTS, Farm, Hosts, feeds, objects, silence, titles
from living import living, within
from news import ANYWHERE, Story, rss, source
from program import CONFIG, Program
from s3 import ENVIRONMENT, Server
from web import Web, answer, redirect

from feedarchiver import updating
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.commands import asking
from feedarchiver.config import load
from feedarchiver.working.hosts import Hosts as Turns
from feedarchiver.working.patience import Ended, Patience
from feedarchiver.working.queue import Batch, Kind, Place, opened

SOAK = os.environ.get("FEEDARCHIVER_SOAK")
PAGE = "<html><head><title>{0}</title></head><body><article><h1>{0}</h1><p>{1}</p></article></body></html>"


@pytest.fixture
def now():
    """Tell the time, as the workers of this test have it: what is asked minutes later was asked by a wrong clock."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def web():
    """Serve on all loopback addresses."""
    with Web(address="0.0.0.0") as web:
        yield web


def listing(web, hosts, at, elsewhere):
    """Serve a page that lists articles, on its own host and on another one."""
    urls = [web.url("/a/1", at), web.url("/a/2", at), web.url("/a/3", elsewhere), web.url("/a/4", elsewhere)]
    links = "".join(f'<li><a href="{url}">Article number {n}</a></li>' for n, url in enumerate(urls))
    for n in range(1, 5):
        page = PAGE.format(f"Article number {n}", f"What happened, at length, part {n}. " * 30)
        web.pages[f"/a/{n}"] = hosts.page(answer(200, page.encode(), content_type="text/html"))
    web.pages["/list"] = hosts.page(answer(200, f"<ul>{links}</ul>".encode(), content_type="text/html"))
    return (
        f'[[source]]\nid = "list"\nkind = "page"\nurl = "{web.url("/list", at)}"\nallow_private = {ANYWHERE}\n'
        'select = { items = "li", content = "article" }\n'
    )


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_the_same(tmp_path, cluster, web, place, monkeypatch, now):  # noqa: PLR0917 - fixtures
    """What one machine does at an instant, two ticks and some workers do too: the same objects, and the same feeds."""
    hosts, number = Hosts(), 4 if SOAK or place == "bucket" else 2
    told = feeds(web, hosts, 8, 3) + listing(web, hosts, "127.0.9.1", "127.0.9.2")
    local = Program(tmp_path / "local", told)
    config = load(local.folder / "config.toml")
    with Archive.create(config.store, config.index, now=now) as archive:
        updating.update(
            archive, map(asking.web, config.sources), now=now, manner=updating.Manner(), contact=None,
            chance=random.random, advance=str, told=lambda *_: None, gap_s=0,
        )  # fmt: skip
    assert local("build").status == 0
    with ExitStack() as stack:
        store = "[archive]\n"
        if place == "bucket":
            moto = Server("moto", tmp_path / "moto")
            stack.callback(moto.stop)
            for name, value in ENVIRONMENT.items():
                monkeypatch.setenv(name, value)
            store = f'[s3]\nendpoint_url = "{moto.address}"\n[archive]\nstore = "s3://bucket/archive"\n'
        farm = Farm(tmp_path / "farm", cluster.database(), told, store)
        workers = [stack.enter_context(living(farm, "worker")) for _ in range(number)]
        assert farm.settle([farm.tick(), farm.tick()], now) == 2  # the pages on the other host come with the second
        assert [worker.end() for worker in workers] == [0] * number
        assert farm("build").status == 0
        with farm.archive_(now) as archive:
            kept = {f"{kind}/{name[:2]}/{name[2:]}" for kind in OBJECTS for name in archive.bucket.names(kind)}
            assert [checked for checked in archive.verify() if checked.fault] == []
    assert kept == objects(local)
    assert len(titles(local)) == 8 * 3 + 4
    assert farm.documents() == local.documents()
    assert hosts.overlaps == []


def test_a_storm(tmp_path, cluster, web):
    """A worker, a daemon and the database are killed at work: then each article is there once, and in the feeds.

    The daemon that is left tells of jobs and workers.
    """
    count, each = (200, 50) if SOAK else (14, 3)
    hosts = Hosts(0.15)
    farm = Farm(tmp_path / "farm", cluster.database(), feeds(web, hosts, count, each))
    with ExitStack() as stack:
        daemons = [stack.enter_context(living(farm, "daemon", "--port", "0")) for _ in range(2)]
        arguments, number = ("worker", "--concurrency", "10" if SOAK else "2"), 4 if SOAK else 2
        workers = [stack.enter_context(living(farm, *arguments)) for _ in range(number)]
        daemons = [daemon.serving() for daemon in daemons]
        within(120, lambda: sum(hosts.asked.values()) >= count // 4)
        workers[0].process.kill()
        within(120, lambda: sum(hosts.asked.values()) >= count // 2)
        cluster.stop()
        time.sleep(0.5)
        cluster.start()
        leader = next((one for one in daemons if any("publishing" in line for line in _lines(one))), daemons[0])
        leader.process.kill()
        within(30, lambda: hosts.is_quiet)
        silence(cluster, farm.address)
        within(600 if SOAK else 60, lambda: len(titles(farm)) >= count * each)
        other = next(one for one in daemons if one is not leader)
        within(600 if SOAK else 60, lambda: _complete(farm, count, each))
        assert other.counted("feedarchiver_jobs").keys() == {
            f'feedarchiver_jobs{{state="{state}"}}' for state in ("waiting", "under way", "failed")
        }
        assert other.counted("feedarchiver_workers")["feedarchiver_workers"] >= 1
        within(60, lambda: b"<dt>Jobs</dt><dd>0<small>" in other.get("/status").body)  # it is made now and then
        assert other.end() == 0
        assert [worker.end(timeout_s=40) for worker in workers[1:]] == [0] * (len(workers) - 1)
    assert titles(farm) == sorted(f"Story {n}" for n in range(count * each))
    assert hosts.overlaps == []
    assert farm("verify").status == 0
    assert farm("build").status == 0
    built = farm.documents()
    farm("reindex")
    farm("build")
    assert farm.documents() == built


def _lines(process):
    """Read what a process has said so far."""
    while not process._queue.empty():
        process.lines.append(process._queue.get())
    return process.lines


def _complete(farm, count, each):
    feeds = (farm.feeds / f"s{n}" / "rss.xml" for n in range(count))
    return all(feed.exists() and feed.read_text().count("<item>") == each for feed in feeds)


def test_coming_and_going(tmp_path, cluster, web, now):
    """A worker that joins does a part; one that is told to end loses nothing; `status` tells of both."""
    hosts = Hosts(1.0)  # so that there is something left to do when the second worker has started
    farm = Farm(tmp_path / "farm", cluster.database(), feeds(web, hosts, 16, 1))
    with farm.archive_(now) as archive, farm.queue(archive) as queue:
        assert farm.tick().go(archive, queue, now) == 16
        with living(farm, "worker", "--concurrency", "2") as first:
            within(30, lambda: hosts.asked)
            with living(farm, "worker", "--concurrency", "2") as second:
                first_name, second_name = (one.wait_for(r"worker (\S+) has begun")[1] for one in (first, second))
                within(30, lambda: len(queue.seen().workers) == 2)
                seen = farm.told("status")
                assert {worker["name"] for worker in seen["workers"]} == {first_name, second_name}
                assert set(seen["jobs"]) == {"waiting", "under_way", "failed"}
                assert first.end() == 0
                within(30, lambda: not queue.taken())
                assert second.end() == 0
    asked = [sum(int(line.split()[1]) for line in one.lines if " asked," in line) for one in (first, second)]
    assert all(asked)
    assert sum(asked) == 16
    assert len(titles(farm)) == 16
    assert "jobs       0 waiting, 0 under way, 0 failed\nworkers    none" in farm("status").out


def test_until_idle(tmp_path, cluster, web, now):
    """`--until-idle` ends when nothing is to be done; a redirect to another host waits for its turn there."""
    hosts = Hosts(0.1)
    there = web.url("/picture.png", "127.0.8.8")
    web.pages["/picture.png"] = hosts.page(answer(200, images.png()))
    for n in range(3):
        web.pages[f"/from{n}.xml"] = redirect(web.url("/0.xml", "127.0.1.1"), 302)
    told = feeds(web, hosts, 1, 2, 'images = "all"\n')
    told += "".join(source(f"r{n}", web.url(f"/from{n}.xml", f"127.0.7.{n + 1}"), private=ANYWHERE) for n in range(3))
    farm = Farm(tmp_path / "farm", cluster.database(), told)
    story = Story(1, text=f'<p><img src="{there}">Text.</p>')
    web.pages["/0.xml"] = hosts.page(answer(200, rss([story]), content_type="application/rss+xml"))
    with farm.archive_(now) as archive, farm.queue(archive) as queue:
        assert farm.tick().go(archive, queue, now) == 4
        ran = farm("worker", "--until-idle")
        assert "4 sources asked, 4 articles, 1 new" in ran.out
        assert " has begun\n" in ran.out
        assert farm.tick().go(archive, queue, now + timedelta(seconds=1)) == 1
        assert "1 picture fetched" in farm("worker", "--until-idle").out
    assert hosts.overlaps == []
    assert hosts.asked[f"127.0.8.8:{web.port}"] == 1


def test_wrong_use(tmp_path):
    """Without an engine there is nothing to work on, which is said."""
    program = Program(tmp_path / "home")
    ran = program("worker")
    assert ran.status == 2
    assert ran.err == (
        "feedarchiver: config.toml names no engine for workers: [workers] engine = 'postgresql://…'; nothing was done\n"
    )


def test_the_backlog_is_bounded(tmp_path, cluster, web, now):
    """There are never more jobs than may be, and none twice; jobs of workers that are silent are given to others."""
    farm = Farm(tmp_path / "farm", cluster.database(), feeds(web, Hosts(), 9, 1))
    with farm.archive_(now) as archive, farm.queue(archive) as queue:
        tick = farm.tick(most=5)
        assert [tick.go(archive, queue, now) for _ in range(3)] == [5, 0, 0]
        taken = queue.taken()
        queue.put([Batch(place, ("x",), now) for place in taken])
        assert queue.taken() == taken
        assert queue.seen()[:3] == (5, 0, 0)
        doing = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = ? WHERE id = ?"
        jobs = [id_ for (id_,) in queue.session.execute("SELECT id FROM procrastinate_jobs ORDER BY id").fetchall()]
        new = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - CAST(? AS interval)) RETURNING id"
        for job, silent in zip(jobs, ("1 s", "80 s", "100 s"), strict=False):
            worker = queue.session.execute(new, (silent,)).fetchone()[0]
            queue.session.execute(doing, (worker, job))
        assert queue.rescue() == 1
        assert queue.seen()[:3] == (3, 2, 0)


def test_tables_are_made_once(tmp_path, cluster):
    """However many come first at the same time, the tables of the jobs are made once, and each finds them."""
    at, sessions = IndexAddress(cluster.database(), tmp_path), []
    threads = [Thread(target=lambda: sessions.append(opened(at))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for session in sessions:
        session.close()
    assert len(sessions) == 8


def test_turns(cluster, tmp_path):
    """A host is one's until its pause is over, and then another's; of one whose connection is lost it is free."""
    at = IndexAddress(cluster.database(), tmp_path)
    patience = Patience(lambda _: None)
    with (
        closing(Turns(lambda: opened(at), 0.3, patience)) as mine,
        closing(Turns(lambda: opened(at), 0, patience)) as other,
    ):
        with mine.turn("a", 0):
            began = time.monotonic()
            waits = []

            def wait():
                with other.turn("a", 0):
                    waits.append(time.monotonic() - began)

            thread = Thread(target=wait)
            thread.start()
            with other.turn("b", 0):
                pass
            assert not waits
        thread.join(10)
        assert waits[0] >= 0.3
        with mine.turn("c", 100):
            mine._session.close()
        with other.turn("c", 0):
            pass
        patience.end()
        with pytest.raises(Ended), mine.turn("c", 0):
            pass


def test_a_turn_that_was_lost(cluster, tmp_path):
    """A turn that went with a connection, and is another's by now, is waited for like any other."""
    at, patience = IndexAddress(cluster.database(), tmp_path), Patience(lambda _: None)
    with (
        closing(Turns(lambda: opened(at), 0.3, patience)) as mine,
        closing(Turns(lambda: opened(at), 0, patience)) as other,
    ):
        with mine.turn("a", 0):
            mine._session.close()
        with other.turn("a", 0):
            with mine.turn("b", 0):  # connects again, while a pause behind "a" is still owed
                pass
            entered = Event()

            def enter():
                with mine.turn("a", 0):
                    entered.set()

            thread = Thread(target=enter)
            thread.start()
            assert not entered.wait(0.6)
        assert entered.wait(10)
        thread.join()


def test_what_is_polled_comes_first(tmp_path, cluster, now):
    """Of one host a poll is done before pages, and those before pictures; each archive has jobs of its own."""
    farms = [Farm(tmp_path / name, cluster.database(), CONFIG) for name in ("one", "other")]
    (tmp_path / "other" / "config.toml").write_text((tmp_path / "one" / "config.toml").read_text())
    with ExitStack() as stack:
        archives = [stack.enter_context(farm.archive_(now)) for farm in farms]
        queues = [stack.enter_context(farm.queue(archive)) for farm, archive in zip(farms, archives, strict=True)]
        for kind in reversed(Kind):
            queues[0].put([Batch(Place(kind, "a"), (), now)])
        queues[1].put([Batch(Place(Kind.POLL, "a"), (), now)])
        session = queues[0].session
        fetch = "SELECT id, task_name::text FROM procrastinate_fetch_job_v2(ARRAY[CAST(? AS varchar)], NULL)"
        done = []
        for _ in Kind:
            number, kind = session.execute(fetch, (queues[0].name,)).fetchone()
            assert session.execute(fetch, (queues[0].name,)).fetchone()[0] is None, "one at a time"
            session.execute("SELECT procrastinate_finish_job_v1(?, 'succeeded', true)", (number,))
            done.append(kind)
        assert done == [kind.value for kind in Kind]
        assert [len(queue.taken()) for queue in queues] == [0, 1]


def test_signals(tmp_path, cluster, web):
    """SIGINT ends a worker as SIGTERM does, also while it waits for a database that is away."""
    farm = Farm(tmp_path / "farm", cluster.database(), feeds(web, Hosts(), 1, 1))
    with living(farm, "worker") as worker:
        worker.wait_for("has begun")
        cluster.stop()
        worker.wait_for("waiting: ")
        status = worker.end(signal.SIGINT, timeout_s=40)
        cluster.start()
    assert status == 0


def test_beside_a_newer_version(tmp_path, cluster, web, now):
    """An index of a newer version stays: a worker gives back what it has begun, and a daemon lets others lead."""
    hosts, address = Hosts(), cluster.database()
    farm = Farm(tmp_path / "farm", address, feeds(web, hosts, 3, 1))
    with farm.archive_(now) as archive, farm.queue(archive) as queue:
        assert archive.index.counts()["entries"] == 0
        with living(farm, "worker", "--concurrency", "1") as worker:
            worker.wait_for("has begun")
            newer = "UPDATE feedarchiver.indexes SET version = version + 1"
            cluster.run(address.partition("@/")[2].partition("?")[0], newer)
            assert farm.tick().go(archive, queue, now) == 3
            worker.wait_for("^feedarchiver: the index .* was made by a newer feedarchiver; update this one")
            assert worker.process.wait(20) == 1
        assert queue.seen()[:3] == (3, 0, 0), "all is left to workers of that version"
        with living(farm, "daemon", "--no-serve") as daemon:
            daemon.wait_for("failed: the index .* was made by a newer feedarchiver")
            within(20, queue.leads)
            assert daemon.end() == 0
    assert sum(hosts.asked.values()) == 1
    assert titles(farm) == []
