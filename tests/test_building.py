import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from feedarchiver import building
from feedarchiver.archive.archive import Archive
from feedarchiver.errors import StorageError
from feedarchiver.model import Article, Feed, Filter, Received
from feedarchiver.publish import site_search

START = datetime(2024, 1, 1, tzinfo=UTC)
ALL = Feed(id="all", title="All")
ATOM = "{http://www.w3.org/2005/Atom}"
BASE = "https://example.org/feeds/"
LISTS = {"feeds.opml", "feeds-atom.opml", "feeds-json.opml", "index.html"}


class World:
    """An archive and a published folder, in a folder of their own."""

    def __init__(self, folder: Path, size: int = 3) -> None:
        self.folder, self.size, self.runs = folder, size, 0
        self.feeds = (ALL,)
        self.base_url = BASE
        self.pages, self.archived_images = True, False
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def out(self) -> Path:
        return self.folder / "feeds"

    @property
    def index(self) -> Path:
        return self.folder / "archive" / "index.db"

    def archive(self):
        return Archive.create(self.folder / "archive", self.index, now=START)

    def add(self, *articles, source="s"):
        """Archive articles in one run."""
        self.runs += 1
        with self.archive() as archive, archive.writing(START + timedelta(days=self.runs)) as writer:
            for one in articles:
                writer.add(Received(article=one, raw=repr(one).encode(), source=source, url=None))

    def add_images(self, images):
        """Archive images, given by their addresses, in one run."""
        self.runs += 1
        with self.archive() as archive, archive.writing(START + timedelta(days=self.runs)) as writer:
            return [writer.add_image(url, data) for url, data in images.items()]

    @property
    def target(self):
        return building.Target(
            folder=self.out,
            base_url=self.base_url,
            title="Site",
            size=self.size,
            pages=self.pages,
            archived_images=self.archived_images,
        )

    def build(self, **how):
        with self.archive() as archive:
            return building.build(archive, self.feeds, self.target, advance=lambda _: None, **how)

    def documents(self):
        return {str(path.relative_to(self.out)): path.read_bytes() for path in self.out.rglob("*") if path.is_file()}

    def sealed(self, feed="all"):
        """Every archive page but those for people, which are linked both ways and so change once."""
        found = {path: data for path, data in self.documents().items() if path.startswith(f"{feed}/archive/")}
        return {path: data for path, data in found.items() if not path.endswith(".html")}

    def chain(self, feed="all"):
        """Walk from the subscription document to the oldest page: id, title and `updated` of every entry."""
        url, walked = f"{BASE}{feed}/atom.xml", []
        while url:
            root = etree.parse(self.out / url.removeprefix(BASE)).getroot()
            walked += [
                tuple(entry.findtext(f"{ATOM}{name}") for name in ("id", "title", "updated"))
                for entry in root.iter(f"{ATOM}entry")
            ]
            links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
            url = links.get("prev-archive")
        return walked

    def titles(self, feed="all"):
        return [title for _, title, _ in self.chain(feed)]


def article(number, words="text", **said):
    link = f"https://example.org/{number}"
    when = START - timedelta(days=1000) + timedelta(hours=number)
    return Article(**{"title": f"T{number}", "link": link, "published": when, "content": f"<p>{words}</p>"} | said)


def edited(number, hours):
    when = START + timedelta(hours=hours)
    return article(number, f"edited {hours}", title=f"T{number} edited {hours}", updated=when)


def states(folder):
    """Tell what changes of each file when it is written."""
    seen = ((path, path.lstat()) for path in folder.rglob("*") if path.is_file())
    return {path: (state.st_ino, state.st_size, state.st_mtime_ns) for path, state in seen}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_pages_are_cut_from_the_log(world):
    """The oldest events are sealed in pages, the rest stands in the subscription document, newest first."""
    world.add(*map(article, range(11)))
    done = world.build()
    assert sorted(world.sealed()) == [
        f"all/archive/00000{n}.{e}" for n in (1, 2) for e in ("atom.xml", "json", "rss.xml")
    ]
    assert world.titles() == [f"T{number}" for number in reversed(range(11))]
    assert len([path for path in done.written if path.startswith("all/")]) == 4 * 3
    whole = {"all", "articles", "assets", "search", "search.html", *LISTS}
    assert {path.partition("/")[0] for path in done.written} == whole
    assert done.unchanged == 0


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_without_pages(world, full, lost):
    """Without pages for people there is no HTML and no search, and no feed leads to what is not there."""
    world.add(*map(article, range(11)))
    world.build()
    whole = world.documents()
    world.pages = False
    if lost:
        world.index.unlink()
    world.build(full=full)
    bare = world.documents()
    assert {path for path in bare if path.endswith(".html")} == set()
    assert {path.partition("/")[0] for path in bare} == {"all", "assets", *LISTS} - {"index.html"}
    assert not [path for path, data in bare.items() if b".html" in data]
    assert world.build().written == []
    world.pages = True
    world.build()
    assert world.documents() == whole


def test_pages_of_others_stay(world):
    """Where none of ours led to them, pages that somebody put there stay, whatever they are called."""
    world.add(*map(article, range(11)))
    world.pages = False
    world.build()
    theirs = dict.fromkeys(("index.html", "search.html", "all/index.html", "search/8/000000.000.js"), b"mine")
    for path, data in theirs.items():
        (world.out / path).parent.mkdir(parents=True, exist_ok=True)
        (world.out / path).write_bytes(data)
    world.build(full=True)
    world.index.unlink()
    world.build()
    assert theirs.items() <= world.documents().items()


# Each step is a run: which articles it brings; an article that comes again is edited.
runs = st.lists(st.lists(st.integers(0, 9), max_size=4, unique=True), max_size=6)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=runs, size=st.integers(1, 4))
def test_growing_or_at_once(tmp_path_factory, runs, size):
    """However often feeds are built on the way, they end the same, and no sealed page ever changes.

    Walking the chain meets every entry, its current version first, again only as an older one, updated earlier.
    """
    grown, once = (World(tmp_path_factory.mktemp("world"), size) for _ in range(2))
    seen, titles = set(), {}
    for step, numbers in enumerate(runs, 1):
        told = [edited(number, step) if number in seen else article(number) for number in numbers]
        seen |= set(numbers)
        titles |= {one.link: one.title for one in told}
        before = grown.sealed() if grown.out.exists() else {}
        for one in (grown, once):
            one.add(*told)
        grown.build()
        assert before.items() <= grown.sealed().items()
    for one in (grown, once):
        one.build()
    assert grown.documents() == once.documents()
    once.build(full=True)
    assert grown.documents() == once.documents()
    walked = grown.chain()
    first = {}
    for name, title, updated in walked:
        if name in first:
            assert updated < first[name][1]
        else:
            assert title == titles[name]
        first[name] = title, updated
    assert first.keys() == titles.keys()


def test_one_at_a_time_or_all_at_once(tmp_path):
    """Articles that come one at a time, in the order of the log, make the pages that all of them at once make."""
    slow, quick = World(tmp_path / "slow"), World(tmp_path / "quick")
    for number in range(11):
        slow.add(article(number))
        slow.build()
    quick.add(*map(article, range(11)))
    quick.build()
    assert slow.documents() == quick.documents()


def test_no_news_no_work(world):
    """With nothing new a build reads no article, takes no lock and writes nothing."""
    world.add(*map(article, range(8)))
    world.build()
    shutil.rmtree(world.folder / "archive" / "articles")
    before = states(world.folder)
    done = world.build()
    assert done.written == done.removed == []
    assert done.unchanged == len(world.documents())
    assert states(world.folder) == before


def rotten(world):
    """Take the articles away: what is written from now on comes from kept pieces."""
    shutil.rmtree(world.folder / "archive" / "articles")


def test_new_heads_reuse_the_pieces(world):
    """A new title or address is written into every document, and no article is read for it."""
    world.add(*map(article, range(11)))
    world.build()
    rotten(world)
    world.feeds, world.base_url = (ALL._replace(title="Other"),), "https://elsewhere.example/"
    done = world.build()
    assert done.faults == []
    assert len(done.written) == 4 * 3 + len(LISTS)
    for path in done.written:
        data = (world.out / path).read_bytes()
        assert b"Other" in data, path
        assert b"example.org/feeds" not in data, path


def test_an_edit_costs_its_documents(world):
    """An edited article is read; the documents that it does not stand in are left alone."""
    world.add(*map(article, range(10)))
    world.build()
    rotten(world)
    (world.folder / "archive" / "articles").mkdir()
    world.add(edited(4, 1))
    done = world.build()
    assert done.faults == []
    (page,) = (path for path in done.written if path.startswith("articles/"))
    told = ["all/atom.xml", "all/feed.json", "all/index.html", "all/rss.xml", page, "index.html"]
    assert sorted(path for path in done.written if not path.startswith("search/")) == told
    assert world.titles()[0] == "T4 edited 1"
    assert world.titles().count("T4") == 1


def test_feeds_share_pieces(world):
    """A further feed over the same articles is put together from the documents of the first."""
    world.add(*map(article, range(8)))
    world.build()
    rotten(world)
    world.feeds = (ALL, Feed(id="other", title="Other", sources=("s",)))
    assert world.build().faults == []
    assert world.titles("other") == world.titles() == [f"T{number}" for number in reversed(range(8))]


@pytest.mark.parametrize(("before", "after"), [(2, 5), (5, 2), (3, 4)])
def test_another_page_size(world, before, after):
    """Another page size cuts every page anew, takes away the pages that are too many, and reads no article."""
    world.size = before
    world.add(*map(article, range(31)))
    world.build()
    with world.archive() as archive:
        assert building.resealed(archive, world.feeds, before, world.out) == []
        cut = building.resealed(archive, world.feeds, after, world.out)
        assert cut == [("all", before, (31 - before) // before)]
    rotten(world)
    world.size = after
    assert world.build().faults == []
    assert world.titles() == [f"T{number}" for number in reversed(range(31))]
    assert len(world.sealed()) == 3 * ((31 - after) // after)


def test_lost_index(world):
    """Without its index the builder makes the same documents again, touches none of them, and tidies up as before."""
    world.add(*map(article, range(9)))
    world.feeds = (ALL, Feed(id="gone", title="Gone"))
    world.build()
    mine = world.out / "gone" / "mine.txt"
    mine.write_text("mine")
    (world.out / "all" / "archive" / "000099.rss.xml").write_text("left over")
    world.index.unlink()
    world.feeds = (ALL,)
    before = world.documents()
    done = world.build()
    assert set(done.written) <= LISTS
    after = world.documents()
    kept = {path: data for path, data in before.items() if not path.startswith("gone/") and "99." not in path}
    kept = {path: data for path, data in kept.items() if path not in LISTS}
    assert {path: data for path, data in after.items() if path not in LISTS} == kept | {"gone/mine.txt": b"mine"}


def test_less_to_search_without_the_index(world):
    """Where the index is lost and the feeds take less than before, nothing of the rest can be searched any more."""
    world.add(*map(article, range(40)))
    world.build()
    world.index.unlink()
    world.feeds = (ALL._replace(filter=Filter(exclude=(("title", "T[1-3]"),))),)
    world.build()
    searched = {path for path in world.documents() if path.startswith("search/")}
    assert searched == set(site_search.paths(7))


def test_removed_feed(world):
    """A feed that is no longer configured is taken away; what the builder did not write stays."""
    world.add(*map(article, range(9)))
    world.feeds = (ALL, Feed(id="gone", title="Gone"), Feed(id="empty", title="Empty", sources=("none",)))
    world.build()
    (world.out / "gone" / "archive" / "notes.txt").write_text("mine")
    world.feeds = (ALL,)
    done = world.build()
    assert {path for path in world.documents() if path.startswith(("gone", "empty"))} == {"gone/archive/notes.txt"}
    assert not (world.out / "empty").exists()
    assert len(done.removed) == 4 * 3 + 4
    assert b"Gone" not in (world.out / "feeds.opml").read_bytes()


@pytest.mark.parametrize("harm", ["delete", "scribble"])
def test_harmed_documents_are_mended(world, harm):
    """A document that somebody deleted or wrote into is written again, its neighbours are not."""
    world.add(*map(article, range(9)))
    world.build()
    before = world.documents()
    path = world.out / "all" / "archive" / "000001.json"
    if harm == "delete":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"T1", b"T8"))
    assert world.build().written == ["all/archive/000001.json"]
    assert world.documents() == before


def test_reading_pages(world):
    """Each entry has one page, with its versions; one that somebody deleted comes back, and it alone is written."""
    world.add(*map(article, range(5)))
    world.build()
    world.add(edited(2, 1))
    world.build()
    found = {path: data for path, data in world.documents().items() if path.startswith("articles/")}
    assert len(found) == 5
    (page,) = (path for path, data in found.items() if b"<ins>edited</ins>" in data or b"T2 edited" in data)
    assert b"Versions" in found[page]
    (world.out / page).unlink()
    assert world.build().written == [page]
    assert {path: data for path, data in world.documents().items() if path.startswith("articles/")} == found
    assert world.build().written == []


def test_reading_pages_of_others(world):
    """A page that somebody replaced is mended as any document is; of one changed in its place a full build knows."""
    world.add(*map(article, range(5)))
    world.build()
    before = world.documents()
    first, second, *_ = sorted(path for path in before if path.startswith("articles/"))
    other = world.out / "articles" / "other"
    other.write_bytes(b"other")
    other.rename(world.out / first)
    assert world.build().written == [first]
    assert world.build().written == []
    with (world.out / second).open("r+b") as file:
        file.write(b"<!doctype html>")
    assert world.build(full=True).written == [second]
    assert world.documents() == before


def test_a_page_of_another_id(world):
    """When an entry's first capture is lost, and so its id is another one, the page of the old id goes."""
    world.add(article(1, link="http://example.org/1"), article(2))
    world.add(article(1, "edited"))
    world.build()
    before = world.documents()
    files = [path for path in (world.folder / "archive" / "articles").rglob("*") if path.is_file()]
    (lost,) = (path for path in files if b'"http://example.org/1"' in path.read_bytes())
    data = lost.read_bytes()
    lost.unlink()
    with world.archive() as archive:
        archive.reindex()
    world.build()
    assert len([path for path in world.documents() if path.startswith("articles/")]) == 2
    lost.write_bytes(data)
    with world.archive() as archive:
        archive.reindex()
    world.build()
    assert world.documents() == before


def test_killed_between_documents(world):
    """A build that is cut short leaves whole chains, and the next one takes it up where it was."""
    world.add(*map(article, range(7)))
    world.build()
    world.add(*map(article, range(7, 40)))
    target = building.Target(folder=world.out, base_url=BASE, title="Site", size=world.size)
    whole = World(world.folder / "whole")
    for count in range(1, 36, 4):
        told = []

        def stop(path, told=told, count=count):
            told.append(path)
            if len(told) == count:
                raise KeyboardInterrupt

        with world.archive() as archive, pytest.raises(KeyboardInterrupt):
            building.build(archive, world.feeds, target, advance=stop)
        assert len(set(world.titles())) == len(world.titles()) >= 7
    world.build()
    whole.add(*map(article, range(7)))
    whole.add(*map(article, range(7, 40)))
    whole.build()
    assert world.documents() == whole.documents()


def test_a_damaged_article_comes_back(world):
    """While an article cannot be read its documents lack it and say so; once it is restored they are whole."""
    world.add(*map(article, range(9)))
    whole = World(world.folder / "whole")
    whole.add(*map(article, range(9)))
    whole.build()
    files = [path for path in (world.folder / "archive" / "articles").rglob("*") if path.is_file()]
    (hurt,) = (path for path in files if b'"T1"' in path.read_bytes())
    shutil.move(hurt, world.folder / "kept")
    for _ in range(2):
        done = world.build()
        assert len(done.faults) == 1
        assert "T1" not in world.titles()
    shutil.move(world.folder / "kept", hurt)
    assert world.build().faults == []
    assert world.documents() == whole.documents()


def test_undecided_article(world):
    """A feed that has to read an article to know whether it takes it decides once the article can be read."""
    world.feeds = (Feed(id="all", title="All", filter=Filter(include=(("title", "T[12]$"),))),)
    world.add(*map(article, range(4)))
    files = [path for path in (world.folder / "archive" / "articles").rglob("*") if path.is_file()]
    (hurt,) = (path for path in files if b'"T1"' in path.read_bytes())
    shutil.move(hurt, world.folder / "kept")
    assert len(world.build().faults) == 1
    assert world.titles() == ["T2"]
    shutil.move(world.folder / "kept", hurt)
    assert world.build().faults == []
    assert world.titles() == ["T2", "T1"]


def test_corrections_reach_subscribers(world):
    """An entry that a feed has taken goes on in it, although an edit no longer matches its patterns."""
    world.feeds = (Feed(id="all", title="All", filter=Filter(include=(("title", "^T1$"),))),)
    world.add(article(1), article(2))
    world.build()
    world.add(edited(1, 1), edited(2, 1))
    world.build()
    assert world.titles() == ["T1 edited 1"]


def test_a_search_to_subscribe_to(world):
    """A feed by a query takes what is found by it when it comes, made at once or as articles come, and keeps it."""
    found = ALL._replace(filter=Filter(search='"carbon price" 气候'))
    world.feeds = (found,)
    told = ["The carbon price and 全球气候", "Price of carbon 气候", "气候: Carbon-Price!", "carbon price"]
    for number, words in enumerate(told):
        world.add(article(number, words))
        world.build()
    world.add(article(2, "no more"))
    world.build()
    assert [name.rpartition("/")[2] for name, _, _ in world.chain()] == ["2", "0"]
    documents = world.documents()
    world.index.unlink()
    assert world.build().written == []
    assert world.build(full=True).written == []
    assert world.documents() == documents


def test_another_selection(world):
    """A feed whose selection has changed is made again from the start."""
    world.add(*map(article, range(9)))
    world.build()
    world.feeds = (ALL._replace(filter=Filter(exclude=(("title", "T[0-5]"),))),)
    done = world.build()
    assert world.titles() == ["T8", "T7", "T6"]
    assert world.sealed() == {}
    assert len([path for path in done.removed if path.startswith("all/archive/")]) == 4 * 2
    assert len([path for path in done.removed if path.startswith("articles/")]) == 6


def test_sources_joined(world):
    """A feed of several sources takes an article that both have once, and again only when it is edited."""
    world.feeds = (Feed(id="all", title="All", sources=("a", "b")), Feed(id="b", title="B", sources=("b",)))
    world.add(article(1), article(2), source="a")
    world.build()
    world.add(article(1), article(3), source="b")
    world.build()
    root = etree.parse(world.out / "b" / "atom.xml").getroot()
    assert [entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")] == ["T3", "T1"]
    assert world.titles() == ["T3", "T2", "T1"]


def test_read_only_archive(world, monkeypatch):
    """An archive that cannot be written to is published all the same, and stays as it is."""
    world.add(*map(article, range(9)))
    before = states(world.folder / "archive")
    plain = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **how: mode != os.W_OK and plain(path, mode, **how))
    world.build()
    assert world.titles() == [f"T{number}" for number in reversed(range(9))]
    assert states(world.folder / "archive") == before


def test_json_chain(world):
    """From feed.json `next_url` leads through every page."""
    world.add(*map(article, range(11)))
    world.build()
    url, titles = f"{BASE}all/feed.json", []
    while url:
        said = json.loads((world.out / url.removeprefix(BASE)).read_bytes())
        assert said["feed_url"] == url
        titles += [item["title"] for item in said["items"]]
        url = said.get("next_url")
    assert titles == [f"T{number}" for number in reversed(range(11))]


def test_a_file_in_the_way(world):
    """A folder where a document belongs is an error with its place; what was written before stands."""
    world.add(*map(article, range(9)))
    (world.out / "all" / "atom.xml" / "mine").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"atom\.xml"):
        world.build()
    assert len(world.sealed()) == 6
