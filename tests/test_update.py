"""`update` and `sources` from outside: a news site that changes, and what becomes of it in the archive."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from news import ANYWHERE, Newsroom, Story, live, rss, source, stories
from program import CONFIG, Program, seed_bytes
from web import Web, answer, head, pieces, redirect, silence

GONE = answer(410)


@pytest.fixture
def web():
    """Serve on every address of loopback: each is a host of its own."""
    with Web(address="0.0.0.0") as web:
        yield web


@pytest.fixture
def room(tmp_path, web):
    return Newsroom(tmp_path / "home", web)


@pytest.fixture
def wide(tmp_path, web):
    """Make one whose source may lead to every host on loopback."""
    return Newsroom(tmp_path / "home", web, private=ANYWHERE)


def entries(program):
    with closing(sqlite3.connect(program.archive / "index.db")) as index:
        return index.execute("SELECT count(*) FROM entries").fetchone()[0]


def test_new_articles_once(room):
    """What a feed has is archived, oldest first, and published; a second round asks with validators, stores nothing."""
    room.says(*stories(1, 2, 3))
    assert room("update") == (0, "1 source asked, 3 articles, 3 new\n", "")
    assert room.titles() == {"Story 1", "Story 2", "Story 3"}
    before = room.count("captures")
    assert room.told("update", "news")["unchanged"] == 1
    assert "if-none-match" in room.web.asked[-1].header
    assert room.count("captures") == before
    room.says(*stories(2, 3, 4))
    assert room.told("update", "news")["new"] == 1
    assert room("build").status == 0
    assert all(b"Story %d" % number in room.documents()["news/atom.xml"] for number in (1, 2, 3, 4))


def test_only_what_is_due(room):
    """A source that was asked a moment ago is not asked again, by `update` or `run`, unless it is named or --all."""
    room.says(*stories(1))
    assert room.told("run")["updated"]["new"] == 1
    assert room("update").out == "no source is due\n"
    assert "; no source is due; 2 feeds" in room("run").out
    assert len(room.web.asked) == 1
    room("update", "--all")
    room("update", "news")
    assert len(room.web.asked) == 3


def test_nothing_due_writes_nothing(room):
    """A run with nothing due and nothing new writes no file."""
    room.says(*stories(1))
    room("run")
    before = room.state()
    room("run")
    assert room.state() == before


def test_edits_are_versions_and_deletions_lose_nothing(room):
    """An edited text is a new version of its entry; what the source takes away stays."""
    room.says(*stories(1, 2))
    room("update")
    room.says(Story(1, text="<p>What really happened.</p>"))
    assert room.told("update", "news")["versions"] == 1
    assert entries(room) == 2
    assert room.titles() == {"Story 1", "Story 2"}


def shown(room):
    """Return the text that an entry shows."""
    return room("show", "https://news.example/1").out


def test_what_comes_back_is_current_again(room):
    """An edit that the source takes back is a version that comes back: shown again, told as an event, and only once."""
    first, second = Story(1), Story(1, text="<p>What really happened.</p>")
    for number, (story, versions) in enumerate(
        ((first, 0), (second, 1), (first, 1), (first, 0), (second, 1), (first, 1))
    ):
        room.says(story, *([Story(9)] if number % 2 else []))
        assert room.told("update", "news")["versions"] == versions
        assert ("part 1" in shown(room)) == (story is first)
    before = room.documents() if room("build").status == 0 else {}
    room("reindex")
    room("build")
    assert room.documents() == before


def test_two_texts_in_one_document(room):
    """A document that has an article twice, with two texts, does not make a version of it at every poll."""
    twice = Story(1), Story(1, text="<p>Another text.</p>", guid="other")
    room.says(*twice)
    room("update")
    before = room.count("captures")
    room.says(*twice, Story(2))
    assert room.told("update", "news")["new"] == 1
    assert room.count("captures") == before + 1


@pytest.mark.parametrize(
    "again",
    [
        Story(1, guid="another"),
        Story(1, guid="1", link="https://news.example/moved/1"),
        Story(1, link="http://news.example/1"),
        Story(1, link="https://news.example/1?utm_source=feed&utm_medium=rss", guid="x"),
        Story(1, link="https://news.example//1#comments", guid="x"),
    ],
    ids=["guid", "moved", "scheme", "tracking", "slashes"],
)
def test_one_article_stays_one_entry(room, again):
    """Another guid, a moved link, http for https, tracking parameters: still the same entry."""
    room.says(*stories(1, 2))
    room("update")
    room.says(again, Story(2))
    assert room.told("update", "news")["new"] == 0
    assert entries(room) == 2


def test_the_same_article_in_a_seed_and_in_a_feed(tmp_path, web):
    """An article that a seed file and a feed both have is one entry."""
    program = Newsroom(tmp_path / "home", web)
    config = program.folder / "config.toml"
    config.write_text(CONFIG + config.read_text())
    program.says(*stories(1, 2))
    program.seeds.joinpath("a.txt").write_bytes(seed_bytes("Story 1", "http://news.example/1?utm_source=x"))
    program("run")
    assert entries(program) == 2


def test_bytes_that_say_nothing_new(room):
    """What no article keeps, as the number of comments, is no capture at every poll."""
    room.says(Story(1, extra="<comments>https://news.example/1#1</comments>"))
    room("update")
    before = room.count("captures")
    room.says(Story(1, extra="<comments>https://news.example/1#2</comments>"))
    assert room.told("update", "news")["known"] == 1
    assert room.count("captures") == before


def test_moved_permanently(wide):
    """After a 301 the new address is asked, without the detour, and the move is told once and shown."""
    wide.says(*stories(1))
    wide.web.pages["/new.xml"] = wide.web.pages.pop("/feed.xml")
    wide.site["/new.xml"] = wide.site["/feed.xml"]
    new = wide.web.url("/new.xml", "127.0.0.2")
    wide.web.pages["/feed.xml"] = redirect(new)
    assert f"news: moved permanently to {new}" in wide("update").err
    ran = wide("update", "news")
    assert ran.err == ""
    assert wide.web.paths() == ["/feed.xml", "/new.xml", "/new.xml"]
    assert wide.shown()["moved"] == new
    assert f"moved to {new}" in wide("sources").out


def test_moved_for_now(wide):
    """After a 302 the old address is asked again."""
    wide.says(*stories(1))
    wide.site["/new.xml"] = wide.site["/feed.xml"]
    wide.web.pages["/new.xml"] = live(wide.site)
    wide.web.pages["/feed.xml"] = redirect(wide.web.url("/new.xml", "127.0.0.2"), 302)
    wide("update")
    wide("update", "news")
    assert wide.web.paths() == ["/feed.xml", "/new.xml"] * 2


def test_gone(room):
    """After a 410 nobody asks until a person does; what is archived stays, and it is said."""
    room.says(*stories(1))
    room("update")
    page = room.web.pages["/feed.xml"]
    room.web.pages["/feed.xml"] = GONE
    ran = room("update", "--all")
    assert (ran.status, "410 gone" in ran.err, "not asked again until it is named" in ran.err) == (3, True, True)
    assert "never: gone" in room("sources").out
    asked = len(room.web.asked)
    assert room("update", "--backfill").out == "no source is due\n"
    assert len(room.web.asked) == asked
    room.web.pages["/feed.xml"] = page
    assert room("update", "news").status == 0
    assert room.shown()["gone"] is False
    assert room.titles() == {"Story 1"}


def test_a_sick_source_harms_no_other(tmp_path, web):
    """Sources that fail are each named with the reason, exit status 3; the good ones are stored completely."""
    web.pages = {"/sick": silence, "/page": answer(200, b"<html><body>Not found</body></html>"), "/bad": answer(500)}
    site = {f"/{number}.xml": rss(stories(number)) for number in range(5)}
    web.pages |= dict.fromkeys(site, live(site))
    sick = {"/sick": 'timeout = "1 s"\n', "/page": "", "/bad": "", "/missing": ""}
    told = [source(path[1:], web.url(path, f"127.0.1.{n}"), more) for n, (path, more) in enumerate(sick.items(), 1)]
    told += [source(path[1:], web.url(path, f"127.0.2.{number}")) for number, path in enumerate(site, 1)]
    program = Program(tmp_path / "home", "".join(told))
    ran = program("update")
    assert (ran.status, ran.out) == (3, "9 sources asked, 4 failed, 5 articles, 5 new\n")
    lines = sorted(ran.err.splitlines())
    assert [line.partition(":")[0] for line in lines] == ["bad", "missing", "page", "sick"]
    for line, reason in zip(lines, ("500", "404", "an HTML page, not a feed", "took too long"), strict=True):
        assert reason in line
        assert "what is archived stays" in line
    shown = [json.loads(line) for line in program("sources", "--json").out.splitlines()]
    assert {row["id"]: row["failed"] for row in shown if row["failed"]} == dict.fromkeys(
        ("bad", "missing", "page", "sick"), 1
    )


def test_failing_leaves_the_validators(room):
    """A failure between two good answers forgets neither the validator nor what was there."""
    room.says(*stories(1))
    room("update")
    page = room.web.pages["/feed.xml"]
    room.web.pages["/feed.xml"] = pieces(head(200, content_length=900, etag='"x"'), rss(stories(1, 2)))
    assert room("update", "news").status == 3
    room.web.pages["/feed.xml"] = page
    assert room.told("update", "news")["unchanged"] == 1
    assert room.shown()["failed"] == 0


def test_nothing_where_there_was_something(room):
    """An empty feed where there used to be articles is a failure with its reason."""
    room.says(*stories(1, 2))
    room("update")
    room.says()
    ran = room("update", "news")
    assert ran.status == 3
    assert "no articles, where there were 2; what is archived stays" in ran.err
    assert room.shown()["trouble"] == "no articles, where there were 2"


def test_an_empty_feed_may_begin_empty(room):
    """A feed that never had an article is no failure."""
    assert room("update").status == 0
    assert room("update", "news").status == 0


def test_a_gap(room):
    """When nothing of the last poll is left, that is said, remembered and shown, and the source is polled faster."""
    room.says(*stories(1, 2))
    room("update")
    first = room.shown()
    room.says(*stories(8, 9))
    ran = room("update", "news")
    assert ran.status == 0
    assert ran.err.startswith("news: a gap: ")
    shown = room.shown()
    assert shown["gaps"] == [[first["answered"], shown["answered"]]]
    assert "possible gap between" in room("sources").out
    waits = [datetime.fromisoformat(row["due"]) - datetime.fromisoformat(row["answered"]) for row in (first, shown)]
    assert timedelta(minutes=25) < waits[0]
    assert waits[1] <= timedelta(minutes=15)
    room.says(*stories(11))
    assert room("update", "news").err == ""  # one gap behind the other is one
    last = room.shown()
    assert last["gaps"] == [[first["answered"], last["answered"]]]
    room.says(*stories(11, 12))
    assert room("update", "news").err == ""
    assert room.shown()["gaps"] == last["gaps"]


def test_a_gap_is_closed_out_of_the_sources_own_archive(wide):
    """A source that links to what was before is followed back until the last poll is met: nothing is missing."""
    wide.says(*stories(1, 2))
    wide("update")
    older = [wide.web.url(f"/{page}.xml", f"127.0.0.{page}") for page in (2, 3)]
    heads = [f"<atom:link rel='prev-archive' href='{url}'/>" for url in older]
    wide.site |= {"/2.xml": rss(stories(5, 6, 7), head=heads[1]), "/3.xml": rss(stories(2, 3, 4), head=heads[0])}
    wide.web.pages |= dict.fromkeys(("/2.xml", "/3.xml"), live(wide.site))
    wide.says(*stories(8, 9), head=heads[0])
    ran = wide("update", "news")
    assert ran.out == "1 source asked, 8 articles, 7 new\n"
    assert "the gap is closed" in ran.err
    assert wide.titles() == {f"Story {number}" for number in range(1, 10)}
    assert wide.shown()["gaps"] == []
    assert wide.shown()["backfilled"] is False


def test_include_and_exclude(tmp_path, web):
    """Only what the rules take is archived; when they change, everything that is there is looked at again."""
    room = Newsroom(tmp_path / "home", web, 'exclude = { title = "[24]" }\nmax_articles = 3\n')
    room.says(*stories(1, 2, 3, 4))
    assert room("update").out == "1 source asked, 1 article, 1 new, 3 excluded\n"
    assert room.titles() == {"Story 3"}
    config = room.folder / "config.toml"
    config.write_text(config.read_text().replace("[24]", "none").replace("max_articles = 3", ""))
    assert room.told("update")["new"] == 3


def test_dry_run(room):
    """--dry-run shows what would be stored, and stores nothing: not even that it asked."""
    room.says(*stories(1, 2))
    room("update")
    room.says(Story(1, text="<p>Otherwise.</p>"), *stories(2, 3))
    before = room.state(room.archive)
    ran = room("update", "--all", "--dry-run")
    assert ran.out == (
        "news: version: Story 1\nnews: new: Story 3\n1 source asked, 3 articles, 1 new, 1 new version; "
        "nothing was stored\n"
    )
    assert room.state(room.archive) == before
    assert room.told("update", "news")["new"] == 1


def test_headers_stay_at_home(tmp_path, web):
    """A source's own header fields go to its host, and to no other that it moves to."""
    room = Newsroom(tmp_path / "home", web, 'headers = { X-Key = "secret" }\n', private=ANYWHERE)
    room.says(*stories(1))
    room.site["/new.xml"] = room.site["/feed.xml"]
    room.web.pages["/new.xml"] = live(room.site)
    room.web.pages["/feed.xml"] = redirect(room.web.url("/new.xml", "127.0.0.2"))
    room("update")
    room("update", "news")
    keys = [(asked.path, asked.header.get("x-key")) for asked in room.web.asked]
    assert keys == [("/feed.xml", "secret"), ("/new.xml", None), ("/new.xml", None)]


def test_who_asks(room):
    """The contact of the configuration stands in each request."""
    config = room.folder / "config.toml"
    config.write_text('[web]\ncontact = "me@example.org"\n' + config.read_text())
    room("update")
    assert room.web.asked[0].header["user-agent"].endswith(" (+me@example.org)")


def test_retry_after_holds_in_the_next_run(room):
    """A host that asked to wait is not asked again, by a new process, even when a person names the source."""
    room.web.pages["/feed.xml"] = answer(429, retry_after=600)
    assert room("update").status == 3
    ran = room("update", "news")
    assert "not asked: its host asked to wait, until" in ran.err
    assert len(room.web.asked) == 1


def test_what_is_remembered_may_be_lost(room):
    """Without its index the program asks once more for everything, and doubles nothing."""
    room.says(*stories(1, 2))
    room("update")
    before = room.count("captures")
    room("reindex")
    assert room.told("update") == {
        "event": "updated", "asked": 1, "pages": 0, "unchanged": 0, "articles": 2, "new": 0, "versions": 0, "noise": 0,
        "known": 2, "excluded": 0, "failed": 0,
    }  # fmt: skip
    assert room.count("captures") == before


def test_another_address_is_another_document(room):
    """A source whose address changes in the configuration is asked for the whole, and has no gap."""
    room.says(*stories(1))
    room("update")
    room.site["/other.xml"] = rss(stories(7))
    room.web.pages["/other.xml"] = live(room.site)
    config = room.folder / "config.toml"
    config.write_text(config.read_text().replace("/feed.xml", "/other.xml"))
    ran = room("update")
    assert (ran.out, ran.err) == ("1 source asked, 1 article, 1 new\n", "")


def test_private_addresses_are_refused(room):
    """Without allow_private nothing on this machine is asked."""
    config = room.folder / "config.toml"
    config.write_text(config.read_text().replace("allow_private = true\n", ""))
    ran = room("update")
    assert ran.status == 3
    assert "a loopback address" in ran.err
    assert room.web.asked == []


@pytest.mark.parametrize("port", ["the same", "another"])
def test_only_its_own_place(room, web, port):
    """With allow_private = true a source's own host and port are open, and nothing else; the advice opens that too."""
    with Web({"/x": answer(200, rss(stories(1)))}) as other:
        room.web.pages["/x"] = answer(200, rss(stories(1)))
        there = other.url("/x") if port == "another" else web.url("/x", "127.0.0.2")
        room.web.pages["/feed.xml"] = redirect(there)
        ran = room("update")
        assert ran.status == 3
        advice = f'allow_private = ["127.0.0.1:{web.port}", "{there.split("/")[2]}"]'  # that it keeps its own, too
        assert f"a loopback address, not a public one; allow it with {advice}; what" in ran.err
        assert (web.paths(), other.paths()) == (["/feed.xml"], [])
        config = room.folder / "config.toml"
        config.write_text(config.read_text().replace("allow_private = true", advice))
        assert room("update", "news").status == 0


def test_a_problem_is_told_once(room):
    """What was left out of a document is said when it is news, and shown by `sources`."""
    room.site["/feed.xml"] = rss(stories(1)).replace(b"</channel>", b"<item><title>Lost</title></item></channel>")
    ran = room("update")
    assert "neither link nor guid" in ran.err
    room.site["/feed.xml"] += b"<!-- other bytes -->"
    assert room("update", "news").err == ""
    assert "neither link nor guid" in room("sources").out


@pytest.mark.parametrize(("name", "said"), [("nobody", "is not in the configuration"), ("seeds", "is a folder")])
def test_sources_that_cannot_be_asked(tmp_path, name, said):
    """A source that is not there, or not on the web, is a wrong call."""
    ran = Program(tmp_path / "home")("update", name)
    assert (ran.status, said in ran.err) == (2, True)


def test_sources_that_are_folders(tmp_path):
    """A folder is listed with its articles; it is never due."""
    program = Program(tmp_path / "home")
    program.write("a.txt")
    program("import")
    assert program("sources").out == (
        "SOURCE  KIND   ARTICLES  LAST ANSWER  NEXT DUE\nseeds   seeds  1         -            -\n"
    )
