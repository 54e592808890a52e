import json

import pytest
from hypothesis import given
from test_publish_build import articles, case, documents, entry, instants

from feedarchiver import dates
from feedarchiver.model import Feed
from feedarchiver.publish.forms import Draft
from feedarchiver.publish.jsonfeed import entry_piece
from feedarchiver.publish.pages import Page
from feedarchiver.publish.rendered import render


def parsed(page=None):
    feed, entries = case("full")
    written = documents(feed, entries, page=page or Page(None, 0, 2, 0))
    return json.loads(next(document.data for document in written if document.path.endswith(".json")))


@given(article=articles, updated=instants)
def test_items_say_what_was_rendered(article, updated):
    """Whatever an article says, its item is one line of JSON that says just what was rendered, and nothing empty."""
    shown = render(entry(article, updated=updated))
    piece = entry_piece(Draft(shown))
    assert b"\n" not in piece
    item = json.loads(piece)
    assert item["id"] == shown.id
    assert item["title"] == shown.title
    assert item.get("url") == shown.link
    assert item.get("content_html", "") == shown.content
    assert ("content_text" in item) == (not shown.content)
    assert item["date_modified"] == dates.rfc3339(updated)
    assert item.get("date_published") == (article.published and dates.rfc3339(article.published))
    assert [author["name"] for author in item.get("authors", [])] == list(shown.authors)
    assert item.get("tags", []) == list(shown.categories)
    assert item.get("image") == (shown.image and shown.image.url)
    assert not [name for name, value in item.items() if value in (None, [])]


def test_the_picture_is_attached():
    """The lead image is the item's image and its attachment, with type and length where they are known."""
    first, _ = parsed()["items"]
    assert first["attachments"] == [
        {"url": first["image"], "mime_type": "image/png", "size_in_bytes": 12345},
    ]


@pytest.mark.parametrize(
    ("page", "own", "older"),
    [
        (Page(None, 0, 2, 0), "feed.json", None),
        (Page(None, 4, 6, 2), "feed.json", "archive/000002.json"),
        (Page(2, 2, 4, 2), "archive/000002.json", "archive/000001.json"),
        (Page(1, 0, 2, 2), "archive/000001.json", None),
    ],
)
def test_next_url_leads_to_older_entries(page, own, older):
    """Each document names itself and the one before it."""
    said = parsed(page)
    base = "http://127.0.0.1:8000/news/"
    assert said["feed_url"] == base + own
    assert said.get("next_url") == (older and base + older)


def test_a_feed_without_entries():
    """A feed without entries is a feed with an empty list."""
    written = documents(Feed(id="f", title="F"), [])
    document = next(document for document in written if document.path.endswith(".json"))
    assert json.loads(document.data)["items"] == []
