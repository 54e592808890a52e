import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedarchiver.model import Feed
from feedarchiver.publish import atom, rss
from feedarchiver.publish.opml import document, listed, page_size
from feedarchiver.publish.plan import Published, Site


def site(*feeds, title="Site"):
    published = (Published(feed=feed, entries=0, events=0, sealed=0, updated=None) for feed in feeds)
    return Site(title=title, base_url="https://example.org/feeds", size=50, feeds=tuple(published))


def test_outlines():
    """A list names every feed with what importing readers look at."""
    feeds = Feed(id="a", title="A & <b>", subtitle="S", language="zh"), Feed(id="b", title="B")
    told = document(site(*feeds), "atom", atom.NAMES)
    assert told.path == "feeds-atom.opml"
    first, second = etree.fromstring(told.data).iter("outline")
    assert dict(first.attrib) == {
        "text": "A & <b>",
        "title": "A & <b>",
        "type": "rss",
        "xmlUrl": "https://example.org/feeds/a/atom.xml",
        "htmlUrl": "https://example.org/feeds/a/index.html",
        "description": "S",
        "language": "zh",
    }
    assert second.get("xmlUrl") == "https://example.org/feeds/b/atom.xml"


names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)


@given(ids=st.sets(names), title=st.text())
def test_lists_are_read_back(ids, title):
    """What feeds a list was made of, and their page size, is read out of it, whatever they are called."""
    told = document(site(*(Feed(id=name, title=title) for name in ids), title=title), "rss", rss.NAMES)
    assert told.path == "feeds.opml"
    assert listed(told.data) == ids
    assert page_size(told.data) == 50


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<opml",
        b"\xff",
        b"<opml/>",
        b'<opml><body><outline text="x"/></body></opml>',
        b'<opml><body><outline xmlUrl="https://example.org/../rss.xml"/></body></opml>',
        b'<opml><body><outline xmlUrl="rss.xml"/></body></opml>',
    ],
)
def test_other_lists_list_nothing(data):
    """A list that is broken or somebody else's names no folder of ours, least of all one outside."""
    assert listed(data) == set()
    assert page_size(data) is None
