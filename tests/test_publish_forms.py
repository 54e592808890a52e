"""Forms against feedgen: the entries come from test_publish_build."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_publish_build import articles, case, entry, instants, texts

from feedarchiver.model import Article, Feed, Image
from feedarchiver.publish import atom, jsonfeed, rss
from feedarchiver.publish.forms import Draft
from feedarchiver.publish.pages import Page
from feedarchiver.publish.plan import FeedDocument
from feedarchiver.publish.rendered import render

FORMATS = (rss, atom, jsonfeed)
sizes = st.none() | st.integers(0, 3)


@given(
    article=articles,
    updated=instants,
    image=st.none()
    | st.builds(Image, url=st.just("https://example.org/p?a=1&b=2"), length=sizes, width=sizes, height=sizes),
    names=st.lists(texts, max_size=3),
)
def test_forms_are_what_feedgen_writes(article, updated, image, names):
    """A filled form is, byte for byte, what feedgen, or for JSON Feed `json`, writes of the same entry."""
    shown = render(entry(article._replace(image=image or article.image, categories=tuple(names)), updated=updated))
    for format_ in FORMATS:
        assert format_.entry_piece(Draft(shown)) == format_.written(shown)


@pytest.mark.parametrize("name", ["full", "bare"])
def test_forms_of_examples(name):
    """So it is for entries as they come, with and without what they may have."""
    for one in case(name)[1]:
        for format_ in FORMATS:
            assert format_.entry_piece(Draft(render(one))) == format_.written(render(one))


def test_marks_in_an_article_are_text():
    """An article that holds what forms use as marks, or the dates of their samples, is written as what it is."""
    hostile = "\ufdd0title\ufdd1 \ufdd2 1801-02-03T04:05:06Z 8000000000001 content"
    shown = render(
        entry(Article(title=hostile, summary=hostile, content=f"<p>{hostile} and more</p>", categories=(hostile,)))
    )
    for format_ in FORMATS:
        assert format_.entry_piece(Draft(shown)) == format_.written(shown)


@pytest.mark.parametrize("page", [Page(None, 0, 3, 0), Page(None, 0, 3, 7), Page(1, 0, 1, 7), Page(4, 0, 1, 7)])
@pytest.mark.parametrize("updated", [None, datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=UTC)])
@pytest.mark.parametrize("pages", [True, False])
def test_heads_are_what_feedgen_writes(page, updated, pages):
    """So are the heads of documents, of any place in the chain, whatever a feed is called."""
    title = '\ufdd0url\ufdd1 <a> & "b" 0001-01-01T00:00:00Z 8000000000001'
    for feed in (Feed(id="a_b", title="A"), Feed(id="b", title=title, subtitle=title, language="zh")):
        head = FeedDocument(
            feed=feed,
            base_url="http://x.example/a%20b/?&",
            page=page,
            updated=updated,
            pages=pages,
            hub="http://h/?a&b",
        )
        for format_ in (rss, atom):
            assert format_.around(head) == format_.written_around(head)
