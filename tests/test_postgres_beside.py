"""Several writers at once, with the index in PostgreSQL: each article once, whoever comes when, whoever is killed."""

import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier, Event

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_building import BASE, START, article, edited
from test_postgres import There, kept
from test_reindex import told

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.errors import Crossed
from feedarchiver.gather.kinds import PageRead
from feedarchiver.gather.web.exchange import Answer
from feedarchiver.gather.web.politeness import Bounds
from feedarchiver.model import Article, Outcome, Received
from feedarchiver.updating.events import Paged, Polled
from feedarchiver.updating.source import WebSource, remembered
from feedarchiver.updating.storing import Storing
from feedarchiver.updating.unread import Unread
from feedarchiver.updating.waiting import Most
from feedarchiver.updating.wanting import Illustrated, look


@pytest.fixture
def there(tmp_path, cluster):
    return There(tmp_path / "there", cluster.database())


@pytest.fixture(scope="module")
def database(cluster):
    return cluster.database()


def received(one, source="s", raw=None):
    return Received(article=one, raw=raw or repr((one, source)).encode(), source=source, url=None)


def batch(archive, instant, articles, pause=lambda: None, begun=None):
    """Add articles in one batch, again as long as somebody is in the way."""
    while True:
        try:
            with archive.writing_beside(instant) as writer:
                if begun:
                    begun, waiting = None, begun
                    waiting()
                writer.expect(articles)
                outcomes = []
                for one in articles:
                    outcomes.append(writer.add(one, polled=True))
                    pause()
        except Crossed:
            continue
        return outcomes


def faults(archive):
    return [checked.fault for checked in archive.verify() if checked.fault]


batches = st.lists(st.lists(told, min_size=1, max_size=4), min_size=2, max_size=6)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=batches, seed=st.integers(0, 99))
def test_reindex_equals_what_several_added(tmp_path_factory, database, said, seed):
    """Links and guids that name one entry or two, at one instant, from all sides: reindexing changes nothing."""
    folder = tmp_path_factory.mktemp("archive")
    address = IndexAddress(database, folder)
    chance = random.Random(seed)
    Archive.create(folder / "archive", address, now=START).close()

    def work(mine):
        with Archive.open(folder / "archive", address) as archive:
            for number, articles in mine:
                instant = START + timedelta(days=number % 2)
                batch(archive, instant, [received(one, source) for one, source in articles], pause=barriers[number])

    barriers = {number: meeting(2, chance.random() / 100) for number in range(len(said))}
    shares = [[*enumerate(said)][::2], [*enumerate(said)][1::2]]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, shares))
    with Archive.open(folder / "archive", address) as archive:
        grown = kept(archive, folder / "grown")
        assert faults(archive) == []
        archive.reindex()
        assert kept(archive, folder / "anew") == grown


def meeting(parties, at_most_s):
    """Give what lets two go on side by side, now and then, without one waiting for the other for ever."""
    never = Event()
    return lambda: never.wait(at_most_s)


def test_side_by_side(there):
    """Batches of several writers are under way at the same time, and none waits for another's end."""
    there.add(article(0))
    both = Barrier(2, timeout=30)

    def work(numbers):
        with there.archive() as archive:
            return batch(
                archive, START + timedelta(days=5), [received(article(number)) for number in numbers], both.wait
            )

    with ThreadPoolExecutor(2) as pool:
        outcomes = [*pool.map(work, (range(1, 4), range(4, 7)))]
    assert outcomes == [[Outcome.NEW] * 3] * 2
    with there.archive() as archive:
        assert archive.index.counts()["entries"] == 7
        assert archive.index.last_captured() == int((START + timedelta(days=5)).timestamp() * 1_000_000)
        assert faults(archive) == []


def test_the_same_article_from_two_sides(there):
    """Whoever brings an article second finds that it is known, though both began before it was there."""
    there.add(article(0))
    began = Barrier(2, timeout=30)

    def work(source):
        with there.archive() as archive:
            return batch(archive, START + timedelta(days=5), [received(article(9, "new"), source)], begun=began.wait)

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted((one for (one,) in pool.map(work, ("s", "t"))), key=lambda one: one.name)
    assert outcomes == [Outcome.NEW, Outcome.NOISE]
    with there.archive() as archive:
        assert archive.index.counts() == {"entries": 2, "captures": 3, "versions": 2}


def test_nothing_before_what_was_published(there):
    """A batch that is late is captured after what feeds have taken, so it is in every feed, and no page changes."""
    there.size = 2
    there.add(*map(article, range(5)))
    there.build()
    late = START - timedelta(days=30)
    with there.archive() as archive:
        before = archive.index.last_captured()
        batch(archive, late, [received(one) for one in (article(5), edited(0, 50))])
        assert archive.index.last_captured() > before
    assert there.build().faults == []
    assert sorted(set(there.titles())) == sorted({*(f"T{number}" for number in range(6)), edited(0, 50).title})
    grown = there.documents()
    with there.archive() as archive:
        archive.reindex()
    there.build()
    assert there.documents() == grown


def test_pictures_wanted(there):
    """Whichever article of an instant comes first: what the later one shows is wanted, too."""
    picture = '<p>text</p><img src="https://example.org/{}.png" width="600" height="400">'
    source = Illustrated("s", ("s",), "all")
    with there.archive() as archive:
        for number in (2, 1):  # the later one was published earlier
            batch(archive, START, [received(article(number)._replace(content=picture.format(number)))])
            look(archive, source, START, lambda: None)
        assert {wanted.url for wanted in archive.index.wanted.every(None, 9)} == {
            "https://example.org/1.png",
            "https://example.org/2.png",
        }


def test_searched(there):
    """What several have added is found, in whatever order they were done."""
    with there.archive() as archive, there.archive() as other:
        batch(archive, START, [received(article(0))])
        with archive.writing_beside(START) as writer:
            writer.add(received(article(1, "slow")))
            batch(other, START, [received(article(2, "quick"))])
            with other.searching() as search:
                assert len(search.find("quick")) == 1
        with other.searching() as search:
            assert len(search.find("slow")) == 1


@pytest.mark.parametrize("guid", ["a\0b", "a\uffffb"])
def test_names_that_postgresql_refuses(there, guid):
    """An article with an odd name is known when it comes again, so nobody is taken for having been quicker."""
    there.add(article(0))
    with there.archive() as archive:
        for day, outcome in ((5, Outcome.NEW), (6, Outcome.VERSION)):
            one = received(article(1, f"text {day}", guid=guid, link=None))
            with archive.writing_beside(START + timedelta(days=day)) as writer:
                writer.expect([one])
                assert writer.add(one, polled=True) is outcome
        assert faults(archive) == []


LOST = """
CREATE SEQUENCE {0}.batches;
CREATE FUNCTION {0}.lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('{0}.batches') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER losing AFTER INSERT ON {0}.captures DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION {0}.lose();
"""


@pytest.mark.parametrize(("then", "outcome"), [(1, Outcome.KNOWN), (2, Outcome.NEW)])
def test_the_connection_is_lost_at_the_end(there, cluster, then, outcome):
    """A writer that cannot commit what has its names takes it in before it goes on, with the same or something else."""
    there.add(article(0))
    database = there.address.partition("@/")[2].partition("?")[0]
    [(space,)] = cluster.run(database, "SELECT space FROM feedarchiver.indexes WHERE is_current")
    cluster.run(database, LOST.format(space))
    with there.archive() as archive:
        with pytest.raises(psycopg.OperationalError):
            batch(archive, START + timedelta(days=5), [received(article(1))])
        assert len([*archive.bucket.names("captures")]) == 2
        assert batch(archive, START + timedelta(days=5), [received(article(then))]) == [outcome]
        assert archive.index.counts()["captures"] == len([*archive.bucket.names("captures")]) == then + 1
        assert faults(archive) == []


def test_pages_beside_a_poll(there):
    """What a poll has noted of a source stays, when pages of its articles are stored beside it."""
    hour = timedelta(hours=1)
    source = WebSource("s", "page", BASE, Bounds(hour, hour, hour), full_text=True)
    page = Paged(source, Unread(received(article(1))), PageRead(received(article(1))))
    polled = Polled(source, Answer(BASE, None, etag='"x"'))
    with there.archive() as archive, there.archive() as other:

        def stored(into, event, told):
            writing = partial(into.writing_beside, START)
            storing = Storing(into, START, random.random, told, Most(), writing=writing)
            storing.put(event)
            storing.flush(())

        stored(archive, page, lambda *_: stored(other, polled, None))
        assert remembered(archive.index, source).standing.etag == '"x"'


KILLED = """
from datetime import UTC, datetime
from pathlib import Path
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.model import Article, Received
folder = Path({folder!r})
with Archive.open(folder / "archive", IndexAddress({address!r}, folder)) as archive:
    with archive.writing_beside(datetime(2024, 6, 1, tzinfo=UTC)) as writer:
        for number in range(1, 5):
            one = Article(title=f"T{{number}}", link=f"https://example.org/killed/{{number}}", content="<p>text</p>")
            writer.add(Received(article=one, raw=one.title.encode(), source="s", url=None), polled=True)
"""


@pytest.mark.parametrize("when", range(1, 13) if "FEEDARCHIVER_SOAK" in os.environ else (1, 9, 11, 12))
def test_killed(there, when):
    """Whichever of its objects a writer has named when it is killed, the next one takes in what it has left, once."""
    if subprocess.run(["sh", "-c", "command -v strace"], capture_output=True, check=False).returncode:
        pytest.skip("strace is not installed")
    there.add(article(0))
    code = KILLED.format(folder=str(there.folder), address=there.address)
    inject = f"inject=rename,renameat,renameat2:signal=SIGKILL:when={when}"
    ran = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", inject, sys.executable, "-c", code],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}, ran.stderr.decode()
    with there.archive() as archive:
        articles = [Article(title=f"T{number}", link=f"https://example.org/killed/{number}") for number in range(1, 5)]
        articles = [one._replace(content="<p>text</p>") for one in articles]
        batch(archive, START + timedelta(days=200), [received(one, raw=one.title.encode()) for one in articles])
        assert archive.index.counts() == {"entries": 5, "captures": 5, "versions": 5}
        grown = kept(archive, there.folder / "grown")
        assert faults(archive) == []
        archive.reindex()
        assert kept(archive, there.folder / "anew") == grown
        assert len([*archive.bucket.names("captures")]) == 5
