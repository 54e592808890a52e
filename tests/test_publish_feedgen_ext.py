from dataclasses import replace
from datetime import UTC, datetime

from feedgen.entry import FeedEntry
from lxml import etree

from feedarchiver.model import Feed, Image
from feedarchiver.publish import atom, rss
from feedarchiver.publish.pieces import feed_entry
from feedarchiver.publish.plan import NEVER, FeedDocument, Link
from feedarchiver.publish.rendered import Rendered

ATOM = "{http://www.w3.org/2005/Atom}"
MEDIA = "{http://search.yahoo.com/mrss/}"
WHEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
ENTRY = Rendered(
    id="urn:example:1",
    link="https://example.org/a",
    title="A",
    updated=WHEN,
    published=WHEN,
    authors=(),
    categories=(),
    content="<p>x</p>",
    summary=None,
    image=Image(url="https://example.org/p.jpg", type="image/jpeg", length=7, width=0),
)
ARCHIVED = FeedDocument(
    feed=Feed(id="f", title="F"),
    base_url="https://example.org/feeds",
    updated=WHEN,
    links=(
        Link("prev-archive", "https://example.org/feeds/f/1.xml", "application/rss+xml"),
        Link("current", "https://example.org/c"),
    ),
)


def test_feedgen_still_drops_link_attributes():
    """On its own feedgen writes Atom entry links without `rel`: when this fails, that part of the extension can go."""
    alone = FeedEntry()
    alone.id("urn:example:1")
    alone.title("A")
    alone.link(href="https://example.org/a", rel="alternate")
    assert alone.atom_entry().find("link").attrib == {"href": "https://example.org/a"}


def test_atom_entry_links():
    """An Atom entry has one alternate and one enclosure, with type and length."""
    links = feed_entry(ENTRY).atom_entry().findall("link")
    assert [dict(link.attrib) for link in links] == [
        {"href": "https://example.org/a", "rel": "alternate"},
        {"href": "https://example.org/p.jpg", "rel": "enclosure", "type": "image/jpeg", "length": "7"},
    ]


def test_media_stands_in_the_item():
    """media:content and media:thumbnail are children of the entry itself, without attributes of zero."""
    for written in (feed_entry(ENTRY).rss_entry(), feed_entry(ENTRY).atom_entry()):
        assert dict(written.find(f"{MEDIA}content").attrib) == {
            "url": "https://example.org/p.jpg",
            "medium": "image",
            "type": "image/jpeg",
            "fileSize": "7",
        }
        assert dict(written.find(f"{MEDIA}thumbnail").attrib) == {"url": "https://example.org/p.jpg"}


def test_rss_description_comes_first():
    """In an item with a summary, `description` stands before content:encoded, and once."""
    tags = [child.tag for child in feed_entry(replace(ENTRY, summary="s")).rss_entry()]
    assert tags.index("description") < tags.index("{http://purl.org/rss/1.0/modules/content/}encoded")
    assert tags.count("description") == 1


def test_channel_links():
    """An RSS channel keeps every link of the feed, its own page as `link`, and one `self`."""
    channel = etree.fromstring(rss.document(ARCHIVED, ()).data)[0]
    assert [(link.get("rel"), link.get("href")) for link in channel.findall(f"{ATOM}link")] == [
        ("self", "https://example.org/feeds/f/rss.xml"),
        ("prev-archive", "https://example.org/feeds/f/1.xml"),
        ("current", "https://example.org/c"),
    ]
    assert channel.findtext("link") == "https://example.org/feeds/f/index.html"


def test_feed_links():
    """An Atom feed has the same links, each once."""
    links = etree.fromstring(atom.document(ARCHIVED, ()).data).findall(f"{ATOM}link")
    assert sorted((link.get("rel"), link.get("href")) for link in links) == [
        ("alternate", "https://example.org/feeds/f/index.html"),
        ("current", "https://example.org/c"),
        ("prev-archive", "https://example.org/feeds/f/1.xml"),
        ("self", "https://example.org/feeds/f/atom.xml"),
    ]


def test_a_feed_without_entries():
    """A feed without entries claims no change: RSS has no date, Atom the first instant there is."""
    nothing = FeedDocument(feed=Feed(id="f", title="F"), base_url="https://example.org/")
    assert etree.fromstring(rss.document(nothing, ()).data)[0].find("lastBuildDate") is None
    updated = etree.fromstring(atom.document(nothing, ()).data).findtext(f"{ATOM}updated")
    assert updated == "0001-01-01T00:00:00Z"
    assert datetime.min.replace(tzinfo=UTC) == NEVER
