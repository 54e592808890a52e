import pytest

from feedarchiver.model import Feed
from feedarchiver.publish.pages import HTML, Names, Page
from feedarchiver.publish.plan import FeedDocument

FEED = Feed(id="新闻", title="News")
RSS = Names("rss.xml", ".rss.xml")
HERE = "https://example.org/feeds/%E6%96%B0%E9%97%BB"


@pytest.mark.parametrize("base", ["https://example.org/feeds", "https://example.org/feeds/"])
def test_addresses(base):
    """An address is the base URL and the encoded path, with one slash between them."""
    document = FeedDocument(feed=FEED, base_url=base)
    assert document.path(RSS) == "新闻/rss.xml"
    assert document.url(RSS) == f"{HERE}/rss.xml"
    assert document.page_url == document.url(HTML) == f"{HERE}/index.html"


@pytest.mark.parametrize(
    ("page", "own", "older", "stylesheet"),
    [
        (Page(None, 0, 9, 0), "rss.xml", None, "../assets/feed.css"),
        (Page(None, 20, 39, 2), "rss.xml", "archive/000002.rss.xml", "../assets/feed.css"),
        (Page(2, 10, 20, 2), "archive/000002.rss.xml", "archive/000001.rss.xml", "../../assets/feed.css"),
        (Page(1, 0, 10, 2), "archive/000001.rss.xml", None, "../../assets/feed.css"),
    ],
)
def test_neighbours(page, own, older, stylesheet):
    """A document knows the one before it and the way to the stylesheet."""
    document = FeedDocument(feed=FEED, base_url="https://example.org/feeds", page=page)
    assert document.url(RSS) == f"{HERE}/{own}"
    assert document.older_url(RSS) == (older and f"{HERE}/{older}")
    assert document.subscription_url(RSS) == f"{HERE}/rss.xml"
    assert document.stylesheet == stylesheet
