"""What real readers make of the feeds, subscribed over a loopback server."""

import functools
import shutil
import sqlite3
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from program import PROJECT, Program

LINKS = [
    (
        "https://www.rfi.fr/cn/%E5%9B%BD%E9%99%85/20240121-%E5%93%88%E9%A9%AC%E6%96%AF%E6%94%BF%E6%B2%BB%E9%A2%86%E5"
        "%AF%BC%E4%BA%BA%E8%AE%BF%E5%9C%9F%E8%80%B3%E5%85%B6%E4%B8%BE%E8%A1%8C%E5%AE%98%E6%96%B9%E4%BC%9A%E8%B0%88"
    ),
    (
        "https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/20231104-%E5%9C%9F%E8%80%B3%E5%85%B6%E5%AE%A3%E5%B8%83%E5%8F%AC%E5"
        "%9B%9E%E9%A9%BB%E4%BB%A5%E8%89%B2%E5%88%97%E5%A4%A7%E4%BD%BF"
    ),
]
TITLES = ["哈马斯政治领导人访土耳其举行官方会谈", "土耳其宣布召回驻以色列大使"]
DATES = [datetime(2024, 1, 21, 18, 15, 2, tzinfo=UTC), datetime(2023, 11, 4, 22, 45, 1, tzinfo=UTC)]
IMAGES = ["AP23354318443855.jpg", "2023-10-07T105826Z_433601191_RC2MN3AZUGKE_RTRMADP_3_TURKEY-SECURITY-SYRIA.JPG"]
NOISE = ("分享", "share-button", "data-selfpromo", "whatsapp", "<script")
DOCUMENTS = ["all/rss.xml", "all/atom.xml"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join(timeout=10)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Publish the two seeds and serve the feeds."""
    program = Program(tmp_path_factory.mktemp("readers") / "home")
    shutil.copytree(PROJECT / "seeds", program.seeds, dirs_exist_ok=True)
    assert program("run").status == 0
    with served(program.feeds) as address:
        yield address


@pytest.mark.parametrize("document", DOCUMENTS)
def test_feedparser(base, document):
    """Feedparser finds titles, links, dates, pictures and clean content of both seeds in each format."""
    import feedparser

    feed = feedparser.parse(base + document)
    assert not feed.bozo
    assert [entry.title for entry in feed.entries] == TITLES
    assert [entry.link for entry in feed.entries] == LINKS
    assert [entry.id for entry in feed.entries] == LINKS
    assert [datetime(*entry.published_parsed[:6], tzinfo=UTC) for entry in feed.entries] == DATES
    for entry, image in zip(feed.entries, IMAGES, strict=True):
        assert entry.enclosures[0].href.startswith("https://s.rfi.fr/")
        assert entry.enclosures[0].href.endswith(image)
        assert entry.media_content[0]["url"] == entry.media_thumbnail[0]["url"] == entry.enclosures[0].href
        assert f'src="{entry.enclosures[0].href}"' in entry.content[0].value
        assert not any(word in entry.content[0].value for word in NOISE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_reader(base, document, tmp_path):
    """Python's reader keeps titles, links, dates and pictures, and finds nothing new at the second update."""
    reader_package = pytest.importorskip("reader")
    with reader_package.make_reader(str(tmp_path / "reader.db")) as reader:
        reader.add_feed(base + document)
        reader.update_feeds()
        reader.update_feeds()
        entries = sorted(reader.get_entries(), key=lambda entry: entry.published, reverse=True)
        assert [entry.title for entry in entries] == TITLES
        assert [entry.link for entry in entries] == LINKS
        assert [entry.published for entry in entries] == DATES
        assert [entry.enclosures[0].href.rsplit("/", 1)[1] for entry in entries] == IMAGES


@pytest.mark.skipif(not shutil.which("newsboat"), reason="newsboat (Debian package newsboat) is not installed")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_newsboat(base, document, tmp_path):
    """Newsboat shows titles, links, dates and the picture in the content, and shows nothing twice."""
    (tmp_path / "urls").write_text(base + document + "\n")
    (tmp_path / "config").write_text("")
    cache = tmp_path / "cache.db"
    for _ in range(2):
        subprocess.run(
            ["newsboat", "-u", tmp_path / "urls", "-c", cache, "-C", tmp_path / "config", "-x", "reload"],
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            timeout=60,
            check=True,
            capture_output=True,
        )
    with sqlite3.connect(cache) as db:
        rows = db.execute("SELECT title, url, guid, pubDate, content FROM rss_item ORDER BY pubDate DESC").fetchall()
    db.close()
    assert [row[0] for row in rows] == TITLES
    assert [row[1] for row in rows] == [row[2] for row in rows] == LINKS
    assert [datetime.fromtimestamp(row[3], UTC) for row in rows] == DATES
    for row, image in zip(rows, IMAGES, strict=True):
        assert image in row[4]
        assert not any(word in row[4] for word in NOISE)
