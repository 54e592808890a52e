"""Hostile seed folders, from outside: whatever lies there, the seeds beside it are archived and published.

Each case is a folder with a good seed and something bad; `feedarchiver run` must end with status 0 or 3 and no
traceback, say one line about each refusal, change no seed, and stay within bounds of time and memory that are set ten
times wider than what was measured.
"""

import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import lxml.html
import pytest
from hostile import active
from program import CONFIG, MEASURE, PROJECT, Program, seed_bytes

GOOD = "https://example.org/good"
BAD = "https://example.org/bad"
SECONDS = 20
MEGABYTES = 400


class Ended(NamedTuple):
    """How a run ended, and what it took: seconds of the processor, megabytes at most."""

    status: int
    said: list[str]
    seconds: float
    megabytes: float


def run(program, *prefix):
    """Run `feedarchiver run`, measured."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", MEASURE, *prefix, sys.executable, "-m", "feedarchiver", "run"],
        cwd=program.folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=300,
    )
    status, seconds, megabytes = map(float, ran.stdout.split())
    assert "Traceback" not in ran.stderr, ran.stderr
    assert seconds < SECONDS
    assert megabytes < MEGABYTES
    return Ended(int(status), ran.stderr.splitlines(), seconds, megabytes)


def put(program, name, data):
    """Write a file below the seeds, whatever its name."""
    path = os.path.join(os.fsencode(program.seeds), name if isinstance(name, bytes) else os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def kept(program, data):
    """Tell whether the archive has these bytes as they were received."""
    name = hashlib.sha256(data).hexdigest()
    path = program.archive / "raw" / name[:2] / name[2:]
    return path.is_file() and path.read_bytes() == data


def published(program, feed="all"):
    """Read what the feeds say of each entry: their three formats must be well-formed and agree on what they hold."""
    items = {item["id"]: item for item in json.loads((program.feeds / feed / "feed.json").read_bytes())["items"]}
    channel = ET.parse(program.feeds / feed / "rss.xml").getroot()
    assert {guid.text for guid in channel.iter("guid")} == set(items)
    atom = ET.parse(program.feeds / feed / "atom.xml").getroot()
    assert {one.text for one in atom.iterfind("{*}entry/{*}id")} == set(items)
    return items


def text_of(item):
    return "".join(lxml.html.fragment_fromstring(item.get("content_html", ""), create_parent="div").itertext())


@pytest.fixture
def program(tmp_path):
    made = Program(tmp_path / "project")
    put(made, "good.txt", seed_bytes(title="Good", link=GOOD, body="<p>Good text.</p>"))
    yield made
    assert published(made)[GOOD]["title"] == "Good"  # whatever the test did


def refuses(program, *places_and_reasons, prefix=()):
    """Run, and see that exactly these are refused, in one line each."""
    expected = [f"refused seeds/{place}: {reason}; file left as it is" for place, reason in places_and_reasons]
    ended = run(program, *prefix)
    assert (ended.said, ended.status) == (expected, 3)
    assert run(program, *prefix).said == expected  # and again by the next run, which does not read them
    return ended


# ---- bodies that cost

COUNT = 50_000


def nested(start, end=""):
    """Repeat start tags until there are 50,000 elements, each unit with a character of text, and then the end tags."""
    count = COUNT // start.count("<")
    return f"{start}甲" * count + end * count


HEAVY = {
    "div": nested("<div>", "</div>"),
    "div, unclosed": nested("<div>"),
    "b": nested("<b>", "</b>"),
    "b, unclosed": nested("<b>"),
    "a": nested('<a href="/x">', "</a>"),
    "table": nested("<table><tr><td>", "</td></tr></table>"),
    "table, unclosed": nested("<table>"),
    "li": nested("<ul><li>", "</li></ul>"),
    "blockquote": nested("<blockquote>", "</blockquote>"),
    "ruby": nested("<ruby><p>x<rt><x-y>"),
    "rules in headings": nested("<hr><noscript><h2><p>"),
    "mixed": nested("<div><b><p><i><table><td><a href=/x><x-y>"),
    "mixed, closed in the wrong order": nested("<b><div><i><p>x</b></div>"),
    "math": nested("<math><mrow>"),
    "20,000 attributes": "<p " + " ".join(f'a{n}="{n}"' for n in range(20_000)) + ">甲",
    "20,000 attributes on an end": "甲</p" + "/x" * 20_000 + ">",
    "quotes never closed": "甲" + '<a b="' * COUNT,
    "comments never closed": "甲" + '<i a <!-- b="c">' * COUNT,
    "ampersands": "甲&" * COUNT * 4,
    "share links": '<p>甲</p><a href="https://t.me/share?u=1">Share</a>' * (COUNT // 4),
    "pictures in share bars": "甲" + '<div class="share">' * 9_000 + "<img data-src=/i.jpg>" * 9_000,
}  # fmt: skip


AT_ONCE = 3  # a start costs more than most of them


@pytest.mark.parametrize("names", [list(HEAVY)[n : n + AT_ONCE] for n in range(0, len(HEAVY), AT_ONCE)], ids=", ".join)
def test_heavy_bodies(program, names):
    """50,000 nested or broken elements, or 20,000 attributes, cost little time and no text."""
    seeds = {name: seed_bytes(link=f"{BAD}/{n}", body=HEAVY[name]) for n, name in enumerate(names)}
    for name, data in seeds.items():
        put(program, f"{name}.txt", data)
    ended = run(program)
    assert (ended.said, ended.status) == ([], 0)
    assert [name for name, data in seeds.items() if not kept(program, data)] == []
    items = published(program)
    found = {name: text_of(items[f"{BAD}/{n}"]).count("甲") for n, name in enumerate(names)}
    assert found == {name: HEAVY[name].count("甲") for name in names}


# ---- too long

LIMITED = CONFIG + '[archive]\nmax_seed_size = "100 kB"\n'


def test_limit_of_size(program):
    """A seed as long as the limit is taken, one byte more is refused; so is one of 100 MB, without being read."""
    (program.folder / "config.toml").write_text(LIMITED, "utf-8")
    start = seed_bytes(link=BAD, body="")
    put(program, "most.txt", start + b"x" * (100_000 - len(start)))
    put(program, "more.txt", start + b"y" * (100_001 - len(start)))
    with (program.seeds / "much.txt").open("wb") as file:
        file.truncate(100_000_000)
    before = program.state(program.seeds)
    refuses(
        program,
        ("more.txt", "100,001 bytes long, above the limit of 100,000"),
        ("much.txt", "100,000,000 bytes long, above the limit of 100,000"),
    )
    assert before == program.state(program.seeds)
    assert text_of(published(program)[BAD]) == "x" * (100_000 - len(start))


def test_100_megabytes_are_above_the_default_limit(program):
    """Without a configured limit it is 10 MB."""
    with (program.seeds / "much.txt").open("wb") as file:
        file.truncate(100_000_000)
    refuses(program, ("much.txt", "100,000,000 bytes long, above the limit of 10,000,000"))


# ---- bytes that are no article

BYTES = {
    "not UTF-8": (b"<!--1-->\n[T](https://e.org/)\n---\n\n<p>\xff", "not UTF-8 at byte 37"),
    "not UTF-8 from the start": (b"\xff\xfe<\x00!\x00", "not UTF-8 at byte 0"),
    "half a character": (seed_bytes(body="甲")[:-1], f"not UTF-8 at byte {len(seed_bytes(body=''))}"),
    "overlong": (seed_bytes(body="") + b"\xc0\xaf", f"not UTF-8 at byte {len(seed_bytes(body=''))}"),
    "surrogate": (seed_bytes(body="") + b"\xed\xa0\x80", f"not UTF-8 at byte {len(seed_bytes(body=''))}"),
    "above Unicode": (seed_bytes(body="") + b"\xf4\x90\x80\x80", f"not UTF-8 at byte {len(seed_bytes(body=''))}"),
    "empty": (b"", "empty file"),
    "blank": (b"\xef\xbb\xbf \n\t\n", "empty file"),
    "zeros": (b"\0" * 5_000, "no separator, a line of three or more hyphens"),
    "random": (hashlib.sha256(b"x").digest() * 99, "not UTF-8 at byte 4"),
    "no link": (b"<!--1-->\nTitle\n------\n\nx", "no [title](link) before the separator"),
    "link that runs": (seed_bytes(link="javascript:alert(1)"), "no http(s) link"),
    "link to a file": (seed_bytes(link="file:///etc/passwd"), "no http(s) link"),
    "only brackets": (b"[" * 100_000 + b"](" * 100_000 + b"\n---\n", "no [title](link) before the separator"),
    "only hyphens": (b"-" * 1_000_000 + b"x", "no separator, a line of three or more hyphens"),
}  # fmt: skip


def test_bytes_that_are_no_article(program):
    """What is no article is refused with its reason and the offset of the byte, and stays as it is."""
    cases = sorted(BYTES.items())
    for name, (data, _) in cases:
        put(program, name, data)
    refuses(program, *((name, reason) for name, (_, reason) in cases))
    assert {path.name: path.read_bytes() for path in program.seeds.iterdir() if path.name in BYTES} == {
        name: data for name, (data, _) in cases
    }


# ---- characters

CHARACTERS = {
    "NUL": "\0",
    "controls": "\x01\x08\x0b\x0c\x1b[31m\x7f\x85\x9b",
    "noncharacters": "\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffff",
    "end of CDATA": "]]>",
    "bidirectional": "\u202e\u2066\u2069\u200f",
    "zero width": "\u200b\u2060\ufeff",
    "line separators": "\u2028\u2029",
    "combining": "e" + "\u0301" * 500,
    "entity": "&lol; &#0; &#x0b; &#xD800; &#x110000; &#99999999999;",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "quotes": "\"'`&<>\\",
    "player's mark": "\U0010fffd",
}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Every one of the characters, in title, link and body of a seed of its own, published in one run."""
    made = Program(tmp_path_factory.mktemp("characters") / "project")
    for number, odd in enumerate(CHARACTERS.values()):
        seed = seed_bytes(title=f"A{odd}B", link=f"https://example.org/{number}?q={odd}&", body=f"<p>C{odd}D</p>")
        put(made, f"{number}.txt", seed)
    ended = run(made)
    assert (ended.said, ended.status) == ([], 0)
    seeds = [path.read_bytes() for path in made.seeds.iterdir()]
    assert all(kept(made, data) for data in seeds)
    return published(made)


@pytest.mark.parametrize("number", range(len(CHARACTERS)), ids=CHARACTERS)
def test_odd_characters(spoken, number):
    """Characters that XML forbids leave the feeds and not the archive; text beside them stays; links are ASCII."""
    (item,) = (item for item in spoken.values() if item["id"].startswith(f"https://example.org/{number}?"))
    assert item["title"][0] + item["title"][-1] == "AB"
    assert text_of(item)[0] + text_of(item)[-1] == "CD"
    assert item["url"].isascii()
    assert item["url"].isprintable()
    assert not {"<", ">", '"', " ", "\\"} & set(item["url"])
    for words in (item["title"], text_of(item)):
        assert not any(ord(one) < 0x20 or 0xFDD0 <= ord(one) <= 0xFDEF or ord(one) & 0xFFFE == 0xFFFE for one in words)
    assert active(item["content_html"]) == []


def test_warning_is_one_honest_line(program):
    """What a stamp or front matter holds cannot move the cursor, turn the line round, or begin another line."""
    odd = "".join(CHARACTERS.values()) + "\nrefused seeds/good.txt: x"
    put(program, "bad.txt", f"---\ndate: {odd}\n---\n".encode() + seed_bytes(link=BAD, stamp=odd))
    ended = run(program)
    assert ended.status == 0
    assert len(ended.said) >= 2
    for line in ended.said:
        assert line.startswith("warning: seeds/bad.txt: ")
        assert line.isprintable()


def test_laughs(program):
    """A document type in the body declares nothing and asks for no file."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    doctype = f'<!DOCTYPE lolz [<!ENTITY l0 "lol">{laughs}<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    put(program, "bad.txt", seed_bytes(link=BAD, title="&l11;&x;", body=f"<p>甲 &l11; &x;</p>{doctype}"))
    ended = run(program)
    assert (ended.said, ended.status) == ([], 0)
    item = published(program)[BAD]
    assert item["title"] == "&l11;&x;"
    assert text_of(item).startswith("甲 &l11; &x;")
    assert len((program.feeds / "all" / "rss.xml").read_bytes()) < 20_000


# ---- files that are no files


def pipe(path):
    os.mkfifo(path)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path may not be long
        server.bind(path.name)
        os.chdir(here)


def link_out(path):
    (path.parent.parent / "secret.txt").write_bytes(seed_bytes(link=BAD, body="secret"))
    path.symlink_to("../secret.txt")


def link_to_pipe(path):
    os.mkfifo(path.parent / ".pipe")
    path.symlink_to(".pipe")


ODD = {
    "pipe": (pipe, "not a regular file but a pipe"),
    "socket": (unix_socket, "not a regular file but a socket"),
    "link out": (link_out, "a link out of the seed folder"),
    "link to a device": (lambda path: path.symlink_to("/dev/zero"), "a link out of the seed folder"),
    "link to a pipe": (link_to_pipe, "not a regular file but a pipe"),
    "link to the folder": (lambda path: path.symlink_to("."), "a link to a folder; links to folders are not followed"),
    "link to the root": (lambda path: path.symlink_to("/"), "a link to a folder; links to folders are not followed"),
    "link to itself": (lambda path: path.symlink_to(path.name), "cannot be read: too many levels of symbolic links"),
    "link to nothing": (lambda path: path.symlink_to("gone"), "cannot be read: no such file or directory"),
}


def test_odd_files(program):
    """Pipes, sockets and links that lead astray hang nothing and are refused one by one."""
    for name, (make, _) in ODD.items():
        make(program.seeds / name)
    refuses(program, *((name, ODD[name][1]) for name in sorted(ODD)))
    assert set(published(program)) == {GOOD}


def test_link_inside_the_folder(program):
    """A link to a seed in the folder is the same article, and once in the feeds."""
    (program.seeds / "again.txt").symlink_to("good.txt")
    assert run(program).said == []
    assert set(published(program)) == {GOOD}


def test_unreadable(program):
    """A file and a folder that may not be read are refused; root, whom nothing stops, is asked without that power."""
    prefix = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may read everything, and setpriv is not installed")
        prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    put(program, "closed/x.txt", seed_bytes(link=BAD))
    put(program, "private.txt", seed_bytes(link=BAD))
    (program.seeds / "closed").chmod(0)
    (program.seeds / "private.txt").chmod(0)
    try:
        ended = run(program, *prefix)
    finally:
        (program.seeds / "closed").chmod(stat.S_IRWXU)
    assert ended.status == 3
    assert ended.said == [
        "refused seeds/private.txt: cannot be read: permission denied; file left as it is",
        "refused seeds/closed: cannot be read: permission denied; nothing in it was read",
    ]


# ---- names

NAMES = {
    "line break": b"a\nrefused seeds-good.txt",
    "escape": b"\x1b]0;title\x07\x1b[31m.txt",
    "quotes": b"a \"b\" 'c' `d` $(e).txt",
    "backslashes": b"a\\nb\\x00.txt",
    "255 bytes": b"x" * 255,
    "not UTF-8": b"\xcd\xc1\xb6\xfa\xc6\xe4.txt",
    "dashes": b"--config=x",
    "title": "土耳其宣布召回驻以色列大使，“我们”".encode(),
    "bidirectional": "\u202egpj.exe".encode(),
    "percent": b"%2e%2e%2fx",
    "star": b"*",
    "SQL": b"'; DROP TABLE entry; --",
    "rich's markup": b"[bold]x[/bold][link=file:///x]",
    "markup": b"<script>alert(1)<",
}


@pytest.mark.parametrize("bad", [False, True], ids=["taken", "refused"])
def test_names_mean_nothing(program, bad):
    """A file may have any name: it is archived, or refused in one line that a terminal can bear."""
    for number, name in enumerate(NAMES.values()):
        put(program, name, b"\xff" if bad else seed_bytes(link=f"https://example.org/{number}"))
    ended = run(program)
    assert ended.status == (3 if bad else 0)
    assert len(ended.said) == (len(NAMES) if bad else 0)
    for line in ended.said:
        assert line.startswith("refused seeds/")
        assert line.endswith(": not UTF-8 at byte 0; file left as it is")
        assert line.isprintable()
    assert len(published(program)) == (1 if bad else 1 + len(NAMES))


def test_folders_that_differ_in_case(program):
    """BBC/ and bbc/ are two sources with two feeds, neither of which overwrites the other."""
    for name in ("BBC", "bbc", "a b", "..x", "con", "\u202ex", "<b>&amp;", "x" * 255):
        put(program, f"{name}/1.txt", seed_bytes(link=f"https://example.org/{name[:9]}"))
    (program.seeds / "..x").rename(program.seeds / "x.")
    assert run(program).said == []
    folders = [path.parent for path in program.feeds.glob("*/rss.xml")]
    assert len({folder.name.lower() for folder in folders}) == len(folders) == 2 + 8
    assert sorted(len(published(program, folder.name)) for folder in folders) == [1] * 9 + [9]
    assert Path(program.feeds).is_dir()
