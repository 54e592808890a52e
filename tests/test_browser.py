"""The pages in a real browser, Debian's Chromium without a screen: what scripts do, what is loaded, what shows."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest

from feedarchiver import SEARCH_VERSION
from feedarchiver.archive.census import Arrival, Size
from feedarchiver.archive.cleaned import body
from feedarchiver.gather.web.politeness import Bounds, Standing
from feedarchiver.model import Article, Change, Entry, Feed, Image, ObjectId
from feedarchiver.publish import feedpage, pages, site, site_search
from feedarchiver.publish.changed import render_change
from feedarchiver.publish.forms import Draft
from feedarchiver.publish.plan import FeedDocument, Published, Site
from feedarchiver.publish.rendered import render
from feedarchiver.server import status
from feedarchiver.server.knowing import Known
from feedarchiver.textdiff import diff
from feedarchiver.updating.source import WebSource
from feedarchiver.watching.overview import Came, Overview, Totals
from feedarchiver.watching.rhythm import Silence
from feedarchiver.watching.room import Room
from feedarchiver.watching.sources import Seen, Watched
from feedarchiver.watching.verified import Verified
from feedarchiver.words import folded

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(os.environ.get("AXE_CORE", "/tmp/axe/node_modules/axe-core/axe.min.js"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WHEN = datetime(2024, 1, 2, tzinfo=UTC)
COUNT = 60
HOUR = timedelta(hours=1)
PAGES = ["status.html", "index.html", "all/index.html", "all/archive/000001.html", "search.html?q=北京"]
PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='200'/>"

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")


def entry(number):
    odd = number % 2
    article = Article(
        title=f"第{number}篇：北京新闻" if odd else f"Story {number}",
        link=f"https://example.org/{number}",
        content=f"<h4>小标题</h4><p>巴黎的电影<b>节</b>开幕，编号 n{number}。</p>" + "<p>正文很长。</p>" * 60
        if odd
        else f"<p>Élections in Paris, number n{number}. {'Many words. ' * 60}</p><table><tr>{'<td>column' * 9}</table>",
        language="zh-CN" if odd else "en",
        image=Image(url=f"https://pictures.example.org/{number}.jpg") if number % 3 else None,
    )
    when = WHEN + timedelta(hours=number)
    return render(Entry(id=f"urn:x:{number}", object_id=ObjectId("0" * 64), source="s", updated=when, article=article))


def changes():
    """Tell of edits of everything that an edit may change, of a text alone, and of markup alone."""
    old = Article(title="旧标题", link="https://example.org/a", content="<p>The old words.</p><img src='/old.jpg'>")
    new = Article(title="新标题", link="https://example.org/b", content="<p>The new words.</p><img src='/new.jpg'>")
    for number, (before, after) in enumerate(
        ((old, new), (old, old._replace(content="<p>Other words.</p>")), (old, old))
    ):
        now = Entry(id="urn:x:1", object_id=ObjectId("0" * 64), source="s", updated=WHEN, article=after)
        change = Change(id=f"urn:uuid:{number}", entry=now, before=before)
        yield render_change(change, [body(before)], [body(after)])


def documents():
    entries = [entry(number) for number in range(COUNT)]
    cards = [feedpage.entry_piece(Draft(one)) for one in entries]
    feed = Feed(id="all", title="All articles", subtitle="Everything")
    for page in pages.cut(COUNT, 25):
        head = FeedDocument(feed=feed, base_url="http://127.0.0.1/", page=page, updated=WHEN)
        around = feedpage.around(head)
        data = around.before + b"".join(reversed(cards[page.first : page.end])) + around.after
        yield head.path(feedpage.NAMES), data
    for name, said in (("changes", [feedpage.entry_piece(Draft(one)) for one in changes()]), ("empty", [])):
        head = FeedDocument(
            feed=Feed(id=name, title=name), base_url="http://127.0.0.1/", updated=WHEN if said else None
        )
        around = feedpage.around(head)
        yield head.path(feedpage.NAMES), around.before + b"".join(said) + around.after
    published = Published(feed=feed, entries=COUNT, events=COUNT, sealed=1, updated=WHEN)
    whole = Site(title="Mine", base_url="http://127.0.0.1/", size=50, feeds=(published,))
    versions = [site.Version(WHEN, "New", diff("旧的文字", "新的文字")), site.Version(WHEN, "Old")]
    made = [site.index_page(whole, cards[: -site.LATEST - 1 : -1]), site.search_page(), *site.assets()]
    made += [site.article_page(one, None, versions) for one in entries]
    made += site_search.grown(0, len(entries), map(site.searched, entries), {}.__getitem__, BytesIO())
    yield from ((document.path, document.data) for document in made)
    yield "status.html", status.page(known(), pages=True).encode()
    yield status.STYLE, status.style()


def known():
    silent = Silence(days=40, usual=3)
    bad = Standing(WHEN, WHEN, answered=WHEN, failed=7, failing_since=WHEN, trouble="answers 500 " + "x" * 90)
    sources = [
        Watched("bad", "新闻", WebSource("bad", "feed", "https://example.org/a", Bounds(HOUR, HOUR, HOUR))),
        Watched("silent", "Silent " * 12),
        Watched("ok", "ok"),
    ]
    seen = [
        Seen(sources[0], WHEN, 12_345, WHEN, None, bad, gaps=((WHEN, WHEN),)),
        Seen(sources[1], WHEN, 3, WHEN, silent),
        Seen(sources[2], WHEN, 3, None, None),
    ]
    overview = Overview(
        at=WHEN,
        totals=Totals(12_351, 12_351, 12_351, Size(37_053, 10**9, 2 * 10**9), 10**7, WHEN, WHEN),
        sources=tuple(seen),
        others=("another",),
        incidents=(),
        runs=(Arrival(1_700_000_000_000_000, 5, ("bad", "ok")),),
        latest=(Came("urn:x:41", "第41篇：北京新闻", "bad", WHEN),),
        verified=Verified(WHEN, quick=False, objects=37_053, faults=2),
        published=WHEN,
        rooms=(Room("archive", 10**8, 10**12, 5, 10**7),),
    )
    return Known(overview, {}, ("The last run failed: no space left on the disk",))


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("pages")
    for path, data in documents():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


@pytest.fixture(scope="module")
def base(folder) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def tab(browser, base):
    """Open a page; at the end nothing may have been said on the console and nothing but pictures asked outside."""
    said, outside, contexts = [], [], []

    def route(asked):
        if asked.request.resource_type == "image":
            asked.fulfill(content_type="image/svg+xml", body=PICTURE)
        else:
            outside.append(asked.request.url)
            asked.abort()

    def opened(path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        context.route(lambda url: not url.startswith((base, "file:")), route)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path if ":" in path else base + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert outside == []


def titles(page):
    page.locator("#results[aria-busy=false]").wait_for(state="attached")
    return page.locator("#results h3").all_inner_texts()


def test_two_chinese_characters_are_found(tab):
    """A word of two characters finds every article that has it, newest first, marked where it stands."""
    page = tab("search.html?q=电影")
    found = titles(page)
    assert found[0] == "第59篇：北京新闻"
    assert len(found) == 20
    assert page.locator("#results mark").first.inner_text() == "电影"
    assert page.locator("#results time").first.inner_text() == "2024-01-04"
    page.click("#more")
    assert len(titles(page)) == 30
    assert page.is_hidden("#more")


QUERIES = {
    "n42": 1,
    "ÉLECTIONS": 20,
    "elect": 20,
    '"elect"': 0,
    '"number n42"': 1,
    '"n42 number"': 0,
    "电影节开": 20,
    "影的": 0,
    "节 n41": 1,
    "story 北京": 0,
    "<img src=x>": 0,
}


def test_queries_mean_what_they_say(tab, base):
    """All words must be there, beginnings count, quoted words stand together, markup in a query is text."""
    page = tab("search.html")
    found = {}
    for query in QUERIES:
        page.goto(f"{base}search.html?q={quote(query)}")
        found[query] = len(titles(page))
    assert found == QUERIES


def test_searching_loads_little(tab):
    """A rare word loads the manifest, one shard of each segment, one block, one reading page."""
    page = tab("search.html?q=n42")
    titles(page)
    names = page.evaluate("performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)")
    assert len([name for name in names if name.startswith("/search/")]) <= 2 + len(site_search.segments(COUNT))
    assert len([name for name in names if name.startswith("/articles/")]) == 1


def test_an_old_page_says_so(tab):
    """A page that is left from before the index was written in another way says why it finds nothing."""
    page = tab("index.html")
    other = f'arrived("index",{{"format":{SEARCH_VERSION + 1}}})'
    page.route("**/search/index.js*", lambda asked: asked.fulfill(content_type="text/javascript", body=other))
    page.fill("input[name=q]", "电影")
    page.press("input[name=q]", "Enter")
    page.get_by_text("This page is older than what it searches. Reload it.").wait_for()


def test_pages_work_from_a_disk(tab, folder):
    """Opened from a folder, without any server, pages have their style and searching finds."""
    page = tab(f"file://{folder}/index.html")
    page.fill("input[name=q]", "电影")
    page.press("input[name=q]", "Enter")
    page.wait_for_url("**/search.html?q=*")
    assert len(titles(page)) == 20
    page.click("#results a")
    page.wait_for_url("**/articles/*.html")
    assert page.evaluate("getComputedStyle(document.querySelector('article')).maxWidth") == "640px"


def test_letters_are_folded_as_when_indexing(tab):
    """The browser folds and cuts every character as the index did, but for a few that hardly anybody writes."""
    page = tab("search.html")
    points = [*range(0x20, 0x3400), *range(0x4E00, 0x4F00), *range(0xA000, 0xAC20), *range(0xF900, 0x20000)]
    theirs = page.evaluate("points => points.map((point) => folded(String.fromCodePoint(point)))", points)
    different = [point for point, other in zip(points, theirs, strict=True) if folded(chr(point)) != other]
    assert len(different) < 400
    everyday = [point for point in different if point < 0x250 or 0x370 <= point < 0x590 or 0x4E00 <= point < 0xA000]
    assert [chr(point) for point in everyday if chr(point) not in "ŉ՛և"] == []


def test_phone(tab, base):
    """Nothing is wider than a phone of 375 pixels."""
    paths = [path_of(path) for path in (*PAGES, "article", "table")]
    page = tab(paths[0], viewport={"width": 375, "height": 812})
    widths = {}
    for path in paths:
        page.goto(base + path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in widths.items() if width > 375} == {}
    cell = page.locator("td").first.bounding_box()
    assert cell["width"] > 2 * cell["height"] / 3  # a word on a line, not a letter


def test_a_headline_without_end(tab):
    """In a list, a headline of many words has its ten lines and no more, and the whole card still leads to it."""
    page = tab("all/index.html", viewport={"width": 375, "height": 812})
    page.evaluate("document.querySelector('.card h3 a').textContent = 'endless '.repeat(5000)")
    card = page.locator(".card").first.bounding_box()
    assert card["height"] < 812
    page.mouse.click(card["x"] + 5, card["y"] + card["height"] - 5)
    page.wait_for_url("**/articles/*.html")


def test_dates_from_right_to_left(tab):
    """Beside an article in Hebrew or Arabic a date still reads from left to right, and the dot stands behind it."""
    page = tab(path_of("article"))
    page.evaluate("document.querySelector('article').dir = 'rtl'")
    first, last = page.evaluate(
        """() => {
            const text = document.querySelector(".facts time").firstChild;
            return [0, text.length - 1].map((place) => {
                const range = new Range();
                range.setStart(text, place);
                range.setEnd(text, place + 1);
                return range.getBoundingClientRect().left;
            });
        }"""
    )
    assert first < last
    dots = page.evaluate(
        "['::before', '::after'].map((which) => getComputedStyle(document.querySelector('.facts time'), which).content)"
    )
    assert dots == ['"·"', "none"]


LIGHT = [*PAGES, "article", "changes/index.html", "empty/index.html", "search.html", "search.html?q=nowhere"]
DARK = ["index.html", "article", "changes/index.html", "search.html?q=北京", "search.html?q=电影"]


@pytest.mark.parametrize(("scheme", "paths"), [("light", LIGHT), ("dark", DARK)], ids=["light", "dark"])
def test_accessible(tab, base, scheme, paths):
    """axe-core finds nothing serious on a page of any kind, in light and dark, and no two regions of one name."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm install axe-core, and name its axe.min.js in AXE_CORE")
    page = tab("index.html", color_scheme=scheme, bypass_csp=True)
    serious = []
    for path in paths:
        page.goto(base + path_of(path))
        if "q=" in path:
            titles(page)
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run().then((result) => result.violations)")
        bad = [one for one in found if one["impact"] in ("serious", "critical") or one["id"] == "landmark-unique"]
        serious += [(path, one["id"], one["nodes"][0]["html"]) for one in bad]
    assert serious == []


def path_of(path):
    return site.page_path({"article": "urn:x:41", "table": "urn:x:40"}[path]) if "." not in path else path


def test_dark(tab):
    """Where the system is dark, pages are."""
    colours = [
        tab("index.html", color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert colours == ["rgb(252, 251, 248)", "rgb(23, 23, 26)"]


def test_everything_but_searching_works_without_scripts(tab):
    """Without JavaScript one gets from the index to a feed, an older page and an article; addresses can be selected."""
    page = tab("index.html", java_script_enabled=False)
    assert page.is_visible(".address input")
    assert page.is_hidden(".address button")
    page.click(".feeds h3 a")
    page.click("a[rel=next]")
    assert page.url.endswith("/all/archive/000001.html")
    page.click(".card h3 a")
    assert page.locator("article h1").inner_text()


def test_keyboard(tab):
    """The first Tab reaches the link that skips to the content, and it does, also on a feed's page."""
    for path in ("index.html", "all/archive/000001.html"):
        page = tab(path)
        address = page.url
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        assert page.url == f"{address}#content"


def test_copy(tab):
    """The button copies the address, with the clipboard's permission or without."""
    page = tab("all/index.html", permissions=["clipboard-read", "clipboard-write"])
    page.click(".address button")
    assert page.evaluate("navigator.clipboard.readText()") == "http://127.0.0.1/all/rss.xml"
    assert page.inner_text(".address button") == "Copied"


RSS = """<rss version="2.0"><channel><title>新闻</title><description>D</description><item><title>T</title>
<description>hide me</description><pubDate>Sat, 04 Nov 2023 22:45:01 +0000</pubDate></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>新闻</title><id>x</id><entry><title>T</title><id>y</id>
<published>2023-11-04T22:45:01Z</published><content type="html">hide me</content></entry></feed>"""


@pytest.mark.parametrize(("feed", "gone"), [(RSS, "item > description"), (ATOM, "entry > content")])
def test_a_feed_tells_what_it_is(tab, folder, feed, gone):
    """Whoever opens a feed sees its title, what to do with its address, and titles; not raw markup."""
    pi = '<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/css" href="../assets/feed.css"?>'
    (folder / "all" / "styled.xml").write_text(pi + feed, encoding="utf-8")
    page = tab("all/styled.xml")
    look = "getComputedStyle(document.querySelector({!r}){}).{}".format
    assert "Paste the address" in page.evaluate(look("title", ', "::after"', "content"))
    assert page.evaluate(look(gone, "", "display")) == "none"
    assert page.evaluate(look(gone.partition(" ")[0] + " > title", "", "display")) == "block"
