"""A feed of health: what goes wrong is told once, and once more when it is over; and how that is judged."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from living import living, within
from lxml import etree
from news import Newsroom, rss, stories
from program import CONFIG, Program
from web import LOOPBACK, Web, answer, redirect

from feedarchiver import updating
from feedarchiver.archive.archive import Archive
from feedarchiver.gather.web.politeness import Bounds
from feedarchiver.model import HEALTH, Article, Received
from feedarchiver.watching import incidents, verified
from feedarchiver.watching.rhythm import silence
from feedarchiver.watching.room import Room, size
from feedarchiver.watching.secrets import masked
from feedarchiver.watching.sources import Watched

ATOM = "{http://www.w3.org/2005/Atom}"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEEDS = '[[feed]]\nid = "all"\n[[feed]]\nid = "health"\nkind = "health"\n'
AWAY = '[[source]]\nid = "away"\nkind = "seeds"\nfolder = "away/"\n'


def entries(program):
    """Every entry of the feed of health, the newest first: title, and text as HTML."""
    root = etree.parse(program.feeds / "health" / "atom.xml").getroot()
    return [(one.findtext(f"{ATOM}title"), one.findtext(f"{ATOM}content")) for one in root.iter(f"{ATOM}entry")]


@pytest.fixture
def program(tmp_path):
    made = Program(tmp_path / "home", CONFIG + AWAY + FEEDS)
    made.write("a.txt", title="An article")
    return made


def test_told_once_and_closed_once(program):
    """An incident is one entry however often it is met, its end another one; in between nothing is written."""
    assert program("run").status == 3
    assert entries(program) == [("away cannot be read", "<p>The folder of source away is not there.</p>")]
    program("run")
    before = program.state()
    program("run")
    assert program.state() == before
    (program.folder / "away").mkdir()
    assert program("run").status == 0
    titles = [title for title, _ in entries(program)]
    assert titles == ["away can be read again", "away cannot be read"]
    program("run")
    before = program.state()
    program("run")
    assert program.state() == before
    assert program.told("status")["incidents"] == []


def test_the_index_is_lost(program):
    """Without the index, what was told is told with the same bytes, and not told again."""
    program("run")
    before = program.documents()
    for path in program.archive.glob("index.db*"):
        path.unlink()
    shutil.rmtree(program.feeds)
    program("run")
    assert program.documents() == before
    assert [one["about"] for one in program.told("status")["incidents"]] == ["away"]
    assert program("verify").status == 0


def test_every_format_and_no_other_feed(program):
    """Each format has it, under one id; articles, their counts, the first page and searching do not."""
    program("run")
    title = "away cannot be read"
    item = etree.parse(program.feeds / "health" / "rss.xml").find("channel/item")
    (told,) = json.loads((program.feeds / "health" / "feed.json").read_bytes())["items"]
    root = etree.parse(program.feeds / "health" / "atom.xml").getroot()
    assert item.findtext("title") == told["title"] == title
    assert item.findtext("guid") == told["id"] == root.findtext(f"{ATOM}entry/{ATOM}id")
    page = (program.feeds / "health" / "index.html").read_text("utf-8")
    assert f'<h3 dir="auto">{title}</h3>' in page
    assert "<p>The folder of source away is not there.</p>" in page
    others = {path: data for path, data in program.documents().items() if not path.startswith("health/")}
    assert not [path for path, data in others.items() if title.encode() in data]
    assert b"<span>1 report</span>" in others["index.html"]
    assert len([path for path in others if path.startswith("articles/")]) == 1
    assert program.told("status")["articles"] == 1


def test_the_daemon_tells(program):
    """The daemon tells what goes wrong by itself, and publishes it at once."""
    with living(program, "daemon", "--port", "0") as daemon:
        daemon.serving()
        daemon.wait_for("1 report of health")
        within(10, lambda: b"away cannot be read" in daemon.get("/health/rss.xml").body)
        assert daemon.end() == 0


def test_nothing_without_such_a_feed(tmp_path):
    """Where no feed of health is named, nothing is archived of what goes wrong."""
    program = Program(tmp_path / "home", CONFIG + AWAY)
    program("run")
    assert not (program.archive / "captures").exists()
    assert program.told("status")["states"]["failing"] == 1


def test_damage_and_repair(program):
    """What `verify` finds is told after the next run, and that it is mended after the next whole verification."""
    program("run")
    (damaged,) = [path for path in (program.archive / "raw").glob("*/*") if b"An article" in path.read_bytes()]
    good = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(bytes(len(good)))
    assert program("verify").status == 1
    program("run")
    title, text = entries(program)[0]
    assert title == "The archive is damaged"
    assert "found 1 fault" in text
    assert damaged.name in text
    damaged.write_bytes(good)
    assert program("verify", "--quick").status == 0  # proves nothing of the bytes
    program("run")
    assert entries(program)[0][0] == "The archive is damaged"
    assert program("verify").status == 0
    program("run")
    assert entries(program)[0][0] == "The archive is whole again"


def test_a_gap(tmp_path):
    """A gap is told; its source keeps being told for it for a week."""
    with Web() as web:
        room = Newsroom(tmp_path / "home", web, FEEDS)
        room.says(*stories(1, 2))
        room("run")
        room.says(*stories(11, 12))
        room("update", "news")
        room("run")
        assert [title for title, _ in entries(room)] == ["Articles of news may be missing"]
        told = room.told("status")
        assert told["states"]["gap"] == 1
        assert told["incidents"] == []
        before = room.state()
        room("run")
        assert room.state() == before


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (
            'sources = ["seeds"]\n',
            "feed 3: sources: a feed of kind 'health' has no articles to choose from; leave it out",
        ),
        ('search = "a"\n', "feed 3: search: a feed of kind 'health' has no articles to choose from; leave it out"),
    ],
)
def test_rules_for_articles(program, more, problem):
    """A feed of health has no articles to choose from."""
    config = program.folder / "config.toml"
    config.write_text(config.read_text() + '[[feed]]\nid = "b"\nkind = "health"\n' + more)
    assert program("run").err == f"feedarchiver: config.toml: {problem}\n"


class World:
    """An archive, and a source on a web that is told what to say and when."""

    def __init__(self, folder, web):
        self.folder = folder / "archive"
        self.archive = Archive.create(self.folder, self.folder / "index.db", now=START)
        self.web, self.titles = web, set()
        url = web.url("/feed.xml?token=secret")
        self.source = updating.WebSource("news", "feed", url, Bounds(HOUR, HOUR, HOUR), allow_private=LOOPBACK)
        self.rooms = []

    def ask(self, now, said):
        self.web.pages["/feed.xml?token=secret"] = said
        how = {"manner": updating.Manner(due_only=False), "contact": None, "chance": lambda: 0.5, "gap_s": 0.0}
        updating.update(self.archive, [self.source], now=now, advance=str, told=lambda *_: None, **how)
        self.archive.close()

    def told(self, now, *sources):
        """Judge, and return the titles that this adds."""
        incidents.tell(self.archive, sources or [Watched("news", "The News", self.source)], self.rooms, now)
        self.archive.close()
        lines = [self.archive.index.find([f"{HEALTH}\n{guid}"]) for guid in self.archive.index.census.guids(HEALTH)]
        titles = {self.archive.article(self.archive.index.shown([entry])[0].article).title for entry in lines}
        new, self.titles = titles - self.titles, titles
        return new


@pytest.fixture
def world(tmp_path):
    with Web() as web:
        made = World(tmp_path, web)
        yield made
        made.archive.close()


def test_a_source_that_fails(world):
    """A bad hour is no incident; six hours of failures are one, without the key in the address; an answer ends it."""
    world.ask(START, rss_answer(1))
    world.web.pages["/elsewhere?key=secret"] = answer(500)
    for hours in (1, 2, 3):
        world.ask(START + hours * HOUR, redirect("/elsewhere?key=secret", 302))
        assert world.told(START + hours * HOUR) == set()
    assert world.told(START + 8 * HOUR) == {"The News has not answered since 2026-01-05 13:00 UTC"}
    world.ask(START + 9 * HOUR, answer(500))
    assert world.told(START + 9 * HOUR) == set()
    world.ask(START + 10 * HOUR, rss_answer(1))
    assert world.told(START + 10 * HOUR) == {"The News answers again"}
    told = [path.read_bytes() for path in world.folder.glob("articles/*/*")]
    assert len([data for data in told if b"redirected to http://127.0.0.1" in data]) == 1
    assert not [data for data in told if b"secret" in data]


def test_a_source_that_is_gone(world):
    """410 is told at once; a source that is not configured any more is no trouble any more."""
    world.ask(START, answer(410))
    assert world.told(START, Watched("news", "<The> News &amp;", world.source)) == {
        "&lt;The&gt; News &amp;amp; is gone"
    }
    assert world.told(START + DAY, Watched("other", "Other")) == {"news is not watched any more"}


def test_what_is_not_known_ends_nothing(world):
    """A source that has not been asked since the index was lost neither fails again nor answers again."""
    world.ask(START, answer(410))
    world.told(START)
    world.archive.reindex()
    assert world.told(START + DAY) == set()
    assert [one.subject for one in incidents.under_way(world.archive.index)] == ["news"]


def test_a_source_that_is_silent(world):
    """Silence is unusual after more than twice the longest pause, if the source was listened to; news ends it."""
    for number in range(10):
        world.ask(START + number * DAY, rss_answer(*range(1, number + 2)))
    assert world.told(START + 9 * DAY) == set()
    for days in (10, 12):
        world.ask(START + days * DAY, rss_answer(*range(1, 11)))
        assert world.told(START + days * DAY) == set()
    assert world.told(START + 20 * DAY) == set()  # nobody has asked it since
    world.ask(START + 20 * DAY, rss_answer(*range(1, 11)))
    assert world.told(START + 20 * DAY) == {"The News is silent longer than usual"}
    world.ask(START + 21 * DAY, rss_answer(*range(1, 12)))
    assert world.told(START + 21 * DAY) == {"The News has something new again"}


def test_a_disk_that_fills(world):
    """Little room is told, more room ends that, and what lies between changes nothing."""
    low, between, ample = (Room("archive", free, 10**12, 0, 0) for free in (9 * 10**8, 15 * 10**8, 3 * 10**9))
    told = []
    for hours, room in enumerate((between, low, low, between, ample, between)):
        world.rooms = [room]
        told.append(world.told(START + hours * HOUR))
    nearly, again = {"The disk of archive is nearly full"}, {"There is room again on the disk of archive"}
    assert told == [set(), nearly, set(), set(), again, set()]
    assert Room("archive", 10**12, 2 * 10**12, 10, 10**7).is_low  # no names for files are left


def test_incidents_of_an_archive_that_is_taken_in(world, tmp_path):
    """What another archive told of itself does not stay open here."""
    world.ask(START, answer(410))
    world.told(START)
    with Archive.create(tmp_path / "b", tmp_path / "b" / "index.db", now=START) as other:
        with other.writing(START) as writer:
            for guid in ("opened 1 failing old", "opened", "closed x y z", f"opened {'9' * 40} room a", "told"):
                article = Article(title="Old is gone", guid=guid, content="<p>x</p>")
                writer.add(Received(article=article, raw=guid.encode(), source=HEALTH, url=None))
        assert incidents.tell(other, [], [], START + DAY) == 1
        assert incidents.under_way(other.index) == []


def rss_answer(*numbers):
    return answer(200, rss(stories(*numbers)), content_type="application/rss+xml")


@given(st.lists(st.integers(0, 400), min_size=7, max_size=30, unique=True), st.integers(0, 900))
def test_silence_is_measured(found, later):
    """Of any rhythm, the pauses that were are never unusual, and three times the longest and two days always are."""
    found.sort(reverse=True)
    usual = max(one - other for one, other in pairwise(found))
    seen = silence(found, found[0] + later)
    assert seen.is_unusual == (later > 2 * usual + 1)
    assert silence(found[:6], found[0] + later) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://example.org/a?key=1: HTTP 500", "https://example.org/…: HTTP 500"),
        ("moved to http://u:p@example.org:81/x/y.", "moved to http://example.org:81/…."),
        ("http://example.org/: no", "http://example.org: no"),
        ('<a href="https://a.example/secret">', '<a href="https://a.example/…">'),
        ("http://example.org/feed'key=secret: no", "http://example.org/…: no"),
        ("http://u:p@ss@example.org/", "http://example.org"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_addresses_are_masked(text, shown):
    """Of an address only scheme and host are told."""
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (74 * 10**9, "74.0 GB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes(number, text):
    """Sizes are written for people."""
    assert size(number) == text


def test_a_note_that_cannot_be_taken(program):
    """Where nothing can be written, a verification tells what it found, and leaves no note."""
    program("run")
    with Archive.open(program.archive, program.archive / "index.db", wait_s=0.1) as archive, archive.writing(START):
        assert program("verify").status == 0
    with Archive.open(program.archive, program.archive / "index.db") as archive:
        assert verified.read(archive.index) is None
