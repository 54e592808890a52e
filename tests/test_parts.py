"""Work in partitions: what workers do of it comes to what one machine does alone, whoever is killed."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import zlib
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import reduce
from itertools import islice, repeat

import pytest
from crash import rows
from farm import Farm
from living import living, within
from many import fill
from program import CONFIG, PROJECT

from feedarchiver import __version__
from feedarchiver.archive import objects
from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.reindex import rebuild
from feedarchiver.archive.schema import SCHEMA
from feedarchiver.archive.survey import Helped
from feedarchiver.archive.verify import Verifier
from feedarchiver.errors import ArchiveError
from feedarchiver.working import works
from feedarchiver.working.board import Board
from feedarchiver.working.parts import Parts, helped
from feedarchiver.working.works import Part

SOAK = os.environ.get("FEEDARCHIVER_SOAK")
NOW = datetime.now(UTC).replace(microsecond=0)
OTHERS = "datname = current_database() AND pid <> pg_backend_pid()"
GONE = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}"
ASKING = """
import sys, time
from contextlib import closing
from pathlib import Path
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.database import IndexAddress
from feedarchiver.working.board import Board
from feedarchiver.working.queue import Queue
from feedarchiver.working.works import Part

at = IndexAddress(sys.argv[1], Path("."))
with Archive.open(Path(sys.argv[2]), at) as archive:
    board = Board(Queue(at, archive.format), print)
    board.put([(n, Part("reindex", f"captures {n}", archive.sight())) for n in range(3)])
    print("put up", flush=True)
    time.sleep(60)
"""
SIZE = 50  # so that captures, articles and raw bytes are sixteen partitions each


class Hands:
    """Who does partitions here, one at a time. `first` is called before the first of a kind."""

    def __init__(self, archive, first):
        self._archive, self._first = archive, first
        self.parts: list[Part] = []

    def do(self, part):
        """Do one."""
        self.parts.append(part)
        if part.argument.endswith(" 0"):
            self._first()
        return works.do(self._archive.place, self._archive.index_at, part)

    def close(self):
        """Nothing is left to end."""


class Setting:
    """An archive with many objects, and its jobs."""

    def __init__(self, farm, archive, queue) -> None:
        self.farm, self.archive, self.queue = farm, archive, queue
        self.said: list[str] = []

    @contextmanager
    def helped(self, first=lambda: None):
        """Have who makes surveys with the help of workers, and whoever does what they leave."""
        hands = Hands(self.archive, first)
        with closing(Board(self.queue, lambda error: self.said.append(type(error).__name__))) as board:
            parts = Parts(board, hands, 1, self.archive.sight(), self.said.append)
            yield Helped(self.archive.bucket, lambda: parts.each, self.said.append, SIZE), hands.parts

    def left(self):
        """Count the partitions and jobs in the database."""
        tables = ("feedarchiver_parts", "procrastinate_jobs")
        return [self.queue.session.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]

    def is_idle(self):
        """Tell whether there is nothing to do, and nobody does anything."""
        return self.queue.seen()[:2] == (0, 0)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Make many objects."""
    root = tmp_path_factory.mktemp("many")
    fill(root)
    return root


@pytest.fixture(scope="module")
def alone(root, tmp_path_factory):
    """Have the rows of the index that one machine makes of them."""
    path = tmp_path_factory.mktemp("alone") / "index.db"
    rebuild(FolderBucket(root), path).close()
    return rows(path)


@pytest.fixture
def setting(tmp_path, cluster, root):
    """Have an archive with them."""
    farm = Farm(tmp_path / "farm", cluster.database(), CONFIG)
    with farm.archive_(NOW) as archive, farm.queue(archive) as queue:
        shutil.copytree(root, farm.archive, dirs_exist_ok=True)
        yield Setting(farm, archive, queue)


def test_what_workers_read(tmp_path, setting, alone):
    """Two workers read nearly everything: the index has the same rows, the same faults are named in the same order.

    The command says over how many workers it is spread.
    """
    lines = [*map(str, Verifier(setting.archive.bucket, None).objects())]
    with living(setting.farm, "worker") as one, living(setting.farm, "worker") as other:
        within(30, lambda: setting.queue.hands().alive == 2)
        with setting.helped(lambda: within(30, setting.is_idle)) as (surveyor, mine):
            rebuild(setting.archive.bucket, tmp_path / "helped.db", surveyor).close()
            assert [part.argument for part in mine] == ["captures 0"]
        with setting.helped(lambda: within(30, setting.is_idle)) as (surveyor, mine):
            assert [*map(str, Verifier(setting.archive.bucket, None, surveyor).objects())] == lines
            assert [part.argument for part in mine] == ["raw 0", "articles 0", "captures 0"]
        bucket = FolderBucket(setting.farm.archive)
        for name, data in eights(1_300):
            bucket.put("raw", name, data)
        bucket.flush()
        found = setting.farm("verify")
        assert (one.end(), other.end()) == (0, 0)
    assert found.out.startswith("spread over 2 workers\n")
    assert setting.farm("verify") == found._replace(out=found.out.partition("\n")[2])
    assert rows(tmp_path / "helped.db") == alone
    assert sum(not line.endswith("is in order") for line in lines) >= 10
    assert setting.said == []
    assert setting.left() == [0, 0]


def test_a_worker_is_killed(tmp_path, setting, alone):
    """What a worker had begun that was killed is done by who asks; what it had done is not done again."""
    held = max((setting.farm.archive / "captures").glob("f*/*"))
    with living(setting.farm, "worker") as worker, ExitStack() as stack:

        def kill():
            within(30, lambda: setting.queue.seen()[:2] == (0, 1))
            worker.process.kill()
            worker.process.wait()
            lease.close()

        within(30, lambda: setting.queue.hands().alive == 1)
        stack.callback(signal.signal, signal.SIGIO, signal.signal(signal.SIGIO, signal.SIG_IGN))
        lease = stack.enter_context(held.open("rb"))
        fcntl.fcntl(lease, fcntl.F_SETLEASE, fcntl.F_WRLCK)  # whoever opens that has to wait
        with setting.helped(kill) as (surveyor, mine):
            rebuild(setting.archive.bucket, tmp_path / "helped.db", surveyor).close()
            assert [part.argument for part in mine] == ["captures 0", "captures f"]
    assert rows(tmp_path / "helped.db") == alone
    assert setting.left() == [0, 1]
    setting.queue.session.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '100 s'")
    assert setting.queue.rescue() == 1
    assert setting.left() == [0, 0]


def test_who_asked_is_killed(tmp_path, setting, alone):
    """What somebody has left who was killed is cleared by the next one, or by the tick, and gets into nothing else."""
    asking = [sys.executable, "-c", ASKING, setting.farm.address, setting.farm.archive]
    for clears in (setting.queue.rescue, None):
        with subprocess.Popen(
            asking, env=os.environ | {"PYTHONPATH": str(PROJECT)}, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "put up\n"
            assert setting.left() == [3, 3]
            setting.queue.rescue()
            assert setting.left() == [3, 3], "he is still there"
            process.kill()
        within(
            30,
            lambda: not setting.queue.session.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").fetchone(),
        )
        if clears:
            clears()
            assert setting.left() == [0, 0]
    with setting.helped() as (surveyor, mine):
        rebuild(setting.archive.bucket, tmp_path / "helped.db", surveyor).close()
        assert len(mine) == 16
    assert rows(tmp_path / "helped.db") == alone
    assert setting.left() == [0, 0]


@pytest.mark.parametrize("ends", ["DROP SCHEMA feedarchiver_jobs CASCADE", GONE])
def test_the_jobs_go_away(tmp_path, setting, alone, cluster, ends):
    """When the tables of the jobs go away half-way, or the connection to them, all that is left is done here."""
    database = setting.farm.address.partition("@/")[2].partition("?")[0]
    with setting.helped(lambda: cluster.run(database, ends)) as (surveyor, mine):
        rebuild(setting.archive.bucket, tmp_path / "helped.db", surveyor).close()
        assert len(mine) == 16
    assert rows(tmp_path / "helped.db") == alone
    assert len(setting.said) == 1


def test_what_lies_in_the_database_is_damaged(tmp_path, setting, alone):
    """A result that is not readable, or knows nothing of what is here, is of no use: it is read here."""

    def damage():
        query = "UPDATE feedarchiver_parts SET said = CASE WHEN number % 2 = 1 THEN ? ELSE ? END"
        setting.queue.session.execute(query, (b"damaged", works.packed({"f" * 64: []})))
        setting.queue.session.execute("DELETE FROM procrastinate_jobs")

    with setting.helped(damage) as (surveyor, mine):
        rebuild(setting.archive.bucket, tmp_path / "helped.db", surveyor).close()
        assert len(mine) == 1 + 8
    assert rows(tmp_path / "helped.db") == alone


def test_a_result_that_unpacks_to_absurdly_much(tmp_path, setting, alone):
    """What has been packed into little, and would fill the memory of who asks, is given up in time, and done here."""
    packing, blank = zlib.compressobj(wbits=-15), b" " * 1_000_000
    piece = packing.compress(blank) + packing.flush(zlib.Z_FULL_FLUSH)
    count = works.MOST_BYTES // len(blank) + 1
    proof = reduce(lambda proof, more: zlib.adler32(more, proof), (*repeat(blank, count), b"{}"), 1)
    packed = b"\x78\x9c" + piece * count + packing.compress(b"{}") + packing.flush() + proof.to_bytes(4, "big")

    def damage():
        query = "UPDATE feedarchiver_parts SET said = CASE WHEN number = 1 THEN ? ELSE said END"
        setting.queue.session.execute(query, (packed,))
        setting.queue.session.execute("DELETE FROM procrastinate_jobs WHERE lock LIKE '% 1'")

    with setting.helped(damage) as (surveyor, mine):
        rebuild(setting.archive.bucket, tmp_path / "helped.db", surveyor).close()
        assert [part.argument for part in mine].count("captures 1") == 1
    assert rows(tmp_path / "helped.db") == alone


def test_a_result_of_too_many_values():
    """What is short and would be a great many lists in memory is given up before it is read; what is ours is read."""
    most_bytes = 1_000_000
    packed = works.packed([[]] * 20_000)
    with pytest.raises(ValueError, match="too many values"):
        works.unpacked(packed, most_bytes)
    assert len(works.unpacked(packed)) == 20_000
    few = [["a, b"] * 1_000, {"c": [None]}]
    assert works.unpacked(works.packed(few), most_bytes) == few


def test_a_worker_with_a_copy_of_the_archive(tmp_path, setting, alone):
    """A worker that sees a copy of the archive, or none, fails at its partitions, and says so; they are done here."""
    copy = setting.farm.copy(tmp_path / "copy")
    (copy.folder / "config.toml").write_bytes((setting.farm.folder / "config.toml").read_bytes())
    shutil.rmtree(copy.archive / "captures")
    with living(copy, "worker") as worker:
        within(30, lambda: setting.queue.hands().alive == 1)
        with setting.helped(
            lambda: within(30, lambda: setting.queue.seen().failed or setting.queue.seen().under_way)
        ) as (surveyor, mine):
            rebuild(setting.archive.bucket, tmp_path / "helped.db", surveyor).close()
            assert len(mine) == 16
        worker.wait_for("part reindex captures .*: failed: .*; left to who asked for it$")
        assert worker.end() == 0
    setting.queue.rescue()
    assert setting.queue.seen().failed == 0, "they were done all the same"
    assert rows(tmp_path / "helped.db") == alone
    (said,) = setting.said
    assert "is not the archive there, but a copy of it; have both use the same one; it was done here" in said


LACKING = """
CREATE FUNCTION lack() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'no connection is left' USING ERRCODE = 'insufficient_resources';
END $$;
CREATE TRIGGER lacking BEFORE INSERT ON feedarchiver_jobs.feedarchiver_workers FOR EACH ROW EXECUTE FUNCTION lack()
"""


def test_who_is_there(setting):
    """A worker says that it has begun when it can be asked for help, and tries again when that cannot be noted.

    One of an earlier version, which does no partitions, is not asked; of those that are silent a command tells.
    """
    told = []

    def workers():
        with helped(setting.farm.config.engine, setting.archive, told.append) as help_:
            return help_ and help_.workers

    session = setting.queue.session
    old = session.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id").fetchone()[0]
    session.execute("INSERT INTO feedarchiver_workers VALUES (?, ?, 'old')", (old, setting.queue.name))
    assert len(setting.queue.seen().workers) == 1
    assert (workers(), told) == (None, [])
    session.script(LACKING)
    with living(setting.farm, "worker") as worker:
        worker.wait_for("waiting: .*no connection is left")
        assert not any("has begun" in line for line in worker.lines)
        session.execute("DROP TRIGGER lacking ON feedarchiver_workers")
        worker.wait_for("has begun")
        assert (workers(), told) == (1, [])
        worker.process.kill()
        worker.process.wait()
    session.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '100 s'")
    assert (workers(), told) == (None, ["all workers (1) have been silent for 90 seconds; all is done here"])


@pytest.mark.parametrize("version", [__version__, f"0.0.1 with index {SCHEMA}", f"{__version__} with index 12"])
def test_another_version(setting, version):
    """What is of another version, or of one whose index has other columns, is not done."""
    part = Part("reindex", "captures 0", setting.archive.sight())
    assert works.unpacked(works.do(setting.archive.place, setting.archive.index_at, part))
    with pytest.raises(ArchiveError, match="use the same one"):
        works.do(setting.archive.place, setting.archive.index_at, part._replace(version=version))


def test_a_worker_that_fails_in_many_ways(tmp_path, setting, alone):
    """However many partitions a worker cannot do, each for a reason of its own, who asks hears of it once."""

    def fail():
        query = (
            "UPDATE feedarchiver_parts SET fault = 'worker ' || number % 2 || ': process ' || number || ' was ended'"
        )
        setting.queue.session.execute(query)
        setting.queue.session.execute("DELETE FROM procrastinate_jobs")

    with setting.helped(fail) as (surveyor, mine):
        rebuild(setting.archive.bucket, tmp_path / "helped.db", surveyor).close()
        assert len(mine) == 16
    assert rows(tmp_path / "helped.db") == alone
    ends = [f"worker {number}: process {number} was ended; it was done here" for number in (1, 2)]
    assert setting.said == [ends[0], ends[1].replace("worker 2", "worker 0")]


def test_the_jobs_may_not_be_used(setting, cluster):
    """Who may not use the jobs, or not make the tables that are new, does everything alone, and says so."""
    told = []
    database = setting.farm.address.partition("@/")[2].partition("?")[0]
    setting.queue.session.execute("DROP TABLE feedarchiver_parts")
    cluster.run(database, "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA feedarchiver_jobs TO reader")
    engine = setting.farm.config.engine
    engine = engine._replace(url=engine.url.replace("feed@", "reader@"))
    with helped(engine, setting.archive, told.append) as help_:
        assert help_ is None
    (said,) = told
    assert said.startswith("no worker can be reached: permission denied for ")
    cluster.run(database, "DROP OWNED BY reader; DROP ROLE reader")


def eights(count):
    """Make objects whose names begin with an eight: by these it is estimated how many there are of all."""
    made = ((objects.object_id(b"%d" % number), b"%d" % number) for number in range(10**9))
    return islice(((name, data) for name, data in made if name.startswith("8")), count)


@pytest.mark.skipif(not SOAK, reason="a soak test")
@pytest.mark.parametrize("killed", ["nobody", "the command", "a worker", "PostgreSQL"])
def test_a_large_archive(tmp_path, cluster, killed):
    """Whoever is killed while a large archive is read: afterwards the index is right, and the same faults are named."""
    farm = Farm(tmp_path / "farm", cluster.database(), CONFIG)
    with farm.archive_(NOW) as archive, farm.queue(archive) as queue, ExitStack() as stack:
        fill(farm.archive, 24_000)
        made, found = farm("reindex"), farm("verify")
        assert "captures that could not be read" in made.err
        workers = [stack.enter_context(living(farm, "worker")) for _ in range(2)]
        within(60, lambda: queue.hands().alive == 2)
        with living(farm, "reindex") as command:
            done = "SELECT 1 FROM feedarchiver_parts WHERE said IS NOT NULL"
            within(60, lambda: queue.session.execute(done).fetchone())
            if killed == "PostgreSQL":
                cluster.stop()
                cluster.start()
                queue.close()
            elif killed != "nobody":
                (command if killed == "the command" else workers[0]).process.kill()
            status = command.process.wait(120)
        assert status == {"nobody": made.status, "the command": -9, "a worker": made.status, "PostgreSQL": 1}[killed]
        anew = farm("reindex")
        assert (anew.status, anew.err) == (made.status, made.err)
        again = farm("verify")
        assert again.err == found.err
        assert again.out.splitlines()[-1] == found.out.splitlines()[-1]
        within(60, lambda: queue.session.execute("SELECT count(*) FROM feedarchiver_parts").fetchone()[0] == 0)
