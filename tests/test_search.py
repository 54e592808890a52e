"""Searching an archive: what is found, in which order, and what the search index survives."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.selection import takes
from feedarchiver.model import Article, Filter, Received, parse_object_id

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Shelf:
    """An archive in a folder, and what is put into it."""

    def __init__(self, folder, runs=0, index=None):
        self.store = folder / "archive"
        self.index = index or self.store / "index.db"
        self.file = self.store / "search.db"
        self.runs = runs
        Archive.create(self.store, self.index, now=NOW).close()

    def put(self, *articles, source="seeds"):
        self.runs += 1
        with self.open() as archive, archive.writing(NOW + timedelta(seconds=self.runs)) as writer:
            for article in articles:
                writer.add(Received(article=article, raw=repr(article).encode(), source=source, url=None))

    def open(self):
        return Archive.open(self.store, self.index)

    def find(self, query, **options):
        with self.open() as archive, archive.searching() as search:
            return [hit.title.text for hit in search.find(query, **options)]

    def indexed(self):
        """How many articles are read when the search index catches up."""
        read = []
        with self.open() as archive, archive.searching(read.append):
            return len(read)


def article(title="A title", text="Text.", link=None, day=None):
    return Article(
        title=title,
        link=link or f"https://example.org/{title.replace(' ', '-')}",
        content=f"<p>{text}</p>",
        published=None if day is None else datetime(2024, 1, day, tzinfo=UTC),
    )


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("法", True),
        ("国", True),
        ("法国", True),
        ("国总", True),
        ("法国总统", True),
        ("统法", False),
        ("总法", False),
        ("macron", True),
        ("MACRON 总统", True),
        ("ＭＡＣＲＯＮ", True),
        ("elysee", True),
        ("Élysée", True),
        ("macro", False),
        ('"总统 Macron"', True),
        ("总统Macron", True),
        ('"Macron 总统"', False),
        ("总统 电视讲话", True),
        ("总统 不在", False),
        ("标题", True),
        ("讲 标", True),
    ],
)
def test_what_is_found(shelf, query, found):
    """Words of one, two and more characters, of any script, in title or text, whatever their case or accents."""
    shelf.put(article("标题", "法国总统 Macron 在 Élysée 发表电视讲话。"), article("Other", "Nothing of this."))
    assert shelf.find(query) == (["标题"] if found else [])


def test_rank(shelf):
    """What has a word in its title comes first; then what speaks of it more."""
    filler = "and other things of this world " * 5
    shelf.put(
        article("Once", f"Paris {filler}"),
        article("Often", f"Paris Paris Paris {filler}"),
        article("Paris", filler),
        *(article(f"No {number}", filler) for number in range(9)),
    )
    assert shelf.find("paris") == ["Paris", "Often", "Once"]
    assert shelf.find("paris", limit=1) == ["Paris"]


def test_newest_and_dates(shelf):
    """Newest first on request; since and until are held against the published date, else against the capture."""
    shelf.put(article("One", "word", day=1), article("Three", "word", day=3), article("Two", "word", day=2))
    shelf.put(article("Undated", "word"))
    assert shelf.find("word", newest=True) == ["Undated", "Three", "Two", "One"]
    second, third = datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)
    assert shelf.find("word", newest=True, since=second) == ["Undated", "Three", "Two"]
    assert shelf.find("word", newest=True, until=third) == ["Two", "One"]
    assert shelf.find("word", since=second, until=third) == ["Two"]


def test_sources(shelf):
    """An article is found under every source that it was captured from, also one that came later."""
    shelf.put(article("One", "word"), source="rfi")
    shelf.put(article("Two", "word"), source="bbc")
    assert shelf.find("word", sources=("rfi",)) == ["One"]
    shelf.put(article("One", "word "), source="dw")
    assert shelf.find("word", sources=("dw",)) == ["One"]
    assert sorted(shelf.find("word", sources=("dw", "bbc"))) == ["One", "Two"]
    assert shelf.find("word", sources=("nobody",)) == []


def test_a_hit(shelf):
    """A hit carries the published id, the link, the sources, the dates and the place in the text."""
    shelf.put(article("A title", "Before. The word is here. After.", link="https://example.org/ä", day=5))
    with shelf.open() as archive, archive.searching() as search:
        (hit,) = search.find("WORD title")
    assert (hit.id, hit.link) == ("https://example.org/%C3%A4", "https://example.org/ä")
    assert (hit.sources, hit.published) == (("seeds",), datetime(2024, 1, 5, tzinfo=UTC))
    assert hit.title == ("A title", ((2, 7),))
    assert hit.excerpt == ("Before. The word is here. After.", ((12, 16),))


def test_only_what_has_changed_is_read(shelf):
    """Catching up reads new articles only; an edited article is found by its new words and no longer by its old."""
    shelf.put(article("One", "old words"), article("Two", "other"))
    assert shelf.indexed() == 2
    assert shelf.indexed() == 0
    shelf.put(article("One", "new words"))
    assert shelf.indexed() == 1
    assert shelf.find("old") == []
    assert shelf.find("new words") == ["One"]


def test_what_was_shown_matches_on(shelf):
    """`matching` names articles, current or not: what a feed has published stays published."""
    shelf.put(article("One", "old words"))
    shelf.put(article("One", "new words"))
    with shelf.open() as archive, archive.searching() as search:
        (old,), (new,), both = search.matching("old"), search.matching("new"), search.matching("words")
        assert both == {old, new}
        assert search.matching("。") == set()
    assert shelf.find("old") == []


PARTS = st.sampled_from(["红", "红绿", "绿蓝绿", "word", "Wörd", "two", "a", "ＡＢ", "。", " ", "\u200b", "<b>"])
QUERIES = st.lists(PARTS, max_size=4).map("".join) | st.lists(PARTS, max_size=3).map(lambda p: f'"{"".join(p)}" two')


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Fill an archive with articles of all sorts, each edited twice. Returns a search of it, and them by their ids."""
    shelf = Shelf(tmp_path_factory.mktemp("filled"))
    words = ["红", "红绿", "绿蓝绿", "word", "Wörd", "two", "ab", "。"]
    for run in range(3):
        pairs = [(run * 7 + number * 5, number * 3 + run) for number in range(24)]
        titles = [f"{words[a % 8]} {words[b % 8]}" for a, b in pairs]
        texts = [f"{words[b % 8]}<i>{words[a // 8 % 8]}</i> {words[(a + b) % 8]} end" for a, b in pairs]
        numbered = enumerate(zip(titles, texts, strict=True))
        shelf.put(*(article(title, text, link=f"https://example.org/{n}") for n, (title, text) in numbered))
    with shelf.open() as archive, archive.searching() as search:
        names = [parse_object_id(path.parent.name + path.name) for path in shelf.store.glob("articles/*/*")]
        yield search, {name: archive.article(name) for name in names}


@settings(max_examples=150)
@given(query=QUERIES)
def test_a_feed_takes_what_a_search_finds(filled, query):
    """What a feed takes by a query is what the search index finds by it, article by article."""
    search, articles = filled
    taken = {name for name, one in articles.items() if takes(Filter(search=query), one, "seeds", NOW)}
    assert taken == search.matching(query)


def test_titled(shelf):
    """A title is found exactly as it is shown now."""
    shelf.put(article("A <b>title</b> &amp; more", link="https://example.org/1"), article("A title"))
    shelf.put(article("Another", link="https://example.org/1"))
    with shelf.open() as archive, archive.searching() as search:
        assert len(search.titled("A title")) == 1
        assert search.titled("A title & more") == []
        assert len(search.titled("Another")) == 1


def test_a_new_index_costs_no_reading(shelf):
    """An index made anew numbers entries otherwise: the search index learns them again, without reading articles."""
    shelf.put(*(article(f"T{number}", f"word w{number}") for number in range(30)))
    before = [shelf.find(f"w{number}") for number in range(30)]
    with shelf.open() as archive:
        archive.reindex()
    assert shelf.indexed() == 0
    assert [shelf.find(f"w{number}") for number in range(30)] == before


def scribble(file):
    data = bytearray(file.read_bytes())
    data[100:4096] = b"\xff" * 3996
    file.write_bytes(data)


def other_version(file):
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 7")


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"not a database" * 1000),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        scribble,
        other_version,
    ],
    ids=["missing", "empty", "foreign", "cut", "scribbled", "other version"],
)
def test_a_harmed_search_index_is_made_anew(shelf, harm):
    """Whatever becomes of the file, the next search makes it anew and finds what there is."""
    shelf.put(article("One", "word"))
    assert shelf.find("word") == ["One"]
    harm(shelf.file)
    assert shelf.find("word") == ["One"]
    assert shelf.indexed() == 0


def test_a_damaged_article_is_passed_over_until_it_is_mended(shelf):
    """An article that cannot be read hides no other one, is counted, and is found once it is restored."""
    shelf.put(article("Sound", "word"), article("Broken", "word"))
    path = next(path for path in (shelf.store / "articles").rglob("*/*") if b"Broken" in path.read_bytes())
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data.replace(b"word", b"wrod"))
    with shelf.open() as archive, archive.searching() as search:
        assert [hit.title.text for hit in search.find("word")] == ["Sound"]
        assert search.unread() == 1
    path.write_bytes(data)
    assert sorted(shelf.find("word")) == ["Broken", "Sound"]
    path.write_bytes(data.replace(b"word", b"wrod"))
    assert sorted(shelf.find("word")) == ["Broken", "Sound"], "what is indexed is found, even if it has rotted since"


def test_killed_while_catching_up(shelf):
    """A process that ends in the middle of catching up leaves whole batches; the next one completes them."""
    shelf.put(*(article(f"T{number}", "word") for number in range(300)))
    script = (
        "import os, sys; from pathlib import Path; from feedarchiver.archive.archive import Archive\n"
        "store, seen = Path(sys.argv[1]), []\n"
        "def advance(name):\n    seen.append(name)\n    if len(seen) == 270: os._exit(9)\n"
        "with Archive.open(store, store / 'index.db').searching(advance): pass"
    )
    assert subprocess.run([sys.executable, "-c", script, shelf.store], check=False).returncode == 9
    assert 0 < shelf.indexed() < 300
    assert len(shelf.find("word", limit=1000)) == 300


def test_two_at_once(shelf):
    """Processes that search at the same time share the work and find the same."""
    shelf.put(*(article(f"T{number}", "word") for number in range(300)))
    script = (
        "import sys; from pathlib import Path; from feedarchiver.archive.archive import Archive\n"
        "store = Path(sys.argv[1])\n"
        "with Archive.open(store, store / 'index.db').searching() as search: print(len(search.find('word', limit=999)))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, shelf.store], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [process.communicate()[0] for process in started] == ["300\n"] * 3
    with closing(sqlite3.connect(shelf.file)) as db:
        assert db.execute("SELECT count(*) FROM articles").fetchone() == (300,)


def without_rights(shelf, query):
    """Search as somebody who may not write: root is let do anything, so a process of its own gives its rights up."""
    read, write = os.pipe()
    for above in shelf.store.parents if os.geteuid() == 0 else ():
        above.chmod(above.stat().st_mode | 0o055)
        if above.name.startswith("pytest-of-"):
            break
    shelf.store.chmod(0o555)
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setresuid(65534, 65534, 65534)
            os.write(write, repr(sorted(shelf.find(query))).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    shelf.store.chmod(0o755)
    with open(read, "rb") as answer:
        return answer.read().decode()


def test_where_nothing_can_be_written(shelf):
    """A search in an archive that cannot be written to is answered all the same, and leaves no trace."""
    shelf.put(article("One", "word"))
    shelf.find("word")
    shelf.put(article("Two", "word"))
    before = {path.name: path.read_bytes() for path in shelf.store.iterdir() if path.is_file()}
    assert without_rights(shelf, "word") == "['One', 'Two']"
    shelf.file.unlink()
    assert without_rights(shelf, "word") == "['One', 'Two']"
    del before["search.db"]
    assert {path.name: path.read_bytes() for path in shelf.store.iterdir() if path.is_file()} == before


@settings(max_examples=15)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from("ABC"), st.sampled_from(["红", "红绿", "绿蓝", "蓝 红"]), st.sampled_from(["x", "y"])
            ),
            max_size=4,
        ),
        max_size=5,
    )
)
def test_caught_up_equals_made_anew(tmp_path_factory, runs):
    """However often it caught up on the way, the search index finds what one made at the end finds."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    for run in runs:
        for title, text, source in run:
            shelf.put(article(title, text, day=shelf.runs % 27 + 1), source=source)
        shelf.find("红")
    queries = ["红", "绿", "红绿", "蓝 红", "A"]
    options = [{}, {"sources": ("x",)}, {"since": datetime(2024, 1, 2, tzinfo=UTC)}]
    grown = [sorted(shelf.find(query, **option)) for query in queries for option in options]
    shelf.file.unlink()
    assert [sorted(shelf.find(query, **option)) for query in queries for option in options] == grown
