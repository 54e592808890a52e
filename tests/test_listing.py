"""feedarchiver.gather.listing, guessing, select: entries out of pages that have no feed."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedarchiver.gather import guessing, listing
from feedarchiver.gather.dated import Writing
from feedarchiver.gather.extract import NotAPage
from feedarchiver.gather.extract.page import opened
from feedarchiver.gather.select import Select

URL = "https://news.example/all/index.html"
CHINA = timezone(timedelta(hours=8))
PAGE = """<html lang="en"><head><title> The  News </title></head><body><div class="list">
<div class="item"><h3><a href="/a?id=1&amp;x=2">The first <b>story</b></a></h3><span class="when">5/4/2024 10:30</span>
<img data-src="/t/1.jpg" src="blank.gif" alt="One"><p class="by">Ann</p><div class="text"><p>Hello <a href="x">x</a></p>
<i class="ad">Buy</i></div></div>
<div class="item"><h3><a href="../b">The second story</a></h3><span class="when">soon</span></div>
<div class="item"><h3>No link at all</h3></div>
<div class="item"><a href="javascript:void(0)">x</a><h3>Nowhere</h3></div>
<div class="item"><h3><a href="/a?id=1&amp;x=2#again">The first story, again</a></h3></div>
</div></body></html>"""
SELECT = Select(
    items="div.item",
    link="h3 a",
    title="h3",
    date=".when",
    content=".text",
    picture="img",
    author=".by",
    remove=(".ad",),
)


def read(page, select, **options):
    return listing.parse(page.encode(), url=options.pop("url", URL), select=select, **options)


def test_entries():
    """An item's link, title, date, content, picture and author are what the selectors say, with absolute addresses."""
    parsed = read(PAGE, SELECT._replace(writing=Writing(zone=CHINA)))
    first, second = (entry.article for entry in parsed.entries)
    assert first.title == "The first story"
    assert first.link == "https://news.example/a?id=1&x=2"
    assert first.published == datetime(2024, 5, 4, 2, 30, tzinfo=UTC)
    assert first.published_from == "markup"
    assert first.authors == ("Ann",)
    assert (first.image.url, first.image.alt) == ("https://news.example/t/1.jpg", "One")
    assert first.content == '<p>Hello <a href="https://news.example/all/x">x</a></p>'
    assert second == first._replace(
        title="The second story",
        link="https://news.example/b",
        published=None,
        published_from=None,
        authors=(),
        image=None,
        content=None,
    )
    assert (parsed.title, parsed.language) == ("The News", "en")
    assert b"The first" in parsed.entries[0].raw
    assert parsed.problems == ("skipped, without a link: No link at all and 1 more",)


def test_day_order():
    """The source says whether the day or the month comes first."""
    parsed = read(PAGE, SELECT._replace(writing=Writing(day_first=True, zone=UTC)))
    assert parsed.entries[0].article.published == datetime(2024, 4, 5, 10, 30, tzinfo=UTC)


def test_without_other_selectors():
    """With a selector for the items alone, the first link is the link, and the heading the title."""
    article = read(PAGE, Select(items=".item")).entries[0].article
    assert (article.title, article.link) == ("The first story", "https://news.example/a?id=1&x=2")


def test_item_is_the_link():
    """An item may be the link itself, or stand in one."""
    page = '<a class="c" href="/1"><h2>One</h2></a><a href="/2"><div class="c"><h2>Two</h2></div></a>'
    assert [entry.article.link for entry in read(page, Select(items=".c")).entries] == [
        "https://news.example/1",
        "https://news.example/2",
    ]


@pytest.mark.parametrize(
    "select", [Select(items=".gone"), Select(items="h3", link=".gone"), Select(items="p.by"), Select()]
)
def test_nothing_found(select):
    """A page that yields no entry, because its selectors match nothing, is refused with the reason."""
    with pytest.raises(listing.NoItems, match=r"matches nothing|has a link|no selector"):
        read(PAGE, select)


def test_selector_that_matches_nothing():
    """A selector that finds nothing in any item is a problem; one that finds something in some is none."""
    problems = read(PAGE, SELECT._replace(date=".gone", author=".lost")).problems
    assert "the selector '.gone' for the date matches nothing in any item" in problems
    assert "the selector '.lost' for the author matches nothing in any item" in problems
    assert len(problems) == 3


def test_dates_that_cannot_be_read():
    """Where a selector finds something and no date can be read of it, that is said: all would stay undated."""
    parsed = read(PAGE, SELECT._replace(writing=Writing(format="%Y weeks")))
    assert not any(one.article.published for one in parsed.entries)
    assert f"what the selector {SELECT.date!r} finds can be read as a date in no item" in parsed.problems


def test_limits():
    """Of too many items the first are read, and that is said."""
    parsed = read(
        "".join(f"<li><a href='/{n}'>Item {n}</a></li>" for n in range(30)), Select(items="li"), limit_entries=7
    )
    assert len(parsed.entries) == 7
    assert parsed.problems == ("more than 7 items; only the first 7 were read",)


def test_bad_selectors_are_named():
    """A selector that cannot be read is named with its key; good ones are not."""
    problems = Select(items="div[", link="a:has(> b)", remove=("..x",)).problems()
    assert [problem.partition(":")[0] for problem in problems] == ["select.items", "select.remove"]
    assert all("\n" not in problem for problem in problems)
    assert SELECT.problems() == ()


CARDS = """<html lang=en><title>Daily</title><body><nav class=nav><ul>{nav}</ul></nav><div class="wrap">{cards}</div>
<div class="sidebar"><ul>{side}</ul></div><footer><a href=/terms>Terms of use</a></footer></body></html>""".format(
    nav="".join(f"<li><a href=/c{n}>A section with a long name {n}</a></li>" for n in range(12)),
    cards="".join(
        f'<div class="card card-{n}{" first" if not n else ""}"><a href="/2024/05/s{n}"><img src=/t{n}.jpg></a>'
        f"<div class=meta><a href=/world>World</a><span class=date>{n + 1} May 2024</span></div>"
        f'<h3><a href="/2024/05/s{n}">Headline of the story number {n}</a></h3><p>Some text about it.</p></div>'
        for n in range(10)
    ),
    side="".join(f"<li><a href=/m{n}>Most read of all stories, number {n}</a></li>" for n in range(20)),
)
CHINESE = "<title>通知</title><ul class='news_list'>{}</ul>".format(
    "".join(
        f'<li><span>2024-05-{n + 1:02}</span><a href="./t/{n}.html">关于开展某项工作的通知之{n}</a></li>'
        for n in range(9)
    )
)
TABLE = "<table><tr><td><table>{}</table></td></tr></table>".format(
    "".join(
        f"<tr><td><img src=dot.gif></td><td><a href=n{n}.htm>News of the old days, {n}</a></td>"
        f"<td>2003/04/{n + 10}</td></tr>"
        for n in range(9)
    )
)
WRAPPED = "<main>{}</main>".format(
    "".join(
        f'<a class="card" href="/p/{n}"><img data-src="/i{n}.jpg">'
        f'<div class="card-title">Post {n} about many things</div>'
        f'<time datetime="2024-01-{n + 1:02}T10:00:00Z">then</time></a>'
        for n in range(9)
    )
)


@pytest.mark.parametrize(
    ("page", "select", "title", "date"),
    [
        (
            CARDS,
            Select(items="div.wrap > div.card", link="h3 > a", title="h3", date="span.date", picture="img"),
            "Headline of the story number 0",
            datetime(2024, 5, 1, tzinfo=UTC),
        ),
        (
            CHINESE,
            Select(items="ul.news_list > li", date="span"),
            "关于开展某项工作的通知之0",
            datetime(2024, 5, 1, tzinfo=UTC),
        ),
        (
            TABLE,
            Select(items="table > tr > td > table > tr", date="td"),
            "News of the old days, 0",
            datetime(2003, 4, 10, tzinfo=UTC),
        ),
        (
            WRAPPED,
            Select(items="main > a.card", title="div.card-title", date="time", picture="img"),
            "Post 0 about many things",
            datetime(2024, 1, 1, 10, tzinfo=UTC),
        ),
    ],
)
def test_guesses(page, select, title, date):
    """The repeated structure of a page is found, not its menu; the selectors find what was guessed."""
    best = guessing.guess(opened(page.encode(), url=URL))[0]
    assert best.select._replace(link=select.link) == select
    article = best.found.entries[0].article
    assert (article.title, article.published) == (title, date)
    assert best.select.items in best.reason
    assert f"{len(best.found.entries)} with a date" in best.reason
    assert listing.parse(page.encode(), url=URL, select=best.select) == best.found


def test_no_guess():
    """A page without repeated headlines gives no guess."""
    for page in (
        "<p>Text</p>",
        "<a href=/x>Only one link in all of this</a>",
        "<ul>" + "<li><a href=/x>Always the same</a>" * 9,
    ):
        assert guessing.guess(opened(page.encode(), url=URL)) == ()


@pytest.mark.parametrize(
    "page",
    [
        "<ul>" + "<li><a href=/a>some link text that is long" * 8_000,
        "<div>" * 8_000 + "<a href=/a>some link text that is long</a>",
        "".join(f"<div class='c{n}'><a href='/{n}'>some link text that is long</a></div>" for n in range(5_000)),
        "".join(f"<a href='/{n}'>{'long text ' * 30}</a>" for n in range(5_000)),
        "<div class='"
        + "x " * 3_000
        + "'>"
        + "".join(f"<li><a href='/{n}'>some link text, {n}</a>" for n in range(3_000)),
    ],
)
def test_hostile_listings_end_soon(page):
    """No page makes guessing, or reading what was guessed, take more than a few seconds."""
    begin = time.process_time()
    guessing.guess(opened(page.encode(), url=URL))
    assert time.process_time() - begin < 4


PIECES = st.sampled_from(
    ["<div class='a'>", "</div>", "<a href='/x'>", "<a href='http://['>", "</a>", "<li>", "<h2>", "<time>"]
)


@settings(max_examples=60)
@given(st.lists(PIECES | st.text(max_size=20), max_size=40))
def test_any_markup(pieces):
    """Any markup gives guesses or none, entries or a refusal."""
    try:
        page = opened("".join(pieces).encode("utf-8", "surrogatepass"), url=URL)
    except NotAPage:
        return
    guessing.guess(page)
    try:
        parsed = listing.read(page, Select(items=".a", link="a", date="time", picture="img"))
    except listing.NoItems:
        return
    assert all(entry.article.link.startswith("http") for entry in parsed.entries)
