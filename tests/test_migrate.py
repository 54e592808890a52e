"""Archives that move: from a folder into a bucket, from SQLite to PostgreSQL, and back, killed and disturbed."""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from crash import KILL, Copy, index_differs, leftovers, needs_strace, sample, start, strike, trace
from images import png
from program import CONFIG, Program, seed_bytes
from s3 import ENVIRONMENT, Server, Way

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import KINDS
from feedarchiver.archive.wanted import Picture
from feedarchiver.s3.address import Address
from feedarchiver.s3.remote import Remote

SOAK = bool(os.environ.get("FEEDARCHIVER_SOAK"))
PUBLISH = '[publish]\npage_size = 2\nfolder = "feeds2/"\n'
NEAR = f'[archive]\nstore = "other/"\n{PUBLISH}{CONFIG}'
OTHER = "other.toml"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make an archive of six articles with an edit, a picture, and what only an index knows; published in pages."""
    program = Program(tmp_path_factory.mktemp("made") / "home", f"[publish]\npage_size = 2\n{CONFIG}")
    for number in range(5):
        program.write(f"{number}.txt", title=f"Title {number}", link=f"https://example.org/{number}", stamp="NaN")
    assert program.warm("run").status == 0
    program.write("rfi/a.txt", title="Autre", link="https://example.org/a", stamp=1700000000000)
    (program.seeds / "0.txt").write_bytes(seed_bytes("Title 0, edited", "https://example.org/0", 1650000000000))
    archive = Archive.open(program.archive, program.archive / "index.db")
    with archive, archive.writing(datetime.now(UTC)) as writer:
        writer.add_image("https://example.org/0.png", png())
        writer.note("robots", "https://example.org", "what\0they\uffffsay")
        writer.wanted.add([Picture("https://example.org/1.png", "seeds", "u", None, 5, 2, 3, "gone")])
    assert program.warm("run").status == 0
    return program


@pytest.fixture
def home(made, tmp_path):
    """Have that archive, and a configuration that puts it into another folder."""
    home = Copy(made, tmp_path / "home")
    (home.folder / OTHER).write_text(NEAR)
    return home


def there(home):
    """Name the other place as the present one."""
    other = Copy.__new__(Copy)
    other.folder, other.seeds, other.archive = home.folder, home.seeds, home.folder / "other"
    other.feeds = home.folder / "feeds2"
    return other


def stored(program):
    """Every object of an archive in a folder, by the key that it has in a bucket."""
    paths = (path for kind in KINDS for path in (program.archive / kind).rglob("*") if path.is_file())
    return {str(path.relative_to(program.archive)): path.read_bytes() for path in paths}


def rows(program, *but):
    """Everything that an index says, but for the mark, by which it is told from another, and some tables."""
    with closing(sqlite3.connect(program.archive / "index.db")) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in tables - {"mark", *but}}


def migrated(program, *arguments):
    """Migrate, and tell how many objects were copied."""
    ran = program.warm("migrate", "--to", OTHER, *arguments)
    assert (ran.status, ran.err) == (0, "")
    return int(ran.out.split()[0])


# To folders


def test_running_it_again_copies_what_has_come(home):
    """The other place has the same objects, index and feeds; again, only the difference is copied."""
    other = there(home)
    assert migrated(home) == len(stored(home))
    assert (home.archive / "format.json").read_bytes() == (other.archive / "format.json").read_bytes()
    assert stored(other) == stored(home)
    assert rows(other) == rows(home)
    before = home.state(other.archive / "raw", other.archive / "captures")
    assert migrated(home) == 0
    assert home.state(other.archive / "raw", other.archive / "captures") == before
    home.write("new.txt", title="New", link="https://example.org/new")
    home.warm("run")
    assert migrated(home) == 3
    assert stored(other) == stored(home)
    assert home.warm("build", "--config", OTHER).status == 0
    assert other.documents() == home.documents()
    assert any("/archive/" in path for path in other.documents())
    assert home.warm("verify", "--config", OTHER).status == 0


def test_a_flipped_bit_is_named(home):
    """A damaged object is named with its article and left out, the rest goes on; from a copy it comes the next time."""
    path = next((home.archive / "articles").glob("*/*"))
    sound = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(bytes([sound[0] ^ 1]) + sound[1:])
    ran = home.warm("migrate", "--to", OTHER)
    assert ran.status == 3
    (line,) = ran.err.splitlines()
    assert line.startswith(f"articles {path.parent.name}{path.name} (")
    assert line.endswith("is damaged; it was not copied; restore it from another copy and run this again")
    assert "1 fault" in ran.out
    assert len(stored(there(home))) == len(stored(home)) - 1
    path.write_bytes(sound)
    assert migrated(home) == 1
    assert home.warm("verify", "--config", OTHER).status == 0


def test_what_is_cut_short_there_is_named(home):
    """An object that somebody has copied there in part is no copy, and is said to be none."""
    migrated(home)
    path = next((there(home).archive / "raw").glob("*/*"))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    ran = home.warm("migrate", "--to", OTHER)
    assert ran.status == 3
    assert f"raw {path.parent.name}{path.name} has " in ran.err


def test_an_archive_that_has_gone_on(home):
    """What came here after the other place went on by itself is taken in there, and that keeps what is its own."""
    migrated(home)
    for name, config in (("here", "config.toml"), ("there", OTHER)):
        home.write("new.txt", title=name, link=f"https://example.org/{name}")
        assert home.warm("run", "--config", config).status == 0
    kept = stored(there(home))
    for new in (1, 0):
        ran = home.warm("migrate", "--to", OTHER)
        assert ran.status == 0
        assert f"other has gone on by itself: {new} capture" in ran.out
    assert kept.items() < stored(there(home)).items()
    for name in ("here", "there"):
        assert home.warm("log", f"https://example.org/{name}", "--config", OTHER).status == 0
    assert not index_differs(there(home))


def test_what_was_lost_here_is_no_history_of_its_own_there(home):
    """A capture that only the other place still has, and that the index here knows, keeps nothing from moving."""
    migrated(home)
    kept = stored(there(home))
    next((home.archive / "captures").glob("*/*")).unlink()
    assert migrated(home) == 0
    assert stored(there(home)) == kept


@pytest.mark.parametrize(
    ("config", "said", "status"),
    [
        (NEAR, "other is another archive; both were left as they are", 1),
        (NEAR.replace("other/", "seeds/").replace("[[s", "[[feed]]\nid='f'\n[[s").replace('r = "seeds/', 'r = "s/'),
         "seeds is not empty, and no archive; it was left as it is", 1),
        (NEAR.replace('e = "other/"', 'e = "fresh/"\nindex = "sqlite:other/index.db"'), "index of something else", 1),
        (NEAR.replace("other/", "archive/"), "names the same store and index", 2),
        (NEAR.replace("other/", "archive/raw/more/"), "lie in one another", 2),
        (NEAR.replace('e = "other/"', 'e = "fresh/"\nindex = "sqlite:archive/index.db"'), "is the index of both", 2),
    ],
)  # fmt: skip
def test_refused(home, config, said, status):
    """Another archive, somebody's files, places that overlap and places that are the same are left as they are."""
    (home.folder / "own.toml").write_text(NEAR)
    home.warm("import", "--config", "own.toml")
    (home.folder / OTHER).write_text(config)
    before = home.state()
    ran = home.warm("migrate", "--to", OTHER)
    assert (ran.status, ran.err.count("\n")) == (status, 1)
    assert said in ran.err
    after = home.state()
    assert {path for path in after if before.get(path) != after[path]} == set()


def test_variables_are_for_the_present_configuration(home, monkeypatch):
    """What the environment says of places is said of where the archive is, not of where it goes."""
    shutil.move(home.archive, home.folder / "moved")
    monkeypatch.setenv("FEEDARCHIVER_ARCHIVE_STORE", "moved/")
    assert migrated(home) == len(stored(there(home)))


@needs_strace
def test_killed_at_any_call(home):
    """Killed before any change of a file, it leaves nothing that is taken for an archive, and can be completed."""
    first = Copy(home, home.folder.with_name("first"))
    ran, calls = trace(first, "migrate", "--to", OTHER)
    assert ran.status == 0
    struck = [call for call in sample(calls, 1 if SOAK else len(calls)) if "/other" in call.paths[0]]
    for call in struck if SOAK else struck[len(struck) // 3 :: len(struck) // 3][:2]:
        one = Copy(home, home.folder.with_name("one"))
        assert strike(one, call, KILL, "migrate", "--to", OTHER)[0].status != 0
        if not (there(one).archive / "format.json").exists():
            assert one.warm("log", "https://example.org/1", "--config", OTHER).status == 1, call
        assert one.warm("migrate", "--to", OTHER).status == 0, call
        assert stored(there(one)) == stored(one), call
        assert rows(there(one)) == rows(one), call
        assert not leftovers(there(one)), call
        shutil.rmtree(one.folder)


# Far away


@pytest.fixture(scope="module")
def nanio(tmp_path_factory):
    server = Server("nanio", tmp_path_factory.mktemp("nanio"))
    yield server
    server.stop()


class Far(NamedTuple):
    """An archive here, a way to a store, and what lies at its end."""

    home: Program
    way: Way
    remote: Remote

    def say(self, index):
        """Say where the index is to be."""
        text = f'[archive]\nstore = "s3://bucket/{self.remote_prefix}"\nindex = "{index}"\n'
        text += f'[s3]\nendpoint_url = "{self.way.address}"\n{PUBLISH}{CONFIG}'
        (self.home.folder / OTHER).write_text(text)

    @property
    def remote_prefix(self):
        return self.remote._place.partition("bucket/")[2]

    def objects(self):
        """Every object."""
        return {found.key: self.remote.get(found.key) for kind in KINDS for found in self.remote.list(kind)}


@pytest.fixture
def far(home, nanio, tmp_path, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    prefix = hashlib.sha256(os.fsencode(tmp_path)).hexdigest()[:8]
    with Way(nanio) as way:
        far = Far(home, way, Remote.connect(Address("bucket", prefix, nanio.address)))
        far.say("sqlite:far/index.db")
        yield far


def test_there_and_back(far, cluster):
    """From a folder and SQLite to a bucket and PostgreSQL, and back: the same objects, rows and feeds."""
    home = far.home
    far.say(cluster.database())
    ran = home("migrate", "--to", OTHER)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(f"{len(stored(home))} objects copied to s3://bucket/")
    assert "@" not in ran.out
    assert far.objects() == stored(home)
    far.way.asked.clear()
    assert home("migrate", "--to", OTHER).out.startswith("0 objects copied")
    assert far.way.count("PUT") == 0
    (home.folder / "back.toml").write_text(NEAR)
    assert home("migrate", "--config", OTHER, "--to", "back.toml").status == 0
    assert stored(there(home)) == stored(home)
    assert rows(there(home)) == rows(home)
    assert home("build", "--config", OTHER).status == 0
    assert there(home).documents() == home.documents()
    home.write("new.txt", title="New", link="https://example.org/new")
    assert home("run", "--config", OTHER).status == 0
    ran = home("migrate", "--config", OTHER, "--to", "config.toml")  # to where it was, and where its lock has been
    assert ran.out.startswith("3 objects copied to ")
    assert far.objects() == stored(home)
    home("build")
    assert there(home).documents() == home.documents()


def test_killed_on_the_way(far):
    """Killed while it stores objects, it is completed by the next; until then nobody takes what is there for all."""
    for last in ("/articles/", "/captures/", "/format.json"):
        process = start(far.home, "migrate", "--to", OTHER)

        def disturb(method, key, last=last, process=process):
            if method == "PUT" and (last in key if last.endswith("/") else key.endswith(last)):
                process.kill()

        far.way.disturb = disturb
        process.communicate()
        assert process.returncode < 0
        far.way.disturb = lambda _method, _key: None
        if last != "/format.json":
            ran = far.home("verify", "--config", OTHER)
            assert (ran.status, "has not come to s3://" in ran.err) == (1, True)
    assert far.home("migrate", "--to", OTHER).status == 0
    assert far.remote.get("format.json.new") is None
    assert far.objects() == stored(far.home)
    assert far.home("verify", "--config", OTHER).status == 0


def test_while_the_archive_is_written_to(far):
    """What is archived while objects are copied comes along, and is kept waiting by nobody."""
    home, imported = far.home, []

    def disturb(method, key):
        if method == "PUT" and "/raw/" in key and not imported:
            home.write("new.txt", title="New", link="https://example.org/new")
            imported.append(home("run"))

    far.way.disturb = disturb
    ran = home("migrate", "--to", OTHER)
    assert (ran.status, ran.err) == (0, "")
    assert imported[0].out.startswith("7 articles, 1 new")
    assert far.objects() == stored(home)
    with closing(sqlite3.connect(home.folder / "far" / "index.db")) as db:
        assert db.execute("SELECT count(*) FROM captures").fetchone() == (8,)


def test_when_the_store_or_the_database_is_away(far):
    """A store that refuses, and a database that does not answer, are one line that says what is kept."""
    far.way.disturb = lambda method, key: "denied" if method == "PUT" and "/articles/" in key else None
    ran = far.home("migrate", "--to", OTHER)
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert "these credentials may not do that (AccessDenied); nothing lost, run again when it is mended" in ran.err
    far.way.disturb = lambda _method, _key: None
    far.way.asked.clear()
    far.say("postgresql://me:secret@127.0.0.1:1/feeds")
    ran = far.home("migrate", "--to", OTHER)
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert "cannot use the index postgresql://127.0.0.1:1/feeds" in ran.err
    assert "secret" not in ran.err
    assert far.way.count("PUT") == 0
    far.say("sqlite:far/index.db")
    assert far.home("migrate", "--to", OTHER).status == 0
    assert far.objects() == stored(far.home)


# The index alone


def test_only_the_index(home, cluster):
    """The index goes to PostgreSQL and back; whichever was not there when more was archived is not believed."""
    (home.folder / OTHER).write_text(f'[archive]\nindex = "{cluster.database()}"\n{PUBLISH}{CONFIG}')
    before = rows(home)
    ran = home.warm("migrate", "--to", OTHER)
    assert (ran.status, ran.out.startswith("index copied to postgresql://")) == (0, True)
    assert home.warm("migrate", "--config", OTHER, "--to", "config.toml").status == 0
    assert rows(home) == before
    assert home.warm("build", "--config", OTHER).status == 0
    other = there(home)
    assert other.documents() == home.documents()
    for name, config in (("one", "config.toml"), ("two", OTHER), ("three", "config.toml")):
        home.write(f"{name}.txt", title=name, link=f"https://example.org/{name}")
        assert home.warm("run", "--config", config).status == 0
    assert home.warm("build", "--config", OTHER).status == 0
    assert other.documents() == home.documents()


ENDING = """
CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW;
END $$;
CREATE TRIGGER ending BEFORE INSERT ON feedarchiver.indexes FOR EACH ROW EXECUTE FUNCTION end_it()
"""


def test_the_database_goes_half_way(home, cluster):
    """A server that ends when all rows are there but one is one line; neither place is harmed, and it goes on."""
    address = cluster.database()
    database = address.partition("@/")[2].partition("?")[0]
    (home.folder / OTHER).write_text(f'[archive]\nstore = "other/"\nindex = "{address}"\n{PUBLISH}{CONFIG}')
    assert home("migrate", "--to", OTHER).status == 0
    cluster.run(database, ENDING)
    home.write("new.txt", title="New", link="https://example.org/new")
    assert home("run").status == 0
    for _ in range(2):
        ran = home("migrate", "--to", OTHER)
        assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
        assert "the index cannot be used: " in ran.err
        assert "; no article is lost; run again" in ran.err
    cluster.run(database, "DROP TRIGGER ending ON feedarchiver.indexes")
    assert home("migrate", "--to", OTHER).out.startswith("0 objects copied")
    assert home("verify", "--config", OTHER).status == home("verify").status == 0
    assert home("build", "--config", OTHER).status == 0
    assert there(home).documents() == home.documents()
    spaces = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'feedarchiver\\_%'"
    assert cluster.run(database, spaces) == [(1,)], "what was cut off is not there"
