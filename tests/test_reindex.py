"""An index made anew from the objects equals the one that grew run by run, whatever came in which order."""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

from crash import DERIVED, rows
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from feedarchiver.archive import objects
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.batch import FileBatch
from feedarchiver.archive.bucket import KINDS
from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.index import Index
from feedarchiver.archive.known import Known
from feedarchiver.archive.reindex import rebuild
from feedarchiver.model import Article, Capture, Outcome, Received

START = datetime(2024, 1, 1, tzinfo=UTC)

moments = st.none() | st.integers(0, 4).map(lambda days: START - timedelta(days=days))
articles = st.builds(
    Article,
    title=st.sampled_from("AB"),
    link=st.none()
    | st.sampled_from(["https://example.org/1", "https://example.org/2?utm_source=x", "http://example.org/2"]),
    guid=st.none() | st.sampled_from(["g1", "g2", "g3"]),
    published=moments,
    updated=moments,
    content=st.sampled_from(["<p>one</p>", "<p>two</p>"]),
).filter(lambda article: article.link or article.guid)
told = st.tuples(articles, st.sampled_from(["s", "t"]))


def contents(db):
    return {table: Counter(db.execute(query)) for table, query in DERIVED.items()}


polls = st.lists(
    st.tuples(told, st.none() | articles.filter(lambda article: article.link), st.booleans()), min_size=1, max_size=4
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(polls, min_size=1, max_size=4))
def test_reindex_equals_what_was_polled(tmp_path_factory, runs):
    """What sources say again, take back, or say in their past, with pages and without: reindexing changes nothing.

    What the index counts then are the objects that there are.
    """
    folder = tmp_path_factory.mktemp("archive")
    index = folder / "index.db"
    with Archive.create(folder / "archive", index, now=START) as archive:
        for day, run in enumerate(runs):
            with archive.writing(START + timedelta(days=day)) as writer:
                for (article, source), said, past in run:
                    own = article._replace(link=said.link) if said else article  # its page is that of its link
                    received = Received(article=own, raw=repr(own).encode(), source=source, url=None, said=said)
                    foreseen = writer.foresee(received, past=past)
                    assert writer.add(received, polled=True, past=past) is foreseen
                    assert writer.add(received, polled=True, past=past) is Outcome.KNOWN
        with closing(sqlite3.connect(index)) as db:
            grown = contents(db)
        assert not [checked for checked in archive.verify() if checked.fault]
        sizes = [path.stat().st_size for kind in KINDS for path in (folder / "archive" / kind).glob("*/*")]
        assert archive.index.census.size(1) == (len(sizes), sum(sizes), sum(sizes))
        archive.reindex()
        with closing(sqlite3.connect(index)) as db:
            assert contents(db) == grown


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.lists(told, max_size=5), min_size=1, max_size=4))
def test_reindex_equals_what_grew(tmp_path_factory, runs):
    """Links and guids that name one entry or two, edits, noise, several sources: reindexing changes nothing."""
    folder = tmp_path_factory.mktemp("archive")
    index = folder / "index.db"
    with Archive.create(folder / "archive", index, now=START) as archive:
        for day, run in enumerate(runs):
            with archive.writing(START + timedelta(days=day)) as writer:
                for number, (article, source) in enumerate(run):
                    raw = f"{day} {number}".encode()
                    writer.add(Received(article=article, raw=raw, source=source, url=None))
        with closing(sqlite3.connect(index)) as db:
            grown = contents(db)
        archive.reindex()
        with closing(sqlite3.connect(index)) as db:
            assert contents(db) == grown


captured = st.tuples(told, st.integers(0, 2))
LINK, GUID = "https://example.org/1", "g1"
APART = [  # the last one belongs to the first, whose link it has, not to the one with its guid
    ((Article(title="A", link=link, guid=guid), "s"), second)
    for second, (link, guid) in enumerate(((LINK, None), (None, GUID), (LINK, GUID)))
]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(captures=st.lists(captured, max_size=12))
@example(captures=APART)
def test_all_at_once_equals_one_by_one(tmp_path_factory, captures):
    """Whatever links and guids captures have, in whatever company: rows and numbers are those of taking one by one.

    So they are when the rows are held back.
    """
    folder = tmp_path_factory.mktemp("archive")
    bucket = FolderBucket(folder)
    known = [Known.read(bucket, put(bucket, number, *one)) for number, one in enumerate(captures)]
    bucket.flush()
    index = Index.create(folder / "one.db")
    Index.create(folder / "held.db").close()
    held = FileBatch.open(folder / "held.db")
    held.begin()
    for one in sorted(known, key=lambda one: (one.fact.order, one.capture)):
        is_new = index.find(one.aliases) is None
        assert is_new is (held.find(one.aliases) is None)
        assert held.has_raw(one.raw, one.fact.source) is index.has_raw(one.raw, one.fact.source)
        index.add(one)
        held.add(one, is_new=is_new)
    held.commit()
    index.close()
    held.close()
    rebuild(bucket, folder / "all.db").close()
    assert rows(folder / "all.db") == rows(folder / "one.db") == rows(folder / "held.db")


def put(bucket, number, said, second):
    """Store a capture and its article. Returns its name."""
    article, source = said
    data = objects.encode_article(article)
    bucket.put("articles", objects.object_id(data), data)
    capture = Capture(
        article=objects.object_id(data),
        raw=objects.object_id(b"%d" % number),
        source=source,
        url=None,
        captured=START + timedelta(seconds=second),
        fingerprint=f"1:{article.title}{article.content}",
    )
    data = objects.encode_capture(capture)
    bucket.put("captures", objects.object_id(data), data)
    return objects.object_id(data)
