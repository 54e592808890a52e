"""The published folder over HTTP, as readers and browsers meet it."""

import gzip
import os
import re
import shutil
import socket
import time

import pytest
from living import living, within
from program import Program

from feedarchiver.server import listen

PICTURE = bytes(range(256)) * 300


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Publish two articles and a picture, beside things that are none of the server's business."""
    program = Program(tmp_path_factory.mktemp("server") / "home")
    for number in range(2):
        program.write(
            f"{number}.txt", title=f"题目 {number}", link=f"https://example.org/{number}", body="<p>文</p>" * 500
        )
    assert program("run").status == 0
    (program.feeds / "images").mkdir()
    (program.feeds / "images" / "a.jpg").write_bytes(PICTURE)
    (program.feeds / "large.png").write_bytes(PICTURE * 150)  # more than is held in memory
    (program.feeds / ".hidden.xml").write_bytes(b"hidden")
    (program.feeds / ".rss.xml.1.tmp").write_bytes(b"half")
    (program.feeds / "link.xml").symlink_to(program.folder / "config.toml")
    (program.feeds / "outside").symlink_to(program.folder)
    os.mkfifo(program.feeds / "pipe.xml")
    return program


@pytest.fixture(scope="module")
def server(home):
    with living(home, "serve", "--port", "0") as started:
        yield started.serving()


@pytest.mark.parametrize(
    ("path", "file", "media_type"),
    [
        ("/", "index.html", "text/html"),
        ("/all/", "all/index.html", "text/html"),
        ("/all/rss.xml", "all/rss.xml", "application/xml"),
        ("/all/atom.xml", "all/atom.xml", "application/xml"),
        ("/all/feed.json", "all/feed.json", "application/feed+json"),
        ("/%61ll/rss%2exml?utm=1", "all/rss.xml", "application/xml"),
        ("/feeds.opml", "feeds.opml", "text/x-opml"),
        ("/assets/site.css", "assets/site.css", "text/css"),
        ("/assets/icon.svg", "assets/icon.svg", "image/svg+xml"),
        ("/search/index.js", "search/index.js", "text/javascript"),
        ("/images/a.jpg", "images/a.jpg", "image/jpeg"),
        ("/large.png", "large.png", "image/png"),
    ],
)
def test_documents(home, server, path, file, media_type):
    """Each document comes with its bytes, its type without a charset, and the same headers for HEAD."""
    answer = server.get(path)
    assert (answer.status, answer.body) == (200, (home.feeds / file).read_bytes())
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"].startswith('"')
    assert "content-encoding" not in answer.headers
    head = server.get(path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    dates = {"date", "last-modified"}  # the latter is told once its second is over
    assert {(name, value) for name, value in head.headers.items() if name not in dates} == {
        (name, value) for name, value in answer.headers.items() if name not in dates
    }


def test_policies(server):
    """Nothing in a feed may run, and no page may be framed."""
    assert "sandbox" in server.get("/all/rss.xml").headers["content-security-policy"]
    page = server.get("/").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page
    assert "unsafe" not in page


def test_not_modified(server):
    """Who has a version is told so, by its tag or by its date, packed or not."""
    first = within(5, lambda: (answer := server.get("/all/rss.xml")).headers["last-modified"] and answer)
    tag, date = first.headers["etag"], first.headers["last-modified"]
    packed = server.get("/all/rss.xml", accept_encoding="gzip").headers["etag"]
    assert packed != tag
    for headers in (
        {"if_none_match": tag},
        {"if_none_match": f'"other", W/{tag}'},
        {"if_none_match": packed},
        {"if_modified_since": date},
        {"if_none_match": tag, "if_modified_since": "Mon, 01 Jan 2001 00:00:00 GMT"},
    ):
        answer = server.get("/all/rss.xml", **headers)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"]
        assert answer.headers["vary"] == "accept-encoding"
    for headers in ({"if_none_match": '"other"', "if_modified_since": date}, {"if_modified_since": "never"}):
        assert server.get("/all/rss.xml", **headers).status == 200


def test_gzip(server):
    """Who asks for gzip gets the same bytes packed; a picture is sent as it is."""
    plain, packed = server.get("/all/rss.xml"), server.get("/all/rss.xml", accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    assert "content-encoding" not in server.get("/images/a.jpg", accept_encoding="gzip").headers


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-7", -7, None), ("bytes=5-999999", 5, None)],
)
@pytest.mark.parametrize("name", ["/images/a.jpg", "/large.png"])
def test_ranges(server, name, wanted, start, end):
    """A single range of a picture is sent."""
    whole = server.get(name).body
    if end is None and "999999" in wanted:
        end = min(len(whole), 1_000_000)
    answer = server.get(name, range=wanted)
    assert (answer.status, answer.body) == (206, whole[start:end])
    first = start % len(whole)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.body) - 1}/{len(whole)}"


def test_ranges_that_are_not_sent(server):
    """Beyond the end is 416; several ranges, a feed, and a version that is not this one are answered whole."""
    whole = server.get("/images/a.jpg")
    beyond = server.get("/images/a.jpg", range="bytes=999999999-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(PICTURE)}")
    assert server.get("/images/a.jpg", range="bytes=0-1,4-5").status == 200
    assert server.get("/images/a.jpg", range="bytes=0-1", if_range='"other"').status == 200
    assert server.get("/images/a.jpg", range="bytes=0-1", if_range=whole.headers["etag"]).status == 206
    assert server.get("/all/rss.xml", range="bytes=0-1").status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing.xml", "/.hidden.xml", "/.rss.xml.1.tmp", "/link.xml", "/outside/config.toml", "/pipe.xml"),
        *("/../config.toml", "/all/../../config.toml", "/%2e%2e/config.toml", "/..%2fconfig.toml", "/all/..%5c..%5cx"),
        *("//etc/passwd", "/%2fetc/passwd", "/all//rss.xml", "/./all/rss.xml", "/all/./rss.xml", "/all/rss.xml/"),
        *(
            "/all/rss.xml%00",
            "/all/rss.xml%00.jpg",
            "/%252e%252e/config.toml",
            "/%c0%ae%c0%ae/config.toml",
            "/ALL/rss.xml",
        ),
        *("/%ff%fe", "/" + "a" * 5000, "/" + "a/" * 2000, "/all/rss.xml;x=1", "/outside", "/outside/"),
    ],
)
def test_only_what_was_built(server, path):
    """Traversal, other spellings, links, dot files and what is no file are not found."""
    answer = server.get(path)
    assert (answer.status, answer.body) == (404, b"not found\n")


def test_folders_have_a_slash(server):
    """A folder without its slash leads to the one with it, relative to wherever it is."""
    answer = server.get("/all", host="evil.example")
    assert (answer.status, answer.headers["location"]) == (308, "./all/")


def test_nothing_can_be_written(home, server):
    """No method but GET and HEAD is carried out."""
    before = home.state(home.feeds)
    for method in ("PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        answer = server.get("/all/rss.xml", method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert home.state(home.feeds) == before


def test_the_host_is_not_believed(server):
    """What a client says of hosts and schemes is in no answer."""
    said = {"host": "evil.example", "x_forwarded_host": "evil.example", "x_forwarded_proto": "gopher"}
    for path in ("/", "/all", "/all/rss.xml", "/nothing", "/healthz"):
        answer = server.get(path, **said)
        assert b"evil" not in answer.body
        assert "evil" not in str(answer.headers)


def test_a_file_that_changes(home, server):
    """A file that is replaced, appears or goes is served as it is, at once."""
    path = home.feeds / "all" / "extra.xml"
    assert server.get("/all/extra.xml").status == 404
    tags = []
    for text in (b"one", b"two", b"two"):
        fresh = path.with_name(".fresh")
        fresh.write_bytes(text)
        fresh.replace(path)
        answer = within(5, lambda: (answer := server.get("/all/extra.xml")).status == 200 and answer)
        assert answer.body == text
        tags.append(answer.headers["etag"])
    assert tags[0] != tags[1] == tags[2]
    path.unlink()
    assert server.get("/all/extra.xml").status == 404


def test_a_folder_that_becomes_a_link(home, server):
    """A folder that is replaced by a link is not followed, also for names that were met before."""
    inner, away = home.feeds / "inner", home.folder / "away"
    inner.mkdir()
    (inner / "a.xml").write_bytes(b"inner")
    assert within(5, lambda: server.get("/inner/a.xml").status == 200)
    shutil.move(inner, away)
    (away / "a.xml").write_bytes(b"secret")
    inner.symlink_to(away)
    assert server.get("/inner/a.xml").status == 404


def test_metrics_and_health(server):
    """Counts tell what the archive holds and who asks, with few labels whatever clients call themselves."""
    assert server.get("/healthz").body == b"ok\n"
    before = sum(server.counted("feedarchiver_feed_requests_total").values())
    for agent in ("newsboat/2.30", "Mozilla/5.0 (X11)", 'x"}\nevil 1', *(f"agent {number}" for number in range(20))):
        server.get("/all/rss.xml", **({"user_agent": agent} if "\n" not in agent else {"user_agent": 'x"} evil 1'}))
    counted = server.counted("feedarchiver_")
    assert counted["feedarchiver_articles"] == counted["feedarchiver_versions"] == 2
    assert counted["feedarchiver_documents"] > 10
    readers = {name: value for name, value in counted.items() if name.startswith("feedarchiver_feed_requests_total")}
    assert sum(readers.values()) == before + 23
    assert readers['feedarchiver_feed_requests_total{reader="newsboat"}'] == 1
    assert readers['feedarchiver_feed_requests_total{reader="browser"}'] == 1
    assert len(readers) <= 5


def test_end(home):
    """SIGTERM ends the server with status 0, and the log says what it served."""
    with living(home, "serve", "--port", "0", "--log", "json") as started:
        started.serving()
        began = time.monotonic()
        assert started.end() == 0
        assert time.monotonic() - began < 5
        events = started.events()
    assert [event["event"] for event in events] == ["serving", "stopped"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", events[0]["time"])


def test_answers_do_not_wait_for_the_network():
    """A body is sent at once behind its head, on every connection."""
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_host_that_is_none(home):
    """What cannot be the name of a host is a wrong call."""
    ran = home("serve", "--host", "a" * 64)
    assert ran.status == 2
    assert ran.err == f"feedarchiver: cannot listen on {'a' * 64}, port 8000: no name of a host; nothing was done\n"


def test_a_port_that_is_taken(home, server):
    """A port that somebody has is named, and nothing is done."""
    ran = home("serve", "--port", str(server.port))
    assert ran.status == 2
    assert ran.err == (
        f"feedarchiver: cannot listen on 127.0.0.1, port {server.port}: address already in use; nothing was done\n"
    )
