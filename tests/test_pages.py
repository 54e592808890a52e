"""Listing pages, sitemaps and full text from outside: a newspaper that changes, and what the archive has of it."""

import json

import pytest
from newspaper import SELECT, Newspaper, Reader, Report, prose
from web import Web, answer, late

KINDS = {
    "listing": ("page", "/news", SELECT),
    "guess": ("page", "/news", ""),
    "sitemap": ("sitemap", "/sitemap.xml", ""),
    "index": ("sitemap", "/index.xml", ""),
    "feed": ("feed", "/feed.xml", "full_text = true\n"),
}


@pytest.fixture
def paper():
    with Web(address="0.0.0.0") as web:
        yield Newspaper(web)


@pytest.fixture
def reader(tmp_path, paper):
    """Give what makes a program that follows the newspaper in one of the ways above."""
    return lambda way, more="": Reader(tmp_path / "home", paper, *KINDS[way][:2], KINDS[way][2] + more)


def articles(program):
    """Return every article that is archived as its page has it, by link."""
    captures = (json.loads(p.read_bytes()) for p in (program.archive / "captures").rglob("*") if p.is_file())
    found = {}
    for one in captures:
        path = program.archive / "articles" / one["article"][:2] / one["article"][2:]
        found.setdefault(json.loads(path.read_bytes())["link"].rpartition("/")[2], []).append((one, path))
    return found


def texts(program, number):
    """Return what was archived of an article, in the order in which it came."""
    told = sorted(articles(program).get(f"{number}.html", ()), key=lambda one: one[0]["captured"])
    return [json.loads(path.read_bytes()).get("content") or "" for _, path in told]


@pytest.mark.parametrize("way", KINDS)
def test_full_text_once(paper, reader, way):
    """Each article's page is read once, its text and its bytes are archived, and nothing is asked for again."""
    paper.has(1, 2, 3)
    program = reader(way)
    ran = program("update")
    assert (ran.status, ran.out) == (0, "1 source asked, 3 pages, 3 articles, 3 new\n")
    assert paper.asked() == ["/news/1.html", "/news/2.html", "/news/3.html"]
    assert all("part 5" in text for number in (1, 2, 3) for text in texts(program, number))
    ((capture, _),) = articles(program)["1.html"]
    raw = program.archive / "raw" / capture["raw"][:2] / capture["raw"][2:]
    assert raw.read_bytes() == paper.reports[1].page()
    assert program.told("update", "paper")["new"] == 0
    assert paper.asked() == []
    paper.has(4)
    assert program.told("update", "paper")["new"] == 1
    assert paper.asked() == ["/news/4.html"]
    assert program("verify").status == 0


@pytest.mark.parametrize("way", ["index", "feed"])
def test_edits_are_read_when_they_are_told(paper, reader, way):
    """A page is read again when its source says that it changed, and not before; what is deleted stays."""
    paper.has(1, 2)
    program = reader(way)
    program("update")
    paper.asked()
    paper.has(Report(1, text=prose(9), updated="2025-12-05"))
    del paper.reports[2]
    assert program.told("update", "paper")["versions"] == 1
    assert paper.asked() == ["/news/1.html"]
    assert len(texts(program, 1)) == 2
    assert "Report 2" in texts(program, 2)[0]


def test_a_changed_headline_on_a_listing_page(paper, reader):
    """A listing page says that an article changed by another headline; a date in other words says nothing."""
    paper.has(1, 2, 3)
    program = reader("listing")
    program("update")
    paper.asked()
    paper.has(Report(1, title="Another headline for the first report of all"))
    assert program.told("update", "paper")["versions"] == 1
    assert paper.asked() == ["/news/1.html"]


def broken(paper, number, page):
    """Have a page answer in another way."""
    paper.web.pages[f"/news/{number}.html"] = page


@pytest.mark.parametrize("way", ["listing", "feed"])
def test_a_page_that_fails(paper, reader, way):
    """It is one line, the others are archived; it is asked again in the next run, and read when it is there."""
    paper.has(1, 2)
    broken(paper, 1, answer(500))
    program = reader(way)
    ran = program("update")
    assert ran.status == 3
    assert "/news/1.html: answers 500 internal server error; " in ran.err
    assert ran.err.count("\n") == 1
    assert "Report 2" in texts(program, 2)[0]
    assert texts(program, 1) == (["A teaser of report 1."] if way == "feed" else [])
    assert "pages of articles that are still to be read: 1" in program("sources").out
    paper.has(1)
    assert program.told("update", "paper")["new" if way == "listing" else "versions"] == 1
    assert "Report 1" in texts(program, 1)[-1]
    assert program.shown()["pages_waiting"] == 0


def test_what_fell_off_the_list_is_not_forgotten(paper, reader):
    """An article whose page could not be had is asked again after the listing page has dropped it."""
    paper.has(1, 2)
    broken(paper, 1, answer(503))
    program = reader("listing")
    assert program("update").status == 3
    del paper.reports[1]
    paper.has(3)
    report = Report(1)
    broken(paper, 1, answer(200, report.page(), content_type="text/html"))
    paper.asked()
    assert program.told("update", "paper")["new"] == 2
    assert sorted(paper.asked()) == ["/news/1.html", "/news/3.html"]
    assert "Report 1" in texts(program, 1)[0]


def test_an_edit_whose_page_fails_leaves_the_full_text(paper, reader):
    """When the page cannot be had after an edit, the feed's teaser does not take the place of the full text."""
    paper.has(1)
    program = reader("feed")
    program("update")
    paper.has(Report(1, updated="2025-12-05"))
    broken(paper, 1, answer(404))
    assert program("update", "paper").status == 3
    assert len(texts(program, 1)) == 1
    paper.has(Report(1, text=prose(8), updated="2025-12-05"))
    assert program.told("update", "paper")["versions"] == 1
    assert "Report 8" in texts(program, 1)[-1]


def test_a_wall_keeps_the_teaser(paper, reader):
    """Behind a paywall the feed's own text stays."""
    paper.has(Report(1, text="<p>The first lines.</p><p>Subscribe to read the full story.</p>"))
    program = reader("feed")
    assert program("update").status == 0
    assert texts(program, 1) == ["A teaser of report 1."]
    assert program.told("update", "paper")["asked"] == 1
    assert paper.asked() == ["/news/1.html"]


def test_rules_apply_to_the_full_text(paper, reader):
    """What a rule leaves out by its link is not asked for, by its text is asked for once; neither is archived."""
    paper.has(1, 2, Report(3, text=prose(3) + "<p>This is an advertorial.</p>"))
    program = reader("listing", 'exclude = { link = "/1.html", content = "advertorial" }\n')
    assert program.told("update")["excluded"] == 2
    assert paper.asked() == ["/news/2.html", "/news/3.html"]
    paper.has(4)
    program("update", "paper")
    assert paper.asked() == ["/news/4.html"]
    assert sorted(articles(program)) == ["2.html", "4.html"]


def test_robots(paper, reader):
    """What robots.txt asks to leave alone is left alone, and said; the file is kept for a day."""
    paper.apart = False
    paper.has(1, 2)
    paper.robots = b"User-agent: *\nDisallow: /news/1.html"
    program = reader("listing")
    ran = program("update")
    assert "/news/1.html: its robots.txt asks crawlers not to fetch it" in ran.err
    assert paper.asked() == ["/news/2.html"]
    paper.has(3)
    program("update", "paper")
    assert "/robots.txt" not in paper.web.paths()
    paper.robots = b"User-agent: *\nDisallow: /"
    paper.web.asked.clear()
    fresh = Reader(program.folder.parent / "fresh", paper, *KINDS["sitemap"])
    assert "its robots.txt asks crawlers not to fetch it" in fresh("update").err
    assert paper.web.paths() == ["/robots.txt"]


def test_one_request_at_a_time(paper, reader):
    """A listing page and the pages of its articles on one host are asked one after the other, with a pause."""
    paper.apart = False
    paper.has(1, 2, 3)
    paper.web.pages |= {
        path: late(page(None), after_s=0.05) for path, page in paper.web.pages.items() if "/news/" in path
    }
    program = reader("listing")
    program("update")
    assert paper.web.most_at_once == 1
    assert len(paper.asked()) == 3


def test_selectors_that_stop_matching(paper, reader):
    """When the items are not found any more, that is an error with a reason; what is archived stays; it is shown."""
    paper.has(1)
    program = reader("listing")
    program("update")
    paper.web.pages["/news"] = answer(200, b"<html><body><p>A new look.</p></body></html>")
    ran = program("update", "paper")
    assert ran.status == 3
    assert "the selector '.item' for the items matches nothing; what is archived stays" in ran.err
    assert "the selector '.item' for the items matches nothing" in program("sources").out


def test_a_text_selector_that_matches_nothing(paper, reader):
    """When an article's page has no such text, that is an error once, and the text is found in another way."""
    paper.has(1)
    program = reader("feed", 'select = { content = ".gone" }\n')
    ran = program("update")
    assert ran.status == 3
    assert "the selector '.gone' for the content matches nothing" in ran.err
    assert "Report 1" in texts(program, 1)[0]
    paper.has(2)
    assert program("update", "paper").status == 0
    assert "the selector '.gone' for the content" in program("sources").out


def test_an_empty_sitemap(paper, reader):
    """A sitemap that lists nothing, where it listed something, is an error."""
    paper.has(1)
    program = reader("sitemap")
    program("update")
    paper.reports.clear()
    assert "no articles, where there were 1" in program("update", "paper").err


def test_the_age_of_what_a_sitemap_lists(paper, reader):
    """What changed longer ago than max_age is not asked for, and that all of it did is no error."""
    paper.has(1, Report(2, updated="2099-01-01"))
    program = reader("sitemap", 'max_age = "10 days"\n')
    program("update")
    assert paper.asked() == ["/news/2.html"]
    del paper.reports[2]
    assert program("update", "paper").status == 0


def test_a_dry_run_shows_the_guess(paper, reader):
    """`update --dry-run` shows the selectors that were guessed and the articles they find, and stores nothing."""
    paper.has(1, 2, 3, 4, 5)
    program = reader("guess")
    ran = program("update", "--dry-run")
    assert 'select = { items = "div.item", title = "h2", date = "span.when" }' in ran.err
    assert "pages of articles that were not read: 2, a dry run asks for few" in ran.err
    assert ran.out.endswith("nothing was stored\n")
    assert program.count("captures") == 0


ENCODED = {  # name, codec, title, sentence
    "gb2312": ("gb18030", "上海新闻头条镕基讲话全文发布", "镕基先生在上海发表了讲话，内容十分丰富，听众很多。"),
    "big5": ("big5", "臺北市政府今天宣布新的計畫", "臺北市政府宣布了新的計畫，內容十分豐富，市民歡迎。"),
    "Shift_JIS": (
        "shift_jis",
        "東京都が新しい計画を発表しました",
        "東京都は新しい計画を発表しました。詳細は後日です。",
    ),
}


def test_encodings(paper, reader):
    """A page in another encoding, named by its header alone, is read, and can be read again."""
    for number, (name, (codec, title, sentence)) in enumerate(ENCODED.items()):
        paper.has(Report(number, title, f"<p>{sentence}</p>" * 9, encoding=codec, declared=name))
    program = reader("listing")
    program("update")
    for number, (_, _, sentence) in enumerate(ENCODED.values()):
        assert [sentence in text for text in texts(program, number)] == [True]
    assert program("reprocess").out == "3 pages read again, 0 new versions\n"


def test_reprocess(paper, reader):
    """Better selectors, and the archived pages say more: new versions where the text changes, once, asking nobody."""
    paper.has(1, Report(2, text=prose(2)), Report(3, text=prose(3) + "<p class='note'>A note of the editor.</p>"))
    program = reader("feed")
    program("update")
    assert program("reprocess").out == "3 pages read again, 0 new versions\n"
    config = program.folder / "config.toml"
    config.write_text(config.read_text() + 'select = { content = ".body", remove = ".note" }\n')
    paper.asked()
    before = program.count("captures")
    ran = program("reprocess", "paper", "-v")
    assert "paper: version: What report 3 has to tell us today" in ran.out
    changed = program.count("captures") - before
    assert ran.out.endswith(f"3 pages read again, {changed} new version{'s'[: changed != 1]}\n")
    assert "A note" in texts(program, 3)[0]
    assert "A note" not in texts(program, 3)[-1]
    assert program("reprocess").out == "3 pages read again, 0 new versions\n"
    assert paper.web.paths() == []
    assert program("verify").status == 0


def test_reprocess_never_takes_away(paper, reader):
    """Where less is found than is archived, that is said and the archived text stays; so with a damaged page."""
    paper.has(1, 2)
    program = reader("listing")
    program("update")
    ((capture, _),) = articles(program)["2.html"]
    raw = program.archive / "raw" / capture["raw"][:2] / capture["raw"][2:]
    raw.chmod(0o644)
    raw.write_bytes(b"x")
    config = program.folder / "config.toml"
    config.write_text(config.read_text().replace('date = ".when"', 'remove = ["body"]'))
    ran = program("reprocess")
    assert (ran.status, ran.out) == (3, "2 pages read again, 0 new versions, 2 failed\n")
    assert ran.err.count("the version that is archived stays") == 2
    assert len(texts(program, 1)) == 1


def test_nothing_to_reprocess(paper, reader):
    """A source that has no pages is no mistake; one that is not there is."""
    program = reader("feed")
    program("update")
    assert program("reprocess").out == "0 pages read again, 0 new versions\n"
    assert program("reprocess", "nobody").status == 2


def test_what_was_known_before_is_part_of_the_archive(paper, reader):
    """What a feed said of an article whose page was read is exported, and missed by `verify` when it is lost."""
    paper.has(1)
    program = reader("feed")
    program("update")
    ((capture, _),) = articles(program)["1.html"]
    copy = Reader(program.folder.parent / "copy", paper, *KINDS["feed"])
    program("export", program.folder / "x.tar")
    assert copy.told("import-archive", str(program.folder / "x.tar"))["new"] == 1
    assert copy("verify").status == 0
    assert copy("reprocess").out == "1 page read again, 0 new versions\n"
    (copy.archive / "articles" / capture["said"][:2] / capture["said"][2:]).unlink()
    assert "missing" in copy("verify").err
    assert "missing" in copy("verify", "--quick").err
    assert copy("export", copy.folder / "x.tar").status != 0
    assert copy.told("import-archive", str(program.folder / "x.tar"))["restored"] == 1
    assert copy("verify").status == 0
