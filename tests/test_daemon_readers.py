"""Real readers, subscribed to the daemon: what they poll twice costs a 304, what is new they see within 10 s."""

import shutil
import sqlite3
import subprocess
from email import policy
from email.parser import BytesParser

import pytest
from living import living, within
from program import Program

TITLES = ["一个题目", "另一个题目"]
DOCUMENTS = ["all/rss.xml", "all/atom.xml"]


@pytest.fixture
def home(tmp_path):
    program = Program(tmp_path / "home")
    program.write("a.txt", title=TITLES[0], link="https://example.org/a")
    assert program("run").status == 0
    return program


@pytest.fixture
def daemon(home):
    with living(home, "daemon", "--port", "0") as started:
        yield started.serving()


def statuses(daemon):
    """Count the answers to requests for feeds, by status."""
    counted = daemon.counted('feedarchiver_requests_total{kind="feed"')
    return {name.rpartition("status=")[2][1:4]: value for name, value in counted.items()}


def polls(home, daemon, poll, *, forgetful=0):
    """Subscribe by `poll`, which returns titles: twice, then with something new.

    `forgetful`: how many polls it takes until the reader says which version it has.
    """
    within(10, lambda: daemon.get("/all/rss.xml", "HEAD").headers["last-modified"])
    for _ in range(forgetful):
        poll()
    before = statuses(daemon)
    assert poll() == {TITLES[0]}
    assert statuses(daemon)["200"] == before["200"] + 1
    assert poll() == {TITLES[0]}
    assert statuses(daemon) == before | {"200": before["200"] + 1, "304": before.get("304", 0) + 1}
    home.write("b.txt", title=TITLES[1], link="https://example.org/b")
    within(10, lambda: poll() == set(TITLES))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_feedparser(home, daemon, document):
    """Feedparser, with the ETag and date that it was given."""
    import feedparser

    feed = None

    def poll():
        nonlocal feed
        asked = feedparser.parse(
            daemon.base + document, etag=feed and feed.get("etag"), modified=feed and feed.get("modified")
        )
        feed = asked if asked.status == 200 else feed
        return {entry.title for entry in feed.entries}

    polls(home, daemon, poll)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_reader(home, daemon, document, tmp_path):
    """Python's reader."""
    reader_package = pytest.importorskip("reader")
    with reader_package.make_reader(str(tmp_path / "reader.db")) as reader:
        reader.add_feed(daemon.base + document)

        def poll():
            reader.update_feed(daemon.base + document)
            return {entry.title for entry in reader.get_entries()}

        polls(home, daemon, poll)


@pytest.mark.skipif(not shutil.which("r2e"), reason="rss2email (Debian package rss2email) is not installed")
def test_rss2email(home, daemon, tmp_path):
    """rss2email, which writes a mail for each article."""
    (tmp_path / "Maildir").mkdir()

    def r2e(*arguments):
        command = ["r2e", "-c", tmp_path / "config", "-d", tmp_path / "data.json", *arguments]
        environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        subprocess.run(command, env=environ, timeout=60, check=True, capture_output=True)

    r2e("new", "me@example.org")
    config = (tmp_path / "config").read_text()
    (tmp_path / "config").write_text(config.replace("email-protocol = sendmail", "email-protocol = maildir"))
    r2e("add", "all", daemon.base + DOCUMENTS[1])

    def poll():
        r2e("run")
        mails = (tmp_path / "Maildir" / "INBOX" / "new").iterdir()
        parser = BytesParser(policy=policy.default)
        return {parser.parsebytes(mail.read_bytes())["Subject"] for mail in mails}

    polls(home, daemon, poll)


@pytest.mark.skipif(not shutil.which("newsboat"), reason="newsboat (Debian package newsboat) is not installed")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_newsboat(home, daemon, document, tmp_path):
    """Newsboat, which says nothing of versions in its second poll, whoever serves."""
    (tmp_path / "urls").write_text(daemon.base + document + "\n")
    (tmp_path / "config").write_text("")

    def poll():
        subprocess.run(
            [
                "newsboat",
                "-u",
                tmp_path / "urls",
                "-c",
                tmp_path / "cache.db",
                "-C",
                tmp_path / "config",
                "-x",
                "reload",
            ],
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            timeout=60,
            check=True,
            capture_output=True,
        )
        db = sqlite3.connect(tmp_path / "cache.db")
        try:
            return {title for (title,) in db.execute("SELECT title FROM rss_item")}
        finally:
            db.close()

    polls(home, daemon, poll, forgetful=1)
