from datetime import UTC, datetime

import pytest

from feedarchiver.model import Article, Entry, Image, ObjectId
from feedarchiver.publish.rendered import media_type, render

LONG = "<p>" + "Many words, and then some more. " * 40 + "</p>"


def shown(**said):
    article = Article(**{"title": "A title", "link": "https://example.org/a"} | said)
    when = datetime(2024, 1, 2, tzinfo=UTC)
    return render(Entry(id="urn:example:1", object_id=ObjectId("0" * 64), source="s", updated=when, article=article))


def test_lead_image_is_put_on_top():
    """A picture named beside the body stands on top of it, since every reader shows what is in the content."""
    image = Image(url="https://example.org/p.webp?a=1&b=2", alt='"x" & y', width=4, height=3)
    rendered = shown(content="<p>Text.</p>", image=image)
    assert rendered.content == (
        '<p><img src="https://example.org/p.webp?a=1&amp;b=2" alt="&quot;x&quot; &amp; y" width="4" height="3"></p>'
        "<p>Text.</p>"
    )
    assert rendered.image.type == "image/webp"


@pytest.mark.parametrize("url", ["https://example.org/p.jpg", "https://example.org/p?a=1&b='2'"])
def test_lead_image_is_not_doubled(url):
    """A picture that the body shows already is not put there again."""
    rendered = shown(content=f'<p>Text.</p><img src="{url.replace("&", "&amp;")}">', image=Image(url=url))
    assert rendered.content.count("<img") == 1


def test_named_image_wins():
    """The picture named beside the content is the lead, not the first one found in it."""
    found = '<p><img src="https://example.org/found.jpg"></p>'
    rendered = shown(content=found, image=Image(url="https://example.org/named.jpg"))
    assert rendered.image.url == "https://example.org/named.jpg"
    assert rendered.content.count("<img") == 2


def test_image_without_a_usable_address():
    """A picture that cannot be published gives way to the one in the body."""
    rendered = shown(content='<p><img src="https://example.org/found.jpg"></p>', image=Image(url="javascript:alert(1)"))
    assert rendered.image.url == "https://example.org/found.jpg"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({"title": "  Said \n twice "}, "Said twice"),
        ({"title": "", "content": "<p>A short text.</p>"}, "A short text."),
        ({"title": " \x00 ", "content": LONG}, "Many words, and then some more. " * 2 + "Many words, and…"),
        ({"title": "", "content": "<p> </p>"}, "https://example.org/a"),
        ({"title": "", "link": None}, "urn:example:1"),
    ],
)
def test_title_is_never_empty(said, title):
    """Without a title the beginning of the text stands in, then the link, then the id."""
    assert shown(**said).title == title


@pytest.mark.parametrize(
    ("said", "summary"),
    [
        ({"content": LONG, "summary": "<p>In &amp; <b>short</b>.</p>"}, "In & short."),
        ({"content": "<p>Short.</p>", "summary": "<p>Much longer than the content is.</p>"}, None),
        ({"content": "<p>Same.</p>", "summary": "Same."}, None),
        ({"content": "<p>Text.</p>"}, None),
        ({"summary": "<p>All there is.</p>"}, None),
    ],
)
def test_summary_is_shorter_than_the_content(said, summary):
    """A summary is plain text and shorter than the content, or left out."""
    assert shown(**said).summary == summary


def test_summary_is_cut_from_a_long_text():
    """A long text without a summary gets one from its beginning."""
    rendered = shown(content=LONG)
    assert rendered.summary.startswith("Many words")
    assert len(rendered.summary) < len(rendered.content)


def test_summary_stands_in_for_the_content():
    """Where only a summary came, it is the content, markup and all."""
    assert shown(summary="<p>All <em>there</em> is.</p>").content == "<p>All <em>there</em> is.</p>"


def test_words_are_not_lost_beside_a_picture():
    """Where the content is a picture without a word, the summary's words are shown under it."""
    rendered = shown(content='<img src="https://example.org/a.gif">', summary="<p>What it shows.</p>")
    assert rendered.content == '<p><img src="https://example.org/a.gif" alt=""></p><p>What it shows.</p>'
    assert rendered.summary is None


def test_nothing_is_invented():
    """What was not said stays unsaid."""
    rendered = shown(link=None)
    assert (rendered.link, rendered.published, rendered.summary, rendered.image) == (None, None, None, None)
    assert (rendered.authors, rendered.categories, rendered.content) == ((), (), "")


def test_names_are_plain_and_single():
    """Authors and categories are plain text, each once, in the order said; empty ones go."""
    rendered = shown(authors=("B", " A &amp; C\n", "", "B", "\x0b"), categories=("x", "x"))
    assert rendered.authors == ("B", "A & C")
    assert rendered.categories == ("x",)


def test_link_is_percent_encoded():
    """The original link is published, encoded where it was not."""
    assert shown(link="https://example.org/新?a=%25E5").link == "https://example.org/%E6%96%B0?a=%25E5"


@pytest.mark.parametrize(
    ("url", "guess"),
    [
        ("https://example.org/a.PNG", "image/png"),
        ("https://example.org/a.jpg.webp?x=.gif", "image/webp"),
        ("https://example.org/a.svg#b.png", "image/svg+xml"),
        ("https://example.org/a", "image/jpeg"),
        ("https://example.org/a.php", "image/jpeg"),
    ],
)
def test_media_type_is_guessed(url, guess):
    """A picture's media type is that of its path's ending, else JPEG."""
    assert media_type(url) == guess


@pytest.mark.parametrize("said", ["text/html", "image", "image/", "jpeg", ""])
def test_a_type_that_is_no_picture_is_not_passed_on(said):
    """What a publisher calls the type of a picture is believed only if it is one."""
    assert shown(image=Image(url="https://example.org/a.gif", type=said)).image.type == "image/gif"
