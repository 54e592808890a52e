import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from feedarchiver.model import Article, Entry, Feed, Image, ObjectId
from feedarchiver.publish import feedpage, site
from feedarchiver.publish.forms import Draft
from feedarchiver.publish.pages import HTML, Page
from feedarchiver.publish.plan import STYLESHEET, FeedDocument, Published, Site
from feedarchiver.publish.rendered import render
from feedarchiver.publish.site_content import readable
from feedarchiver.textdiff import diff

WHEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
BASE = "https://example.org/feeds/"


def rendered(number=1, **said):
    article = Article(**{"title": "A title", "link": f"https://www.example.org/{number}"} | said)
    return render(Entry(id=f"urn:x:{number}", object_id=ObjectId("0" * 64), source="s", updated=WHEN, article=article))


def feed_page(page, **feed):
    head = FeedDocument(feed=Feed(**{"id": "all", "title": "All"} | feed), base_url=BASE, page=page, updated=WHEN)
    around = feedpage.around(head)
    cards = [feedpage.entry_piece(Draft(rendered(number))) for number in (2, 1)]
    return (around.before + around.between.join(cards) + around.after).decode()


def index_page(*entries, **feed):
    published = Published(
        feed=Feed(**{"id": "all", "title": "All"} | feed), entries=3, events=4, sealed=0, updated=WHEN
    )
    cards = [feedpage.entry_piece(Draft(entry)) for entry in entries]
    return site.index_page(Site(title="Mine", base_url=BASE, size=50, feeds=(published,)), cards).data.decode()


def article_page(entry, *args):
    return site.article_page(entry, *args).data.decode()


def every_page():
    entry = rendered(title="新闻", content="<h3>B</h3><p>Text.</p>", image=Image(url="https://example.org/p.jpg"))
    versions = [
        site.Version(WHEN + timedelta(hours=1), "New", diff("old text", "new text")),
        site.Version(WHEN, "Old"),
    ]
    return {
        "index": index_page(entry),
        "feed": feed_page(Page(None, 50, 99, 1), language="zh-CN", subtitle="Sub"),
        "archive": feed_page(Page(1, 0, 50, 1)),
        "article": article_page(entry, "zh-CN", versions),
        "search": site.search_page().data.decode(),
    }


class Outline(HTMLParser):
    """What matters of a page: headings in order, and every tag with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute comes twice in {tag}"
        self.tags.append((tag, dict(attrs)))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def levels(self):
        return [int(name[1]) for name, _ in self.tags if re.fullmatch(r"h[1-6]", name)]


@pytest.mark.parametrize("name", ["index", "feed", "archive", "article", "search"])
def test_pages_have_an_order(name):
    """Each page has one h1, no heading skips a level, one main, a skip link, a title; ids are there once."""
    page = Outline(every_page()[name])
    assert page.levels[0] == 1
    assert page.levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(page.levels))
    assert len(page.all("main")) == len(page.all("title")) == 1
    skip = page.all("a")[0]["href"]
    assert skip.endswith("#content")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", ["index", "feed", "archive", "article", "search"])
def test_pages_run_nothing_of_others(name):
    """Every page has a policy that allows no inline script or style, and has none; its own files lie beside it."""
    html = every_page()[name]
    page = Outline(html)
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src * data:; media-src *")
    assert "unsafe" not in policy
    assert ("script-src" in policy) == bool(page.all("script"))
    assert html.index("Content-Security-Policy") < html.index("<link")
    assert not page.all("style")
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.tags for name in attributes)
    known = {document.path for document in site.assets()}
    own = [script["src"] for script in page.all("script")]
    own += [link["href"] for link in page.all("link") if link["rel"] in ("stylesheet", "icon")]
    assert {path.removeprefix("../").partition("?")[0] for path in own} <= known


def test_hostile_values_stay_text():
    """Whatever a title, a category or a feed's name holds, it is text on the page."""
    bad = '"><script>alert(1)</script>&<img src=x onerror=alert(1)>\x00\ufdd0'
    entry = rendered(title=bad.replace("<", "&lt;"), categories=(bad,), authors=(bad,), content=f"<p>{bad}</p>")
    pages = [article_page(entry), index_page(entry, title=bad, subtitle=bad), feed_page(Page(None, 0, 2, 0), title=bad)]
    for html in pages:
        page = Outline(html)
        assert all(set(script) == {"src", "defer"} for script in page.all("script"))
        assert not any("onerror" in attributes for attributes in page.all("img"))
        assert "\x00" not in html
        assert "\ufdd0" not in html


@pytest.mark.parametrize(
    ("content", "page"),
    [
        ("<h1>A</h1><h4>B</h4><h1>C</h1>", "<h2>A</h2><h3>B</h3><h2>C</h2>"),
        ("<h4>A</h4><h2>B</h2>", "<h2>A</h2><h2>B</h2>"),
        ("<h1>1</h1><h2>2</h2><h3>3</h3><h4>4</h4><h5>5</h5><h6>6</h6>", None),
        ('<main lang="en"><p>A</p></main><nav>B</nav>', '<div lang="en"><p>A</p></div><div>B</div>'),
        ('<img src="a"><video src="b" controls=""></video>', None),
        ('<img alt="<img onerror=x " src="a">', '<img loading="lazy" decoding="async" alt="<img onerror=x " src="a">'),
        ('<p title="<h1>">a &lt;h1> b</p>', '<p title="<h1>">a &lt;h1> b</p>'),
    ],
)
def test_content_is_fitted_into_the_page(content, page):
    """Headings go below the title without gaps, landmarks are blocks, values of attributes are never taken for tags."""
    fitted = readable(content)
    levels = Outline(f"<h1></h1>{fitted}").levels
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page is None or fitted == page
    assert all(image["loading"] == "lazy" for image in Outline(fitted).all("img"))
    assert all(film["preload"] == "none" for film in Outline(fitted).all("video"))


@pytest.mark.parametrize(
    ("said", "source", "lang", "direction"),
    [
        ("zh-TW", "en", "zh-TW", "ltr"),
        (None, "zh-CN", "zh-CN", "ltr"),
        (None, None, "", "auto"),
        ("ar", None, "ar", "rtl"),
        ("pa-Arab", None, "pa-Arab", "rtl"),
    ],
)
def test_language_is_the_articles(said, source, lang, direction):
    """An article's own language counts, then its source's; where neither is said, none is guessed."""
    (article,) = Outline(article_page(rendered(language=said), source)).all("article")
    assert (article["lang"], article["dir"]) == (lang, direction)


@pytest.mark.parametrize(
    ("page", "newer", "older"),
    [
        (Page(None, 0, 2, 0), None, None),
        (Page(None, 100, 150, 2), None, "all/archive/000002.html"),
        (Page(2, 50, 100, 2), "all/index.html", "all/archive/000001.html"),
        (Page(1, 0, 50, 2), "all/archive/000002.html", None),
    ],
)
def test_feed_pages_are_linked_both_ways(page, newer, older):
    """Each page leads to the next newer and the next older one."""
    links = {link["rel"]: link["href"] for link in Outline(feed_page(page)).all("a") if "rel" in link}
    assert (links.get("prev"), links.get("next")) == (newer, older)


def test_cards_lead_to_reading_pages_from_every_page():
    """A card is the same everywhere: links of a feed's pages start at the root."""
    entry = rendered(1)
    path = site.article_page(entry).path
    for number, root in ((None, "../"), (1, "../../")):
        page = Outline(feed_page(Page(number, 0, 2, 1)))
        assert page.all("base") == [{"href": root}]
        assert path in [link["href"] for link in page.all("a")]
        assert HTML.path(number).count("/") + 1 == root.count("..")
    assert path in [link["href"] for link in Outline(index_page(entry)).all("a")]


def test_feeds_can_be_found():
    """The index and a feed's pages name the feed in every format, and an address to copy that needs no script."""
    for html in (index_page(rendered()), feed_page(Page(None, 0, 2, 0)), feed_page(Page(1, 0, 50, 1))):
        page = Outline(html)
        types = {link["type"]: link["href"] for link in page.all("link") if link["rel"] == "alternate"}
        assert types == {
            "application/rss+xml": "all/rss.xml",
            "application/atom+xml": "all/atom.xml",
            "application/feed+json": "all/feed.json",
        }
        (field,) = [field for field in page.all("input") if "readonly" in field]
        assert field["value"] == "https://example.org/feeds/all/rss.xml"


def test_reading_page_is_named_by_the_id():
    """The page's address depends on the entry's id alone, whatever its title or link becomes."""
    assert site.article_page(rendered(1)).path == site.article_page(rendered(1, title="B", link=None)).path
    assert site.article_page(rendered(1)).path != site.article_page(rendered(2)).path


def test_versions_show_what_changed():
    """A reading page lists the versions with what was removed and added; a single version is no list."""
    versions = [site.Version(WHEN, "New", diff("the old text", "the new text")), site.Version(WHEN, "Old")]
    html = article_page(rendered(), None, versions)
    assert "<del>old</del><ins>new</ins>" in html
    assert "versions" not in article_page(rendered(), None, versions[1:])


def test_the_original_is_named():
    """A reading page leads to where the article came from."""
    page = Outline(article_page(rendered(7)))
    assert {"rel": "canonical", "href": "https://www.example.org/7"} in page.all("link")
    assert "https://www.example.org/7" in [link.get("href") for link in page.all("a")]


def test_assets_are_there():
    """The style sheet that feeds name is among the files published beside the pages."""
    documents = {document.path: document for document in site.assets()}
    assert STYLESHEET in documents
    assert documents["assets/search.js"].media_type == "text/javascript"
    assert not re.search(rb"url\(|@import|https?:", b"".join(d.data for p, d in documents.items() if p.endswith("css")))
