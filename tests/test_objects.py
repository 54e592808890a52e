from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.archive import objects
from feedarchiver.model import Article, Capture, Image

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
said = texts.filter(bool)
instants = st.datetimes(timezones=st.just(UTC))
images = st.builds(Image, url=said, type=st.none() | said, length=st.none() | st.integers(0), alt=st.none() | said)
articles = st.builds(
    Article,
    title=texts,
    link=st.none() | said,
    guid=st.none() | said,
    published=st.none() | instants,
    published_from=st.none() | said,
    updated=st.none() | instants,
    authors=st.lists(texts, max_size=3).map(tuple),
    categories=st.lists(texts, max_size=3).map(tuple),
    language=st.none() | said,
    summary=st.none() | said,
    content=st.none() | said,
    image=st.none() | images,
)
ids = st.binary(max_size=4).map(objects.object_id)
captures = st.builds(
    Capture,
    article=ids,
    raw=ids,
    source=said,
    url=st.none() | said,
    captured=instants,
    fingerprint=said,
    origin=st.none() | ids,
    origin_captured=st.none() | instants,
    said=st.none() | ids,
    charset=st.none() | said,
)


@given(articles)
def test_an_article_comes_back(article):
    """Decoding what was encoded gives the same article."""
    assert objects.decode_article(objects.encode_article(article)) == article


@given(captures)
def test_a_capture_comes_back(capture):
    """Decoding what was encoded gives the same capture."""
    assert objects.decode_capture(objects.encode_capture(capture)) == capture


def test_canonical_bytes():
    """An article's bytes are UTF-8 JSON with sorted keys, without blanks and without what was not said."""
    article = Article(
        title="题", link="https://e.org/", published=datetime(2023, 11, 4, 22, 45, 1, tzinfo=UTC), content=""
    )
    assert objects.encode_article(article).decode() == (
        '{"content":"","link":"https://e.org/","published":"2023-11-04T22:45:01Z","title":"题","version":1}'
    )


def test_unknown_keys_are_passed_over():
    """A later program may say more; what is known is read."""
    assert objects.decode_article(b'{"title":"a","version":1,"mood":"good"}').title == "a"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"version":2,"title":"a"}', b'{"version":1,"published":"soon"}', b"\xff",
     b'{"version":1,"title":"a","authors":3}'],
    ids=["empty", "cut", "list", "no version", "newer", "no date", "not UTF-8", "wrong type"],
)  # fmt: skip
def test_not_an_article(data):
    """What is no article is refused as one, whatever is wrong with it."""
    with pytest.raises(ValueError):  # noqa: PT011 - the messages differ
        objects.decode_article(data)


@pytest.mark.parametrize("data", [b"{}", b'{"version":1}', b'{"version":1,"article":"xyz"}'])
def test_not_a_capture(data):
    """What is no capture is refused as one."""
    with pytest.raises(ValueError):  # noqa: PT011 - the messages differ
        objects.decode_capture(data)
