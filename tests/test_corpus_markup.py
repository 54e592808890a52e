"""The corpus of real articles, where it lies beside the project: lead images, text, safe output."""

import json
import re
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from feedarchiver.markup import parse, summary, xml_text

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
# For each file the picture a person would name, found by reading, or null.
IMAGES = json.loads((Path(__file__).parent / "data" / "markup" / "corpus_images.json").read_text("utf-8"))
BLOCKS = "div, p, br, hr, li, ul, ol, h1, h2, h3, h4, blockquote, figure, figcaption, article, nav, pre, video, source"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not part of the project")


@pytest.fixture(scope="module")
def bodies():
    """Read every file: its link, its raw body, the cleaned one."""
    found = {}
    for path in sorted(CORPUS.glob("*.txt")):
        head, _, raw = path.read_text("utf-8").partition("\n------")
        link = head[head.rindex("](") + 2 : head.rindex(")")]
        found[path.name] = (raw, parse(raw, base=link))
    return found


def visible(raw):
    """Read the text of `raw` in another way than the program does: spaces round blocks, on the tree."""
    tree = LexborHTMLParser(f"<body>{raw}")
    for node in tree.css("script, style, iframe"):
        node.replace_with(" ")
    for node in tree.css(BLOCKS):
        node.insert_before(" ")
        node.insert_after(" ")
    return " ".join(tree.body.text().split())


def test_lead_images(bodies):
    """The lead image of every file is the picture a person would name."""
    found = {name: body.image and body.image.url for name, (_, body) in bodies.items()}
    assert found == IMAGES


def test_no_text_is_lost(bodies):
    """No word of any article is cleaned away: these bodies hold no noise that has words."""
    lost = {name for name, (raw, body) in bodies.items() if visible(raw) != body.text}
    assert lost == set()


def test_output_is_fit_for_a_feed(bodies):
    """Every address is absolute, nothing active is left, pictures of trackers are gone, XML takes every character."""
    for name, (_, body) in bodies.items():
        html = body.html()
        assert not re.search(r"<(?:script|style|iframe|form|svg|source)\b|\son\w+=|\sstyle=|\ssrcset=", html), name
        assert all(
            re.match(r"(?:https?://|mailto:)[!-~]+\Z", url)
            for url in re.findall(r'\s(?:href|src|poster)="([^"]*)"', html)
        ), name
        assert "/_/stat?" not in html, name
        assert xml_text(html) == html, name


def test_summaries(bodies):
    """A summary is the beginning of its text and shorter; texts too short for one have none."""
    for name, (_, body) in bodies.items():
        beginning = summary(body.text)
        assert (beginning is None) == (len(body.text) <= 280), name
        assert beginning is None or (len(beginning) <= 280 and body.text.startswith(beginning[:-1])), name


def test_cleaning_what_is_clean_changes_no_text(bodies):
    """The cleaned HTML, cleaned again, has the same text and picture."""
    for name, (_, body) in bodies.items():
        again = parse(re.sub(r'<a href="[^"]*">▶ [^<]*</a>', " ", body.html()), base=None)
        assert (again.text, again.image) == (body.text, body.image), name
