"""`doctor` from outside: what is in order, what is not, and that it says what to do."""

import json
import os
import re
import socket
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from living import living
from news import source
from program import CONFIG, Program
from web import Web, answer

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.lock import locked


@pytest.fixture
def program(tmp_path):
    made = Program(tmp_path / "home", CONFIG + f'[publish]\nbase_url = "http://127.0.0.1:{free_port()}/"\n')
    made.write("a.txt")
    return made


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return taken.getsockname()[1]


def findings(program, *arguments, **environment):
    """Run the doctor: the checks by what they are about, those that are not in order first."""
    ran = program("doctor", "--json", *arguments, **environment)
    checks = [json.loads(line) for line in ran.out.splitlines()]
    found = {}
    for check in sorted(checks[:-1], key=lambda check: check["ok"]):
        found.setdefault(check["about"], check)
    attention = sum(not check["ok"] for check in checks[:-1])
    assert checks[-1] == {"event": "examined", "attention": attention}
    assert ran.status == (3 if attention else 0)
    assert all(check["ok"] == (check["advice"] is None) for check in checks[:-1])
    return found


def test_all_is_well(program):
    """In a new folder all is well, and nothing is changed."""
    before = program.state()
    ran = program("doctor")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == "all is well"
    assert all(line.startswith("ok ") for line in ran.out.splitlines()[:-1])
    assert program.state() == before


def test_a_folder_that_nobody_serves(program):
    """Published feeds that nothing serves at base_url need attention; the daemon's do not; another's do again."""
    program("run")
    assert "let a web server have the folder" in findings(program)["feeds"]["advice"]
    port = re.search(r":(\d+)/", (program.folder / "config.toml").read_text())[1]
    with living(program, "serve", "--port", port) as server:
        server.serving()
        found = findings(program)
        assert found["feeds"]["ok"]
        assert found["base_url"]["ok"]
        list_ = program.feeds / "feeds.opml"
        list_.write_bytes(list_.read_bytes() + b"\n")
        assert server.end() == 0
    with Web({"/feeds.opml": answer(200, b"others")}) as web:
        config(program, "base_url", f'"{web.url("/")}"')
        assert "does not serve" in findings(program)["feeds"]["told"]


def test_a_base_url_that_others_cannot_use(program):
    """Who listens for others under a base_url of loopback needs attention; a public address does not."""
    program("run")
    with closing(socket.create_server(("0.0.0.0", 0))) as wide:
        config(program, "base_url", f'"http://127.0.0.1:{wide.getsockname()[1]}/"')
        assert findings(program)["base_url"]["advice"] == "set base_url to the address that readers use"
        config(program, "base_url", '"https://feeds.example.org/"')
        assert findings(program)["base_url"]["ok"]


def test_a_wrong_configuration(program):
    """Every mistake is a line; what needs no configuration is checked all the same."""
    config(program, "base_url", '"nonsense"')
    found = findings(program)
    assert "is not an absolute http(s) address" in found["configuration"]["told"]
    assert found["sqlite"]["ok"]


def test_folders(program):
    """A seed folder that is not there and an archive that is none are named."""
    with (program.folder / "config.toml").open("a") as file:
        file.write('[[source]]\nid = "away"\nkind = "seeds"\nfolder = "away/"\n')
    program.archive.mkdir()
    (program.archive / "notes.txt").write_text("mine")
    found = findings(program)
    assert "there is no folder" in found["source away"]["told"]
    assert "is not an archive" in found["archive"]["told"]


def test_a_place_that_cannot_be_looked_at(program):
    """What the system refuses to look at is named, and the checks go on to the end."""
    (program.folder / "config.toml").write_text(
        f'[archive]\nstore = "{"a" * 300}"\n[publish]\nfolder = "{"b" * 300}"\n'
        f'[[source]]\nid = "s"\nkind = "seeds"\nfolder = "{"c" * 300}"\n'
    )
    found = findings(program)
    for about in ("archive", "feeds", "source s"):
        assert "file name too long" in found[about]["told"]
    assert found["sqlite"]["ok"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_another_user(program):
    """Who looks as root is told that the archive is somebody else's."""
    program("run")
    os.chown(program.archive, 12345, 12345)
    assert "belongs to user 12345" in findings(program)["archive"]["told"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(program):
    """A folder that cannot be written to is named."""
    program("run")
    program.feeds.chmod(0o555)
    assert "permission denied" in findings(program)["feeds"]["told"]
    program.feeds.chmod(0o755)


@contextmanager
def lock(program):
    with locked(program.archive):
        yield


def test_a_lock_that_is_held(program):
    """Who holds the lock is named."""
    program("run")
    assert findings(program)["lock"]["ok"]
    with lock(program):
        assert f"held by process {os.getpid()} since" in findings(program)["lock"]["told"]


def test_a_clock_that_is_behind(program):
    """A clock before the newest capture needs attention."""
    with Archive.create(program.archive, program.archive / "index.db", now=datetime.now(UTC)) as archive:
        from feedarchiver.model import Article, Received

        with archive.writing(datetime.now(UTC) + timedelta(days=3)) as writer:
            writer.add(Received(article=Article(title="T", guid="1"), raw=b"x", source="s", url=None))
    assert "the newest capture is of" in findings(program)["clock"]["told"]


def test_damage_that_was_found(program):
    """What `verify` has found needs attention until a verification finds nothing."""
    program("run")
    (raw,) = [path for path in (program.archive / "raw").glob("*/*") if path.is_file()]
    good = raw.read_bytes()
    raw.chmod(0o644)
    raw.write_bytes(bytes(len(good)))
    program("verify")
    assert "faults: 1" in findings(program)["archive"]["told"]
    raw.write_bytes(good)
    program("verify")
    assert "archive" in findings(program)
    assert findings(program)["archive"]["ok"]


def test_the_web(program):
    """Proxies of the environment are named as unused; sources are asked only when told, their keys are not shown."""
    with (
        Web({"/ok": answer(200, b"<rss version='2.0'><channel/></rss>")}) as web,
        (program.folder / "config.toml").open("a") as file,
    ):
        file.write(source("fine", web.url("/ok"), 'headers = { X-Key = "hunter2" }\n'))
        file.write(source("bad", web.url("/bad?key=hunter2")))
        file.flush()
        (program.folder / "config.toml").chmod(0o644)
        program("import")
        found = findings(program, HTTPS_PROXY="http://127.0.0.1:1/")
        assert "(https_proxy)" in found["proxy"]["told"]
        assert "chmod o-r config.toml" in found["configuration"]["advice"]
        assert "source bad" not in found
        assert web.asked == []
        found = findings(program, "--ask")
        assert "404" in found["source bad"]["told"]
        assert "hunter2" not in json.dumps(found)
        assert found["source fine"]["told"] == "answers"
        assert web.paths() == ["/ok", "/bad?key=hunter2"]
    assert program.told("status")["states"]["due"] == 2


def config(program, key, value):
    """Change a value of the configuration."""
    path = program.folder / "config.toml"
    path.write_text(re.sub(rf"^{key} = .*$", f"{key} = {value}", path.read_text(), flags=re.MULTILINE))
