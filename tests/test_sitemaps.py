"""feedarchiver.gather.sitemaps: indexes, urlsets, extensions, gzip, and what is broken or hostile."""

import gzip
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.gather.sitemaps import Child, NotASitemap, is_sitemap, parse

URL = "https://news.example/sitemap.xml"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
URLSET = f"""{HEAD}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc> https://news.example/a?x=1&amp;y=2 </loc><lastmod>2024-05-01T10:00:00+02:00</lastmod>
<image:image><image:loc>/i/1.jpg</image:loc><image:caption>A &amp; B</image:caption></image:image>
<image:image><image:loc>/i/2.jpg</image:loc></image:image>
<news:news><news:publication><news:name>News</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2024-04-30</news:publication_date><news:title>R&amp;amp;D rises</news:title>
<news:keywords>one, two, one</news:keywords></news:news></url>
<url><loc>/b</loc><lastmod>2020-01-01</lastmod></url><url><loc>/c</loc><lastmod>never</lastmod></url>
<url><lastmod>2020-01-01</lastmod></url></urlset>"""
INDEX = f"""{HEAD}<!-- made by hand --><s:sitemapindex xmlns:s="http://www.google.com/schemas/sitemap/0.84">
<s:sitemap><s:loc>https://news.example/1.xml.gz</s:loc><s:lastmod>2024-05-01</s:lastmod></s:sitemap>
<s:sitemap><s:loc>https://news.example/2.xml</s:loc><s:lastmod>2019-05-01</s:lastmod></s:sitemap></s:sitemapindex>"""


def read(text, **options):
    return parse(text if isinstance(text, bytes) else text.encode(), url=URL, **options)


def links(found):
    return [page.article.link for page in found.pages]


def test_urlset():
    """A urlset's pages come in its order, with their last change and what the news and image extensions say."""
    found = read(URLSET)
    first, second, third = found.pages
    assert links(found) == ["https://news.example/a?x=1&y=2", "https://news.example/b", "https://news.example/c"]
    assert first.article.title == "R&D rises"
    assert first.article.published == datetime(2024, 4, 30, tzinfo=UTC)
    assert (first.article.language, first.article.categories) == ("en", ("one", "two"))
    assert (first.article.image.url, first.article.image.alt) == ("https://news.example/i/1.jpg", "A & B")
    assert first.modified == datetime(2024, 5, 1, 8, tzinfo=UTC)
    assert second.article.title == ""
    assert third.modified is None
    assert first.raw.startswith(b"<url ")
    assert found.problems == ("skipped, without an address: 2020-01-01",)


def test_index():
    """An index names further sitemaps; whatever its namespace is."""
    assert read(INDEX).sitemaps[0] == Child("https://news.example/1.xml.gz", datetime(2024, 5, 1, tzinfo=UTC))
    assert len(read(INDEX).sitemaps) == 2


def test_age():
    """What changed before the limit is passed over and counted; what does not say when is kept."""
    since = datetime(2024, 1, 1, tzinfo=UTC)
    found = read(URLSET, since=since)
    assert links(found) == ["https://news.example/a?x=1&y=2", "https://news.example/c"]
    assert found.older == 1
    assert (len(read(INDEX, since=since).sitemaps), read(INDEX, since=since).older) == (1, 1)


def test_gzip():
    """A packed sitemap is read; a cut one as far as it goes; one above the limit when unpacked is refused."""
    packed = gzip.compress(URLSET.encode())
    assert read(packed) == read(URLSET)
    cut = read(packed[:-40])
    assert links(cut)[:1] == links(read(URLSET))[:1]
    assert any("cut off" in problem for problem in cut.problems)
    with pytest.raises(NotASitemap, match="above the limit"):
        read(gzip.compress(b"x" * 3_000_000), limit_bytes=1_000_000)
    with pytest.raises(NotASitemap, match="damaged gzip"):
        read(b"\x1f\x8b" + b"\xff" * 20)


def test_text():
    """A text file of one address a line is a sitemap; what is no address in it is passed over."""
    assert links(read("https://a.example/1\r\n\nnot an address\nhttps://a.example/2")) == [
        "https://a.example/1",
        "https://a.example/2",
    ]


@pytest.mark.parametrize("damage", ["<loc>https://x.example/&nbsp;</loc>", "<p>", "&", "</news>", "<lo"])
def test_broken(damage):
    """Of a sitemap that is not well-formed, what stands before the damage is kept, and it is said."""
    found = read(URLSET.replace("<url><loc>/b", f"{damage}<url><loc>/b"))
    assert links(found)[0] == "https://news.example/a?x=1&y=2"
    assert any("well-formed" in problem for problem in found.problems)


def test_limit():
    """Of too many pages the first are read, and that is said."""
    many = "<urlset>" + "".join(f"<url><loc>https://x.example/{n}</loc></url>" for n in range(50)) + "</urlset>"
    found = read(many, limit_pages=20)
    assert len(found.pages) == 20
    assert found.problems == ("more than 20 addresses; only the first 20 were read",)


@pytest.mark.parametrize("text", ["", "<html></html>", "hello", "<rss/>", "{}", '<?xml version="1.0"?><feed/>'])
def test_no_sitemap(text):
    """What is no sitemap is refused."""
    assert not is_sitemap(text)
    with pytest.raises(NotASitemap):
        read(text)


def test_no_entities():
    """Entities are not resolved, documents outside not read; a document that defines its own is refused."""
    dtd = (
        '<!DOCTYPE u [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "' + "&a;" * 50 + '"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    )
    with pytest.raises(NotASitemap):
        read(f"{dtd}<urlset><url><loc>https://x.example/&f;{'&b;' * 1000}</loc></url></urlset>")
    found = read('<!DOCTYPE u SYSTEM "file:///etc/passwd"><urlset><url><loc>https://x.example/&f;</loc></url></urlset>')
    assert links(found) == ["https://x.example/&f;"]


def test_hostile_sitemaps_end_soon():
    """A large sitemap, a deep one and one long address take no more than a few seconds."""
    begin = time.process_time()
    entry = "<url><loc>https://x.example/a/{}</loc><lastmod>2024-05-01T10:00:00Z</lastmod></url>"
    assert len(read("<urlset>" + "".join(map(entry.format, range(10_000))) + "</urlset>").pages) == 10_000
    read("<urlset>" + "<url>" * 100_000)
    read("<urlset><url>" + "<loc>x</loc>" * 100_000 + "</url></urlset>")
    read("<urlset><url><loc>http://x/" + "a" * 3_000_000 + "</loc></url></urlset>")
    assert time.process_time() - begin < 6


@given(st.integers(0, len(URLSET)), st.integers(0, 300), st.binary(max_size=4))
def test_any_damage(place, length, inserted):
    """A sitemap damaged anywhere is read or refused."""
    data = URLSET.encode()
    try:
        found = read(data[:place] + inserted + data[place + length :])
    except NotASitemap:
        return
    assert len(found.pages) <= 4
