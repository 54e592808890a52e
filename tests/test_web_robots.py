"""robots.txt: obeyed by crawls, with the failure rules of RFC 9309."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from web import LOOPBACK, Web, answer, drip, head, pieces, redirect, silence

from feedarchiver.archive.index import Index
from feedarchiver.gather.web.client import Client
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request, target
from feedarchiver.gather.web.robots import Robots, RobotsFile
from feedarchiver.updating.robots import ROBOTS, stale
from feedarchiver.updating.source import HOST

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PAGE = answer(200, b"page")
CLOSED = b"User-agent: *\nDisallow: /\n"
SOME = b"User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /private\nAllow: /private/this\nDisallow: /*.pdf$\n"


@pytest.fixture
def web():
    paths = ("/", "/news", "/private/x", "/private/this", "/x.pdf", "/x.pdf?y")
    with Web(dict.fromkeys(paths, PAGE)) as web:
        yield web


def crawl(client, web, path="/", **request):
    return client.ask(
        Request(web.url(path), **{"allow_private": LOOPBACK, "crawl": True, "timeout_s": 10.0, **request})
    )


def test_obeyed(web):
    """What robots.txt disallows is not asked for by a crawl, and is by anything else; it is fetched once."""
    web.pages["/robots.txt"] = answer(200, SOME)
    with Client(now=NOW) as client:
        for path in ("/", "/private/this", "/x.pdf?y"):
            assert isinstance(crawl(client, web, path), Answer)
        for path in ("/private/x", "/x.pdf"):
            assert crawl(client, web, path).kind is Kind.ROBOTS
        assert isinstance(crawl(client, web, "/private/x", crawl=False), Answer)
    assert web.paths() == ["/robots.txt", "/", "/private/this", "/x.pdf?y", "/private/x"]


def test_named(web):
    """A group for this program by name goes before the one for everybody."""
    web.pages["/robots.txt"] = answer(200, CLOSED + b"\nUser-agent: Feedarchiver\nDisallow: /private\nCrawl-delay: 7\n")
    with Client(now=NOW) as client:
        assert isinstance(crawl(client, web, "/news"), Answer)
        assert crawl(client, web, "/private/x").kind is Kind.ROBOTS


OPEN = {
    "none": answer(404),
    "forbidden": answer(403),
    "gone": answer(410),
    "unauthorised": answer(401),
    "empty": answer(200),
    "a page": answer(200, b"<html><p>Not found</p></html>"),
    "in a circle": redirect("/robots.txt"),
    "bytes": answer(200, bytes(range(256)) * 4),
}


@pytest.mark.parametrize("page", OPEN.values(), ids=OPEN)
def test_open(web, page):
    """Without a robots.txt, everything may be fetched."""
    web.pages["/robots.txt"] = page
    with Client(now=NOW) as client:
        assert isinstance(crawl(client, web), Answer)


SHUT = {
    "500": (answer(500), Kind.ROBOTS),
    "502": (answer(502), Kind.ROBOTS),
    "503": (answer(503, retry_after="60"), Kind.BUSY),
    "429": (answer(429, retry_after="60"), Kind.BUSY),
    "silent": (silence, Kind.ROBOTS),
    "cut": (pieces(head(content_length=len(SOME) + 1), SOME), Kind.ROBOTS),
    "no HTTP": (pieces(b"hello\r\n"), Kind.ROBOTS),
}


@pytest.mark.parametrize(("page", "kind"), SHUT.values(), ids=SHUT)
def test_shut(web, page, kind):
    """While robots.txt cannot be had, nothing is fetched, and it is not asked for again in the same run."""
    web.pages["/robots.txt"] = page
    with Client(now=NOW) as client:
        for path in ("/", "/news"):
            failure = crawl(client, web, path, timeout_s=0.5)
            assert isinstance(failure, Failure)
            assert failure.kind is kind
            assert failure.reason.startswith("its robots.txt cannot be had (")
            assert failure.retry_after == ("60" if kind is Kind.BUSY else None)
    assert web.paths() == ["/robots.txt"]


def test_nobody_there():
    """Where nobody answers, that is the failure, not robots.txt."""
    with Web() as web:
        pass
    with Client(now=NOW) as client:
        assert crawl(client, web).kind is Kind.UNREACHABLE


def test_kept(web):
    """A robots.txt from the run before is used for a day, and for longer while no new one can be had."""
    known = {}
    web.pages["/robots.txt"] = answer(200, CLOSED)
    with Client(now=NOW, robots=known) as client:
        assert crawl(client, web).kind is Kind.ROBOTS
    assert known == {web.url(""): RobotsFile(NOW, CLOSED.decode())}
    web.pages["/robots.txt"] = answer(500)
    for later, asked in ((timedelta(hours=23), 1), (timedelta(hours=25), 2), (timedelta(days=-1), 3)):
        with Client(now=NOW + later, robots=known) as client:
            assert crawl(client, web).kind is Kind.ROBOTS
        assert len(web.asked) == asked
    web.pages["/robots.txt"] = answer(404)
    with Client(now=NOW + timedelta(hours=26), robots=known) as client:
        assert isinstance(crawl(client, web), Answer)


def test_each_origin_has_its_own(web):
    """A redirect to another origin is subject to that one's robots.txt."""
    with Web({"/robots.txt": answer(200, CLOSED), "/": PAGE}) as other, Client(now=NOW) as client:
        web.pages["/"] = redirect(other.url(), 302)
        assert crawl(client, web).kind is Kind.ROBOTS
        assert other.paths() == ["/robots.txt"]


def test_redirected(web):
    """A robots.txt that redirects to another place counts as that of the first."""
    with Web({"/rules": answer(200, CLOSED)}) as other, Client(now=NOW) as client:
        web.pages["/robots.txt"] = redirect(other.url("/rules"), 302)
        assert crawl(client, web).kind is Kind.ROBOTS


def test_long(web):
    """Of a long robots.txt the first 500 kB count."""
    web.pages["/robots.txt"] = answer(200, CLOSED + b"#" * 600_000 + b"\nUser-agent: feedarchiver\nAllow: /\n")
    with Client(now=NOW) as client:
        assert crawl(client, web).kind is Kind.ROBOTS


def test_slow(web):
    """The time that robots.txt takes is part of the request's."""
    web.pages["/robots.txt"] = drip(answer(200, SOME * 10))
    began = time.monotonic()
    with Client(now=NOW) as client:
        assert isinstance(crawl(client, web, timeout_s=0.5), Failure)
    assert time.monotonic() - began < 5


def test_hostile(web):
    """A robots.txt made to be slow to read, of as many agents as rules, is read in a moment."""
    agents = b"".join(b"User-agent: a%d\n" % number for number in range(12_000)) + b"User-agent: *\n"
    rules = b"".join(b"Disallow: /*a%d*b\n" % number for number in range(12_000))
    web.pages["/robots.txt"] = answer(200, agents + rules + b"Disallow: /private\n")
    began = time.process_time()
    with Client(now=NOW) as client:
        assert crawl(client, web, "/private/x").kind is Kind.ROBOTS
    assert time.process_time() - began < 5


def test_few_rules_are_at_hand():
    """However many hosts have however long rules, few of them are kept parsed, long ones in no other way either."""
    known, asked = {}, []

    def fetch(url, limit_bytes):
        asked.append(url)
        return Answer(url, b"User-agent: *\nCrawl-delay: 3\n" + b"# nothing at all\n" * 20_000)

    robots = Robots(known, NOW)
    places = [target(f"http://{number}.example/x") for number in range(8)]
    for place in (*places, *places, places[-1]):
        robots.check(place, fetch)
        assert robots._length <= 500 * 1024
    assert len(asked) == 16
    assert known == {}
    assert all(robots.delay_s(place) == 3 for place in places)


def test_many_sites_are_not_remembered_for_ever():
    """Of very many sites those are forgotten that nobody has asked for days; what still counts stays."""
    index = Index.create(None)
    for number in range(5_100):
        old = NOW - timedelta(days=number % 2 * 30)
        index.notes.write(ROBOTS, f"http://{number}.example", f"{old.isoformat()}\nUser-agent: *")
    index.notes.write(HOST, "gone.example", (NOW - timedelta(hours=1)).isoformat())
    notes = [*stale(index, NOW)]
    assert len(notes) == 2_550
    assert {note[0] for note in notes} == {ROBOTS}
    for note in notes:
        index.notes.write(*note)
    assert index.notes.count(ROBOTS) == 2_550
    assert [*stale(index, NOW)] == []
    index.close()
