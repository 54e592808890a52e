"""An index in PostgreSQL: everything is as it is with SQLite, and nothing is lost when the server goes."""

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from living import within
from program import CONFIG, Program
from test_building import ALL, BASE, START, World, article, edited
from test_reindex import contents, told

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.postgres.session import Session
from feedarchiver.errors import ArchiveInUse
from feedarchiver.model import Article, Feed, Filter, Received

CHANGES = Feed(id="changes", title="Changes", kind="changes")
SOME = Feed(id="some", title="Some", filter=Filter(include=(("title", "T[1-5]"),)), sources=("s",))
PICKED = Feed(id="picked", title="Picked", filter=Filter(search="法国"))


class There(World):
    """An archive with its index in PostgreSQL."""

    def __init__(self, folder, address):
        self.address = address
        super().__init__(folder)

    @property
    def index(self):
        return IndexAddress(self.address, self.folder)


@pytest.fixture
def there(tmp_path, cluster):
    return There(tmp_path / "there", cluster.database())


def live(world):
    """Lead an archive through what happens in a life."""
    world.feeds = (ALL, SOME, CHANGES, PICKED)
    for run in range(2):
        world.add(*(article(number + 4 * run, "法国总统 text") for number in range(7)))
        world.build()
        world.add(article(100 + run, link=None, guid=f"g{run}"), edited(run, 5 + run), source="other")
    world.build()
    world.size = 4
    world.add(*(edited(number, 50) for number in range(4)))
    world.build()


def commands(world, program):
    """Say what commands tell of an archive."""
    target = program.folder / "copy.tar"
    link = "https://example.org/1"
    asked = [["search", "法国", "--json"], ["log", link], ["diff", link], ["reindex"], ["build"], ["verify"]]
    told = [program(*arguments) for arguments in asked]
    assert program("export", str(target)).status == 0
    return told, target.read_bytes()


def test_the_same(tmp_path, there):
    """Import, edit, build, reindex, verify, search, log, diff and export come to the same bytes with either index."""
    here = World(tmp_path / "here")
    for world in (here, there):
        live(world)
    assert there.documents() == here.documents()
    programs = []
    for world in (here, there):
        archive = world.folder / "archive"
        shutil.move(archive, tmp_path / "moved")
        program = Program(world.folder / "program")
        shutil.move(tmp_path / "moved", program.archive)
        index = "sqlite:archive/index.db" if world is here else there.address
        config = f'[archive]\nindex = "{index}"\n[publish]\nbase_url = "{BASE}"\npage_size = 3\n{CONFIG}'
        (program.folder / "config.toml").write_text(config)
        programs.append(program)
    (mine, copy), (theirs, other) = (commands(world, one) for world, one in zip((here, there), programs, strict=True))
    for one, another in zip(mine, theirs, strict=True):
        assert another == one
    assert [one.status for one in mine] == [0] * len(mine)
    assert objects(programs[0]) == objects(programs[1])
    assert members(copy) == members(other)
    assert programs[0].documents() == programs[1].documents()


def objects(program):
    kinds = ("raw", "articles", "captures", "images", "image-captures")
    return {path.relative_to(program.archive) for kind in kinds for path in program.archive.glob(f"{kind}/*/*")}


def members(copy):
    """Tell what is in a copy, but for the file that names the archive."""
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(copy)) as tar:
        return [(info.name, info.size) for info in tar if info.name != "format.json"]


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.lists(told, min_size=1, max_size=5), min_size=1, max_size=3))
def test_reindex_equals_what_grew(tmp_path_factory, cluster, database, runs):
    """Whatever came in which order, an index made anew says what the one said that grew run by run."""
    folder = tmp_path_factory.mktemp("archive")
    with Archive.create(folder / "archive", IndexAddress(database, folder), now=START) as archive:
        for day, run in enumerate(runs):
            with archive.writing(START + timedelta(days=day)) as writer:
                for number, (one, source) in enumerate(run):
                    raw = f"{day} {number}".encode()
                    writer.add(Received(article=one, raw=raw, source=source, url=None))
        grown = kept(archive, folder / "grown")
        archive.reindex()
        assert kept(archive, folder / "anew") == grown


@pytest.fixture(scope="module")
def database(cluster):
    """Have one database for several archives."""
    return cluster.database()


def kept(archive, folder):
    """Read what the index says."""
    import sqlite3

    folder.mkdir()
    with closing(sqlite3.connect(archive._file.file(folder))) as db:
        return contents(db)


def test_odd_texts(there):
    """What PostgreSQL refuses or cannot hold in an index does no harm: NUL characters, long links, long titles."""
    odd = [
        Article(title="A", guid="a\0b", content="<p>one</p>"),
        Article(title="B", guid="a\uffffb", content="<p>one</p>"),
        Article(title="C", guid="a\uffff0b", content="<p>one</p>"),
        Article(title="D" * 4000, link=f"https://example.org/{'long' * 1000}", content="<p>one</p>"),
        Article(title="E", link=f"https://example.org/{'long' * 1000}er", content="<p>" + "很长" * 9000 + "</p>"),
    ]
    there.add(*odd)
    there.add(*(one for one in odd))
    with there.archive() as archive:
        assert archive.index.counts() == {"entries": 5, "captures": 5, "versions": 5}
        assert [checked for checked in archive.verify() if checked.fault] == []
        with archive.searching() as search:
            assert len(search.find("one")) == 4
            assert len(search.titled("D" * 4000)) == 1
            assert [hit.title.text for hit in search.find("长很")] == ["E"]
            assert search.find("很很") == []
    there.build()
    assert len(there.titles()) == 5


def test_made_anew(there, cluster):
    """An index that is gone, of another schema, or of an earlier state of the database is made anew without a word."""
    there.add(*map(article, range(5)))
    there.build()
    before = there.documents()
    database = there.address.partition("/feeds")[2].partition("?")[0]
    said = "feedarchiver.indexes"
    for harm in (
        f"UPDATE {said} SET version = version - 1",
        f"UPDATE {said} SET seal = 'other'",
        f"DELETE FROM {said}",
        "DROP SCHEMA feedarchiver CASCADE",
    ):
        cluster.run(f"feeds{database}", harm)
        assert there.build().faults == []
        assert there.documents() == before
    spaces = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'feedarchiver\\_%'"
    assert cluster.run(f"feeds{database}", spaces)[0][0] <= 3  # what nobody knows of any more stays


def test_reindex_needs_nothing_of_the_old_index(there, cluster):
    """`reindex` mends an index of which a table is gone, though it takes over what the last verification found."""
    there.add(*map(article, range(3)))
    database = f"feeds{there.address.partition('/feeds')[2].partition('?')[0]}"
    [[space]] = cluster.run(database, "SELECT space FROM feedarchiver.indexes WHERE is_current")
    cluster.run(database, f"DROP TABLE {space}.notes")
    with there.archive() as archive:
        assert archive.reindex()["entries"] == 3


def test_an_index_of_a_newer_version(there, cluster):
    """It is left to those who made it, until somebody asks for one of this version."""
    there.add(article(1))
    database = f"feeds{there.address.partition('/feeds')[2].partition('?')[0]}"
    cluster.run(database, "UPDATE feedarchiver.indexes SET version = version + 1")
    program = Program(there.folder / "program")
    shutil.move(there.folder / "archive", program.archive)
    (program.folder / "config.toml").write_text(f'[archive]\nindex = "{there.address}"\n{CONFIG}')
    for command in ("run", "build", "verify", "status", "sources"):
        ran = program(command)
        assert (ran.status, ran.err.count("\n")) == (1, 1)
        assert "was made by a newer feedarchiver; update this one, or, to go back to it on all machines" in ran.err
    assert "was made by a newer feedarchiver" in program("doctor").out
    assert program("reindex").status == 0
    assert program("run").status == 0


def test_two_archives_in_a_database(tmp_path, there):
    """Archives can share a database; a copy of one, too, though its index is made anew at every turn."""
    there.add(*map(article, range(3)))
    other = There(tmp_path / "other", there.address)
    other.add(article(7))
    copy = There(tmp_path / "copy", there.address)
    shutil.copytree(there.folder, copy.folder, dirs_exist_ok=True)
    copy.runs = 5
    copy.add(article(8))
    there.runs = 6
    there.add(article(9))
    for world, numbers in ((there, [0, 1, 2, 9]), (other, [7]), (copy, [0, 1, 2, 8])):
        world.build()
        assert sorted(world.titles()) == [f"T{number}" for number in numbers]


def test_who_reads_goes_on_reading(there):
    """An index that is made anew is not taken from under those who read the old one."""
    there.add(*map(article, range(3)))
    with there.archive() as reader, there.archive() as other:
        assert reader.index.counts()["entries"] == 3
        other.reindex()
        there.add(article(4))
        assert reader.index.counts()["entries"] == 3
        assert other.index.counts()["entries"] == 4


def test_one_writer_at_a_time(tmp_path, there):
    """A second writer, wherever it is, waits, and then names the first."""
    there.add(article(1))
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(there.folder / "archive", elsewhere)
    with there.archive() as archive, archive.writing(datetime.now(UTC)):
        second = Archive.open(elsewhere, there.index, wait_s=0.05)
        with pytest.raises(ArchiveInUse, match="in use by feedarchiver, process"), second.writing(datetime.now(UTC)):
            pass
    with second, second.writing(datetime.now(UTC)):
        pass


READ = "SELECT sum(seq_tup_read), sum(idx_scan) FROM pg_stat_user_tables"


def test_each_row_is_looked_up_by_an_index(tmp_path, cluster):
    """What an article costs does not grow with those that the same run has added: no table is read through for each."""
    address, count = cluster.database(), 200
    program = Program(tmp_path / "home", f'[archive]\nindex = "{address}"\n{CONFIG}')
    for number in range(count):
        program.write(f"{number}.txt", title=f"T{number}", link=f"https://example.org/{number}")
    assert program("import").status == 0
    database = address.partition("@/")[2].partition("?")[0]
    within(10, lambda: cluster.run(database, READ)[0][1] > count)  # told when the connection has ended
    assert cluster.run(database, READ)[0][0] < count


def lose(there, cluster):
    """Add articles, and stop the server on the way."""
    with there.archive() as archive, archive.writing(START + timedelta(days=9)) as writer:
        for number in range(20):
            one = article(number)
            writer.add(Received(article=one, raw=repr(one).encode(), source="s", url=None))
            if number == 10:
                writer.commit()
            if number == 15:
                cluster.stop()
                cluster.start()


def test_connection_lost_in_a_batch(there, cluster):
    """When the server goes in the middle of a batch, what was handed over is there after the next run, once."""
    import psycopg

    there.add(article(1))
    with pytest.raises(psycopg.OperationalError):
        lose(there, cluster)
    there.runs = 10
    there.add(*map(article, range(20)))
    there.build()
    assert sorted(there.titles(), key=lambda title: int(title[1:])) == [f"T{number}" for number in range(20)]
    with there.archive() as archive:
        assert [checked for checked in archive.verify() if checked.fault] == []
        assert archive.index.counts()["captures"] == 20


def test_what_goes_wrong_is_one_line(tmp_path, cluster):
    """A server that is away, a wrong password, a database that is not there: one line, exit status 1, no password."""
    cluster.run("postgres", "ALTER ROLE feed PASSWORD 'right'")
    program = Program(tmp_path / "home")
    program.write("a.txt")
    for address, why in (
        (f"postgresql://feed:wr0ngw0rd@127.0.0.1:{cluster.port}/postgres", "password authentication failed"),
        (f"postgresql://feed:wr0ngw0rd@/postgres?host={tmp_path}", "No such file or directory"),
        (f"postgresql://feed:right@127.0.0.1:{cluster.port}/nothing", 'database "nothing" does not exist'),
        ("postgresql://feed:wr0ngw0rd@/postgres?pasword=wr0ngw0rd", "invalid URI query parameter"),
    ):
        (program.folder / "config.toml").write_text(f'[archive]\nindex = "{address}"\n{CONFIG}')
        ran = program("run")
        assert (ran.status, ran.out) == (1, "")
        (line,) = ran.err.splitlines()
        assert line.startswith("feedarchiver: cannot use the index postgresql://")
        assert why in line
        assert line.endswith("; no article is lost; try again when it answers")
        assert "wr0ngw0rd" not in line
        assert "right" not in line
    (program.folder / "config.toml").write_text(f'[archive]\nindex = "{cluster.database()}"\n{CONFIG}')
    assert program("run").out.startswith("1 article, 1 new")


def test_texts_that_postgresql_refuses(there):
    """Any text comes back as it was put, however often: NUL, and what stands for it."""
    odd = "a\0\uffff0\uffff\uffffb"
    there.add(article(0))
    with there.archive() as archive:
        for _ in range(3):
            with archive.writing(START) as writer:
                writer.note("odd", odd, archive.index.notes.read("odd", odd) or odd)
        assert dict(archive.index.notes.all("odd")) == archive.index.notes.several("odd", [odd]) == {odd: odd}


def test_a_machine_that_is_gone(tmp_path, cluster):
    """The server asks after a silent client, and ends its connection: its locks go within about a minute."""
    cluster.run("postgres", "ALTER ROLE feed PASSWORD 'right'")
    address = IndexAddress(f"postgresql://feed:right@127.0.0.1:{cluster.port}/postgres", tmp_path)
    settings = ("keepalives_idle", "keepalives_interval", "keepalives_count", "user_timeout")
    with closing(Session.open(address)) as session:
        told = [session.execute(f"SELECT current_setting('tcp_{name}')").fetchone()[0] for name in settings]
    assert told == ["30", "10", "3", "60000"]


def test_tables_that_are_not_ours(there, cluster):
    """An index whose tables are not what they were is named once, and made anew by the next command."""
    there.add(article(1))
    database = f"feeds{there.address.partition('/feeds')[2].partition('?')[0]}"
    (space,) = cluster.run(database, "SELECT space FROM feedarchiver.indexes")[0]
    cluster.run(database, f"DROP TABLE {space}.captures")
    program = Program(there.folder / "program")
    shutil.move(there.folder / "archive", program.archive)
    (program.folder / "config.toml").write_text(f'[archive]\nindex = "{there.address}"\n{CONFIG}')
    ran = program("build")
    assert ran.status == 1
    assert ran.err.count("\n") == 1
    assert "the index cannot be used" in ran.err
    assert program("build").status == 0
    assert program("verify").status == 0


def test_a_space_of_another_name(there, cluster):
    """What whoever shares the database writes in place of a space's name is no command, and harms nothing."""
    there.add(article(1))
    database = f"feeds{there.address.partition('/feeds')[2].partition('?')[0]}"
    cluster.run(database, "CREATE TABLE public.precious (one TEXT)")
    evil = "public; DROP TABLE public.precious; SET search_path TO public"
    cluster.run(database, f"UPDATE feedarchiver.indexes SET space = '{evil}'")
    there.add(article(2))
    assert cluster.run(database, "SELECT count(*) FROM public.precious") == [(0,)]


def test_two_machines(tmp_path, cluster):
    """Machines that share a bucket and a database take turns in writing to one archive, and each sees it all."""
    obstore = pytest.importorskip("obstore.store")
    from feedarchiver.archive.layout import lay_out
    from feedarchiver.archive.remotebucket import RemoteBucket
    from feedarchiver.s3.address import Address
    from feedarchiver.s3.remote import Remote

    memory, url = obstore.MemoryStore(), cluster.database()

    def machine(name):
        bucket = RemoteBucket(Remote(memory, "memory"), tmp_path / name)
        return Archive(
            Address("bucket", ""), bucket, lay_out(bucket, "memory", START), IndexAddress(url, tmp_path / name)
        )

    marks = set()
    for turn in range(4):
        with machine("ab"[turn % 2]) as archive:
            with archive.writing(START + timedelta(days=turn)) as writer:
                for number in (turn, turn + 1):
                    one = article(number, f"said {turn}")
                    writer.add(Received(article=one, raw=repr(one).encode(), source="s", url=None))
            assert archive.index.counts()["entries"] == turn + 2
            marks.add(archive.index.mark()[0])
    assert len(marks) == 1, "the index is not made anew at every turn"
    with machine("c") as archive:
        assert archive.index.counts() == {"entries": 5, "captures": 8, "versions": 8}
        assert [checked for checked in archive.verify() if checked.fault] == []
