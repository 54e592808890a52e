"""What a shell, `man` and the documentation know of the commands is what the commands themselves say."""

import os
import pty
import re
import shutil
import subprocess
import sys

import click
import pytest
from living import living
from program import CONFIG, PROJECT, Program

from feedarchiver.commands import TABLE, cli

DOCS = {path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "docs").glob("*.md")}
DOCS["README.md"] = (PROJECT / "README.md").read_text(encoding="utf-8")


def needs(program, package=None):
    return pytest.mark.skipif(
        not shutil.which(program), reason=f"{program} (Debian package {package or program}) is not installed"
    )


@pytest.fixture
def home(tmp_path):
    return Program(tmp_path / "home")


def commands(group=cli, name=""):
    """List every command by its words."""
    ctx = click.Context(group)
    for one in group.list_commands(ctx):
        command = group.get_command(ctx, one)
        words = f"{name} {one}".strip()
        if isinstance(command, click.Group):
            yield from commands(command, words)
        else:
            yield words, command


def options(command):
    """List every option of a command by its long name, but for --help."""
    params = (param for param in command.params if isinstance(param, click.Option))
    return {max(param.opts, key=len) for param in params}


COMMON = {"--config", "--verbose", "--quiet", "--json"}
EVERY = dict(commands())


# Documentation


@pytest.mark.parametrize("words", EVERY)
def test_every_option_is_documented(words):
    """Each option stands where the README describes its command, or in docs/ beside its name."""
    (row,) = re.findall(rf"^\| `feedarchiver {words}[ `].*$", DOCS["README.md"], re.MULTILINE)
    told = row + "".join(
        part for text in DOCS.values() for part in text.split("\n\n") if f"feedarchiver {words}" in part
    )
    assert {
        name for name in options(EVERY[words]) - COMMON if f"{name}`" not in told and f"{name} " not in told
    } == set()


def test_common_options_are_documented():
    """The options that all commands have are told once."""
    paragraph = next(part for part in DOCS["README.md"].split("\n\n") if part.startswith("Every command takes"))
    assert all(name in paragraph for name in ("`--config FILE`", "`-v`", "`-q`", "`--json`", "`--help`", "`--version`"))
    lacking = {words for words, command in EVERY.items() if not options(command) >= COMMON}
    assert lacking == {"completion", "man"}


def test_no_option_is_made_up():
    """Whatever looks like an option of ours in the documentation is one."""
    known = {"--help", "--version", *COMMON, *(name for command in EVERY.values() for name in options(command))}
    for line in (line for text in DOCS.values() for line in text.splitlines() if "feedarchiver " in line):
        called = re.search(r"feedarchiver [a-z].*", line)[0] if re.search(r"feedarchiver [a-z].*", line) else ""
        assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]+", called)} <= known, line


# The manual page


def test_the_manual_page(home):
    """The page in docs/, which is installed, is what `feedarchiver man` prints: `make man` writes it."""
    page = home("man").out
    assert page == (PROJECT / "docs" / "feedarchiver.1").read_text(encoding="utf-8")
    plain = page.replace("\\-", "-")
    for words, command in EVERY.items():
        assert f"\n.SS {words}\n" in plain
        assert all(re.search(rf"^\.B .*{name}\b", plain, re.MULTILINE) for name in options(command))


@needs("mandoc")
def test_the_manual_page_is_sound():
    """No request, escape or macro in it is wrong."""
    command = ["mandoc", "-T", "lint", "-W", "warning", PROJECT / "docs" / "feedarchiver.1"]
    lines = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout.splitlines()
    assert [line for line in lines if "missing date" not in line] == []


# Completion


def completed(home, shell, *words):
    """Ask the program as the script of a shell does."""
    environ = {"_FEEDARCHIVER_COMPLETE": f"{shell}_complete", "COMP_WORDS": " ".join(["feedarchiver", *words])}
    return home(**environ, COMP_CWORD=words[-1] if shell == "fish" else str(len(words))).out


def shell(home, *command):
    """Run a shell that finds the program by its name."""
    folder = home.folder / "bin"
    folder.mkdir()
    script = folder / "feedarchiver"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT} exec {sys.executable} -m feedarchiver "$@"\n')
    script.chmod(0o755)
    environ = os.environ | {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(home.folder)}
    environ = {name: value for name, value in environ.items() if not name.startswith("XDG")}
    return subprocess.run(
        command, cwd=home.folder, env=environ, capture_output=True, text=True, timeout=30, check=True
    ).stdout.splitlines()


@needs("bash")
def test_bash(home):
    """Bash completes commands, options and choices."""
    script = """
        source <(feedarchiver completion bash)
        for words in "exp" "export --s" "serve --log "; do
          COMP_WORDS=(feedarchiver $words); [[ $words == *" " ]] && COMP_WORDS+=("")
          COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
          _feedarchiver_completion feedarchiver
          echo "${COMPREPLY[@]}"
        done
    """
    assert shell(home, "bash", "-c", script) == ["export-opml explain export", "--source --since", "text json"]


@needs("zsh")
def test_zsh(home):
    """Zsh takes the script, and completes what it describes."""
    script = (
        "autoload -U compinit && compinit -u && source <(feedarchiver completion zsh) && echo $_comps[feedarchiver]"
    )
    assert shell(home, "zsh", "-f", "-c", script) == ["_feedarchiver_completion"]
    assert "dry-run" in completed(home, "zsh", "update", "--")


@needs("fish")
def test_fish(home):
    """Fish completes commands with what they do, and options."""
    script = (
        "feedarchiver completion fish | source; complete -C 'feedarchiver import-o'; complete -C 'feedarchiver log --j'"
    )
    command, option = shell(home, "fish", "--no-config", "-c", script)
    assert command == f"import-opml\t{TABLE['import-opml'][1]}"
    assert option.startswith("--json\tPrint one JSON object a line")


def test_completing_loads_little(home):
    """Completing the name of a command loads none of them: it is done while somebody waits."""
    code = "import sys; sys.argv[0] = 'feedarchiver'; from feedarchiver.commands import run\ntry: run([])\n"
    code += "finally: print(*sys.modules, file=sys.stderr)"
    environ = {"_FEEDARCHIVER_COMPLETE": "bash_complete", "COMP_WORDS": "feedarchiver s", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PROJECT)} | environ,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.splitlines() == ["plain,serve", "plain,status", "plain,sources", "plain,search", "plain,show"]
    assert not [name for name in done.stderr.split() if name.startswith("feedarchiver.commands.")]


# config check


def test_config_check(home):
    """A configuration that is fine is told as it is understood: folders, address, sources, feeds, variables."""
    web = '[[source]]\nid = "web"\nkind = "feed"\nurl = "https://a.example/x"\ninterval = ["90 min", "2 days"]\n'
    web += 'headers = { Authorization = "Bearer ${TOKEN}" }\n'
    feed = '[[feed]]\nid = "news"\nsources = ["web", "rfi"]\nsearch = "x"\n'
    feed += '[[feed]]\nid = "health"\nkind = "health"\n'
    (home.folder / "config.toml").write_text(CONFIG + web + feed)
    doubt = "(rfi: no such source is configured; a subfolder of seed files may be one)"
    ran = home("config", "check", TOKEN="geheim", FEEDARCHIVER_PUBLISH_BASE_URL="https://b.example/")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "config.toml is fine",
        f"archive      {home.archive}, index {home.archive}/index.db",
        f"feeds        {home.feeds}, read at https://b.example/",
        "environment  FEEDARCHIVER_PUBLISH_BASE_URL",
        f"source       seeds: seed files in {home.seeds}, and below it those of other sources",
        "source       web: feed at https://a.example/x every 90 minutes to 2 days, with Authorization",
        f"feed         news: articles of web, rfi, by its rules {doubt}",
        "feed         health: what goes wrong here",
    ]
    assert not home.archive.exists(), "nothing is made"


def test_config_check_of_mistakes(home):
    """Every mistake is named with its place, and the status is 2."""
    (home.folder / "config.toml").write_text("[publish]\npage_size = 0\nhob = 1\n" + CONFIG)
    ran = home("config", "check")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "feedarchiver: config.toml: publish: hob: unknown key; did you mean hub?",
        "feedarchiver: config.toml: publish: page_size: must be a whole number of at least 1, not 0",
    ]


def test_serving_nothing(home):
    """A server that has nothing to serve yet says what to do."""
    with living(home, "serve", "--port", "0") as server:
        server.wait_for(f"no feed is published in {home.feeds} yet; call `feedarchiver run`")
        assert home("run").status == 0
        assert server.serving().get("/all/rss.xml").status == 200
        assert server.end() == 0


# NO_COLOR


@pytest.mark.parametrize(("name", "coloured"), [("OTHER", True), ("NO_COLOR", False)])
def test_no_color(home, name, coloured):
    """On a terminal there is colour, unless NO_COLOR is set."""
    home.write("a.txt", title="A word")
    home("run")
    leader, follower = pty.openpty()
    try:
        environ = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        subprocess.run(
            [sys.executable, "-m", "feedarchiver", "search", "word"],
            cwd=home.folder,
            env=environ | {"PYTHONPATH": str(PROJECT), "TERM": "xterm", name: "1"},
            stdout=follower,
            stderr=follower,
            timeout=30,
            check=True,
        )
        said = os.read(leader, 100_000)
    finally:
        os.close(leader)
        os.close(follower)
    assert b"word" in said
    assert bool(re.search(rb"\x1b\[[\d;]*m", said)) is coloured  # a bar may move the cursor either way
