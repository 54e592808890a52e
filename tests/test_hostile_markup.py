"""Hostile markup: nothing that is published runs, in several parsers and in a browser; and no text is lost."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.parsers import expat

import pytest
from hostile import CONTAINERS, TAGS_AND_SCRAPS, VALUES, VECTORS, active
from hypothesis import example, given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from feedarchiver import dates
from feedarchiver.archive import objects
from feedarchiver.errors import SeedRefused
from feedarchiver.gather import dateline, seeds
from feedarchiver.markup import depth, parse, xml_text
from feedarchiver.model import Entry, ObjectId
from feedarchiver.publish.build import FORMATS, entry_pieces
from feedarchiver.publish.rendered import render

BASE = "https://news.example/world/a"
NOW = datetime(2024, 1, 2, tzinfo=UTC)


def clean(html):
    return parse(html, base=BASE).html()


def bare(text):
    return "".join(text.split())


# ---- vectors


@pytest.mark.parametrize("html", VECTORS.values(), ids=VECTORS)
def test_vector_is_inert(html):
    """Only what is on the list is left, whoever parses it, also the second time; and what a browser shows stays."""
    cleaned = clean(html)
    assert active(cleaned) == []
    assert bare(clean(cleaned)) == bare(cleaned)
    assert "word" not in html or "word" in cleaned


def test_a_link_of_mathematics():
    """A link within MathML, where `href` is another attribute, is text, also beside share links."""
    html = '<math><a xlink:href="https://e.org/">word</a></math><a href="https://twitter.com/intent/tweet?x">Share</a>'
    body = parse(html, base=BASE)
    assert (body.text, body.html(), body.removed) == ("word", "word", ("share bar",))


CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
# Each body is shown as a page, as innerHTML, and as innerHTML of that once more; then everything is touched.
SHOW = """async bodies => {
  const frames = Object.entries(bodies).map(([name, body]) => {
    const frame = document.createElement('iframe');
    frame.name = name;
    frame.srcdoc = '<!DOCTYPE html><meta charset="utf-8"><body>' + body;
    return frame;
  });
  const ready = frames.map(frame => new Promise(done => { frame.onload = done; setTimeout(done, 8000); }));
  document.body.append(...frames);
  await Promise.all(ready);
  for (const frame of frames) {
    const page = frame.contentDocument;
    if (!page || !page.body) continue;  // it went somewhere else, which the requests tell
    let html = bodies[frame.name];
    for (const _ of [1, 2]) {
      const box = page.body.appendChild(page.createElement('div'));
      box.innerHTML = html;
      html = box.innerHTML;
    }
    for (const node of page.querySelectorAll('*')) {
      for (const kind of ['mouseover', 'pointerover', 'focus', 'error', 'load', 'toggle', 'animationstart'])
        node.dispatchEvent(new Event(kind));
      if (node.localName === 'a' && !/^https?:|^mailto:/.test(node.protocol)) node.click();
    }
  }
  await new Promise(done => setTimeout(done, 300));
}"""


@pytest.fixture(scope="module")
def show():
    """Show bodies in Chromium; returns the names of those that ran a script or asked for more than pictures."""
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def shown(bodies):
            caught = set()

            def answer(route):
                request = route.request
                if request.url == "http://reader.example/":
                    route.fulfill(content_type="text/html", body="<!DOCTYPE html><body>")
                    return
                if request.resource_type not in ("image", "media"):
                    caught.add(request.url)
                route.abort()

            context = browser.new_context()
            context.route("**/*", answer)
            context.expose_function("ran", lambda name: caught.add(name))  # noqa: PLW0108 - playwright marks what it is given
            context.add_init_script("{ const name = window.name; window.alert = () => window.ran(name); }")
            page = context.new_page()
            page.goto("http://reader.example/")
            page.evaluate(SHOW, bodies)
            context.close()
            return caught

        yield shown
        browser.close()


def test_nothing_runs_in_a_browser(show):
    """Chromium runs nothing of the cleaned vectors and asks for pictures, sound and film only."""
    assert show({name: clean(html) for name, html in VECTORS.items()}) == set()


RUNS = ("svg p style", "title", "comment with a bang", "handler", "handlers in odd cases", "link", "svg load", "script")
ASKS = ("link element", "style element", "frame from elsewhere")


def test_browser_runs_the_vectors(show):
    """The test above could fail: as they came, vectors run and ask elsewhere."""
    caught = show({name: VECTORS[name] for name in RUNS + ASKS})
    assert caught >= set(RUNS)
    assert {"http://evil.example/l.css", "http://evil.example/a.css", "http://evil.example/frame.html"} <= caught


# ---- properties of the cleaner

WORDS = st.sampled_from(["one", "two", "字", "3", "four five"])


def soup(fragments):
    return st.lists(st.one_of(st.sampled_from(fragments), WORDS), max_size=16).map("".join)


SHORT = [html for html in VECTORS.values() if len(html) < 1_000]


@given(soup([*TAGS_AND_SCRAPS, *VALUES, *CONTAINERS, *SHORT]))
@example("<![CDATA[<button>one<!-->two")
def test_any_markup_is_inert_and_settled(html):
    """Whatever goes in, what comes out is inert, says what `text` says, and cleaning it again changes nothing."""
    body = parse(html, base=BASE)
    cleaned = body.html()
    assert active(cleaned) == []
    assert bare(clean(cleaned)) == bare(cleaned)
    if "▶" not in cleaned:
        shown = LexborHTMLParser(f"<body>{cleaned}").body.text()
        assert sorted(bare(shown)) == sorted(bare(body.text))


ELEMENTS = (  # noqa: SIM905 - one a line would fill a page
    "div p section article blockquote ul li ol table tbody tr td dl dd h2 pre center figure view list text card x-y"
    " marquee form b i a span em font nobr small tt math mi mtext desc g share q applet"
).split()
LEAVES = st.text("ab字é&<>\"'\u3000\u200b]", min_size=1, max_size=6)


def _element(inner):
    return st.tuples(st.sampled_from(ELEMENTS), st.lists(inner, max_size=4))


def written(node, closed):
    """Write a tree as markup, and its text."""
    if isinstance(node, str):
        return node.replace("&", "&amp;").replace("<", "&lt;"), node
    name, inner = node
    parts = [written(one, closed) for one in inner]
    end = f"</{name}>" if closed else ""
    return f"<{name}>{''.join(html for html, _ in parts)}{end}", "".join(text for _, text in parts)


@given(st.recursive(LEAVES, _element, max_leaves=20), st.booleans())
@example(("view", [("p", ["a"])]), True)  # noqa: FBT003
def test_no_text_is_lost(node, closed):
    """Every character of text is in the text and in the HTML, whatever elements stand round it, ended or not."""
    html, text = written(node, closed)
    body = parse(html, base=BASE)
    shown = LexborHTMLParser(f"<body>{body.html()}").body.text()
    assert sorted(bare(body.text)) == sorted(bare(shown)) == sorted(bare(text))


OLD = {"<math>", "<frameset>"}  # html5lib is of 2020: these rules have changed since


def _read(element):
    """Read the text below an element, comments left out."""
    for child in (None, *element):
        if child is not None and isinstance(child.tag, str):
            yield from _read(child)
        yield (element.text if child is None else child.tail) or ""


@given(soup([one for one in (*TAGS_AND_SCRAPS, *VALUES) if one not in OLD]))
def test_text_is_that_of_another_parser(html):
    """The text, and its order, is what html5lib reads of the same markup."""
    html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed")
    body = html5lib.parse(f"<body>{html}", treebuilder="etree", namespaceHTMLElements=False).find("body")
    assert bare(parse(html, base=BASE).text) == bare(xml_text("".join(_read(body))))


@given(
    st.lists(st.sampled_from([*TAGS_AND_SCRAPS, *VALUES, *CONTAINERS]), max_size=3),
    st.lists(st.sampled_from([*TAGS_AND_SCRAPS, *VALUES, *CONTAINERS]), min_size=1, max_size=6),
)
@example([], ["<hr>", "<noscript>", "<h2>", "<p>"])
@example([], ["<ruby>", "<p>", "<rt>", "<x-y>"])
@example(["<ruby>"], ["<rtc>", "<rt>"])
@example([], ["<p>", "<noscript>", "<dd>"])
@example([], ["<table>", "<caption>", "<th>"])
@example([], ["<noscript>", "<p>", "<xmp>", "</xmp>"])
def test_depth_is_bounded_before_parsing(before, unit):
    """Whatever is repeated, however it is closed, no parser sees it nest much deeper than the bound."""
    html = "".join(before) + "".join(unit) * 250
    levels, below = 0, LexborHTMLParser(f"<body>{depth.shallow(html)}").body
    nodes = [below]
    while nodes:
        levels += 1
        nodes = [child for node in nodes for child in node.iter()]
    assert levels <= depth.LIMIT + 12


# ---- properties of the whole way: bytes to documents

PIECES = [
    "<!--1699137901000-->",
    "\n",
    "[",
    "](",
    "https://e.org/",
    ")",
    "\n------\n",
    "---\n",
    "title: x\n",
    "tags: [a, 'b']\n",
]
NOISE = ["]]>", "\0", "\x1b", "\u202e", "\ufffe", "\U0001ffff", "&#0;", "&lol;", "\ufeff", "\r", "\u2028", "\ufdd0"]
some_bytes = st.one_of(
    st.binary(),
    st.lists(st.one_of(st.sampled_from([*PIECES, *NOISE, *TAGS_AND_SCRAPS]), st.text(max_size=9)), max_size=30).map(
        lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
    ),
)
seed = st.builds(
    "<!--{}-->\n[{}](https://e.org/{})\n------\n\n{}".format,
    st.one_of(st.integers(-(10**15), 10**15), st.text(max_size=5)),
    st.one_of(st.text(max_size=20), soup([*TAGS_AND_SCRAPS, *NOISE, *SHORT])),
    st.text(max_size=12),
    st.one_of(st.text(), soup([*TAGS_AND_SCRAPS, *NOISE, *VALUES, *CONTAINERS])),
).map(lambda text: text.encode("utf-8", "replace"))


@given(st.one_of(some_bytes, seed))
def test_any_bytes_are_published_well_formed_or_refused(data):
    """Any bytes are refused, or an article that is archived as it was said and published in every format, inert."""
    try:
        article, _ = seeds.parse(data)
    except SeedRefused:
        return
    assert objects.decode_article(objects.encode_article(article)) == article
    entry = Entry(id=BASE, object_id=ObjectId("0" * 64), source="s", updated=article.published or NOW, article=article)
    pieces = dict(zip(FORMATS, entry_pieces(render(entry), list(FORMATS.values())), strict=True))
    item = json.loads(pieces["json"])
    assert active(item.get("content_html", "")) == []
    rss = ET.fromstring(wrapped("rss", pieces["rss"]))[0]
    atom = ET.fromstring(wrapped("feed", pieces["atom"]))[0]
    told = [rss.findtext("title"), atom.findtext("title")]
    assert told == [item["title"]] * 2
    assert (atom.findtext("content") or None) == item.get("content_html")
    if (published := rss.findtext("pubDate")) and article.published.year >= 1000:
        assert parsedate_to_datetime(published) == article.published.replace(microsecond=0)


def wrapped(root, piece):
    """Put a piece where it will stand; expat refuses what is not well-formed."""
    spaces = " ".join(f'xmlns:{name}="urn:{name}"' for name in ("atom", "content", "dc", "media"))
    document = f"<{root} {spaces}>".encode() + piece + f"</{root}>".encode()
    expat.ParserCreate().Parse(document, True)  # noqa: FBT003
    return document


@given(st.one_of(st.text(), st.text("0123456789-:/ TZ+,.GMTJanFeb年月日", max_size=40)))
def test_any_text_is_a_date_or_none(text):
    """Any text is an instant in UTC that can be written and read back, or none."""
    found = [
        dates.parse(text),
        dates.from_link(f"https://e.org/{text}"),
        dateline.read(f"<time datetime='{text}'>x"),
    ]
    if stamped := dates.from_stamp(text):
        found.append(stamped[0])
    for instant in filter(None, found):
        assert instant.utcoffset() == NOW.utcoffset()
        assert dates.parse(dates.rfc3339(instant)) == instant
        if instant.year >= 1000:
            assert parsedate_to_datetime(dates.rfc822(instant)) == instant.replace(microsecond=0)
