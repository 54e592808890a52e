"""WebSub: feeds name their hub, and the hub is told of each change once, whatever fails meanwhile."""

import os
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hub import Hub, Subscriber
from living import living, within
from program import CONFIG, PROJECT, Program
from web import Web

from feedarchiver.announcing import hub as announcing
from feedarchiver.archive.archive import Archive
from feedarchiver.model import Feed
from feedarchiver.publish.folder import Folder

BASE = "http://127.0.0.1:8000/"
NAMES = ("rss.xml", "atom.xml", "feed.json")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def topics(*feeds):
    return {f"{BASE}{feed}/{name}" for feed in feeds or ("all", "seeds") for name in NAMES}


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


def configured(folder, url, more=""):
    return Program(folder, f'[publish]\nhub = "{url}"\n{more}{CONFIG}')


@pytest.fixture
def home(tmp_path, hub):
    program = configured(tmp_path / "home", hub.url)
    program.write("a.txt", title="One", link="https://example.org/1")
    return program


def test_the_whole_exchange(tmp_path, hub):
    """A subscriber finds the hub, subscribes, is asked whether it means it, and gets what is dropped in as content."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    base = f"http://127.0.0.1:{port}/"
    program = configured(tmp_path / "home", hub.url, f'base_url = "{base}"\n')
    program.write("a.txt", title="One", link="https://example.org/1")
    assert program("run").status == 0
    with living(program, "daemon", "--port", str(port)) as daemon, Subscriber() as subscriber:
        daemon.serving()
        subscriber.subscribe(f"{base}all/atom.xml")
        program.write("b.txt", title="Two", link="https://example.org/2")
        content = subscriber.content.get(timeout=15)
        assert content == (program.feeds / "all" / "atom.xml").read_bytes()
        assert b"<title>Two</title>" in content
        within(10, lambda: len(hub.published) == 12)
        assert daemon.end() == 0
    assert sorted(hub.published) == sorted(2 * [f"{base}{feed}/{name}" for feed in ("all", "seeds") for name in NAMES])


def test_feeds_name_the_hub(tmp_path, hub):
    """Each document that readers poll links to the hub, as each format does; pages that never change do not."""
    program = configured(tmp_path / "home", hub.url, "page_size = 1\n")
    for number in range(3):
        program.write(f"{number}.txt", link=f"https://example.org/{number}", stamp=1700000000000 + number)
    program("run")
    found = {name: data for name, data in program.documents().items() if hub.url.encode() in data}
    assert found.keys() == {f"{feed}/{name}" for feed in ("all", "seeds") for name in NAMES}
    assert f'<atom:link href="{hub.url}" rel="hub"/>'.encode() in found["all/rss.xml"]
    assert f'<link href="{hub.url}" rel="hub"/>'.encode() in found["all/atom.xml"]
    assert re.search(rb'"hubs": \[\n\{\n"type": "WebSub",\n"url": "%b"' % hub.url.encode(), found["all/feed.json"])
    assert (program.feeds / "all" / "archive" / "000001.atom.xml").exists()


def test_served_with_links(home, hub):
    """Served documents name hub and topic in their header, for HEAD too; other files do not."""
    home("run")
    with living(home, "serve", "--port", "0") as server:
        server.serving()
        for method in ("GET", "HEAD"):
            said = server.get("/all/rss.xml", method).headers["link"]
            assert said == f'<{hub.url}>; rel="hub", <{BASE}all/rss.xml>; rel="self"'
        assert all(server.get(path).headers["link"] is None for path in ("/feeds.opml", "/all/", "/nothing/rss.xml"))
        assert server.end() == 0


def test_told_once(home, hub):
    """Each document is told once after each change, and only those that have changed."""
    assert home("run") == (0, "1 article, 1 new; 2 feeds, 27 documents written, 0 unchanged\n", "")
    assert sorted(hub.published) == sorted(topics())
    hub.published.clear()
    for path in home.feeds.rglob("*.xml"):
        path.unlink()
    assert home.told("run")["built"]["written"]
    assert hub.published == [], "files that were made again, byte for byte, are no news"
    assert home("build").status == 0
    assert hub.published == []
    home.write("rfi/b.txt", title="Two", link="https://example.org/2")
    home("run")
    assert sorted(hub.published) == sorted(topics("all", "rfi"))


def test_a_hub_that_fails(home, hub):
    """A failing hub is one line and status 3, and nothing is missing in the feeds; it is left alone for a while."""
    hub.answers = [(500, {})]
    ran = home("run")
    assert ran.status == 3
    assert re.fullmatch(
        rf"hub: {hub.url}: answers 500 internal server error; told again from [-0-9: ]+ UTC on; "
        r"the feeds are built, 6 documents not told yet\n",
        ran.err,
    )
    assert (home.feeds / "all" / "rss.xml").exists()
    assert home("run") == (0, "1 article, 0 new; 2 feeds, 0 documents written, 27 unchanged\n", "")
    assert len(hub.published) == 1


def rounds(home, hub):
    """Tell a hub, or an address, at the instants that are sent in, each time as a program of its own would."""
    feeds = [Feed(id="all", title="All"), Feed(id="seeds", title="Seeds")]
    there = announcing.Hub(getattr(hub, "url", hub), BASE, Folder(home.feeds))

    def tell(after, step=lambda: None):
        with Archive.open(home.archive, home.archive / "index.db") as archive:
            return announcing.tell(archive, feeds, there, now=NOW + after, contact=None, step=step)

    return tell


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("template") / "home")
    program.write("a.txt")
    assert program("run").status == 0
    return program


@pytest.fixture
def built(tmp_path, template):
    """Have a folder of feeds that no hub has been told of."""
    return template.copy(tmp_path / "built")


def test_back_off(built, hub):
    """A hub that fails is asked again after a minute, then two, four, at last once a day; nothing is ever lost."""
    tell, clock = rounds(built, hub), timedelta()
    for minutes in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440):
        hub.answers = [(503, {})]
        assert tell(clock).trouble
        assert tell(clock + timedelta(minutes=minutes, seconds=-1)) == announcing.Told(left=6)
        clock += timedelta(minutes=minutes)
    assert len(hub.published) == 13
    assert tell(clock) == announcing.Told(told=6)
    assert set(hub.published[13:]) == topics()
    assert tell(clock) == announcing.Told()


def test_retry_after(built, hub):
    """What a hub says about when to come back counts."""
    tell = rounds(built, hub)
    hub.answers = [(429, {"Retry-After": "7200"})]
    assert tell(timedelta()).left == 6
    assert tell(timedelta(minutes=119)).told == 0
    assert tell(timedelta(minutes=121)).told == 6


def test_a_clock_that_was_ahead(built, hub):
    """A failure that was remembered in the future holds nobody up."""
    tell = rounds(built, hub)
    hub.answers = [(500, {})]
    assert tell(timedelta(days=400)).left == 6
    assert tell(timedelta()).told == 6


def test_a_topic_that_is_refused(built, hub):
    """A hub that refuses one topic is told of the others, now and later."""
    tell = rounds(built, hub)
    hub.refuses = {f"{BASE}all/rss.xml"}
    told = tell(timedelta())
    assert (told.told, told.left) == (5, 1)
    assert "answers 403 forbidden for all/rss.xml" in told.trouble
    assert tell(timedelta(seconds=30)) == announcing.Told(left=1)
    hub.refuses.clear()
    assert tell(timedelta(minutes=1)).told == 1


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_leads_nowhere(built, hub, status):
    """A hub that redirects is not followed, into this network or elsewhere, and not told of anything else."""
    with Web() as web:
        hub.answers = [(status, {"Location": web.url("/")})]
        told = rounds(built, hub)(timedelta())
        assert told.trouble.startswith(f"redirects ({status}) to {web.url('/')}, and is not followed")
        assert web.asked == []
    assert len(hub.published) == 1


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://127.0.0.1:1/", "http://[::ffff:169.254.169.254]/"])
def test_what_cannot_be_asked(built, url):
    """A hub that is not there, or may never be asked, is a line like any other."""
    told = rounds(built, url)(timedelta())
    assert told.trouble
    assert told.left == 6


def test_an_end_in_the_middle(built, hub):
    """What was told before the end is not told again."""
    steps = iter([None, None])

    def step():
        if next(steps, "end") == "end":
            raise KeyboardInterrupt

    tell = rounds(built, hub)
    with pytest.raises(KeyboardInterrupt):
        tell(timedelta(), step)
    assert len(hub.published) == 2
    assert tell(timedelta()).told == 4
    assert sorted(hub.published) == sorted(topics())


def test_killed(home, hub):
    """A run that is killed while it tells loses nothing: everything is told by the next one, at worst again."""
    command = [sys.executable, "-m", "feedarchiver", "run"]
    process = subprocess.Popen(command, cwd=home.folder, env=os.environ | {"PYTHONPATH": str(PROJECT)})
    post = hub.post

    def kill(path, header, body):
        said = post(path, header, body)
        if len(hub.published) == 2:
            process.send_signal(signal.SIGKILL)
            process.wait(20)
        return said

    hub.post = kill
    assert process.wait(60) == -signal.SIGKILL
    assert len(hub.published) == 2
    assert home("run").status == 0
    assert set(hub.published[2:]) == topics()
    assert home("run").status == 0
    assert len(hub.published) == 8


def test_another_hub(home, hub):
    """A hub that takes the place of another is told of everything, as the feeds name it now; no hub, no link."""
    home("run")
    config = home.folder / "config.toml"
    with Hub() as other:
        config.write_text(config.read_text().replace(hub.url, other.url))
        home("run")
        assert set(other.published) == topics()
    config.write_text(CONFIG)
    assert home("run").status == 0
    assert not any(b'"hub"' in data for name, data in home.documents().items() if name.endswith(".xml"))
