"""What is remembered of pages to be read and of further documents: it comes back as it was, and is asked in order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.index import Index
from feedarchiver.gather import kinds
from feedarchiver.gather.kinds import PageRead
from feedarchiver.gather.web.exchange import Failure, Kind
from feedarchiver.gather.web.politeness import Bounds
from feedarchiver.model import Article, Filter, Received
from feedarchiver.updating import unread
from feedarchiver.updating.events import Paged
from feedarchiver.updating.job import Job
from feedarchiver.updating.source import Remembered, WebSource
from feedarchiver.updating.storing import Storing
from feedarchiver.updating.taking import write
from feedarchiver.updating.unread import Part, Unread
from feedarchiver.updating.waiting import Most

NOW = datetime(2025, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = WebSource("news", "page", "https://news.example/", Bounds(HOUR, HOUR, HOUR), full_text=True)
INSTANTS = st.integers(0, 10**10).map(lambda number: NOW - timedelta(microseconds=number))


def article(number, published=None):
    link = f"https://news.example/{number}"
    return Received(Article(title=f"Story {number}", link=link, published=published), b"<p>\xff\x00</p>", "news", "u")


@pytest.fixture(scope="module")
def index():
    index = Index.create(None)
    yield index
    index.close()


@given(failed=st.integers(0, 9), due=st.none() | INSTANTS, trouble=st.none() | st.text(), excluded=st.booleans())
def test_pages_come_back(failed, due, trouble, excluded):
    """A page that is wanted, or is not any more, is remembered as it was, with its bytes, until it is done."""
    index = Index.create(None)
    one = Unread(article(1, NOW), failed, due, trouble, excluded, "x")
    for done, expected in ((False, [one]), (True, [])):
        for note in unread.page_notes(one, done=done):
            index.notes.write(*note)
        assert [*unread.pages(index, "news"), *unread.left(index, "news")] == expected
    index.close()


@pytest.mark.parametrize("exclude", [(), (("title", "Story"),)], ids=["taken", "excluded"])
@pytest.mark.parametrize("said", ["Story 1", "Story 1, corrected"])
def test_a_page_that_was_overtaken(tmp_path, said, exclude):
    """A page is done when it has come, unless a document has said since it was asked for that the article changed."""
    source = SOURCE._replace(filter=Filter(exclude=exclude))
    old = article(1, NOW)
    new = Unread(old._replace(article=old.article._replace(title=said)))
    with Archive.create(tmp_path, tmp_path / "index.db", now=NOW) as archive:
        with archive.writing(NOW) as writer:
            write(writer, unread.page_notes(new))
        storing = Storing(archive, NOW, lambda: 0.5, lambda *_: None, Most())
        storing.put(Paged(source, Unread(old), PageRead(old)))
        storing.flush(())
        assert [*unread.pages(archive.index, "news")] == ([] if said == old.article.title else [new])


@given(instants=st.tuples(*[st.none() | INSTANTS] * 3), texts=st.tuples(*[st.none() | st.text(min_size=1)] * 2))
def test_parts_come_back(index, instants, texts):
    """A further document is remembered as it was, until it is not named any more."""
    one = Part("https://news.example/part.xml", "https://news.example/index.xml", *instants, *texts)
    index.notes.write(*unread.part_note("news", one))
    assert unread.parts(index, "news") == [one]
    index.notes.write(*unread.part_note("news", one, gone=True))
    assert unread.parts(index, "news") == []


def test_of_too_many_pages_the_newest():
    """One run reads the newest pages that fit, oldest first, and knows how many are left."""
    job = Job(SOURCE, Remembered())
    job.want(Unread(article(number, NOW - HOUR * number)) for number in range(250))
    read = []
    while page := job.next_page(foreseen=False):
        read.append(page.known.article.title)
        job.came(1)
    assert read == [f"Story {number}" for number in reversed(range(200))]
    assert job.unread == 50


@pytest.mark.parametrize(("size", "may_pass", "count"), [(1, True, 3), (9_000_000, False, 3), (0, False, 9)])
def test_enough_for_now(size, may_pass, count):
    """Failures in a row that may pass, or very large pages, end a source's pages for this run."""
    job = Job(SOURCE, Remembered())
    job.want(Unread(article(number)) for number in range(9))
    asked = 0
    while job.next_page(foreseen=False):
        asked += 1
        job.came(size, may_pass=may_pass)
    assert (asked, job.unread) == (count, 9 - count)


def test_which_documents_are_asked():
    """Those that changed, the newest first, each once; what is not named any more is forgotten."""
    job = Job(SOURCE, Remembered())
    of = "https://news.example/index.xml"
    told = [kinds.Part(f"https://news.example/{n}.xml", NOW - HOUR * n) for n in range(3)]
    assert len(list(job.name_parts(told, of))) == 3
    first = job.next_part()
    assert first.url == "https://news.example/0.xml"
    job.parts[first.url] = first._replace(seen=NOW, read=first.modified)
    assert [note[2] for note in job.name_parts(told[:2], of)] == [None] * 2
    assert job.next_part().url == "https://news.example/1.xml"
    assert job.next_part() is None
    again = Job(SOURCE, Remembered(), parts=dict(job.parts))
    list(again.name_parts([told[0]._replace(modified=NOW + HOUR)], of))
    assert again.next_part().url == "https://news.example/0.xml"


@pytest.mark.parametrize(("kind", "tries"), [(Kind.TIMEOUT, 20), (Kind.REFUSED, 6), (Kind.GONE, 1)])
def test_when_a_page_is_tried_again(kind, tries):
    """More and more rarely, and at last not any more; what may pass is tried for longer."""
    one, count, due = Unread(article(1)), 0, NOW
    while one.due is not None:
        one = one.after(Failure("u", kind, "why"), bounds=SOURCE.bounds, now=NOW, chance=0.0)
        assert one.due is None or one.due >= due
        count, due = count + 1, one.due or due
    assert count == tries
    assert not one.is_due(NOW, "x", anyway=False)
    assert one.is_due(NOW, "x", anyway=True)


def test_further_documents_are_bounded():
    """However many sitemaps a source names in how many of them, so many are remembered, and the first ones stay."""
    job, notes = Job(SOURCE, Remembered()), 0
    for of in "abc":
        named = [kinds.Part(f"https://news.example/{of}{number}", None) for number in range(20_000)]
        notes += len([*job.name_parts(named, of)])
    assert (len(job.parts), notes, job.parts_beyond) == (50_000, 50_000, 10_000)
    assert {"https://news.example/a0", "https://news.example/c9999"} <= job.parts.keys()
