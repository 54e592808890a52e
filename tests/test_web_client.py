"""One request and every way that its answer can go wrong, against a web on loopback."""

import gzip
import time
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web import (
    CERTIFICATE,
    LOOPBACK,
    Web,
    answer,
    bomb,
    chunked,
    drip,
    endless,
    head,
    pieces,
    redirect,
    silence,
    validated,
)

from feedarchiver import __version__
from feedarchiver.gather.web import headers
from feedarchiver.gather.web.client import Client
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TEXT = b"<rss>" + b"0123456789" * 3000 + b"</rss>"
GZIPPED = gzip.compress(TEXT)
SHORT_S = 0.4


@pytest.fixture
def web():
    with Web() as web:
        yield web


@pytest.fixture
def client():
    with Client(now=NOW) as client:
        yield client


def ask(client, web, path="/", **request):
    return client.ask(Request(web.url(path), **{"allow_private": LOOPBACK, "timeout_s": 10.0, **request}))


def failed(client, web, path="/", **request):
    found = ask(client, web, path, **request)
    assert isinstance(found, Failure), found
    return found


BARE = zlib.compressobj(wbits=-15)
WHOLE = {
    "with a length": answer(200, TEXT),
    "in chunks": head(transfer_encoding="chunked") + chunked(TEXT[:7], TEXT[7:]),
    "in chunks with trailers": head(transfer_encoding="chunked") + chunked(TEXT, end=False) + b"0\r\nA: b\r\n\r\n",
    "up to the end": pieces(head(connection="close"), TEXT),
    "gzip": answer(200, GZIPPED, content_encoding="gzip"),
    "x-gzip": answer(200, GZIPPED, content_encoding="X-GZIP"),
    "gzip in chunks": head(transfer_encoding="chunked", content_encoding="gzip") + chunked(GZIPPED[:9], GZIPPED[9:]),
    "two members": answer(200, gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]), content_encoding="gzip"),
    "gzip and padding": answer(200, GZIPPED + bytes(99), content_encoding="gzip"),
    "deflate": answer(200, zlib.compress(TEXT), content_encoding="deflate"),
    "bare deflate": answer(200, BARE.compress(TEXT) + BARE.flush(), content_encoding="deflate"),
    "identity": answer(200, TEXT, content_encoding="identity"),
    "203": answer(203, TEXT),
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(200, TEXT),
    "HTTP/1.0": lambda _: iter([b"HTTP/1.0 200 OK\r\n\r\n", TEXT]),
}


@pytest.mark.parametrize("page", WHOLE.values(), ids=WHOLE)
def test_whole(web, client, page):
    """A body comes whole, however it is sent."""
    web.pages["/"] = page
    found = ask(client, web)
    assert isinstance(found, Answer), found
    assert found.body == TEXT


CUT = {
    "short of its length": pieces(head(content_length=len(TEXT)), TEXT[:-1]),
    "without any of its length": pieces(head(content_length=10)),
    "chunks without an end": pieces(head(transfer_encoding="chunked"), chunked(TEXT, end=False)),
    "inside a chunk": pieces(head(transfer_encoding="chunked"), chunked(TEXT)[:-99]),
    "inside a chunk's size": pieces(head(transfer_encoding="chunked"), b"7"),
    "gzip": answer(200, GZIPPED[:-20], content_encoding="gzip"),
    "gzip without its sum": answer(200, GZIPPED[:-8], content_encoding="gzip"),
    "gzip in its head": answer(200, GZIPPED[:5], content_encoding="gzip"),
    "second member": answer(200, GZIPPED + GZIPPED[:-9], content_encoding="gzip"),
    "deflate": answer(200, zlib.compress(TEXT)[:-6], content_encoding="deflate"),
    "before the head": pieces(b""),
    "inside the head": pieces(b"HTTP/1.1 200 OK\r\nContent-Type: te"),
}


@pytest.mark.parametrize("page", CUT.values(), ids=CUT)
def test_cut(web, client, page):
    """A body that ends too early is no answer."""
    web.pages["/"] = page
    assert failed(client, web).kind is Kind.CUT


MALFORMED = {
    "no HTTP": pieces(b"220 mail.example.org ESMTP\r\n"),
    "no status": pieces(b"HTTP/1.1 \r\n\r\n"),
    "two lengths": pieces(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"),
    "no gzip": answer(200, TEXT, content_encoding="gzip"),
    "gzip with a wrong sum": answer(200, GZIPPED[:-8] + bytes(8), content_encoding="gzip"),
    "brotli": answer(200, TEXT, content_encoding="br"),
    "zstd": answer(200, TEXT, content_encoding="zstd"),
    "gzip twice": answer(200, gzip.compress(GZIPPED), content_encoding="gzip, gzip"),
    "304 to nothing": answer(304),
    "206": answer(206, TEXT),
    "204": answer(204),
    "101": pieces(head(101)),
    "999": answer(999, TEXT),
    "200 headers": pieces(head(200, **{f"x{number}": number for number in range(200)})),
}


@pytest.mark.parametrize("page", MALFORMED.values(), ids=MALFORMED)
def test_malformed(web, client, page):
    """What is no HTTP, or not what was asked for, is no answer."""
    web.pages["/"] = page
    assert failed(client, web).kind is Kind.MALFORMED


def test_what_is_wrong_is_said(web, client):
    """What is no HTTP is told in the words of what came, in one line, whatever that is."""
    web.pages["/"] = MALFORMED["200 headers"]
    assert failed(client, web).reason == "the answer is no HTTP: got more than 100 headers"
    web.pages["/"] = pieces(b"SSH-2.0-\x1b[31m\r\n")
    assert failed(client, web).reason == "the answer is no HTTP: SSH-2.0-\\x1b[31m"


SLOW = {
    "silent": silence,
    "head by bytes": drip(head(200) + bytes(1000)),
    "body by bytes": drip(answer(200, bytes(1000))),
    "chunk sizes by bytes": drip(head(transfer_encoding="chunked") + chunked(*[b"x"] * 200)),
    "endless 100": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
    "endless redirects": endless(head(302, location="/"), b"x"),
    "body by gzipped bytes": drip(answer(200, bomb("gzip", 10_000_000), content_encoding="gzip")),
}


@pytest.mark.parametrize("page", SLOW.values(), ids=SLOW)
def test_slow(web, client, page):
    """A request is over when its time is, however the bytes are spread."""
    web.pages["/"] = page
    began = time.monotonic()
    assert failed(client, web, timeout_s=SHORT_S).kind in {Kind.TIMEOUT, Kind.TOO_LARGE, Kind.REDIRECTED}
    assert time.monotonic() - began < SHORT_S + 5


def test_time_is_for_the_whole(web, client):
    """The hops of a redirect share the time of one request."""
    late = [drip(redirect(f"/{number + 1}"), each_s=0.005) for number in range(9)]
    web.pages = {f"/{number}": page for number, page in enumerate(late)}
    began = time.monotonic()
    assert failed(client, web, "/0", timeout_s=SHORT_S).kind is Kind.TIMEOUT
    assert time.monotonic() - began < SHORT_S + 5


def test_names_are_resolved_in_time(web):
    """A resolver that does not answer takes no longer than the request may."""

    def resolve(host, port):
        web._closing.wait(10)
        return []

    with Client(now=NOW, resolve=resolve) as client:
        began = time.monotonic()
        failure = client.ask(Request("http://slow.example/", timeout_s=SHORT_S))
        assert failure.kind is Kind.UNREACHABLE
        assert time.monotonic() - began < SHORT_S + 5


LIMIT = 1_000_000
BOMBS = {
    "gzip": lambda asked: answer(200, bomb("gzip", 50_000_000), content_encoding="gzip"),
    "deflate": lambda asked: answer(200, bomb("deflate", 50_000_000), content_encoding="deflate"),
    "bare deflate": lambda asked: answer(200, bomb("bare", 50_000_000), content_encoding="deflate"),
    "one byte too many": answer(200, bytes(LIMIT + 1)),
    "endless": endless(head(), bytes(65_536)),
    "endless chunks": endless(head(transfer_encoding="chunked"), chunked(bytes(9_999), end=False)),
    "endless chunk": endless(head(transfer_encoding="chunked") + b"ffffffffff\r\n", bytes(65_536)),
    "endless chunk extension": endless(head(transfer_encoding="chunked") + b"5;", bytes(65_536)),
    "endless gzip": endless(head(content_encoding="gzip"), gzip.compress(bytes(100_000))),
    "endless padding": endless(head(content_encoding="gzip") + gzip.compress(b"x"), gzip.compress(b"")),
    "endless head": endless(b"HTTP/1.1 200 OK\r\n", b"A: " + b"b" * 1000 + b"\r\n"),
    "endless field": endless(b"HTTP/1.1 200 OK\r\nA: ", b"b" * 65_536),
}


@pytest.mark.parametrize("page", BOMBS.values(), ids=BOMBS)
def test_bombs(web, client, page):
    """A body above the limit, decoded or not, and a head without end are stopped while they come."""
    web.pages["/"] = page
    began = time.process_time()
    assert failed(client, web, limit_bytes=LIMIT).kind in {Kind.TOO_LARGE, Kind.CUT, Kind.MALFORMED}
    assert time.process_time() - began < 3


def test_the_limit_itself(web, client):
    """A body of exactly the limit is whole; of a longer one, the beginning is taken where that is asked for."""
    web.pages["/"] = answer(200, bytes(LIMIT))
    assert len(ask(client, web, limit_bytes=LIMIT).body) == LIMIT
    assert len(ask(client, web, limit_bytes=LIMIT - 1, prefix=True).body) == LIMIT - 1


STATUSES = {
    400: Kind.REFUSED,
    401: Kind.REFUSED,
    403: Kind.REFUSED,
    404: Kind.REFUSED,
    410: Kind.GONE,
    451: Kind.REFUSED,
}
STATUSES |= {429: Kind.BUSY, 503: Kind.BUSY, 500: Kind.FAULTY, 502: Kind.FAULTY, 504: Kind.FAULTY}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_statuses(web, client, status, kind):
    """A status that brings no article is a failure of its kind, with what Retry-After said."""
    web.pages["/"] = answer(status, b"sorry", retry_after="120")
    failure = failed(client, web)
    assert (failure.kind, failure.status, failure.retry_after) == (kind, status, "120")
    assert failure.reason.startswith(f"answers {status} ")


def test_conditional(web, client):
    """What is known already is asked for with its validators, and an unchanged one has no body but keeps them."""
    web.pages["/"] = validated(TEXT, '"one"', last_modified="Sat, 21 Nov 2026 10:00:00 GMT")
    first = ask(client, web)
    assert (first.etag, first.modified) == ('"one"', "Sat, 21 Nov 2026 10:00:00 GMT")
    second = ask(client, web, etag=first.etag, modified=first.modified)
    assert second == first._replace(body=None, media_type=None, came_bytes=second.came_bytes)
    assert 0 < second.came_bytes < len(TEXT) < first.came_bytes
    assert web.asked[1].header["if-none-match"] == '"one"'
    assert web.asked[1].header["if-modified-since"] == first.modified
    web.pages["/"] = validated(TEXT, '"two"')
    assert ask(client, web, etag=first.etag).etag == '"two"'


@pytest.mark.parametrize("etag", ["", "a" * 5000, '"\xe9"', '"a\tb"'])
def test_validators_that_cannot_be_sent(web, client, etag):
    """A validator that no header field can carry back is not kept."""
    web.pages["/"] = answer(200, TEXT, etag=etag)
    assert ask(client, web).etag is None


def test_what_it_is(web, client):
    """The media type and the charset are those of Content-Type."""
    web.pages["/"] = answer(200, TEXT, content_type='Text/XML; x=y; Charset="GB2312"')
    found = ask(client, web)
    assert (found.media_type, found.charset) == ("text/xml", "GB2312")


def test_who_asks(web):
    """A request says which program asks, for whom, and carries neither cookies nor passwords nor more."""
    web.pages["/"] = answer(200, TEXT, set_cookie="a=b; Path=/")
    with Client(now=NOW, contact="mailto:me@example.org") as client:
        ask(client, web)
        ask(client, web, headers=(("X-Key", "k"),))
    assert web.asked[0].header["user-agent"] == f"feedarchiver/{__version__} (+mailto:me@example.org)"
    assert set(web.asked[0].header) == {"host", "user-agent", "accept", "accept-encoding"}
    assert set(web.asked[1].header) - set(web.asked[0].header) == {"x-key"}


def test_netrc(web, client, tmp_path, monkeypatch):
    """No password is taken from .netrc."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    web.pages["/"] = answer(200, TEXT)
    assert isinstance(ask(client, web), Answer)
    assert "authorization" not in web.asked[0].header


def test_connections_are_kept(web, client):
    """Requests to one host share a connection, after an answer, a 304 and a gzipped body."""
    web.pages["/"] = validated(TEXT, '"one"')
    web.pages["/gzip"] = answer(200, GZIPPED, content_encoding="gzip")
    for _ in range(3):
        ask(client, web)
        ask(client, web, etag='"one"')
        ask(client, web, "/gzip")
    assert web.connections == 1


def test_a_kept_connection_that_closed(web, client):
    """When the other side has closed a kept connection, the request is made once more, on a new one."""
    web.pages["/"] = answer(200, TEXT)

    def hang_up(asked):
        if sum(one.path == "/again" for one in web.asked) == 1:
            return pieces(b"")(asked)
        return answer(200, b"again")

    web.pages["/again"] = hang_up
    ask(client, web)
    assert ask(client, web, "/again").body == b"again"
    assert (web.connections, web.paths()) == (2, ["/", "/again", "/again"])


def test_no_more_than_once_again(web, client):
    """A new connection that is closed without an answer is a failure, and is not tried again."""
    web.pages["/"] = pieces(b"")
    assert failed(client, web).reason == "the connection ended before an answer came"
    assert len(web.asked) == 1


def test_leftovers(web, client):
    """What a server sends after an answer's end is not taken for the next answer."""
    web.pages["/"] = answer(200, TEXT) + answer(200, b"forged")
    web.pages["/next"] = answer(200, b"true")
    ask(client, web)
    assert ask(client, web, "/next").body == b"true"


def test_nobody_there(client):
    """A port without a server is unreachable, and the reason says so."""
    with Web() as web:
        url = web.url()
    failure = client.ask(Request(url, allow_private=LOOPBACK))
    assert (failure.kind, str(failure)) == (
        Kind.UNREACHABLE,
        f"{url}: no connection to 127.0.0.1: connection refused",
    )


def test_no_such_name():
    """A name that does not resolve is unreachable; so is one that no resolver takes."""
    with Client(now=NOW, resolve=lambda host, port: (_ for _ in ()).throw(OSError(-2, "Name unknown"))) as client:
        assert client.ask(Request("http://nowhere.example/")).kind is Kind.UNREACHABLE
    with Client(now=NOW) as client:
        assert client.ask(Request(f"http://{'a' * 70}.localhost/")).kind is Kind.UNREACHABLE


def test_redirects(web, client):
    """Redirects are followed, relative ones too, and the answer says what it came from."""
    web.pages = {"/a/b": redirect("../c?x#part", 302), "/c?x": redirect(f"//127.0.0.1:{web.port}/d", 303)}
    web.pages["/d"] = answer(200, TEXT)
    found = ask(client, web, "/a/b")
    assert (found.body, found.url, found.moved) == (TEXT, web.url("/d"), None)


@pytest.mark.parametrize(
    ("chain", "moved"),
    [([301], 1), ([308, 301], 2), ([302], None), ([302, 301], None), ([301, 302], 1), ([301, 307, 301], 1), ([], None)],
)
def test_moved(web, client, chain, moved):
    """Permanent redirects at the beginning of the way say where the address has moved to."""
    for number, status in enumerate(chain):
        web.pages[f"/{number}"] = redirect(f"/{number + 1}", status)
    web.pages[f"/{len(chain)}"] = validated(TEXT, '"one"')
    expected = None if moved is None else web.url(f"/{moved}")
    assert ask(client, web, "/0").moved == expected
    assert ask(client, web, "/0", etag='"one"').moved == expected


def test_a_failure_moves_nothing(web, client):
    """A permanent redirect to what fails is that failure, and names both addresses."""
    web.pages["/"] = redirect("/there", 301)
    assert str(failed(client, web)) == f"{web.url()}: redirected to {web.url('/there')}: answers 404 not found"


NOWHERE = {
    "itself": lambda web: redirect(web.url("/")),
    "no place": lambda _: answer(302),
    "an empty place": lambda _: redirect(""),
    "mail": lambda _: redirect("mailto:me@example.org"),
    "a file": lambda _: redirect("file:///etc/passwd"),
    "data": lambda _: redirect("data:text/xml,<rss/>"),
}


@pytest.mark.parametrize("page", NOWHERE.values(), ids=NOWHERE)
def test_redirects_to_nowhere(web, client, page):
    """A redirect in a circle, or to what cannot be asked, ends."""
    web.pages["/"] = page(web)
    assert failed(client, web).kind is Kind.REDIRECTED


def test_redirects_without_end(web, client):
    """Ten redirects are followed, eleven are not."""
    web.pages = {f"/{number}": redirect(f"/{number + 1}", 302) for number in range(20)}
    web.pages["/11"] = answer(200, TEXT)
    assert failed(client, web, "/0").kind is Kind.REDIRECTED
    assert isinstance(ask(client, web, "/1"), Answer)


def test_redirects_in_other_letters(web, client):
    """An address in UTF-8 is asked for as its writer meant it."""
    web.pages["/"] = redirect("/新闻".encode().decode("latin-1"), 302)
    web.pages["/%E6%96%B0%E9%97%BB"] = answer(200, TEXT)
    assert isinstance(ask(client, web), Answer)


def test_a_source_s_own_header_takes_the_place_of_ours():
    """A source's own header field is sent instead of ours, in whatever letters its name is written."""
    request = Request("http://a.example/", headers=(("user-agent", "mine"), ("X-Key", "1"), ("x-key", "2")))
    said = headers.sent(request, "ours", at_home=True)
    assert {name.lower(): value for name, value in said.items()}.items() >= {"user-agent": "mine", "x-key": "2"}.items()
    assert len({name.lower() for name in said}) == len(said)


def test_secrets_stay_at_home(web, client):
    """A source's own header fields do not go along to another site; a Referer does."""
    secrets = (("Authorization", "Bearer secret"), ("X-Key", "secret"), ("Referer", "https://example.org/"))
    with Web({"/": answer(200, TEXT)}) as other:
        web.pages = {"/": redirect("/home", 302), "/home": redirect(other.url(), 302)}
        ask(client, web, headers=secrets)
    assert [asked.header.get("x-key") for asked in web.asked] == ["secret", "secret"]
    assert {"authorization", "x-key"}.isdisjoint(other.asked[0].header)
    assert other.asked[0].header["referer"] == "https://example.org/"


def test_reasons_are_one_line(web, client):
    """What a server writes into a reason stays one short, printable line."""
    web.pages["/"] = redirect("/\x1b[2J\u00ad" + "a" * 3000 + "\x07", 302)
    reason = failed(client, web).reason
    assert len(reason) < 1000
    assert reason.isprintable()


def test_tls():
    """A certificate that is trusted, for the name that was asked, is needed for an answer; nothing else will do."""
    with Web({"/": answer(200, TEXT)}, tls=True) as web:
        with Client(now=NOW) as client:
            failure = client.ask(Request(web.url(host="localhost"), allow_private=LOOPBACK))
            assert (failure.kind, failure.reason) == (
                Kind.TLS,
                "its certificate is not to be trusted: self-signed certificate",
            )
        with Client(now=NOW, ca_file=str(CERTIFICATE)) as client:
            for _ in range(2):
                found = client.ask(Request(web.url(host="localhost"), allow_private=LOOPBACK))
                assert isinstance(found, Answer), found
                assert found.body == TEXT
            failure = client.ask(Request(web.url(), allow_private=LOOPBACK))
            assert failure.kind is Kind.TLS
            assert "mismatch" in failure.reason
        assert len(web.asked) == 2


def test_tls_to_no_tls(web):
    """A server that speaks no TLS is a failure, and is not asked in the clear."""
    web.pages["/"] = answer(200, TEXT)
    with Client(now=NOW, ca_file=str(CERTIFICATE)) as client:
        assert client.ask(
            Request(web.url().replace("http:", "https:"), allow_private=LOOPBACK, timeout_s=SHORT_S)
        ).kind in {
            Kind.TLS,
            Kind.TIMEOUT,
        }
    assert not web.asked


def test_downgrade(web):
    """A redirect from https to http is not followed."""
    with Web({"/": redirect(web.url())}, tls=True) as secure, Client(now=NOW, ca_file=str(CERTIFICATE)) as client:
        failure = client.ask(Request(secure.url(host="localhost"), allow_private=LOOPBACK))
        assert failure.kind is Kind.REDIRECTED
        assert "https to http://" in failure.reason
        assert not web.asked


def test_tls_slow():
    """TLS does not lengthen the time of a request: neither its handshake nor a dripping body."""
    with (
        Web({"/": drip(answer(200, bytes(1000)))}, tls=True) as web,
        Client(now=NOW, ca_file=str(CERTIFICATE)) as client,
    ):
        began = time.monotonic()
        failure = client.ask(Request(web.url(host="localhost"), allow_private=LOOPBACK, timeout_s=SHORT_S))
        assert failure.kind is Kind.TIMEOUT, failure
        assert time.monotonic() - began < SHORT_S + 5


def test_tls_cut():
    """Inside TLS, a body without a length ends with the end of TLS, or it is cut."""
    with Web({"/": pieces(head(connection="close"), TEXT)}, tls=True) as web:
        with Client(now=NOW, ca_file=str(CERTIFICATE)) as client:
            failure = client.ask(Request(web.url(host="localhost"), allow_private=LOOPBACK))
        assert isinstance(failure, Failure)
        assert failure.kind is Kind.CUT


@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=5), st.integers(1, 500), st.booleans())
def test_inflated(bodies, size, bare):
    """Compressed bodies, in pieces of any size, come out as they went in, or are an error when they are cut."""
    from feedarchiver.gather.web.bodies import _inflated
    from feedarchiver.gather.web.exchange import Stopped

    if bare:
        engine = zlib.compressobj(wbits=-15)
        data, window = engine.compress(b"".join(bodies)) + engine.flush(), None
    else:
        data, window = b"".join(map(gzip.compress, bodies)), 31
    cut = [data[place : place + size] for place in range(0, len(data), size)]
    assert b"".join(_inflated(iter(cut), window)) == b"".join(bodies)
    if cut:
        with pytest.raises(Stopped):
            list(_inflated(iter([*cut[:-1], cut[-1][:-1]] if len(cut[-1]) > 1 else cut[:-1] or [b"\x1f"]), window))
