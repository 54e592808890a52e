import hashlib
import json
import locale
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedarchiver import dates, urls
from feedarchiver.model import Article, Entry, Feed, Image, ObjectId
from feedarchiver.publish import build
from feedarchiver.publish.pages import Page
from feedarchiver.publish.plan import FeedDocument
from feedarchiver.publish.rendered import render

BASE = "http://127.0.0.1:8000/"
DATA = Path(__file__).parent / "data" / "publish"
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
ONLY = Page(None, 0, 0, 0)
NAMED = {"a": "http://www.w3.org/2005/Atom"}


def instant(text):
    return datetime.fromisoformat(text) if isinstance(text, str) else text


def entry(article, *, name="urn:example:1", updated="2024-01-02T03:04:05Z"):
    return Entry(id=name, object_id=ObjectId("0" * 64), source="s", updated=instant(updated), article=article)


def told_article(published=None, image=None, authors=(), categories=(), **said):
    image = Image(**image) if image else None
    return Article(
        published=instant(published), image=image, authors=tuple(authors), categories=tuple(categories), **said
    )


def documents(feed, entries, base=BASE, page=ONLY):
    """Write a feed in every format."""
    made = [build.entry_pieces(render(one), build.FORMATS.values()) for one in entries]
    head = FeedDocument(
        feed=feed, base_url=base, page=page, updated=max((one.updated for one in entries), default=None)
    )
    for number, format_ in enumerate(build.FORMATS.values()):
        yield build.assemble(head, format_, [pieces[number] for pieces in made])


def written(feed, entries):
    """Write a feed as RSS and Atom."""
    rss, atom, *_ = documents(feed, entries)
    return rss, atom


def case(name):
    """Read a feed and its entries from tests/data/publish."""
    told = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return Feed(**told["feed"]), [
        entry(told_article(**one["article"]), name=one["id"], updated=one["updated"]) for one in told["entries"]
    ]


def parsed(document):
    return feedparser.parse(document.data, sanitize_html=False, resolve_relative_uris=False)


@pytest.mark.parametrize("name", ["full", "bare", "empty"])
def test_golden(name):
    """A feed comes out as the bytes kept beside it, today as on the day they were kept."""
    feed, entries = case(name)
    for document, ending in zip(documents(feed, entries), ("rss.xml", "atom.xml", "feed.json"), strict=False):
        assert document.path == f"{feed.id}/{ending}"
        assert document.data.decode() == (DATA / f"{name}.{ending}").read_text("utf-8")


def test_formats_agree():
    """A feedparser subscribed to RSS and to Atom sees the same ids, titles, links, pictures and texts."""
    rss, atom = map(parsed, written(*case("full")))
    shown = [
        [(e.id, e.title, e.link, e.published_parsed, e.content[0].value if "content" in e else e.summary,
          [x.href for x in e.enclosures], e.media_content[0]["url"], e.media_thumbnail[0]["url"]) for e in d.entries]
        for d in (rss, atom)
    ]  # fmt: skip
    assert shown[0] == shown[1]
    assert len(shown[0]) == 2


@pytest.mark.parametrize("page", [ONLY, Page(None, 4, 6, 2), Page(2, 2, 4, 2)])
def test_pieces_stand_where_they_are_said_to(page):
    """Every piece stands in its document unchanged, at the place that is told, whatever the feed is called."""
    feed, entries = case("full")
    pieces = [build.entry_pieces(render(one), build.FORMATS.values()) for one in entries]
    for renamed, base in ((feed, BASE), (Feed(id="other", title="Other"), "https://elsewhere.example/x")):
        for number, document in enumerate(documents(renamed, entries, base, page)):
            assert len(document.starts) == len(entries)
            for start, made in zip(document.starts, pieces, strict=True):
                assert document.data[start : start + len(made[number])] == made[number]


def test_pieces_declare_nothing():
    """Namespaces are declared once, on the root."""
    for one in case("full")[1]:
        assert b"xmlns" not in b"".join(build.entry_pieces(render(one), build.FORMATS.values()))


def test_sealed_pages_depend_on_nothing_newer():
    """What is sealed says the same however many pages follow, and leads to the one before."""
    feed, entries = case("full")
    for now, later in zip(
        documents(feed, entries, page=Page(2, 2, 4, 2)), documents(feed, entries, page=Page(2, 2, 4, 9)), strict=True
    ):
        if now.path.endswith(".html"):
            continue  # pages for people are linked both ways
        assert now.data == later.data
        assert b"000001." in now.data
        assert b"000003." not in now.data


def test_locale_is_left_alone(monkeypatch):
    """Building never switches the process's locale, which other threads are using."""

    def refuse(category, wanted=None):
        raise AssertionError("the locale was touched")

    monkeypatch.setattr(locale, "setlocale", refuse)
    assert len(written(*case("full"))) == 2


SCRIPT = """
import sys
from test_publish_build import case, written
for name in ("full", "bare", "empty"):
    for document in written(*case(name)):
        sys.stdout.buffer.write(document.data)
"""


def test_same_bytes_everywhere():
    """Time zone, locale and hash seed of the machine leave no trace."""
    here = b"".join(document.data for name in ("full", "bare", "empty") for document in written(*case(name)))
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    for zone, speech, seed in (("Asia/Kolkata", "C", "1"), ("America/St_Johns", "C.UTF-8", "2")):
        strange = os.environ | {"TZ": zone, "LC_ALL": speech, "PYTHONHASHSEED": seed, "PYTHONPATH": paths}
        there = subprocess.run([sys.executable, "-c", SCRIPT], env=strange, check=True, capture_output=True).stdout
        assert hashlib.sha256(there).digest() == hashlib.sha256(here).digest()


def test_two_entries_keep_their_order():
    """Documents show entries in the order given, and the feed's date is the newest `updated`, wherever it stands."""
    feed, (first, second) = case("full")
    rss, atom = map(parsed, written(feed, [second, first]))
    assert [e.id for e in rss.entries] == [e.id for e in atom.entries] == [second.id, first.id]
    assert rss.feed.updated == dates.rfc822(first.updated)
    assert atom.feed.updated == dates.rfc3339(first.updated)


@pytest.mark.parametrize(("title", "subtitle"), [("", ""), (" ", " "), ("\x00", "\x0b"), ("T", "\x00")])
def test_a_feed_has_a_title(title, subtitle):
    """A feed whose title holds nothing that can be written is called by its id, and nothing blank is written."""
    for document in written(Feed(id="f", title=title, subtitle=subtitle), []):
        feed = parsed(document).feed
        assert feed.title == (title if title == "T" else "f")
        assert feed.get("subtitle", feed.title) == feed.title


texts = st.text(st.characters(codec=None), max_size=60) | st.text("<>&\"' \t\r\n\x00\x0b]\ufffe\ud800ab中", max_size=30)
instants = st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda when: when.replace(microsecond=0)
)
links = st.none() | texts.map(lambda text: f"https://example.org/{text}")
images = st.none() | st.builds(Image, url=texts.map(lambda text: f"https://example.org/{text}"), alt=st.none() | texts)
articles = st.builds(
    Article,
    title=texts,
    link=links,
    published=st.none() | instants,
    authors=st.lists(texts, max_size=2).map(tuple),
    categories=st.lists(texts, max_size=2).map(tuple),
    summary=st.none() | texts,
    content=st.none() | texts | texts.map(lambda text: f"<p>{text}</p><img src='https://example.org/{text}'>"),
    image=images,
)


@given(article=articles, updated=instants, title=texts)
def test_whatever_comes_in(article, updated, title):
    """Whatever an article says, both documents are well-formed and say just what was rendered."""
    name = (article.link and urls.encoded(article.link)) or "urn:example:1"
    one = entry(article, name=name, updated=updated)
    shown = render(one)
    rss, atom = written(Feed(id="f", title=f"x{title}", subtitle=title), [one])

    item = etree.fromstring(rss.data).find("channel/item")
    assert item.findtext("title") == shown.title
    assert item.findtext("guid") == shown.id
    assert item.find("guid").get("isPermaLink") == str(shown.id == shown.link).lower()
    assert item.findtext("link") == shown.link
    assert item.findtext("pubDate") == (article.published and dates.rfc822(article.published))

    found = etree.fromstring(atom.data).find("a:entry", NAMED)
    assert found.findtext("a:title", namespaces=NAMED) == shown.title
    assert found.findtext("a:id", namespaces=NAMED) == shown.id
    assert found.findtext("a:updated", namespaces=NAMED) == dates.rfc3339(updated)
    assert found.findtext("a:published", namespaces=NAMED) == (article.published and dates.rfc3339(article.published))
    alternates = [link.get("href") for link in found.findall("a:link", NAMED) if link.get("rel") == "alternate"]
    assert alternates == ([shown.link] if shown.link else [])

    for document in (rss, atom):
        (read,) = parsed(document).entries
        assert read.id == shown.id
        assert read.get("link") in (shown.link, None if shown.link else shown.id)
        assert read.get("published_parsed") == (article.published and article.published.utctimetuple())


# feedparser takes a run of U+0080 to U+00FF for UTF-8 that was decoded wrongly, and decodes it again
unmistaken = texts.filter(lambda text: not any(0x80 <= ord(one) <= 0xFF for one in text))


@given(title=unmistaken, body=unmistaken)
def test_atom_titles_survive_feedparser(title, body):
    """A title comes back from feedparser as the plain text it was rendered to."""
    one = entry(Article(title=title, content=f"<p>{body}</p>"))
    _, atom = written(Feed(id="f", title="F"), [one])
    (read,) = parsed(atom).entries
    assert read.title == render(one).title


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real articles is not beside this checkout")
def test_corpus_is_well_formed():
    """154 real articles make two well-formed documents that hold them all."""
    entries = []
    for number, file in enumerate(sorted(CORPUS.iterdir())):
        body = file.read_text("utf-8").partition("------\n")[2]
        link = f"https://example.org/{number}"
        entries.append(entry(Article(title=file.name, link=link, content=body), name=link))
    for document in written(Feed(id="f", title="F"), entries):
        assert len(parsed(document).entries) == len(entries) == 154
        assert not parsed(document).bozo
