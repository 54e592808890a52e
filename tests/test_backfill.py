"""`update --backfill`: the sources' own archives followed back, once, to their end."""

import json
from datetime import UTC, datetime

import pytest
from news import ANYWHERE, Newsroom, live, rss, source, stories
from program import Program
from web import LOOPBACK, Web, answer

from feedarchiver.archive.archive import Archive
from feedarchiver.gather.web.client import Client
from feedarchiver.gather.web.politeness import Bounds, timedelta
from feedarchiver.updating import Manner, WebSource, update
from feedarchiver.updating.asking import Asking

BOUNDS = Bounds(timedelta(hours=1), timedelta(minutes=15), timedelta(days=1))


@pytest.fixture
def web():
    with Web(address="0.0.0.0") as web:
        yield web


@pytest.fixture
def archive(tmp_path):
    with Archive.create(tmp_path / "archive", tmp_path / "archive" / "index.db", now=datetime.now(UTC)) as archive:
        yield archive


def back(archive, web, path="/0.xml", **manner):
    """Ask one source, in this process and without pauses."""
    manner = Manner(**{"due_only": False, "backfill": True, **manner})
    asked = WebSource("news", "feed", web.url(path, "127.0.0.1"), BOUNDS, allow_private=LOOPBACK)
    return update(
        archive, [asked], now=datetime.now(UTC), manner=manner, contact=None, chance=lambda: 0.5,
        advance=lambda _: None, told=lambda *_: None, gap_s=0,
    )  # fmt: skip


def chain(web, pages, rel="prev-archive", each=2):
    """Publish a feed and its archive, `each` stories a page; page 0 is the feed, the last page is the oldest."""
    site = {}
    for page in range(pages):
        first = (pages - page - 1) * each
        link = f"<atom:link rel='{rel}' href='/{page + 1}.xml'/>" if page + 1 < pages else ""
        site[f"/{page}.xml"] = rss(stories(*range(first, first + each)), head=link)
    web.pages = dict.fromkeys(site, live(site))
    return site


@pytest.mark.parametrize("rel", ["prev-archive", "next"])
def test_archived_and_paged_feeds(archive, web, rel):
    """Chains of RFC 5005, archived and paged, are followed to their end, once; then the feed alone is asked."""
    chain(web, 5, rel)
    assert back(archive, web).new == 10
    assert web.paths() == [f"/{page}.xml" for page in range(5)]
    assert back(archive, web).unchanged == 1
    assert web.paths()[5:] == ["/0.xml"]


def test_json_feeds(archive, web):
    """A JSON Feed's next_url is followed too."""
    for page in range(3):
        items = [{"id": f"{page}", "url": f"https://news.example/{page}", "content_text": f"part {page}"}]
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": items}
        feed |= {"next_url": web.url(f"/{page + 1}.json", "127.0.0.1")} if page < 2 else {}
        web.pages[f"/{page}.json"] = answer(200, json.dumps(feed).encode(), content_type="application/feed+json")
    assert back(archive, web, "/0.json").new == 3


def test_without_backfill_nobody_goes_back(archive, web):
    """An ordinary update asks for one document."""
    chain(web, 3)
    back(archive, web, backfill=False)
    assert web.paths() == ["/0.xml"]


def test_the_log_is_in_the_order_of_dates(tmp_path, web):
    """What is filled in takes its place by date: the oldest article is the first of the feed's log."""
    chain(web, 4, each=3)
    program = Program(tmp_path / "home", source("news", web.url("/0.xml", "127.0.0.1")))
    assert program("update", "--backfill").out == "1 source asked, 12 articles, 12 new\n"
    program("build")
    items = json.loads(program.documents()["news/feed.json"])["items"]
    assert [item["title"] for item in items] == [f"Story {number}" for number in reversed(range(12))]


@pytest.mark.parametrize("to", ["/0.xml", "/2.xml", "/1.xml"])
def test_circles_end(archive, web, to):
    """A chain that leads back to where it has been ends there."""
    site = chain(web, 3)
    site["/2.xml"] = rss(stories(0, 1), head=f"<atom:link rel='next' href='{to}'/>")
    assert back(archive, web).new == 6
    assert len(web.asked) == 3


def test_a_page_that_repeats_itself_ends(archive, web):
    """A site that gives its last page for any number is asked once more than it has pages."""
    chain(web, 2, "next")
    last = "<atom:link rel='next' href='?page={}'/>"
    for number in range(1, 9):
        path = "/1.xml" + (f"?page={number}" if number > 1 else "")
        web.pages[path] = answer(200, rss(stories(0, 1), head=last.format(number + 1)))
    assert back(archive, web).new == 4
    assert web.paths() == ["/0.xml", "/1.xml", "/1.xml?page=2"]


def test_a_chain_without_end_is_cut(archive, web):
    """A chain of ever new pages is followed for a thousand documents, and goes on there in the next run."""

    def page(asked):
        number = int(asked.path[1:-4])
        return answer(200, rss(stories(number), head=f"<atom:link rel='next' href='/{number + 1}.xml'/>"))

    web.pages = {f"/{number}.xml": page for number in range(2100)}
    done = back(archive, web)
    assert done.new == 1001
    assert any("call `update --backfill` again" in notice.text for notice in done.notices)
    assert back(archive, web).new == 1000
    assert web.paths()[1001:1003] == ["/0.xml", "/1001.xml"]


def test_a_break_is_resumed(archive, web):
    """Where a document cannot be had, that is said; what came before is kept, and the next run goes on there."""
    site = chain(web, 5)
    web.pages["/3.xml"] = answer(500)
    done = back(archive, web)
    assert done.new == 6
    assert ["on the way back" in failure.text for failure in done.failures] == [True]
    web.pages["/3.xml"] = live(site)
    assert back(archive, web).new == 4
    assert web.paths()[4:] == ["/0.xml", "/3.xml", "/4.xml"]


def test_secrets_stay_at_home(tmp_path, web):
    """A chain that leads to another host gets none of the source's own header fields."""
    room = Newsroom(tmp_path / "home", web, 'headers = { X-Key = "secret" }\n', private=ANYWHERE)
    room.site["/old.xml"] = rss(stories(1))
    web.pages["/old.xml"] = live(room.site)
    room.says(*stories(2), head=f"<atom:link rel='next' href='{web.url('/old.xml', '127.0.0.2')}'/>")
    assert room.told("update", "--backfill")["new"] == 2
    assert [asked.header.get("x-key") for asked in web.asked] == ["secret", None]


def test_a_dry_run_goes_back_too(archive, web):
    """--dry-run --backfill counts what the chain holds and remembers nothing of it."""
    site = chain(web, 3)
    site["/2.xml"] = rss(stories(0, 1, 2))  # as pages overlap when there is news
    assert back(archive, web, dry_run=True).new == 6
    assert back(archive, web).new == 6


def asked_when_late(archive, web, source):
    """Ask one source in a run that has taken too long already, and tell where."""
    before = len(web.paths())
    asking = Asking(archive, [source], datetime.now(UTC), Manner(due_only=False), lambda: True)
    with Client(now=datetime.now(UTC)) as client:
        for request in asking.requests():
            asking.take(request, client.ask(request))
    return web.paths()[before:]


def test_a_gap_when_it_is_late(archive, web):
    """However long a chain behind a gap is, and however slowly it comes, others do not wait for it."""
    chain(web, 1)
    back(archive, web, backfill=False)
    site = {f"/{n}.xml": rss(stories(90 - n), head=f"<atom:link rel='next' href='/{n + 1}.xml'/>") for n in range(9)}
    web.pages = dict.fromkeys(site, live(site))
    source = WebSource("news", "feed", web.url("/0.xml", "127.0.0.1"), BOUNDS, allow_private=LOOPBACK)
    assert asked_when_late(archive, web, source) == ["/0.xml", "/1.xml"]


def test_many_sitemaps_when_it_is_late(archive, web):
    """However many sitemaps an index names, one of them is asked for when a run has taken long, so all are in time."""
    named = "".join(f"<sitemap><loc>{web.url(f'/{n}.xml', '127.0.0.1')}</loc></sitemap>" for n in range(9))
    index = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{named}</sitemapindex>'
    web.pages = {"/s.xml": answer(200, index.encode())}
    source = WebSource("map", "sitemap", web.url("/s.xml", "127.0.0.1"), BOUNDS, allow_private=LOOPBACK, full_text=True)
    asked = asked_when_late(archive, web, source)
    assert asked[:2] == ["/robots.txt", "/s.xml"]
    assert len(asked) == 3
