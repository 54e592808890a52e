"""feedarchiver.gather.discovery: what is behind an address, and what to ask next."""

import gzip
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_extract import body
from test_listing import CARDS

from feedarchiver.gather.discovery import Kind, discover

URL = "https://news.example/world/index.html"
RSS = "<rss version='2.0'><channel><title>All</title><item><guid>1</guid><title>a</title></item></channel></rss>"
SITEMAP = "<urlset><url><loc>https://news.example/a</loc></url></urlset>"
INDEX = "<sitemapindex><sitemap><loc>https://news.example/1.xml</loc></sitemap></sitemapindex>"


def told(data, **options):
    return discover(data if isinstance(data, bytes) else data.encode(), url=options.pop("url", URL), **options)


@pytest.mark.parametrize(
    ("data", "kind", "found"),
    [
        (RSS, Kind.FEED, 1),
        (f"\ufeff \n<?xml version='1.0'?><!-- x -->{RSS}", Kind.FEED, 1),
        ('{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":"1"}]}', Kind.FEED, 1),
        ('<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title></feed>', Kind.FEED, 0),
        (SITEMAP, Kind.SITEMAP, 1),
        (gzip.compress(SITEMAP.encode(), mtime=0), Kind.SITEMAP, 1),
        (INDEX, Kind.SITEMAP, 0),
        (CARDS, Kind.LISTING, 10),
        ("<p>Hello</p>", Kind.PAGE, 0),
        ("<!doctype html><p>Hello</p>", Kind.PAGE, 0),
        ("", Kind.OTHER, 0),
        ("hello", Kind.OTHER, 0),
        ('{"a": 1}', Kind.OTHER, 0),
        (b"%PDF-1.4\n\xff\xfe\0", Kind.OTHER, 0),
        (b"\x1f\x8b\0\0", Kind.OTHER, 0),
    ],
)
def test_kinds(data, kind, found):
    """A document is told by what it holds, whatever it is served as."""
    answer = told(data, media_type="text/html")
    assert (answer.kind, answer.found) == (kind, found)
    assert answer.reason


@pytest.mark.parametrize(
    ("data", "one", "two"),
    [
        (RSS, "a feed with 1 entry", "a feed with 2 entries"),
        (SITEMAP, "a sitemap of 1 page", "a sitemap of 2 pages"),
        (INDEX, "an index of 1 sitemap", "an index of 2 sitemaps"),
    ],
)
def test_one_is_not_many(data, one, two):
    """What is there once is told in the singular."""
    doubled = re.sub(r"(<(item|url|sitemap)>.*</\2>)", r"\1\1", data)
    assert [told(said).reason for said in (data, doubled)] == [one, two]


def test_article():
    """A page that says it is one article is no source; its site's feeds are named."""
    answer = told(body("amp-en"))
    assert answer.kind is Kind.ARTICLE
    assert answer.leads


def test_index_names_its_sitemaps():
    """What an index names is asked next."""
    (lead,) = told(INDEX).leads
    assert (lead.url, lead.kind) == ("https://news.example/1.xml", Kind.SITEMAP)


def test_leads():
    """Declared feeds come first, then linked ones, then the usual places; feeds of comments last; none comes twice."""
    page = CARDS.replace(
        "<title>",
        '<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed/">'
        '<link rel="alternate" type="application/atom+xml" title="All &amp; more" href="/all.atom">'
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/2">'
        '<link rel="alternate" hreflang="de" type="application/rss+xml" href="/de.rss">'
        '<link rel="alternate" type="text/html" href="/m/"><link rel="stylesheet" href="/feed.css"><title>',
    ).replace("<footer>", '<footer><a href="/rss.xml">RSS</a><a href="/about-feeding-birds">feeding</a>')
    leads = told(page).leads
    urls = [lead.url for lead in leads]
    assert urls[:2] == ["https://news.example/all.atom", "https://news.example/rss.xml"]
    assert (leads[0].title, leads[0].reason) == ("All & more", "declared by the page")
    assert urls[2] == "https://news.example/world/feed/"
    assert "https://news.example/sitemap.xml" in urls
    assert len(urls) == len(set(urls)) <= 30
    for url in ("wp-json", "de.rss", "/m/", "feed.css", "birds"):
        assert not any(url in one for one in urls)


def test_guesses_come_along():
    """A listing page's discovery has the selectors to confirm."""
    assert told(CARDS).guesses[0].select.items == "div.wrap > div.card"


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.text(alphabet="<>/=\"' abcrsh:ml?!\ufeff", max_size=80).map(str.encode))
def test_any_bytes(data):
    """Any bytes are something or nothing."""
    assert told(data).kind in Kind
