"""Searching in PostgreSQL: what is found, in which order and with which excerpts, is what SQLite finds."""

import random
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from test_search import QUERIES, Shelf, article

from feedarchiver.archive.database import IndexAddress

WORDS = ["红", "红绿", "绿蓝绿", "word", "Wörd", "two", "ab", "。", "国", "法国", "法国总统", "Paris", "paris"]


def scattered(size):
    """Write a text in which hardly a pair of characters comes twice."""
    chance = random.Random(7)
    return "".join(chr(0x4E00 + chance.randrange(20000)) for _ in range(size))


@pytest.fixture(scope="module")
def shelves(tmp_path_factory, cluster):
    """Fill an archive with articles of all sorts, twice: with a search index in a file, and in PostgreSQL."""
    folder = tmp_path_factory.mktemp("shelves")
    pair = Shelf(folder / "here"), Shelf(folder / "there", index=IndexAddress(cluster.database(), folder))
    for run in range(3):
        pairs = [(run * 7 + number * 5, number * 3 + run) for number in range(30)]
        titles = [f"{WORDS[a % 13]} {WORDS[b % 13]}" for a, b in pairs]
        texts = [f"{WORDS[b % 8]}<i>{WORDS[a // 8 % 13]}</i> {WORDS[(a + b) % 13] * (a % 4)} end" for a, b in pairs]
        numbered = list(enumerate(zip(titles, texts, strict=True)))
        for shelf in pair:
            shelf.put(
                *(
                    article(title, text, link=f"https://example.org/{n}", day=n % 9 + 1 if n % 5 else None)
                    for n, (title, text) in numbered
                )
            )
    for shelf in pair:  # too long for a tsvector to keep every place, and to be one at all
        shelf.put(
            article("Long", "word " * 300 + "two " + "绿红" * 9000, link="https://example.org/long"),
            article("Large", scattered(120_000), link="https://example.org/large"),
            article("Huge", scattered(200_000), link="https://example.org/huge"),
            article("Token", f"{'a' * 3000} two {'a' * 2999}b", link="https://example.org/token"),
            source="other",
        )  # fmt: skip
    opened = [shelf.open() for shelf in pair]
    rooms = [archive.searching() for archive in opened]
    yield [room.__enter__() for room in rooms]
    for archive in opened:
        archive.close()


LARGE = scattered(6000)
OPTIONS = [
    {}, {"newest": True}, {"limit": 3}, {"newest": True, "limit": 2}, {"sources": ("other",)}, {"sources": ("nobody",)},
    {"since": datetime(2024, 1, 3, tzinfo=UTC), "until": datetime(2024, 1, 6, tzinfo=UTC)},
]  # fmt: skip


@settings(max_examples=20)
@given(query=QUERIES)
def test_the_same_is_found(shelves, query):
    """Whatever is asked, both find the same articles, in the same order, with the same excerpts."""
    here, there = shelves
    assert there.find(query) == here.find(query)
    assert there.matching(query) == here.matching(query)


ASKED = [
    *"红法国'",
    "法国",
    "国总",
    "总统",
    "法国总统",
    "统法",
    "ｐａｒｉｓ",
    "end",
    "word",
    "绿红绿",
    "红红",
    "一一一",
    "一丁丂",
]
ASKED += ["paris 法国", "Wörd two", '"红绿 two"', '"word two"', '"two 绿红"', "a" * 3000, "a" * 2999 + "b", "a" * 501]
ASKED += [LARGE[:9], LARGE[5000:5003], f"{LARGE[70:72]} {LARGE[90:95]}"]


@pytest.mark.parametrize("query", ASKED)
def test_the_same_with_options(shelves, query):
    """By date, by source, the newest first, the first few."""
    here, there = shelves
    for options in OPTIONS:
        assert there.find(query, **options) == here.find(query, **options)
    assert there.matching(query) == here.matching(query)


@pytest.fixture
def shelf(tmp_path, cluster):
    return Shelf(tmp_path, index=IndexAddress(cluster.database(), tmp_path))


def test_what_has_changed(shelf):
    """Only new articles are read; an edited one is found by its new words; an index made anew costs no reading."""
    shelf.put(article("One", "old words"), article("Two", "other"))
    assert shelf.indexed() == 2
    shelf.put(article("One", "new words"))
    assert shelf.indexed() == 1
    assert shelf.find("old") == []
    assert shelf.find("new words") == ["One"]
    with shelf.open() as archive:
        archive.reindex()
    assert shelf.indexed() == 0
    assert shelf.find("new words") == ["One"]


def test_made_anew(shelf, cluster):
    """A search index that has lost a table, or is of another version, is made anew by the next search."""
    shelf.put(article("One", "word"))
    assert shelf.find("word") == ["One"]
    database = shelf.index.url.partition("@/")[2].partition("?")[0]
    (space,) = cluster.run(database, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'feedarchiver_search%'")[0]
    for harm in (f"DROP TABLE {space}.words", f"COMMENT ON SCHEMA {space} IS '0.0'", f"DROP SCHEMA {space} CASCADE"):
        cluster.run(database, harm)
        assert shelf.find("word") == ["One"]
        assert shelf.indexed() == 0


def test_killed_and_two_at_once(shelf):
    """A process that is killed while catching up leaves whole batches; those that search at once share the work."""
    shelf.put(*(article(f"T{number}", "word") for number in range(300)))
    script = (
        "import os, sys; from pathlib import Path; from feedarchiver.archive.archive import Archive\n"
        "from feedarchiver.archive.database import IndexAddress\n"
        "store, last, seen = Path(sys.argv[1]), int(sys.argv[3]), []\n"
        "index = IndexAddress(sys.argv[2], store)\n"
        "def advance(name):\n    seen.append(name)\n    if len(seen) == last: os._exit(9)\n"
        "with Archive.open(store, index).searching(advance) as search: print(len(search.find('word', limit=999)))"
    )
    command = [sys.executable, "-c", script, shelf.store, shelf.index.url]
    assert subprocess.run([*command, "270"], check=False).returncode == 9
    started = [subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0] for process in started] == ["300\n"] * 2
    assert shelf.indexed() == 0


def test_what_is_too_long(shelves, cluster):
    """Of the articles above, those that are meant to be too long for this or that are."""
    _, there = shelves
    database = there._space._at.url.partition("@/")[2].partition("?")[0]
    query = "SELECT title, words IS NULL, is_short FROM {0}.words JOIN {0}.articles USING (number) WHERE NOT is_short"
    told = cluster.run(database, query.format(there._space._space))
    assert sorted(told) == [(name, name == "Huge", False) for name in ("Huge", "Large", "Long", "Token")]
