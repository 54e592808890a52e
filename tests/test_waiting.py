"""Sources that name more than anybody can read: what waits is bounded, the rest is left out, said, and comes later."""

from datetime import UTC, datetime, timedelta

import pytest
from news import Newsroom, live, rss, stories
from newspaper import Newspaper, Report
from web import LOOPBACK, Web, answer

from feedarchiver.archive.archive import Archive
from feedarchiver.gather.web.politeness import Bounds
from feedarchiver.updating import Manner, WebSource, unread, update
from feedarchiver.updating.job import Job
from feedarchiver.updating.source import Remembered, beyond
from feedarchiver.updating.waiting import Most

HOUR = timedelta(hours=1)
FEW = Most(waiting=6, new=10)


@pytest.fixture
def web():
    with Web(address="0.0.0.0") as web:
        yield web


class World:
    """An archive, and a source that is asked again and again."""

    def __init__(self, archive, url, kind, *, full_text=True):
        self.archive, self.now = archive, datetime.now(UTC)
        how = {"full_text": full_text, "allow_private": LOOPBACK}
        self.source = WebSource("paper", kind, url, Bounds(HOUR, HOUR, HOUR), **how)

    def __call__(self, most=FEW, **manner):
        self.now += 2 * HOUR
        said = Manner(most=most, **manner)
        how = {"contact": None, "chance": lambda: 0.0, "advance": str, "told": lambda *_: None, "gap_s": 0}
        return update(self.archive, [self.source], now=self.now, manner=said, **how)

    @property
    def waiting(self):
        return sorted(one.known.article.link.rpartition("/")[2] for one in unread.pages(self.archive.index, "paper"))

    @property
    def given_up(self):
        return len([*unread.left(self.archive.index, "paper")])

    @property
    def left_out(self):
        return sum(beyond(self.archive.index, "paper").values())


@pytest.fixture
def world(tmp_path, web):
    """Make a world whose source is at an address."""
    with Archive.create(tmp_path / "archive", tmp_path / "archive" / "index.db", now=datetime.now(UTC)) as archive:
        yield lambda path, *how, **more: World(archive, web.url(path, "127.0.0.1"), *how, **more)


@pytest.mark.parametrize("path", ["/sitemap.xml", "/index.xml"])
def test_a_large_sitemap(world, web, path):
    """Of more than may wait the newest wait, and the rest is read when there is room: nothing is lost."""
    paper = Newspaper(web)
    paper.has(*range(1, 21))
    paper.robots = b"User-agent: *\nDisallow: /news/\n"
    at = world(path, "sitemap")
    done = at()
    assert at.waiting == [f"{number}.html" for number in range(15, 21)]
    assert at.left_out == 14
    assert "14 are left out, the oldest, and taken when there is room: at most 6 may wait" in str(done.notices)
    assert done.new == 0
    paper.robots = None
    at.now += 24 * HOUR
    assert sum(at(due_only=False).new for _ in range(6)) == 20
    assert (at.waiting, at.left_out) == ([], 0)
    web.asked.clear()
    assert at().notices == []
    assert web.paths() == [path]


def test_a_sitemap_that_is_another_each_time(world, web):
    """However many pages a source names over however many runs, so many wait, and so many are remembered as failed."""
    paper, at = Newspaper(web, apart=False), None
    for run in range(30):
        paper.reports = {number: Report(number) for number in range(run * 20 + 1, run * 20 + 21)}
        at = at or world("/sitemap.xml", "sitemap")
        assert at(due_only=False).failures
        assert len(at.waiting) <= 6
        assert at.given_up <= 6
        assert at.left_out <= 20
    assert at.given_up == 6


def test_a_large_feed(world, web):
    """Of one source so many articles are new in one run, the newest first; the next ones take the rest."""
    site = {"/feed.xml": rss(stories(*range(1, 26)))}
    web.pages["/feed.xml"] = live(site)
    at = world("/feed.xml", "feed", full_text=False)
    done = at()
    assert (done.new, at.left_out) == (10, 15)
    assert "15 are left out" in str(done.notices)
    assert at.archive.index.entries("paper") == 10
    assert [(at().new, at.left_out) for _ in range(3)] == [(10, 5), (5, 0), (0, 0)]
    assert "if-none-match" not in web.asked[2].header
    assert "if-none-match" in web.asked[3].header


def test_a_large_feed_of_teasers(world, web):
    """A feed forgets: the articles whose pages cannot wait are archived as it tells them."""
    paper = Newspaper(web, apart=False)
    paper.has(*range(1, 16))
    paper.robots = b"User-agent: *\nDisallow: /news/\n"
    at = world("/feed.xml", "feed")
    assert at().new >= 9
    assert len(at.waiting) == 6
    assert at.archive.index.entries("paper") + len(at.waiting) >= 15


def test_memory_is_bounded():
    """Of pages that wait with very much said of each, a run takes the newest that fit into memory."""
    source = WebSource("paper", "feed", "https://news.example/", Bounds(HOUR, HOUR, HOUR), full_text=True)
    job = Job(source, Remembered())
    now = datetime(2025, 11, 22, tzinfo=UTC)

    def wanted():
        for number in range(200):
            one = Report(number)
            known = unread.Received(
                unread.Article(title=one.title, link=f"https://n.example/{number}", published=now - HOUR * number),
                bytes(1_000_000),
                "paper",
                None,
            )
            yield unread.Unread(known)

    job.want(wanted())
    assert len(job.pages) == 19
    assert job.unread == 200
    assert job.pages[-1].known.article.link == "https://n.example/0"


def test_it_is_shown(tmp_path, web):
    """What is left out is told by `sources` and `status`, and no more when it has come."""
    room = Newsroom(tmp_path / "home", web, host="127.0.0.1")
    room.says(*stories(*range(1, 16)))
    with Archive.create(room.archive, room.archive / "index.db", now=datetime.now(UTC)) as archive:
        at = World(archive, web.url("/feed.xml", "127.0.0.1"), "feed", full_text=False)
        at.source = at.source._replace(id="news")
        assert at().new == 10
    assert "articles that are left out until there is room for them: 5" in room("sources").out
    assert "5 articles are left out until there is room for them: it named too many" in room("status").out
    assert room.told("update", "news")["new"] == 5
    assert "left out" not in room("sources").out + room("status").out


def test_addresses_that_nobody_could_ask(world, web):
    """An address of a sitemap that is longer than any server takes is skipped."""
    here = web.url("/", "127.0.0.1")
    urls = "".join(f"<url><loc>{here}{'a' * length}</loc></url>" for length in (9_000, 900))
    web.pages["/map.xml"] = answer(200, f"<urlset>{urls}</urlset>".encode(), content_type="text/xml")
    web.pages["/robots.txt"] = answer(404)
    at = world("/map.xml", "sitemap")
    at()
    assert len(at.waiting) == 1
