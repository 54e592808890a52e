from datetime import UTC, datetime

from feedgen.entry import FeedEntry
from lxml import etree

from feedarchiver.model import Feed, Image
from feedarchiver.publish import atom, rss
from feedarchiver.publish.pages import Page
from feedarchiver.publish.pieces import feed_entry
from feedarchiver.publish.plan import NEVER, FeedDocument
from feedarchiver.publish.rendered import Rendered

ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
MEDIA = "{http://search.yahoo.com/mrss/}"
WHEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
ENTRY = Rendered(
    id="urn:example:1",
    link="https://example.org/a",
    title="A",
    updated=WHEN,
    published=WHEN,
    language=None,
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
    page=Page(2, 50, 100, 7),
)
CURRENT = ARCHIVED._replace(page=Page(None, 350, 420, 7))
HERE = "https://example.org/feeds/f"


def parsed(format_, document):
    return etree.fromstring(b"".join(format_.around(document)))


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
    tags = [child.tag for child in feed_entry(ENTRY._replace(summary="s")).rss_entry()]
    assert tags.index("description") < tags.index("{http://purl.org/rss/1.0/modules/content/}encoded")
    assert tags.count("description") == 1


def test_channel_links():
    """An archived RSS channel keeps every link of the feed, its own page as `link`, one `self`, and says what it is."""
    channel = parsed(rss, ARCHIVED)[0]
    assert [(link.get("rel"), link.get("href")) for link in channel.findall(f"{ATOM}link")] == [
        ("self", f"{HERE}/archive/000002.rss.xml"),
        ("prev-archive", f"{HERE}/archive/000001.rss.xml"),
        ("current", f"{HERE}/rss.xml"),
    ]
    assert channel.findtext("link") == f"{HERE}/archive/000002.html"
    assert len(channel.findall(f"{HISTORY}archive")) == 1


def test_feed_links():
    """An archived Atom feed has the same links, each once, and the id of the whole feed."""
    root = parsed(atom, ARCHIVED)
    assert sorted((link.get("rel"), link.get("href")) for link in root.findall(f"{ATOM}link")) == [
        ("alternate", f"{HERE}/archive/000002.html"),
        ("current", f"{HERE}/atom.xml"),
        ("prev-archive", f"{HERE}/archive/000001.atom.xml"),
        ("self", f"{HERE}/archive/000002.atom.xml"),
    ]
    assert root.findtext(f"{ATOM}id") == f"{HERE}/atom.xml"
    assert len(root.findall(f"{HISTORY}archive")) == 1


def test_a_subscription_document_is_no_archive():
    """The document that readers poll leads to the newest archive and is not marked as one."""
    for format_, root in ((rss, parsed(rss, CURRENT)[0]), (atom, parsed(atom, CURRENT))):
        links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
        assert links["prev-archive"] == f"{HERE}/{format_.NAMES.path(7)}"
        assert "current" not in links
        assert root.find(f"{HISTORY}archive") is None


def test_a_feed_without_entries():
    """A feed without entries claims no change: RSS has no date, Atom the first instant there is."""
    nothing = FeedDocument(feed=Feed(id="f", title="F"), base_url="https://example.org/")
    assert parsed(rss, nothing)[0].find("lastBuildDate") is None
    assert parsed(atom, nothing).findtext(f"{ATOM}updated") == "0001-01-01T00:00:00Z"
    assert datetime.min.replace(tzinfo=UTC) == NEVER
