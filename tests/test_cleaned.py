"""What a run has at hand of the articles that it adds."""

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import CONFIG, Program

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.cleaned import Cleaned, body
from feedarchiver.archive.spool import Spool
from feedarchiver.model import Article, ObjectId, Received

ID = ObjectId("0" * 64)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = [
    {"id": "1", "url": "https://e.org/1", "content_html": "<p>All 全 😀.</p><img src='a.png'>", "summary": "Some."},
    {"id": "2", "url": "https://e.org/2", "title": "No content", "summary": "Only <b>this</b>.", "tags": ["a", "b"]},
    {"id": "3", "url": "https://e.org/3", "title": "Picture", "content_html": "<img src='b.png'>", "summary": "Seen."},
    {"id": "4", "url": "https://e.org/4", "title": "Nothing", "date_published": "2023-11-04T22:45:01.5+08:00"},
]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [{}, {"content": "<p>a</p>"}, {"summary": "b"}, {"content": "<p>a</p>", "summary": "b", "authors": ("c",)}],
    ids=["nothing", "content", "summary", "both"],
)
def test_what_was_kept_is_not_read(tmp_path, said):
    """An article that was kept comes as one that is read, without being read."""
    article = Article(title="题", link="https://e.org/", **said)
    kept, not_kept = (Cleaned(Spool(str(tmp_path)), read) for read in ({}.__getitem__, {ID: article}.__getitem__))
    kept.keep(ID, article, body(article))
    assert ID in kept
    assert kept.find(ID) == not_kept.find(ID)


def test_what_a_run_publishes_at_once(tmp_path):
    """What a run publishes of articles that it has just added is what is made of the archive alone."""
    program = Program(tmp_path / "home", CONFIG + '[[feed]]\nid = "edits"\nkind = "changes"\n')
    for edit in ("", " Edited."):
        program.write("a.txt", body=f"<p>Text.{edit}</p><p><img src='https://e.org/a.png'></p>")
        items = [item | {"summary": item["summary"] + edit} if "summary" in item else item for item in ITEMS]
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": items}
        (program.seeds / "kept.json").write_text(json.dumps(feed), encoding="utf-8")
        assert program("run").status == 0
        published = program.documents()
        assert program("build", "--full").status == 0
        assert program.documents() == published
    assert b"Edited" in published["edits/rss.xml"]


def test_what_was_there_is_read(tmp_path):
    """An article that lies in the archive already, damaged, is named when it is added again, not taken for whole."""
    program = Program(tmp_path / "home")
    program.write("a.txt")
    program("run")
    (found,) = (program.archive / "articles").glob("*/*")
    found.chmod(0o644)
    found.write_bytes(found.read_bytes().replace(b"A title", b"B title"))
    (program.archive / "index.db").unlink()
    ran = program("run")
    assert (ran.status, "is damaged" in ran.err) == (1, True)


SAID = st.tuples(*map(st.sampled_from, ("ab", "12", ["<p>One.</p>", "<p>One. </p>", "<p>Two.</p>"])))


@settings(max_examples=20)
@given(said=st.lists(SAID, max_size=5))
def test_prepared_articles_are_taken_as_others(said):
    """What is prepared together, twice the same and several versions of one entry too, comes to what it does alone."""
    came = [
        Received(Article(title=title, link=f"https://e.org/{link}", content=html), f"{title}{html}".encode(), "s", link)
        for title, link, html in said
    ]
    archived = []
    for is_prepared in (False, True):
        with TemporaryDirectory() as name:
            index = Path(name, "index.db")
            Archive.create(Path(name), index, now=NOW)
            with Archive.open(Path(name), index) as archive:
                with archive.writing(NOW) as writer:
                    if is_prepared:
                        writer.prepare(came)
                    outcomes = [writer.add(one) for one in came]
                archived.append((outcomes, sorted(path.name for path in Path(name, "captures").rglob("*"))))
    assert archived[0] == archived[1]
