"""A feed of changes: an entry for each edit, in every format, kept and cut into pages like any other feed."""

import json
import shutil
from collections import Counter
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from test_building import ALL, ATOM, BASE, World, article, edited

from feedarchiver.archive.cleaned import body
from feedarchiver.model import Article, Change, Entry, Feed, Filter, Image, ObjectId
from feedarchiver.publish.changed import render_change
from feedarchiver.publish.site import page_path

CHANGES = Feed(id="changes", title="Changes", kind="changes")


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.feeds = (ALL, CHANGES)
    return made


def entries(world, feed="changes"):
    """Every entry of the feed's chain, the newest first."""
    url, found = f"{BASE}{feed}/atom.xml", []
    while url:
        root = etree.parse(world.out / url.removeprefix(BASE)).getroot()
        found += list(root.iter(f"{ATOM}entry"))
        links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
        url = links.get("prev-archive")
    return found


def told(world, feed="changes"):
    return [entry.findtext(f"{ATOM}content") for entry in entries(world, feed)]


def test_an_edit_is_an_entry(world):
    """An edit is told with the headline and text of before and after, the original link, its date, an id of its own."""
    world.add(article(1, "The old text."), article(2))
    world.build()
    assert told(world) == []
    world.add(edited(1, 30))
    world.build()
    (entry,) = entries(world)
    assert entry.findtext(f"{ATOM}title") == "T1 edited 30"
    content = entry.findtext(f"{ATOM}content")
    assert "<del><strong>T1</strong></del><br><ins><strong>T1 edited 30</strong></ins>" in content
    assert "<del>The old text.</del><ins>edited 30</ins>" in content
    assert entry.find(f"{ATOM}link").get("href") == "https://example.org/1"
    assert entry.findtext(f"{ATOM}updated") == entry.findtext(f"{ATOM}published") == "2024-01-02T06:00:00Z"
    assert entry.findtext(f"{ATOM}id").startswith("urn:uuid:")
    item = etree.parse(world.out / "changes/rss.xml").find("channel/item")
    (told_in_json,) = json.loads((world.out / "changes/feed.json").read_bytes())["items"]
    assert item.findtext("guid") == told_in_json["id"] == entry.findtext(f"{ATOM}id")
    assert item.find("guid").get("isPermaLink") == "false"
    assert item.findtext("description") == told_in_json["content_html"] == content


def test_the_page_for_people(world):
    """The page shows each change and leads to the versions on the article's page; the first page counts the changes."""
    world.add(article(1))
    world.add(edited(1, 1))
    world.build()
    page = (world.out / "changes/index.html").read_text("utf-8")
    path = page_path("https://example.org/1")
    assert f'href="{path}#versions"' in page
    assert 'id="versions"' in (world.out / path).read_text("utf-8")
    assert "<del>text</del><ins>edited 1</ins>" in page
    first = (world.out / "index.html").read_text("utf-8")
    assert "<span>1 change</span>" in first
    assert "<del>" not in first


def test_undated_edits_are_dated_by_their_capture(world):
    """The date of a change that the source did not date is that of the run which found it."""
    world.add(article(1))
    world.add(article(1, "other"))
    world.build()
    (entry,) = entries(world)
    assert entry.findtext(f"{ATOM}updated") == "2024-01-03T00:00:00Z"


# Each step is a run: which articles it brings, each in one of three versions and with some noise of its own.
runs = st.lists(st.dictionaries(st.integers(0, 4), st.integers(0, 2), max_size=4), max_size=6)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=runs, size=st.integers(1, 3))
def test_growing_or_at_once(tmp_path_factory, runs, size):
    """Each time another version becomes current there is one entry, be it an old one; noise is none.

    However often feeds are built on the way, and if the index is made anew, documents are the same and no sealed page
    ever changes; every change has an id of its own.
    """
    grown, once = (World(tmp_path_factory.mktemp("world"), size) for _ in range(2))
    grown.feeds = once.feeds = (ALL, CHANGES)
    current, expected = {}, Counter()
    for step, run in enumerate(runs):
        articles = [article(number, f"v{version}</p><p hidden>{step}", title="T") for number, version in run.items()]
        for number, version in run.items():
            if (was := current.get(number, version)) != version:
                expected[f"https://example.org/{number}", f"<p><del>v{was}</del><ins>v{version}</ins></p>"] += 1
        current |= run
        before = grown.sealed("changes") if grown.out.exists() else {}
        for one in (grown, once):
            one.add(*articles)
        grown.build()
        assert before.items() <= grown.sealed("changes").items()
    once.build()
    grown.build()
    assert grown.documents() == once.documents()
    found = entries(once)
    links = [entry.find(f"{ATOM}link").get("href") for entry in found]
    assert Counter(zip(links, told(once), strict=True)) == expected
    assert len({entry.findtext(f"{ATOM}id") for entry in found}) == len(found)
    once.build(full=True)
    grown.index.unlink()
    assert grown.build().written == []
    assert grown.documents() == once.documents()


def test_only_what_changed_is_read(world):
    """A further edit reads the two versions that it is about; a new title reads nothing."""
    world.add(*map(article, range(8)))
    world.add(*(edited(number, 1) for number in range(4)))
    world.build()
    files = {path for path in (world.folder / "archive" / "articles").rglob("*") if path.is_file()}
    kept = {path for path in files if b'"T7"' in path.read_bytes()}
    for path in files - kept:
        path.unlink()
    world.add(edited(7, 2))
    assert world.build().faults == []
    assert len(told(world)) == 5
    shutil.rmtree(world.folder / "archive" / "articles")
    world.feeds = (ALL, CHANGES._replace(title="Corrections"), CHANGES._replace(id="again"))
    assert world.build().faults == []
    assert told(world) == told(world, "again")


def test_what_a_filter_takes(world):
    """A feed of some articles tells an edit that lets a word go, one that brings it, and what follows; no other."""
    world.feeds = (CHANGES._replace(filter=Filter(search="word")),)
    world.add(article(1, "a word"), article(2, "none"), article(3, "none"))
    for text in ("gone", "other"):
        world.add(*(article(number, f"{text} {'' if number < 3 else 'word'}") for number in (1, 3)), article(2, text))
        world.build()
    links = Counter(entry.find(f"{ATOM}link").get("href")[-1] for entry in entries(world))
    assert links == {"1": 2, "3": 2}
    assert (world.out / page_path("https://example.org/1")).exists()
    assert not (world.out / page_path("https://example.org/2")).exists()


def test_what_sources_have(world):
    """A feed of one source tells no edit that was made before the source had the article, but those of others since."""
    world.feeds = (CHANGES, CHANGES._replace(id="b", sources=("b",)), CHANGES._replace(id="ab", sources=("a", "b")))
    world.add(article(1), source="a")
    world.add(edited(1, 1), source="a")
    world.add(edited(1, 2), source="b")
    world.add(edited(1, 2)._replace(content="<p>edited 2</p><br>"), source="a")
    world.add(edited(1, 3), source="a")
    world.build()
    assert [len(entries(world, feed)) for feed in ("changes", "b", "ab")] == [3, 1, 3]
    assert "<del><strong>T1 edited 2</strong></del>" in told(world, "b")[0]
    assert told(world) == told(world, "ab")


@pytest.mark.parametrize("chosen", [None, Filter(include=(("title", "^T1$"),))])
def test_a_damaged_version_comes_back(world, chosen):
    """While a version cannot be read the change is left out and this is said; once it is restored all is whole."""
    world.feeds = (ALL, CHANGES._replace(filter=chosen))
    whole = World(world.folder / "whole")
    whole.feeds = world.feeds
    for one in (world, whole):
        one.add(*map(article, range(3)))
        one.add(edited(1, 1), edited(2, 1))
        one.add(edited(1, 2))
    whole.build()
    files = [path for path in (world.folder / "archive" / "articles").rglob("*") if path.is_file()]
    (hurt,) = (path for path in files if b'"T1"' in path.read_bytes())
    shutil.move(hurt, world.folder / "kept")
    assert world.build().faults != []
    assert not any("<strong>T1</strong>" in content for content in told(world))
    shutil.move(world.folder / "kept", hurt)
    assert world.build().faults == []
    mended, made = ({p: d for p, d in one.documents().items() if p.startswith("changes/")} for one in (world, whole))
    assert mended == made


def changed(before, after):
    name, told_id = "https://example.org/1", "urn:x:1"
    when = article(1).published
    entry = Entry(id=name, object_id=ObjectId("0" * 64), source="s", updated=when, article=Article(**after))
    change = Change(id=told_id, entry=entry, before=Article(**before))
    return render_change(change, [body(change.before)], [body(entry.article)])


PICTURES = [Image(url=f"https://example.org/{name}.jpg", alt=name) for name in "ab"]
LINKS = ["https://example.org/1", "https://example.org/2"]


@pytest.mark.parametrize(
    ("before", "after", "content"),
    [
        (
            {"title": "a"},
            {"title": "b"},
            "<p><del><strong>a</strong></del><br><ins><strong>b</strong></ins></p>",
        ),
        ({"title": ""}, {"title": "b"}, "<p><ins><strong>b</strong></ins></p>"),
        (
            {"title": "t", "link": LINKS[0]},
            {"title": "t", "link": LINKS[1]},
            f"<p><del>{LINKS[0]}</del><br><ins>{LINKS[1]}</ins></p>",
        ),
        (
            {"title": "t", "link": LINKS[0], "image": PICTURES[0]},
            {"title": "t", "link": f"{LINKS[0]}?utm_source=x", "image": PICTURES[1]},
            "<p><del>{}</del><br><ins>{}</ins></p>".format(
                *(f'<img src="https://example.org/{name}.jpg" alt="{name}">' for name in "ab")
            ),
        ),
        (
            {"title": "t", "content": f"<p>{'long ' * 30}old {'way ' * 30}</p>"},
            {"title": "t", "content": f"<p>{'long ' * 30}new {'way ' * 30}</p>"},
            f"<p> … {'long ' * 8}<del>old</del><ins>new</ins> {'way ' * 9}way … </p>",
        ),
        ({"title": "t"}, {"title": "<b>t</b>"}, "<p>Nothing that is shown has changed.</p>"),
    ],
    ids=["title", "no title", "link", "picture", "text", "noise"],
)
def test_what_is_told(before, after, content):
    """Told is what makes a version: title, link, lead picture, text; of a long text the surroundings of each change."""
    assert changed(before, after).content == content


@given(old=st.text("<>&\"'a 中\x00\ufdd0", max_size=20), new=st.text("<>&\"'a 中\x00\ufdd0", max_size=20))
def test_hostile_texts_stay_text(old, new):
    """Whatever titles and texts hold, the content is well-formed and has no markup but ours."""
    said = [{"title": text, "link": LINKS[0], "content": f"<p>{text.replace('<', '&lt;')}</p>"} for text in (old, new)]
    content = changed(*said).content
    root = etree.fromstring(f"<div>{content.replace('<br>', '<br/>')}</div>")
    assert {element.tag for element in root.iter()} <= {"div", "p", "br", "strong", "del", "ins"}
    assert "\x00" not in unescape(content)
