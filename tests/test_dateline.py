"""feedarchiver.gather.dateline."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.gather import dateline

NOV_4 = datetime(2023, 11, 4, tzinfo=UTC)
AT_22_45 = datetime(2023, 11, 4, 22, 45, 1, tzinfo=UTC)

OTHER = '<time datetime="2001-02-03">'
LD = '<script type="application/ld+json">%s</script>'


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<time datetime="2023-11-04T22:45:01Z">yesterday</time><p>Text', AT_22_45),
        ('<TIME dateTime="2023-11-04">53 分钟前</TIME>', NOV_4),
        ('<address>BY A BEE</address><time pudate datetime="2023-11-04T10:44:26">November 4</time>', NOV_4),
        ('<p>By A Bee, <span><time datetime="2023-11-04">4 November</time></span></p>', NOV_4),
        (f'<time>no value</time><time datetime="x"></time><time datetime="2023-11-04"></time>{OTHER}', NOV_4),
        ("<i>A Bee<br>2023-11-04T22:45:01.000Z</i><p>Text", AT_22_45),
        ("<div>Sat, 04 Nov 2023 22:45:01 GMT</div><p>Text", AT_22_45),
        (f'{OTHER}</time><meta property="article:published_time" content="2023-11-05T06:45:01+08:00">', AT_22_45),
        (f'{OTHER}</time><span itemprop="datePublished" content="2023-11-04">4.11.</span>', NOV_4),
        (f'{OTHER}</time><span itemprop="name datePublished">2023-11-04</span>', NOV_4),
        (
            '<div itemscope itemtype="https://schema.org/NewsArticle"><b itemprop=datePublished>2023-11-04</b></div>',
            NOV_4,
        ),
        ("<p>" + "Prose. " * 100 + '</p><footer><time pubdate datetime="2023-11-04">then</time></footer>', NOV_4),
        (OTHER + LD % '{"@type": "NewsArticle", "datePublished": "2023-11-04T22:45:01Z"}', AT_22_45),
        (LD % '[{"@type": "Person"}, {"@type": ["Thing", "BlogPosting"], "datePublished": "2023-11-04"}]', NOV_4),
        (LD % '{"@graph": [{"@type": "WebPage"}, {"@type": "Article", "datePublished": "2023-11-04"}]}', NOV_4),
        (LD % "{broken" + '<time datetime="2023-11-04">then</time>', NOV_4),
        ('\0<time datetime="2023-11-04">\ud800</time>', NOV_4),
    ],
)
def test_markup_with_a_date(html, found):
    """The article's own date is read where it is written for machines; of a time without a zone, the day."""
    assert dateline.read(html) == found


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<p>Text",
        "<div>04/11/2023 - 22:49</div>",
        "<p>2023-11-04</p>",
        "<i>2023-11-04T22:45:01</i>",
        "<p>At 2023-11-04T22:45:01Z it broke.</p>",
        '<img src="https://x.example/2023-11-04/a.jpg">',
        "<time>2023-11-04</time>",
        '<time datetime="PT5M">five minutes</time>',
        '<time datetime="2023-11">November</time>',
        '<time datetime="0001-01-01T00:00:00Z"></time>',
        '<time datetime="1970-01-01T00:00:00Z"></time>',
        '<ul><li><a href="/other">Other</a> <time datetime="2023-11-04">then</time></li></ul>',
        '<a href="/other">Other <time datetime="2023-11-04">then</time></a>',
        '<aside><time datetime="2023-11-04">then</time></aside>',
        '<blockquote><p>Toot</p><time datetime="2023-11-04">then</time></blockquote>',
        '<div itemscope itemtype="https://schema.org/Comment"><b itemprop=datePublished>2023-11-04</b></div>',
        '<div itemscope itemtype="https://schema.org/Event"><time datetime=2023-11-04>then</time></div>',
        '<time itemprop="dateModified" datetime="2023-11-04">then</time>',
        '<p>On <time datetime="2023-11-04">Saturday</time> the ministers met again to talk about nothing.</p>',
        "<p>" + "Prose. " * 100 + '</p><div>See also <time datetime="2023-11-04">then</time></div>',
        "<p>" + "Prose. " * 100 + "</p><div>2023-11-04T22:45:01Z</div>",
        LD % '{"@type": "ItemList", "itemListElement": [{"@type": "Article", "datePublished": "2023-11-04"}]}',
        LD % '{"@type": "Event", "datePublished": "2023-11-04"}',
        LD % '{"@type": "Article", "datePublished": 20231104}',
        LD % ("[" * 60_000),
        "<script>2023-11-04T22:45:01Z</script>",
        "<!-- 2023-11-04T22:45:01Z -->",
    ],
)
def test_markup_without_a_date(html):
    """Dates of other things, prose, durations, unset fields and unsaid zones are not the article's date."""
    assert dateline.read(html) is None


fragments = st.sampled_from(
    [
        "<time datetime=",
        "2023-11-04",
        ">",
        '"',
        "<p>",
        "</p>",
        "<i>",
        "<a>",
        "<li>",
        "<meta property=article:published_time content=",
        "<b itemprop=datePublished>",
        "text ",
        "T22:45Z",
        LD % '{"@type": "Article"}',
        "<script type=application/ld+json>",
        "{}",
        "[1]",
    ]
)


@given(st.one_of(st.text(), st.lists(fragments, max_size=15).map("".join)))
def test_never_raises(html):
    """Any text at all is an instant of the web's years or None."""
    found = dateline.read(html)
    assert found is None or (found.tzinfo is UTC and 1990 <= found.year <= 2100)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000,
        "<time datetime=x>" * 60_000,
        "<b>" * 300_000,
        "<p itemprop=datePublished><b>" * 30_000,
        "x" * 5_000_000,
    ],
)
def test_hostile_markup_is_bounded(html):
    """Deep nesting, many candidates and endless text cost a bounded time."""
    started = time.process_time()
    assert dateline.read(html) is None
    assert time.process_time() - started < 5
