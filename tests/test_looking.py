"""Looking into the archive from outside: search, show, explain, log and diff."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys

import pytest
from program import PROJECT, Program

ESCAPE = "\x1b"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path / "home")


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """Archive an article in three versions, and another one. Tests that change it take a copy."""
    program = Program(tmp_path_factory.mktemp("edited") / "home")
    link = "https://example.org/story"
    program.write("other.txt", title="Another story", link="https://example.org/other", body="<p>Not this title.</p>")
    for stamp, title, body in (
        (1700000000000, "First title", "<p>The minister stays. Nobody knows more.</p>"),
        (1700000100000, "First title", "<p>The minister resigns. Nobody knows more.</p>"),
        (
            1700000200000,
            "Second title",
            "<p>部长今天辞职。</p><img src='https://example.org/p.jpg' width=600 height=400>",
        ),
    ):
        program.write("story.txt", title=title, link=link, stamp=stamp, body=body)
        assert program("import").status == 0
    return program


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Archive two versions of an article that would take a terminal over."""
    program = Program(tmp_path_factory.mktemp("hostile") / "home")
    signs = "\x1b]0;evil\x07 \x9b31m \u202e\u200b\r \x7f"
    for stamp, word in ((1700000000000, "one"), (1700000100000, "two")):
        title, body = f"evil {word} {signs}", f"<p>evil {word} {signs}</p>"
        program.write("a.txt", title=title, link="https://example.org/evil", stamp=stamp, body=body)
        assert program("import").status == 0
    return program


def copied(program, folder):
    """Copy a program's folder."""
    copy = Program(folder)
    shutil.rmtree(folder)
    shutil.copytree(program.folder, folder)
    return copy


def lines(ran):
    return [json.loads(line) for line in ran.out.splitlines()]


def on_terminal(program, *arguments, **environment):
    """Run a command whose output is a terminal, and return what that shows."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "TERM": "xterm"} | environment
    with subprocess.Popen(
        [sys.executable, "-m", "feedarchiver", *arguments], cwd=program.folder, env=environment, stdout=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # how Linux says that the other side has gone
            pass
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()


def test_search(edited):
    """A search names id, date, source, title, link and place; the hit is marked, old text is not found."""
    ran = edited("search", "辞职")
    (object_id,) = re.findall(r"^[0-9a-f]{12}", ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"{object_id}  2023-11-14  seeds  Second title",
        "    https://example.org/story",
        "    部长今天[辞职]。",
        "1 article found",
    ]
    assert edited("search", "minister").out == "0 articles found\n"
    assert edited("search", "title", "--limit", "1").out.endswith("1 article found; --limit shows more\n")
    assert edited("search", "title", "--limit", "2").out.endswith("2 articles found\n")


def test_search_options(edited):
    """Source, days and limit narrow a search; what is no day, number or source is a wrong call."""
    told = lines(edited("search", "this", "--json", "--since", "2023-11-04", "--until", "2023-11-04"))
    assert [line["event"] for line in told] == ["hit", "searched"]
    assert (told[0]["snippet"], told[0]["marks"]) == ("Not this title.", [[4, 8]])
    assert told[0]["published"] == "2023-11-04T22:45:01Z"
    assert edited.told("search", "this", "--until", "2023-11-03")["articles"] == 0
    assert edited.told("search", "this", "--source", "seeds")["articles"] == 1
    for wrong in (["--source", "none"], ["--since", "yesterday"], ["--limit", "0"], ["--limit", str(2**63)]):
        assert edited("search", "this", *wrong).status == 2
    assert edited("search").status == 2


@pytest.mark.parametrize("query", ['" AND NOT', "a OR (", "\u001b[31m *"])
def test_search_for_anything(edited, query):
    """Whatever is asked for is text."""
    ran = edited("search", "--", query)
    assert (ran.status, ran.out, ran.err) == (0, "0 articles found\n", "")


def test_search_when_something_is_damaged(edited, tmp_path):
    """A damaged article hides no other, and a search that is not complete says so."""
    edited = copied(edited, tmp_path / "copy")
    (edited.archive / "search.db").unlink(missing_ok=True)
    broken = next(path for path in (edited.archive / "articles").rglob("*/*") if b"Second" in path.read_bytes())
    broken.chmod(0o644)
    broken.write_bytes(b"rotten")
    ran = edited("search", "story")
    assert ran.status == 1
    assert "1 article could not be read" in ran.err
    assert ran.out.endswith("1 article found\n")
    shown = edited("show", "https://example.org/story")
    assert (shown.status, shown.out) == (1, "")
    assert shown.err.count("\n") == 1
    assert "is damaged" in shown.err


def test_log(edited):
    """The versions of an article, most recent first, with what each changed."""
    told = lines(edited("log", "https://example.org/story", "--json"))
    assert [line.get("number") for line in told] == [3, 2, 1, None]
    assert [line.get("changed") for line in told[:3]] == [["title", "text", "picture", "date"], ["text", "date"], None]
    assert [line["shown"] for line in told[:3]] == [True, False, False]
    assert told[3] == {"event": "log", "id": "https://example.org/story", "versions": 3, "captures": 3}
    plain = edited("log", "https://example.org/story").out
    assert plain.index("version 3") < plain.index("version 2") < plain.index("version 1")
    assert "[-First-]{+Second+} title" in plain
    assert plain.endswith("3 versions, 3 captures of https://example.org/story\n")


def test_diff(edited):
    """The last two versions, or two that are named, word by word."""
    last = edited("diff", "https://example.org/story").out
    assert "[-First-]{+Second+} title" in last
    assert "{+https://example.org/p.jpg+}" in last
    three, two, one = (line["object"] for line in lines(edited("log", "Second title", "--json"))[:3])
    assert "The minister [-stays-]{+resigns+}. Nobody knows more." in edited("diff", one, two[:12]).out
    assert edited("diff", one, one).out.endswith("nothing that is shown has changed\n")
    told = edited.told("diff", one, two)
    assert told["pieces"]["text"][1:3] == [["removed", "stays"], ["added", "resigns"]]
    assert edited("diff", "Another story").out == "there is one version, nothing to compare\n"
    assert three


def test_show(edited):
    """An article as text, as cleaned HTML, as JSON, and the bytes it came from."""
    assert edited("show", "Second title").out.splitlines() == [
        "Second title",
        "https://example.org/story",
        "2023-11-14 22:16:40 UTC · seeds",
        "picture: https://example.org/p.jpg",
        "",
        "部长今天辞职。",
    ]
    assert "<p>部长今天辞职。</p>" in edited("show", "Second title", "--html").out
    assert edited("show", "Second title", "--raw").out.encode() == (edited.seeds / "story.txt").read_bytes()
    told = edited.told("show", "Second title")
    assert (told["title"], told["content_text"]) == ("Second title", "部长今天辞职。")


def test_show_wraps_wide_characters(program):
    """A line is no wider than the terminal, a wide character counting two; no line begins with a comma."""
    program.write("a.txt", title="T", body=f"<p>{'一二三四五六七八九，' * 8}</p><ul><li>item</li></ul>")
    program("import")
    shown = program("show", "T", COLUMNS="20").out.split("\n\n")
    assert all(len(line) <= 10 for line in shown[1].splitlines())
    assert not any(line.startswith("，") for line in shown[1].splitlines())
    assert shown[1].replace("\n", "") == "一二三四五六七八九，" * 8
    assert shown[2] == "• item\n"


def test_explain(program):
    """Where title, date and picture came from, what was cleaned away, and what the article is known by."""
    body = "<script>x</script><p>Text.</p><img src='https://example.org/p.jpg' width=600 height=400>"
    program.write("rfi/e.txt", title="Explained", link="http://example.org//e?utm_source=x", body=body)
    program("import")
    out = program("explain", "Explained").out
    for words in (
        "title         Explained",
        "date from     the seed's first line (milliseconds)",
        "picture       https://example.org/p.jpg",
        "picture from  the first fit picture in the text",
        "link          http://example.org//e?utm_source=x",
        "identity      https://example.org/e",
        "cleaned away  script",
        "rfi  rfi/e.txt",
    ):
        assert words in out
    told = program.told("explain", "https://example.org/e")
    assert told["cleaned"] == ["script"]
    assert [capture["source"] for capture in told["captures"]] == ["rfi"]


def test_every_way_to_name_an_article(edited):
    """The beginning of the id of an article, a capture or raw bytes, another spelling of the link, the exact title."""
    told = edited.told("explain", "Another story")
    (capture,) = told["captures"]
    names = [told["object"], capture["capture"][:8], capture["raw"][:16], told["object"][:16].upper()]
    for name in [*names, "http://example.org//other?utm_source=x#top", " Another story "]:
        assert edited.told("show", name)["title"] == "Another story", name


def test_an_id_names_its_version(edited):
    """An object's id shows the version that it is about, a link the current one."""
    oldest = lines(edited("log", "https://example.org/story", "--json"))[2]["object"]
    assert edited.told("show", oldest[:12])["content_text"] == "The minister stays. Nobody knows more."
    assert "stays" in edited("show", oldest, "--raw").out


def test_names_that_do_not_lead_to_one_article(program):
    """What names nothing, and what names several, is a wrong call; the several are listed with their ids."""
    for number in (1, 2):
        program.write(f"{number}.txt", title="Same", link=f"https://example.org/{number}")
    program("import")
    assert program("show", "Nothing").err.count("\n") == 1
    ran = program("show", "Same")
    assert ran.status == 2
    ids = re.findall(r"^feedarchiver:   ([0-9a-f]{12})  Same  https://example.org/", ran.err, re.MULTILINE)
    assert len(ids) == 2
    assert sorted(program.told("show", name)["link"] for name in ids) == [
        "https://example.org/1",
        "https://example.org/2",
    ]
    assert program("show", b"\xff\xfe".decode("utf-8", "surrogateescape")).status == 2


@pytest.mark.parametrize("command", [["search", "evil"], ["show"], ["explain"], ["log"], ["diff"]], ids=" ".join)
def test_hostile_text_reaches_no_terminal(hostile, command):
    """Control, bidirectional and zero-width characters of an article are never sent to a terminal as they are."""
    arguments = command if command[0] == "search" else [*command, "https://example.org/evil"]
    for options in ([], ["--json"]):
        ran = hostile(*arguments, *options)
        assert ran.status == 0
        assert "evil" in ran.out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]", ran.out)
    assert lines(ran), "it is JSON all the same"


def test_colour_on_a_terminal_only(edited):
    """Hits and changes are coloured on a terminal, unless NO_COLOR asks for none; elsewhere they stand in brackets."""
    assert f"{ESCAPE}[1;33m辞职{ESCAPE}[0m" in on_terminal(edited, "search", "辞职")
    assert f"{ESCAPE}[32mSecond{ESCAPE}[0m" in on_terminal(edited, "diff", "Second title")
    assert ESCAPE not in on_terminal(edited, "diff", "Second title", NO_COLOR="1")
    assert ESCAPE not in on_terminal(edited, "diff", "Second title", TERM="dumb")
    assert ESCAPE not in edited("diff", "Second title").out


def test_looking_changes_nothing(edited):
    """Nothing of the archive but the search index is written by looking into it."""
    before = {name: state for name, state in edited.state().items() if not name.endswith("search.db")}
    for arguments in (["search", "story"], ["show", "Second title"], ["log", "Second title"], ["diff", "Second title"]):
        assert edited(*arguments).status == 0
    assert {name: state for name, state in edited.state().items() if not name.endswith("search.db")} == before
