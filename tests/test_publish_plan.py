from datetime import UTC, datetime

import pytest

from feedarchiver.model import Article, Entry, Feed, ObjectId
from feedarchiver.publish.plan import FeedDocument, plan

FEED = Feed(id="新闻", title="News")


def entry(day):
    when = datetime(2024, 1, day, tzinfo=UTC)
    article = Article(title="t")
    return Entry(id=f"urn:example:{day}", object_id=ObjectId("0" * 64), source="s", updated=when, article=article)


@pytest.mark.parametrize("base", ["https://example.org/feeds", "https://example.org/feeds/"])
def test_addresses(base):
    """An address is the base URL and the encoded path, with one slash between them."""
    document = FeedDocument(feed=FEED, base_url=base)
    assert document.path("rss.xml") == "新闻/rss.xml"
    assert document.url("rss.xml") == "https://example.org/feeds/%E6%96%B0%E9%97%BB/rss.xml"
    assert document.page_url == "https://example.org/feeds/%E6%96%B0%E9%97%BB/index.html"


def test_updated_is_that_of_the_newest_entry():
    """A feed changed when its most recently updated entry did, wherever that stands; never without one."""
    assert plan(FEED, map(entry, (2, 9, 5)), "https://example.org/").updated == datetime(2024, 1, 9, tzinfo=UTC)
    assert plan(FEED, (), "https://example.org/").updated is None
