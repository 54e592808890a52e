"""Lists of feeds in OPML: into config.toml, keeping what is there, and out again."""

import re
import stat
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import CONFIG, PROJECT, Program

from feedarchiver.config import load
from feedarchiver.config.adding import source_table
from feedarchiver.gather.opml import Outline, read, written

LIST = """<?xml version="1.0"?>
<opml version="1.0"><head><title>Mine</title></head><body>
<outline text="Folder"><outline text="Deeper">
<outline type="rss" text="Bees &amp; Trees" xmlUrl="https://bees.example/feed?a=1&amp;b=2" language="en"/>
</outline></outline>
<outline text="新闻" xmlURL="feed://news.example/x"/>
<outline text="Folder again"><outline text="Bees" xmlUrl="https://bees.example/feed?a=1&amp;b=2"/></outline>
<outline text="No feed" htmlUrl="https://example.org/"/>
</body></opml>"""


def test_reading():
    """Feeds in folders, in any spelling, are found once each."""
    assert read(LIST.encode()) == [
        Outline("https://bees.example/feed?a=1&b=2", "Bees & Trees", "en"),
        Outline("http://news.example/x", "新闻"),
    ]


def test_reading_what_is_broken():
    """Ampersands that are not escaped, as many programs write them, do no harm."""
    data = b'<opml><body><outline text="A & B" xmlUrl="http://a.example/?a=1&b=2"/></body></opml>'
    assert [outline.url for outline in read(data)] == ["http://a.example/?a=1&b=2"]


@pytest.mark.parametrize("data", [b"", b"text", b"<rss/>", b"<html><body>no</body></html>", b"\0\xff"])
def test_no_list(data):
    """What is no OPML is refused."""
    with pytest.raises(ValueError, match="not an OPML list"):
        read(data)


def test_nothing_from_elsewhere(tmp_path):
    """An entity that names a file is not looked up."""
    secret = tmp_path / "secret"
    secret.write_text("http://secret.example/")
    entity = f'<!DOCTYPE opml [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    assert read(f'{entity}<opml><body><outline xmlUrl="&x;"/>&x;</body></opml>'.encode()) == []


_TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=1).map(str.strip).filter(bool)


@given(titles=st.lists(_TEXT, max_size=5))
def test_reading_what_was_written(titles):
    """What is written is read again the same."""
    outlines = [Outline(f"https://example.org/{n}", title, "en") for n, title in enumerate(titles)]
    assert read(written("T", outlines)) == outlines
    assert ET.fromstring(written("T & <T>", outlines)).findtext("head/title") == "T & <T>"


@given(
    title=st.none() | st.text(), language=st.none() | st.text(), taken=st.sets(st.sampled_from(["feed", "a", "a-2"]))
)
def test_any_title_makes_a_table(title, language, taken, tmp_path_factory):
    """Whatever a list says of a feed, the table made of it is right, and its id is new."""
    known = set(taken)
    table = source_table("feed", "https://a.example/feed", title, language, known)
    assert table["id"] not in taken
    assert table["id"] in known
    path = tmp_path_factory.getbasetemp() / "table.toml"
    import tomlkit

    path.write_text(tomlkit.dumps({"source": [table]}), encoding="utf-8", newline="")
    assert load(path).sources[0].asking.url == "https://a.example/feed"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path / "home")


def imported(program, text=LIST):
    (program.folder / "list.opml").write_text(text)
    return program("import-opml", "list.opml")


def test_import(program):
    """Each feed becomes a [[source]] behind what is there, which stays as it is; a second time adds nothing."""
    path = program.folder / "config.toml"
    path.write_text((PROJECT / "config.toml").read_text())
    before = path.read_text()
    path.chmod(0o640)
    ran = imported(program)
    assert ran.status == 0
    assert ran.out.splitlines()[-1] == "2 sources added, 0 there already"
    assert path.read_text().startswith(before.rstrip("\n"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    added = load(path).sources[1:]
    assert [(source.id, source.title, source.language, source.asking.url) for source in added] == [
        ("bees-trees", "Bees & Trees", "en", "https://bees.example/feed?a=1&b=2"),
        ("news-example", "新闻", None, "http://news.example/x"),
    ]
    after = path.read_bytes()
    assert imported(program).out == "0 sources added, 2 there already\n"
    assert path.read_bytes() == after


def test_a_password_in_the_list(program):
    """A feed whose address holds a password is refused by the name of its host; all others are added."""
    secret = '<outline text="Mine" xmlUrl="https://me:pa55word@private.example/feed?key=1"/></body></opml>'
    ran = imported(program, LIST.replace("</body></opml>", secret))
    assert ran.status == 3
    said = "refused https://private.example/…: must not hold a user name or password; put it into headers; not added\n"
    assert ran.err == said
    assert ran.out.endswith("2 sources added, 0 there already, 1 refused\n")
    assert "pa55word" not in (program.folder / "config.toml").read_text()


def test_what_is_no_address_of_the_web(program):
    """A feed at an address that nobody can ask is refused by its name, and not passed over in silence."""
    ran = imported(program, LIST.replace("</body></opml>", '<outline xmlUrl="ftp://old.example/rss"/></body></opml>'))
    assert ran.status == 3
    assert ran.err.startswith("refused ftp://old.example/rss: ")
    assert ran.err.count("\n") == 1
    assert ran.out.endswith("2 sources added, 0 there already, 1 refused\n")


def test_import_into_the_first_configuration(program):
    """A configuration without any source is one that sources are added to."""
    path = program.folder / "config.toml"
    path.write_text("# Nothing here yet.")
    assert imported(program).status == 0
    assert path.read_text().startswith("# Nothing here yet.\n\n[[source]]\n")
    assert len(load(path).sources) == 2


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_no_line_moves(program, newline):
    """Sources are written behind all that is there, whatever its order, in lines that end as its own do."""
    lines = [
        '[[source]]\nid = "b" # first\nkind = "page"\nurl = "https://b.example/"\n[source.select]\nitems = "li"\n',
        '# About the feeds.\n[publish]\ntitle = "T"\n\n# About c.\n',
        '[[source]]\nid = "c"\nkind = "seeds"\nfolder = "seeds/"\n\n# About all.\n[[feed]]\nid = "all"\n# The end.',
    ]
    before = "".join(lines).replace("\n", newline)
    path = program.folder / "config.toml"
    path.write_bytes(before.encode())
    assert imported(program).status == 0
    after = path.read_bytes().decode()
    assert after.startswith(f'{before}{newline}{newline}[[source]]{newline}id = "bees-trees"{newline}')
    assert after.count("\n") == after.count(newline)
    assert [source.id for source in load(path).sources] == ["b", "c", "bees-trees", "news-example"]


def test_import_into_a_list(program):
    """Sources written as a list of tables in one line are added to as well."""
    path = program.folder / "config.toml"
    path.write_text('source = [ { id = "seeds", kind = "seeds", folder = "seeds/" } ] # mine\n')
    assert imported(program).status == 0
    assert [source.id for source in load(path).sources] == ["seeds", "bees-trees", "news-example"]
    assert "# mine" in path.read_text()


def test_a_link_stays_a_link(program):
    """A config.toml that is a link to another file is written there."""
    path = program.folder / "config.toml"
    path.rename(program.folder / "real.toml")
    path.symlink_to("real.toml")
    assert imported(program).status == 0
    assert path.readlink() == Path("real.toml")
    assert len(load(path).sources) == 3


@pytest.mark.parametrize("text", ["<html></html>", ""])
def test_import_of_no_list(program, text):
    """What is no list changes nothing, and is said in one line."""
    ran = imported(program, text)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "not an OPML list; nothing was changed" in ran.err
    assert (program.folder / "config.toml").read_text() == CONFIG


def test_export(program):
    """The configured feeds come out as a list that can be imported again, by any program and by this one."""
    imported(program)
    ran = program("export-opml")
    assert [outline.url for outline in read(ran.out.encode())] == [
        "https://bees.example/feed?a=1&b=2",
        "http://news.example/x",
    ]
    for outline in ET.fromstring(ran.out).iter("outline"):
        assert set(outline.attrib) >= {"text", "title", "type", "xmlUrl"}
    assert re.search(r'title="新闻"', ran.out)
