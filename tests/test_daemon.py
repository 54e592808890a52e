"""The daemon from outside: what is dropped in appears, signals end or reload it, faults do not."""

import os
import signal
import threading
import time

import pytest
from living import living, within
from program import CONFIG, Program, seed_bytes

LINK = "https://example.org/"


@pytest.fixture
def home(tmp_path):
    program = Program(tmp_path / "home")
    program.write("a.txt", link=LINK + "a")
    assert program("run").status == 0
    return program


@pytest.fixture
def daemon(home):
    with living(home, "daemon", "--port", "0", "--log", "json") as started:
        yield started.serving()


def holds(daemon, link, path="/all/rss.xml"):
    return link.encode() in daemon.get(path).body


def test_a_new_seed(home, daemon):
    """A seed that is dropped in, also into a folder that is new, is in the feeds within 10 s."""
    home.write("b.txt", link=LINK + "bb")
    within(10, lambda: holds(daemon, LINK + "bb"))
    home.write("other/c.txt", link=LINK + "cc")
    within(10, lambda: holds(daemon, LINK + "cc", "/other/atom.xml"))
    counted = daemon.counted("feedarchiver_")
    assert counted["feedarchiver_run_failed"] == 0
    assert counted["feedarchiver_run_seconds"] > 0


def test_a_seed_that_is_being_written(home, daemon):
    """A seed that grows slowly is archived once, whole."""
    data = seed_bytes(link=LINK + "slow", body="<p>begin</p>" + "<p>middle</p>" * 20 + "<p>end</p>")
    with (home.seeds / "slow.txt").open("wb", buffering=0) as file:
        for start in range(0, len(data), len(data) // 6 + 1):
            file.write(data[start : start + len(data) // 6 + 1])
            time.sleep(0.5)  # the slowness is what this is about
    within(10, lambda: holds(daemon, LINK + "slow"))
    assert daemon.end() == 0
    assert "1 version, 1 capture" in home("log", LINK + "slow").out
    assert "end" in home("show", LINK + "slow").out


def test_a_seed_that_is_edited(home, daemon):
    """An edit within a file, which no folder tells of, is found all the same."""
    path = home.seeds / "a.txt"
    with path.open("r+b") as file:
        file.write(seed_bytes(link=LINK + "a", title="Another title"))
    within(20, lambda: b"Another title" in daemon.get("/all/rss.xml").body)


def test_a_bad_seed_is_told_once(home, daemon):
    """What is refused is named once, however often the seeds are read."""
    (home.seeds / "bad.txt").write_bytes(b"\xff\xfe nonsense")
    daemon.wait_for("refused")
    home.write("b.txt", link=LINK + "bb")
    within(10, lambda: holds(daemon, LINK + "bb"))
    assert daemon.end() == 0
    assert [event["event"] for event in daemon.events()].count("refused") == 1


def test_reload(home, daemon):
    """SIGHUP brings another configuration into force; a wrong one is told of, and the old one stays."""
    config = home.folder / "config.toml"
    config.write_text(CONFIG + '\n[publish]\npages = "perhaps"\n')
    daemon.process.send_signal(signal.SIGHUP)
    found = daemon.wait_for(r'"event": "config", "problem": "([^"]*)"')
    assert "config.toml: publish: pages: must be true or false" in found[1]
    config.write_text(CONFIG + '\n[publish]\nfolder = "public/"\ntitle = "Another title"\n')
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for('"event": "reloaded"')
    within(10, lambda: b"<title>Another title</title>" in daemon.get("/all/rss.xml").body)
    assert (home.folder / "public" / "all" / "rss.xml").exists()


def test_reload_while_it_starts(home):
    """SIGHUP while the configuration is read for the first time ends nothing: it is read again."""
    config = home.folder / "config.toml"
    config.unlink()
    os.mkfifo(config)
    with living(home, "daemon", "--port", "0") as daemon, config.open("w") as first:  # opens when the daemon reads it
        config.unlink()
        config.write_text(CONFIG + '\n[publish]\ntitle = "Another title"\n')
        daemon.process.send_signal(signal.SIGHUP)
        first.write(CONFIG)
        first.close()
        daemon.serving().wait_for("configuration read again")
        within(10, lambda: b"<title>Another title</title>" in daemon.get("/all/rss.xml").body)
        assert daemon.end() == 0


def test_a_lock_is_waited_for(home, daemon):
    """While another process writes, the daemon waits and says who; afterwards it goes on."""
    import filelock

    lock = filelock.FileLock(home.archive / "lock", is_singleton=False)
    with lock:
        home.write("b.txt", link=LINK + "bb")
        daemon.wait_for('"event": "waiting"')
        assert daemon.get("/healthz").status == 200
        assert not holds(daemon, LINK + "bb")
    within(10, lambda: holds(daemon, LINK + "bb"))


def test_a_fault_does_not_end_it(home, daemon):
    """A run that fails is told, once, with what to do; the daemon is not well until one succeeds."""
    (home.feeds / "all").rename(home.feeds / "away")
    (home.feeds / "all").symlink_to(home.folder)
    home.write("b.txt", link=LINK + "bb")
    daemon.wait_for('"event": "failed"')
    answer = within(5, lambda: (answer := daemon.get("/healthz")).status == 503 and answer)
    assert answer.body == b"the last run failed; the log says why\n"
    (home.feeds / "all").unlink()
    (home.feeds / "away").rename(home.feeds / "all")
    within(20, lambda: holds(daemon, LINK + "bb"))
    assert within(5, lambda: daemon.get("/healthz").status == 200)


def test_another_page_size_is_not_taken_silently(tmp_path):
    """A page size that would cut sealed pages anew is a failure that says what to do; the pages stay."""
    program = Program(tmp_path / "home", CONFIG + "\n[publish]\npage_size = 2\n")
    for number in range(6):
        program.write(f"{number}.txt", link=f"{LINK}{number}")
    assert program("run").status == 0
    before = program.documents()
    (program.folder / "config.toml").write_text(CONFIG + "\n[publish]\npage_size = 3\n")
    with living(program, "daemon", "--no-serve") as daemon:
        daemon.wait_for("call `feedarchiver run --reseal` to do it")
        assert daemon.end() == 0
    assert program.documents() == before


def test_without_a_server(home):
    """With --no-serve nothing listens, and the feeds are built all the same."""
    with living(home, "daemon", "--no-serve") as daemon:
        daemon.wait_for("running without a server")
        home.write("b.txt", link=LINK + "bb")
        within(10, lambda: (LINK + "bb").encode() in home.documents()["all/rss.xml"])
        assert daemon.end(signal.SIGINT) == 0


def test_beside_cron(home, daemon):
    """`run` beside the daemon is safe: both end well, and the archive is whole."""
    for number in range(3):
        home.write(f"{number}.txt", link=f"{LINK}cron-{number}")
        assert home("run", "-q").status == 0
    within(10, lambda: holds(daemon, LINK + "cron-2"))
    assert daemon.end() == 0
    assert home("verify").status == 0


def captured(home):
    return len([*(home.archive / "captures").glob("*/*")])


def _seeds(home, count):
    for number in range(count):
        home.write(f"{number}.txt", link=f"{LINK}{number}", body=f"<p>Text {number}.</p>" * 50)


def test_ended_under_load(home, daemon):
    """SIGTERM in the middle of an import, with readers: status 0 within 5 s, all is whole, the rest comes later."""
    stop = threading.Event()

    def poll():
        while not stop.wait(0.02):
            try:
                daemon.get("/all/rss.xml")
            except OSError:
                return

    readers = [threading.Thread(target=poll) for _ in range(4)]
    for reader in readers:
        reader.start()
    _seeds(home, 700)
    within(20, lambda: len(os.listdir(home.archive / "tmp")) > 20)
    began = time.monotonic()
    assert daemon.end() == 0
    assert time.monotonic() - began < 5
    stop.set()
    for reader in readers:
        reader.join(20)
    assert captured(home) < 700
    assert home("verify").status == 0
    assert home("run").status == 0
    assert home.told("run")["imported"]["known"] == 701


def test_killed(home, daemon):
    """SIGKILL in the middle of an import: the next start completes it."""
    _seeds(home, 200)
    within(20, lambda: len(os.listdir(home.archive / "tmp")) > 20)
    assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    with living(home, "daemon", "--port", "0") as again:
        again.serving()
        within(20, lambda: captured(home) == 201)
        assert again.end() == 0
    assert home("verify").status == 0


def test_it_tells_systemd(home, tmp_path):
    """The service manager is told when the daemon is ready and when it ends."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(20)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            with living(home, "daemon", "--no-serve") as daemon:
                assert notified.recv(100) == b"READY=1"
                assert daemon.end() == 0
                assert notified.recv(100) == b"STOPPING=1"
        finally:
            del os.environ["NOTIFY_SOCKET"]
