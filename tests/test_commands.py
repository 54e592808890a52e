"""The commands from outside, as a user runs them."""

import json
import os
import shutil
import time
from xml.etree import ElementTree as ET

import pytest
from program import PROJECT, Program, seed_bytes

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path / "home")


def titles(program, feed="all"):
    root = ET.parse(program.feeds / feed / "atom.xml").getroot()
    return [entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")]


def test_run_archives_and_publishes(program):
    """One command brings seeds into the archive and the feeds, and says what it did."""
    program.write("a.txt", title="One", link="https://example.org/1")
    program.write("rfi/b.txt", title="Two", link="https://example.org/2", stamp=1705860902000)
    ran = program("run")
    assert ran == (0, "2 articles, 2 new; 3 feeds, 32 documents written, 0 unchanged\n", "")
    assert titles(program) == ["Two", "One"]
    assert titles(program, "rfi") == ["Two"]
    assert titles(program, "seeds") == ["One"]


def test_second_run_touches_nothing(program):
    """With nothing new, no file of the archive or of the feeds is written."""
    program.write("a.txt")
    time.sleep(0.05)  # a file as young as the clock's tick is read again
    program("run")
    before = program.state()
    ran = program("run")
    assert ran.out == "1 article, 0 new; 2 feeds, 0 documents written, 27 unchanged\n"
    assert program.state() == before


def test_a_new_version(program):
    """The same link with another text is a new version: shown once, with the same id, and both are kept."""
    path = program.write("a.txt", title="Old")
    program("run")
    path.write_bytes(seed_bytes(title="New", stamp=1705860902000))
    assert program.told("run")["imported"]["versions"] == 1
    assert titles(program) == ["New"]
    assert len(list((program.archive / "articles").rglob("*/*"))) == 2


def test_noise_is_no_version(program):
    """Lazy-load attributes and tracking links alone are no new version: the feeds do not change."""
    body = '<p>The text of the article is long enough.</p><img src="https://example.org/p.jpg">'
    path = program.write("a.txt", body=body)
    program("run")
    before = program.documents()
    path.write_bytes(seed_bytes(body=body.replace("<img ", '<img loading="lazy" class="x" ')))
    told = program.told("run")
    assert told["imported"]["noise"] == 1
    assert told["built"]["written"] == []
    assert program.documents() == before


def test_same_bytes_under_two_names(program):
    """The same bytes under two names are one article."""
    program.write("a.txt")
    program.write("b.txt")
    assert program.told("run")["imported"] == {
        "articles": 2, "new": 1, "versions": 0, "noise": 0, "known": 1, "refused": 0,
    }  # fmt: skip
    assert titles(program) == ["A title"]


def test_deleted_index_loses_nothing(program):
    """Without its index the archive makes it again in silence, and the feeds come out byte-identical."""
    for number in range(20):
        stamp = "NaN" if number % 3 == 0 else 1600000000000 + number * 1000
        program.write(f"{number}.txt", title=f"T{number}", link=f"https://example.org/{number}", stamp=stamp)
    program("run")
    before = program.documents()
    (program.archive / "index.db").unlink()
    shutil.rmtree(program.feeds)
    ran = program("build")
    assert (ran.status, ran.err) == (0, "")
    assert program.documents() == before


def test_refused_files_do_not_stop_the_others(program):
    """A bad file is one line on stderr and exit status 3; it is left as it is, and the rest goes on."""
    program.write("a.txt")
    bad = program.seeds / "b.txt"
    bad.write_bytes(b"<!--1-->\n[t](https://example.org/2)\n------\n\n\xff")
    (program.seeds / "c.txt").write_bytes(b"")
    ran = program("run")
    assert ran.status == 3
    assert ran.err.splitlines() == [
        "refused seeds/b.txt: not UTF-8 at byte 44; file left as it is",
        "refused seeds/c.txt: empty file; file left as it is",
    ]
    assert titles(program) == ["A title"]
    assert program("run").status == 3, "what is refused stays refused until somebody acts"
    assert program("run", "-q").out == ""


def test_import_of_paths(program, tmp_path):
    """Files and folders named on the command line are archived, for the source that is named."""
    elsewhere = tmp_path / "old"
    elsewhere.mkdir()
    (elsewhere / "x.txt").write_bytes(seed_bytes(title="X", link="https://example.org/x"))
    assert program("import", elsewhere, "--source", "old").out == "1 article, 1 new\n"
    assert program("build").out == "2 feeds, 27 documents written, 0 unchanged\n"
    assert titles(program, "old") == ["X"]
    assert program("import", tmp_path / "nothing").status == 2


def test_import_of_a_part_of_a_configured_folder(program):
    """A file or subfolder below a configured folder belongs to the source that a whole run would give it."""
    for name in ("a.txt", "rfi/2023/b.txt", "rfi/c.txt", "bbc/d.txt"):
        program.write(name, title=name, link=f"https://example.org/{name}")
    assert program.told("import", "seeds/a.txt")["new"] == 1
    assert program.told("import", "seeds/rfi")["new"] == 2
    assert program.told("import", "seeds/bbc/d.txt")["new"] == 1
    assert program.told("run")["imported"]["known"] == 4
    assert sorted(titles(program, "rfi")) == ["rfi/2023/b.txt", "rfi/c.txt"]


def test_verify(program):
    """An archive in order is verified as such; a flipped bit is named with its article."""
    program.write("a.txt", title="Named")
    program("run")
    assert program("verify") == (0, "3 objects, 1 article, 0 faults\n", "")
    path = next((program.archive / "articles").rglob("*/*"))
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data.replace(b"Text", b"Texu"))
    ran = program("verify")
    assert ran.status == 1
    assert "Named" in ran.err
    assert path.parent.name + path.name in ran.err


def test_a_damaged_article_leaves_the_others_alone(program):
    """A damaged object is named; every other entry is still published."""
    program.write("a.txt", title="Sound", link="https://example.org/1")
    program.write("b.txt", title="Broken", link="https://example.org/2")
    program("import")
    broken = next(path for path in (program.archive / "articles").rglob("*/*") if b"Broken" in path.read_bytes())
    broken.chmod(0o644)
    broken.write_bytes(broken.read_bytes().replace(b"Broken", b"Brokem"))
    ran = program("build")
    assert ran.status == 1
    assert broken.parent.name + broken.name in ran.err
    assert titles(program) == ["Sound"]
    ran = program("reindex")
    assert (ran.status, ran.out) == (1, "1 article in 1 version, from 1 capture\n")
    assert ran.err == (
        "captures that could not be read, so what they tell of is in no feed: 1; restore what "
        "`feedarchiver verify` names from a copy, then call `feedarchiver reindex`\n"
    )


def test_init(tmp_path):
    """`init` writes a folder that works as it is, and refuses to overwrite."""
    program = Program(tmp_path / "home")
    new = tmp_path / "new"
    assert program("init", new).status == 0
    (new / "seeds" / "a.txt").write_bytes(seed_bytes())
    assert program("run", "--config", new / "config.toml").status == 0
    assert (new / "feeds" / "all" / "rss.xml").is_file()
    again = program("init", new)
    assert again.status == 2
    assert "left as it is" in again.err


def test_help_and_version(program):
    """`--help` names every command and the exit codes; `--version` the version."""
    ran = program("--help")
    for word in ("init", "import", "build", "run", "verify", "0  done", "1  failed", "2  wrong usage", "3  done, but"):
        assert word in ran.out
    assert program("--version").out == "feedarchiver, version 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nonsense"], 2, "No such command"),
        (["bild"], 2, "Did you mean 'build'?"),
        (["import", ""], 2, "must not be empty"),
        (["init", ""], 2, "must not be empty"),
        (["run", "--config", ""], 2, "must not be empty"),
        (["run", "--config", "none.toml"], 2, "init"),
        (["verify"], 1, "no archive"),
        (["build"], 1, "no archive"),
    ],
)
def test_wrong_calls(program, arguments, status, words):
    """A wrong call is one line with the next step and its own exit status."""
    ran = program(*arguments)
    assert ran.status == status
    assert words in ran.err


def test_every_mistake_of_the_configuration_at_once(program):
    """A wrong configuration is refused whole, each mistake with its place."""
    (program.folder / "config.toml").write_text('[publish]\npage_size = 0\ncolour = "red"\n')
    ran = program("run")
    assert ran.status == 2
    assert len(ran.err.splitlines()) == 3
    assert not program.archive.exists()


def test_json_lines(program):
    """With --json every line of both outputs is one object."""
    program.write("a.txt")
    (program.seeds / "c.txt").write_bytes(b"")
    ran = program("run", "--json")
    assert [json.loads(line)["event"] for line in ran.out.splitlines()] == ["run"]
    assert [json.loads(line)["event"] for line in ran.err.splitlines()] == ["refused"]


def test_not_an_archive(program):
    """A folder with something else in it is not taken for an archive, and left as it is."""
    program.archive.mkdir()
    (program.archive / "mine.txt").write_text("mine")
    program.write("a.txt")
    ran = program("run")
    assert ran.status == 1
    assert "not an archive" in ran.err
    assert os.listdir(program.archive) == ["mine.txt"]


def test_newer_layout(program):
    """An archive of a newer layout is left alone, with the advice to use a newer program."""
    program.write("a.txt")
    program("run")
    (program.archive / "format.json").write_text('{"layout": 99}')
    ran = program("run")
    assert ran.status == 1
    assert "newer" in ran.err


def test_the_example_in_the_repository(tmp_path):
    """What `run` builds from seeds/ with the project's config.toml is what feeds/ in the repository holds."""
    for name in ("config.toml", "seeds"):
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    program = Program(tmp_path / "unused")
    ran = program("run", "--config", tmp_path / "config.toml")
    assert ran.status == 0, ran.err
    built = {path.relative_to(tmp_path): path.read_bytes() for path in (tmp_path / "feeds").rglob("*.*")}
    kept = {path.relative_to(PROJECT): path.read_bytes() for path in (PROJECT / "feeds").rglob("*.*")}
    assert built == kept


def test_another_page_size(program):
    """Where nobody can be asked, archive pages are cut anew only with --reseal; without it nothing is done.

    That the index was lost makes no difference: what is published tells the page size of before.
    """
    for number in range(9):
        program.write(f"{number}.txt", title=f"T{number}", link=f"https://example.org/{number}")
    config = program.folder / "config.toml"
    plain = config.read_text()
    config.write_text(f"[publish]\npage_size = 2\n{plain}")
    program("run")
    before, documents = program.state(), program.documents()
    config.write_text(f"[publish]\npage_size = 3\n{plain}")
    before["config.toml"] = program.state()["config.toml"]
    for command in ("run", "build"):
        ran = program(command)
        assert ran.status == 2
        assert "page_size is 3 now and was 2: 6 archive pages of 2 feeds would be cut anew" in ran.err
        assert "--reseal" in ran.err
        assert program.state() == before
    (program.archive / "index.db").unlink()
    ran = program("run")
    assert ran.status == 2
    assert "page_size is 3 now and was 2: 6 archive pages of 2 feeds would be cut anew" in ran.err
    assert program.documents() == documents
    assert program.told("run", "--reseal")["built"]["removed"] != []
    assert program("run").status == 0


def test_full_build(program):
    """`build --full` makes everything anew and finds that nothing is to be written."""
    program.write("a.txt")
    program("run")
    assert program("build", "--full").out == "2 feeds, 0 documents written, 27 unchanged\n"
