"""feedarchiver add: from an address to a source in config.toml."""

from datetime import UTC, datetime

import pytest
from news import rss, stories
from program import Program
from test_listing import CARDS
from web import LOOPBACK, Web, answer, redirect

from feedarchiver.config import adding
from feedarchiver.gather.web.client import Client
from feedarchiver.updating.finding import NotASource, find

FEED = rss(stories(1, 2, 3))
XML, HTML = {"content_type": "application/rss+xml"}, {"content_type": "text/html; charset=utf-8"}
PLAIN = answer(200, b"<html><body><p>Hello</p></body></html>", **HTML)
SITEMAP = b"<urlset><url><loc>https://news.example/a</loc></url></urlset>"


def page(*links: str) -> bytes:
    named = "".join(f'<link rel="alternate" type="application/rss+xml" href="{link}" title="{link}">' for link in links)
    return answer(
        200, f"<html><head><title>Site</title>{named}</head><body><p>Hello</p></body></html>".encode(), **HTML
    )


@pytest.fixture
def web():
    with Web() as served:
        yield served


def found(web: Web, path: str = "/", known: tuple[str, ...] = ()):
    with Client(now=datetime.now(UTC)) as client:
        return find(client, web.url(path), known, allow_private=LOOPBACK, gap_s=0)


def test_a_feed(web):
    """A feed is found at its own address, with one request."""
    web.pages["/x"] = answer(200, FEED, **XML)
    assert found(web, "/x")[:4] == ("feed", web.url("/x"), "a feed with 3 entries", "News")
    assert web.paths() == ["/x"]


def test_a_page_that_names_feeds(web):
    """A page leads to the first of its feeds that is one; the others are named."""
    web.pages |= {"/": page("/gone.xml", "/x.xml", "/y.xml"), "/x.xml": answer(200, FEED, **XML)}
    said = found(web)
    assert (said.kind, said.url) == ("feed", web.url("/x.xml"))
    assert [lead.url for lead in said.others] == [web.url("/gone.xml"), web.url("/y.xml")]
    assert web.paths() == ["/", "/gone.xml", "/x.xml"]


def test_a_feed_at_a_usual_place(web):
    """A page that names no feed may have one where everybody has it."""
    web.pages |= {"/": PLAIN, "/rss.xml": answer(200, FEED, **XML)}
    assert found(web).url == web.url("/rss.xml")


def test_a_listing_page(web):
    """A page that lists articles is taken where its site has no feed, with the selectors that were guessed."""
    web.pages["/"] = answer(200, CARDS.encode(), **HTML)
    said = found(web)
    assert (said.kind, said.url) == ("page", web.url("/"))
    assert said.select is not None
    assert said.select.items == "div.wrap > div.card"
    assert "/sitemap.xml" not in web.paths()


def test_a_sitemap(web):
    """A sitemap is taken when it is named, and where a page has nothing better."""
    web.pages |= {"/": PLAIN, "/sitemap.xml": answer(200, SITEMAP, content_type="text/xml")}
    assert found(web, "/sitemap.xml").kind == "sitemap"
    assert found(web)[:2] == ("sitemap", web.url("/sitemap.xml"))


def test_what_is_asked_already(web):
    """A page does not lead to a feed that is asked already, but to the next one."""
    web.pages |= {"/": page("/x.xml", "/y.xml")} | dict.fromkeys(("/x.xml", "/y.xml"), answer(200, FEED, **XML))
    assert found(web, known=(web.url("/x.xml").replace("http:", "https:"),)).url == web.url("/y.xml")


def test_a_feed_that_has_moved(web):
    """The address that a permanent redirect leads to is the one to ask."""
    web.pages |= {"/old": redirect("/new"), "/new": answer(200, FEED, **XML)}
    assert found(web, "/old").url == web.url("/new")


def test_nothing(web):
    """Where there is nothing, that is said, after a bounded number of requests."""
    web.pages["/"] = PLAIN
    with pytest.raises(NotASource, match="leads to no further feed; name a feed"):
        found(web)
    assert len(web.paths()) <= 21
    with pytest.raises(NotASource, match="answers 404 not found; nothing was changed"):
        found(web, "/none")


def test_adding(tmp_path, web):
    """What was found is shown and written into the configuration when it is agreed to; nothing is stored yet."""
    program = Program(tmp_path / "home", '# Mine.\n[[source]]\nid = "s"\nkind = "seeds"\nfolder = "seeds/"\n')
    web.pages |= {"/": page("/x.xml", "/y.xml")} | dict.fromkeys(("/x.xml", "/y.xml"), answer(200, FEED, **XML))
    before = (program.folder / "config.toml").read_bytes()
    asked = program("add", "--allow-private", web.url())
    assert asked.status == 2
    assert "add --yes to write it" in asked.err
    assert "news: new: Story 1" in asked.out
    assert (program.folder / "config.toml").read_bytes() == before
    done = program("add", "--allow-private", "--yes", web.url())
    assert (done.status, done.err) == (0, "")
    told = (program.folder / "config.toml").read_text(encoding="utf-8")
    assert told.startswith(before.decode())
    assert f'kind = "feed"\nurl = "{web.url("/x.xml")}"\ntitle = "News"\nallow_private = true' in told
    assert not [*program.archive.glob("captures/*/*")]
    again = program("add", "--allow-private", "--yes", web.url("/x.xml"))
    assert (again.status, again.err.count("\n")) == (2, 1)
    assert "is asked by source news already" in again.err
    other = program("add", "--allow-private", web.url())
    assert f"{web.url('/y.xml')}: a feed" in other.out
    assert f"  asked already: {web.url('/x.xml')} (news)\n" in other.out
    assert program("update").out == "1 source asked, 3 articles, 3 new\n"


def test_only_its_own_place(tmp_path, web):
    """With --allow-private a page may be in this network, and nothing else there that it leads to."""
    program = Program(tmp_path / "home", '[[source]]\nid = "s"\nkind = "seeds"\nfolder = "seeds/"\n')
    with Web({"/x.xml": answer(200, FEED, **XML)}) as other:
        web.pages["/"] = page(other.url("/x.xml"))
        ran = program("add", "--allow-private", "--yes", web.url())
        assert ran.status == 1
        assert other.asked == []


def test_no_address(tmp_path):
    """What is no address of the web is refused before anything is asked."""
    program = Program(tmp_path / "home")
    for wrong in ("ftp://news.example/", "news.example", "http://me:secret@news.example/", ""):
        said = program("add", wrong)
        assert (said.status, said.err.count("\n")) == (2, 1)
        assert "feedarchiver: URL: " in said.err
        assert "secret" not in said.err


def test_an_address_in_this_network(tmp_path, web):
    """Who is refused is told the option that allows it; where a page leads elsewhere, that option would not do."""
    program = Program(tmp_path / "home")
    refused = program("add", "--yes", web.url())
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "; allow it with --allow-private; nothing was changed" in refused.err
    assert web.asked == []


def test_secrets_stay_secret(tmp_path):
    """The configuration may hold secrets: what is written beside it until it has been checked is for nobody else."""
    program = Program(tmp_path / "home")
    with adding._added(program.folder / "config.toml", [{"id": "a", "kind": "feed", "url": "https://a.example/"}]) as (
        fresh,
        sources,
    ):
        assert fresh.stat().st_mode & 0o077 == 0
        assert [source.id for source in sources] == ["a"]
