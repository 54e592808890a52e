"""feedarchiver.gather.git: against real repositories, made here with the git program."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedarchiver.errors import StorageError, UsageError
from feedarchiver.gather import git
from feedarchiver.model import Refusal

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="the git program is not installed")

LIMIT = 1_000_000
AT_0, DAY_S = 1_600_000_000, 86_400


class Repository:
    """A repository made by fast-import: quick, and free to hold what no checkout would allow."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commits = 0
        self.run("init", "-q", "-b", "main", os.fspath(path))

    def run(self, *command, data=b""):
        done = subprocess.run(
            ["git", *(("-C", os.fspath(self.path)) if command[0] != "init" else ()), *command],
            input=data,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_COMMITTER_NAME": "n",
                "GIT_COMMITTER_EMAIL": "e",
                "GIT_AUTHOR_NAME": "n",
                "GIT_AUTHOR_EMAIL": "e",
            },
        )
        return done.stdout

    def commit(self, files, *, branch="main", at=None, merge=None, mode=b"100644"):
        """Add one commit: path -> bytes, or None to delete it."""
        at = AT_0 + self.commits * DAY_S if at is None else at
        self.commits += 1
        lines = [b"commit refs/heads/%s\ncommitter n <e> %d +0800\ndata 1\nm\n" % (branch.encode(), at)]
        if self.tip(branch):
            lines.append(b"from refs/heads/%s^0\n" % branch.encode())
        if merge:
            lines.append(b"merge refs/heads/%s^0\n" % merge.encode())
        for path, data in files.items():
            quoted = b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
            if data is None:
                lines.append(b"D %s\n" % quoted)
            else:
                lines.append(b"M %s inline %s\ndata %d\n%s\n" % (mode, quoted, len(data), data))
        self.run("fast-import", "--quiet", "--date-format=raw", data=b"".join(lines))

    def tip(self, branch):
        return self.run("for-each-ref", f"refs/heads/{branch}")

    def branch(self, name, at="main"):
        self.run("branch", name, at)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def told(repository, below=None, **options):
    return [
        (version.name, version.data) if isinstance(version, git.Version) else version
        for version in git.history(repository.path, below, **{"limit_bytes": LIMIT} | options)
    ]


def test_every_version_of_every_file_oldest_first(repository):
    """What was overwritten, deleted and added comes in the order of the commits, each with its commit and time."""
    repository.commit({b"rfi/0.txt": b"first", b"rfi/1.txt": b"second"})
    repository.commit({b"rfi/0.txt": b"third"})
    repository.commit({b"rfi/0.txt": None, b"dw/0.txt": b"fourth"})
    versions = list(git.history(repository.path, limit_bytes=LIMIT))
    assert [(version.name, version.data) for version in versions] == [
        ("rfi/0.txt", b"first"),
        ("rfi/1.txt", b"second"),
        ("rfi/0.txt", b"third"),
        ("dw/0.txt", b"fourth"),
    ]
    assert versions[2].committed == datetime.fromtimestamp(AT_0 + DAY_S, UTC)
    assert versions[3].commit == repository.run("rev-parse", "main").decode().strip()


def test_the_same_bytes_come_once_for_each_path(repository):
    """A file that went back to what it was, or was renamed, brings its bytes once a path."""
    repository.commit({b"a": b"1", b"same": b"1"})
    repository.commit({b"a": b"2"})
    repository.commit({b"a": b"1"})
    repository.commit({b"a": None, b"b": b"1"})
    assert told(repository) == [("a", b"1"), ("same", b"1"), ("a", b"2"), ("b", b"1")]


def test_merges(repository):
    """Both sides of a merge come, as does what only the merge itself says."""
    repository.commit({b"a": b"base"})
    repository.branch("side")
    repository.commit({b"a": b"left"})
    repository.commit({b"a": b"right"}, branch="side")
    repository.commit({b"a": b"both"}, merge="side")
    assert told(repository) == [("a", b"base"), ("a", b"left"), ("a", b"right"), ("a", b"both")]


def test_branches_and_tags_but_no_stash(repository):
    """Versions that only another branch or a tag holds are versions too; the stash and notes are private."""
    repository.commit({b"a": b"main"})
    for name in ("side", "tagged", "hidden", "noted"):
        repository.branch(name)
        repository.commit({b"a": name.encode()}, branch=name)
    repository.run("update-ref", "refs/stash", "hidden")
    repository.run("update-ref", "refs/notes/commits", "noted")
    repository.run("tag", "v1", "tagged")
    repository.run("branch", "-q", "-D", "tagged", "hidden", "noted")
    assert told(repository) == [("a", b"main"), ("a", b"side"), ("a", b"tagged")]


def test_parents_come_first_whatever_the_clock_said(repository):
    """A commit dated before its parent still comes after it."""
    repository.commit({b"a": b"1"}, at=AT_0)
    repository.commit({b"a": b"2"}, at=AT_0 - 5 * DAY_S)
    assert told(repository) == [("a", b"1"), ("a", b"2")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b'a"b\\c', 'a"b\\c'),
        (b"a\nb", "a\nb"),
        (b":100644 x", ":100644 x"),
        (b"-rf", "-rf"),
        ("哈马斯 %41".encode(), "哈马斯 %41"),
        (b"latin-\xe9 50%", "latin-%E9 50%25"),
        (b"\n:x", "\n:x"),
        (b"d/" + b"x" * 200, "d/" + "x" * 200),
    ],
)
def test_hostile_names(repository, name, text):
    """A path may hold any byte but NUL and comes out as valid text, as a folder's names do."""
    repository.commit({name: b"data", b"z": b"last"})
    assert sorted(told(repository)) == sorted([(text, b"data"), ("z", b"last")])


@pytest.mark.parametrize("data", [b"", b"\n", b"\0" * 5, b"x" * 300_000, b"not a blob\n" * 20_000], ids=len)
def test_bytes_come_as_committed(repository, data):
    """Bytes are those of the commit: no line ends changed, nothing cut."""
    repository.commit({b".gitattributes": b"* text eol=crlf ident\n", b"a": data, b"b": b"after\r\n"})
    assert told(repository) == [("a", data), ("b", b"after\r\n")]


def test_more_files_than_are_asked_for_at_a_time(repository):
    """The order holds across many files of one commit and many commits."""
    for number in range(3):
        repository.commit({b"%03d" % name: b"%d in %d" % (name, number) for name in range(150)})
    expected = [(f"{name:03}", b"%d in %d" % (name, number)) for number in range(3) for name in range(150)]
    assert told(repository) == expected


def test_links_submodules_and_hidden_names_are_passed_over(repository):
    """Only regular files count."""
    repository.commit({b"a": b"1"})
    repository.commit({b"link": b"/etc/passwd"}, mode=b"120000")
    repository.commit({b".github/a": b"x", b"d/.b": b"x", b"d/c": b"2"})
    repository.run("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    repository.run("commit", "-q", "-m", "a submodule")
    assert told(repository) == [("a", b"1"), ("d/c", b"2")]


def test_executable_files_count(repository):
    """A file that someone made executable is a file; making it so is no new version."""
    repository.commit({b"a": b"1"}, mode=b"100755")
    repository.commit({b"a": b"1"})
    assert told(repository) == [("a", b"1")]


def test_below(repository):
    """`below` names a subfolder, also one that is gone; so does asking in the subfolder itself. Names start there."""
    repository.commit({b"seeds/rfi/a": b"1", b"seedsx/b": b"2", b"README": b"3"})
    expected = [("rfi/a", b"1")]
    assert told(repository, "seeds") == told(repository, "seeds/") == expected
    (repository.path / "seeds").mkdir()
    assert [version.name for version in git.history(repository.path / "seeds", limit_bytes=LIMIT)] == ["rfi/a"]
    inner = git.history(repository.path / "seeds", "rfi", limit_bytes=LIMIT)
    assert [version.name for version in inner] == ["a"]


def test_bare_and_empty_repositories(repository, tmp_path):
    """A bare repository is read like any other, and one without a commit has no versions."""
    assert told(repository) == []
    repository.commit({b"a": b"1"})
    subprocess.run(["git", "clone", "-q", "--bare", repository.path, tmp_path / "bare"], check=True)
    assert [version.data for version in git.history(tmp_path / "bare", limit_bytes=LIMIT)] == [b"1"]


def test_a_version_above_the_limit(repository):
    """What is too large is refused with its place and size; the versions around it come."""
    repository.commit({b"a": b"1", b"b": b"x" * 1001, b"c": b"y" * 1000})
    first, refused, last = told(repository, limit_bytes=1000)
    assert (first, last) == (("a", b"1"), ("c", b"y" * 1000))
    assert isinstance(refused, Refusal)
    assert refused.reason == "1,001 bytes long, above the limit of 1,000"
    assert f"{repository.path}: b in commit " in refused.place


def test_missing_bytes_are_named(repository):
    """A version whose object is gone is refused by name, and the others come."""
    repository.commit({b"b": b"1", b"c": b"2"})
    blob = repository.run("rev-parse", "main:b").decode().strip()
    for pack in (repository.path / ".git/objects/pack").iterdir():
        moved = repository.path / pack.name
        pack.rename(moved)
        if moved.suffix == ".pack":
            repository.run("unpack-objects", "-q", data=moved.read_bytes())
    (repository.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    refused, kept = told(repository)
    assert isinstance(refused, Refusal)
    assert refused.reason == "its bytes are not in the repository"
    assert kept == ("c", b"2")


def test_a_broken_repository_is_an_error(repository):
    """When git itself fails half-way, its own words come in one line: never an end without a word."""
    repository.commit({b"a": b"1"})
    (repository.path / ".git/refs/heads/broken").write_text("1" * 40 + "\n")
    with pytest.raises(StorageError) as caught:
        told(repository)
    assert str(caught.value).startswith(f"cannot read the history of {repository.path}: ")
    assert "broken" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_shallow_clone_is_said_to_be_one(repository, tmp_path):
    """A clone without its older commits gives what it has, and says that the rest is not there."""
    for number in range(3):
        repository.commit({b"a": b"%d" % number})
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{repository.path}", shallow], check=True)
    version, refused = git.history(shallow, limit_bytes=LIMIT)
    assert version.data == b"2"
    assert "shallow" in refused.reason


@pytest.mark.parametrize("kind", ["folder", "file", "absent"])
def test_not_a_repository(tmp_path, kind):
    """What is no repository is a mistake of the command line, named in one line."""
    place = tmp_path / "place"
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_bytes(b"")
    with pytest.raises(UsageError, match=r"not in a git repository|no folder") as caught:
        git.history(place, limit_bytes=LIMIT)
    assert str(place) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_of_the_repository_is_executed(repository, tmp_path):
    """Hooks, monitors, helpers and drivers that a repository configures for itself are not run, and it is unchanged."""
    proof = tmp_path / "proof"
    trap = repository.path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {proof}\n")
    trap.chmod(0o755)
    repository.commit({b".gitattributes": b"* diff=x filter=x\n", b"a": b"1"})
    repository.commit({b"a": b"2"})
    settings = "core.fsmonitor core.pager core.sshCommand gpg.program diff.external diff.x.command diff.x.textconv"
    settings += " filter.x.smudge filter.x.process credential.helper core.alternateRefsCommand"
    for name in settings.split():
        repository.run("config", name, str(trap))
    for name in ("log.showSignature", "diff.relative"):
        repository.run("config", name, "true")
    repository.run("config", "log.showRoot", "false")
    hooks = repository.path / ".git" / "hooks"
    shutil.copy(trap, hooks / "post-index-change")

    def state():
        files = (path for path in (repository.path / ".git").rglob("*") if path.is_file())
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = state()
    assert told(repository) == [("a", b"1"), ("a", b"2")]
    assert state() == before
    assert not proof.exists()


def test_stopping_early_leaves_no_process(repository, monkeypatch):
    """Whoever stops in the middle of a history leaves no git process behind."""
    started = []

    class Kept(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self)

    for number in range(3):
        repository.commit({b"%d" % name: b"%d" % number for name in range(100)})
    monkeypatch.setattr(git.subprocess, "Popen", Kept)
    versions = git.history(repository.path, limit_bytes=LIMIT)
    next(versions)
    versions.close()
    assert started
    assert all(process.returncode is not None for process in started)


def test_no_git_program(repository, monkeypatch):
    """Without the git program the error says what is needed."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UsageError, match="git is needed"):
        git.history(repository.path, limit_bytes=LIMIT)


@pytest.mark.parametrize("command", ["rev-list", "diff-tree", "cat-file"])
def test_a_git_that_dies(repository, tmp_path, monkeypatch, command):
    """When one of the processes dies, the others are ended and the error repeats its words."""
    repository.commit({b"a": b"1"})
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\ncase " $* " in *" {command} "*) echo fatal: of age >&2; exit 128;; esac\n')
    with script.open("a") as more:
        more.write(f'exec {shutil.which("git")} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    with pytest.raises(StorageError, match="of age"):
        told(repository)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_a_repository_of_another_user(repository):
    """A stranger's repository is not read, and the error says how to allow it."""
    for path in (repository.path, repository.path / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(UsageError, match=r"belongs to another user.*safe\.directory"):
        git.history(repository.path, limit_bytes=LIMIT)
