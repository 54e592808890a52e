"""How everything is: `status`, the status page, the metrics."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from images import png
from living import living, within
from news import Newsroom, source, stories
from program import CONFIG, Program
from web import Web, answer

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import KINDS

SECRET = "hunter2"


@pytest.fixture
def web():
    with Web(address="0.0.0.0") as web:
        yield web


@pytest.fixture
def room(tmp_path, web):
    """Make a program with a source that answers, one that fails, one that is gone, and a folder."""
    room = Newsroom(tmp_path / "home", web)
    web.pages[f"/fails?key={SECRET}"] = answer(500)
    web.pages["/gone"] = answer(410)
    config = CONFIG + source(
        "fails", web.url(f"/fails?key={SECRET}", "127.0.0.2"), f'headers = {{ X-Key = "{SECRET}" }}\n'
    )
    config += source("gone", web.url("/gone", "127.0.0.3"), 'title = "<Old> & 旧"\n')
    with (room.folder / "config.toml").open("a") as file:
        file.write(config)
    room.says(*stories(1, 2))
    room.write("a.txt", title="<i>A</i> seed", stamp=1699137901000)
    room.write("sub/b.txt", link="https://example.org/2")
    return room


def test_what_it_tells(room):
    """`status` tells of archive, runs, disk, and of each source how it is and why, without its keys."""
    assert room("run").status == 3
    ran = room("status")
    assert ran.status == 0
    assert SECRET not in ran.out
    assert re.search(
        r"^archive +4 articles, 4 versions, 4 captures, [\d.]+ kB on disk \([\d.]+ kB in 12 objects\)$",
        ran.out,
        re.MULTILINE,
    )
    assert re.search(r"^dated +2023-11-04 to 2025-11-03$", ran.out, re.MULTILINE)
    assert re.search(r"^sources +1 gone, 1 failing, 3 ok$", ran.out, re.MULTILINE)
    assert re.search(r"^gone +gone +0 +- +- +never$", ran.out, re.MULTILINE)
    assert "answers 500 internal server error\n" in ran.out
    told = room.told("status")
    assert {one["id"]: one["state"] for one in told["sources"]} == {
        "news": "ok", "seeds": "ok", "sub": "ok", "fails": "failing", "gone": "gone",
    }  # fmt: skip
    assert {one["id"]: one["articles"] for one in told["sources"]}["news"] == 2
    assert sorted(name for run in told["runs"] for name in run["sources"]) == ["news", "seeds", "sub"]
    assert SECRET not in json.dumps(told)


def test_a_run_of_many_sources(tmp_path):
    """However many sources a run was of, it is told in a short line; a script hears of all."""
    program = Program(tmp_path)
    for number in range(11):
        program.write(f"s{number:02}/a.txt", link=f"https://example.org/{number}")
    assert program("import").status == 0
    assert re.search(
        r"^last runs +\S+ \S+ UTC  11 captures, s00, .*, s07 and 3 more$", program("status").out, re.MULTILINE
    )
    assert len(json.loads(program("status", "--json").out)["runs"][0]["sources"]) == 11


def test_sizes_are_those_of_the_files(room):
    """What the index says of objects and their bytes is what the folders hold."""
    room("run")
    room.write("a.txt", title="<i>A</i> seed", body="<p>edited</p>")
    room.write("sub/a.txt", title="<i>A</i> seed", body="<p>edited</p>")  # the same bytes, from two sources
    picture(room.folder / "saved" / "img.example" / "a.png")
    picture(room.folder / "saved" / "img.example" / "b.png")
    room("import-images", "saved")
    room("run")
    files = [path for kind in KINDS for path in (room.archive / kind).glob("*/*")]
    told = room.told("status")
    assert (told["objects"], told["bytes"]) == (len(files), sum(path.stat().st_size for path in files))
    assert told["versions"] == 5


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(2, 3))


def test_states_before_and_after(room):
    """A source that was never asked is due; one with a gap says so; one of the archive only is named."""
    room("import")
    assert room.told("status")["states"]["due"] == 3
    room("update", "news")
    room.says(*stories(11, 12))
    room("update", "news")
    told = {one["id"]: one for one in room.told("status")["sources"]}
    assert told["news"]["state"] == "gap"
    assert "articles may be missing from" in told["news"]["reasons"][0]
    room.seeds.joinpath("sub", "b.txt").unlink()
    room.seeds.joinpath("sub").rmdir()
    assert room.told("status")["other_sources"] == ["sub"]


def test_it_changes_nothing(room):
    """`status` writes nothing, also where nothing can be written."""
    room("run")
    before = room.state()
    room("status")
    assert room.state() == before


def test_verifications(room):
    """`status` tells when the archive was verified, and what was found."""
    room("run")
    assert room.told("status")["verified"] is None
    room("verify")
    assert room.told("status")["verified"]["faults"] == 0
    assert "verified" in room("status").out


def test_a_verification_outlasts_its_index(room):
    """`reindex` keeps what the last verification found, unless the old index is not as it was left."""
    room("run")
    room("verify")
    found = room.told("status")["verified"]
    assert room("reindex").status == 0
    assert room.told("status")["verified"] == found
    index = room.archive / "index.db"
    index.write_bytes(index.read_bytes()[:-4096])
    assert room("reindex").status == 0
    assert room.told("status")["verified"] is None


def test_the_page(room):
    """The daemon serves a page of it: masked, without scripts, under a strict policy; nothing can be sent to it."""
    with living(room, "daemon", "--port", "0") as daemon:
        daemon.serving()
        daemon.wait_for("3 sources asked")
        within(10, lambda: b"Story 2" in daemon.get("/news/rss.xml").body)
        got = daemon.get("/status")
        page = got.body.decode()
        assert daemon.get("/status", "POST").status == daemon.get("/status", "DELETE").status == 405
        style = daemon.get("/status.css")
        counted = daemon.counted("feedarchiver_")
        assert daemon.end() == 0
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert got.headers["cache-control"] == "no-store"
    policy = got.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert SECRET not in page
    assert "<script" not in page
    assert "&lt;Old&gt; &amp; 旧" in page
    assert '<span class="state failing">failing</span>' in page
    assert "Story 2" in page
    assert re.findall(r'(?:href|src)="(?:https?:)?//[^"]*"', page) == []
    assert style.headers["content-type"].startswith("text/css")
    assert counted['feedarchiver_sources{state="gone"}'] == counted['feedarchiver_sources{state="failing"}'] == 1
    assert counted['feedarchiver_fetches_total{result="failed"}'] == 2
    assert counted['feedarchiver_fetches_total{result="news"}'] == 1
    assert counted['feedarchiver_fetched_articles_total{outcome="new"}'] == 2
    assert counted["feedarchiver_build_seconds"] > 0
    assert counted["feedarchiver_archive_bytes"] > 4096 > counted["feedarchiver_articles"] >= 2
    assert counted['feedarchiver_disk_free_bytes{of="archive"}'] > 0


def test_the_page_without_an_archive(tmp_path):
    """Where there is no archive that can be read the page says so, and where there are no pages it leads to none."""
    program = Program(tmp_path / "home", CONFIG + "[publish]\npages = false\n")
    with living(program, "serve", "--port", "0") as server:
        server.serving()
        page = server.get("/status").body.decode()
        assert "The archive cannot be read." in page
        assert "there is no archive in" in page
        assert 'href="index.html"' not in page
        assert server.end() == 0


def test_what_went_wrong(tmp_path):
    """What went wrong in the last run is on the page."""
    program = Program(tmp_path / "home", CONFIG + '[publish]\nfolder = "taken"\n')
    program.write("a.txt")
    (program.folder / "taken").write_text("no folder")
    with living(program, "daemon", "--port", "0") as daemon:
        daemon.serving()
        daemon.wait_for("failed: cannot write")
        assert "The last run failed: cannot write" in daemon.get("/status").body.decode()
        assert daemon.end() == 0


def test_many_sources_and_runs(tmp_path):
    """Runs are told by their instant, the last ones only; days with news are counted once."""
    from feedarchiver.archive.census import DAY
    from feedarchiver.model import Article, Received

    place = tmp_path / "archive"
    with Archive.create(place, place / "index.db", now=datetime(2026, 1, 1, tzinfo=UTC)) as archive:
        for day in range(1, 9):
            with archive.writing(datetime(2026, 1, day, tzinfo=UTC)) as writer:
                for number in range(day):
                    one = Article(title="T", link=f"https://example.org/{day}/{number}", content=f"<p>{day}{number}")
                    writer.add(Received(article=one, raw=repr(one).encode(), source="s", url=None))
                    writer.step()  # as captures of one run may have to be told apart
        census = archive.index.census
        runs = census.arrivals(3)
        assert [(run.at.day, run.captures, run.sources) for run in runs] == [
            (8, 8, ("s",)),
            (7, 7, ("s",)),
            (6, 6, ("s",)),
        ]
        first = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 // DAY
        assert census.days("s", 30) == [first + day for day in range(7, -1, -1)]
        assert census.days("s", 2) == [first + 7, first + 6]
        assert len(census.latest(5)) == 5
    with closing(sqlite3.connect(place / "index.db")) as db:
        plan = str(
            db.execute(
                "EXPLAIN QUERY PLAN SELECT max(captured) FROM captures WHERE captured < 1 AND source <> ''"
            ).fetchall()
        )
    assert "USING INDEX captures_captured" in plan
