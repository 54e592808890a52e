"""Workers that prepare articles for a build: it comes to the same bytes, whoever prepared what, or nobody."""

import json
import zlib
from contextlib import ExitStack
from functools import partial

import pytest
from farm import Farm
from living import living, within
from program import CONFIG, SOAK

from feedarchiver import building
from feedarchiver.commands.console import Console
from feedarchiver.commands.preparing import LEAST, prepared
from feedarchiver.config import feeds_for

COUNT, AT_ONCE = 24, 2
WATCHED = """
DROP TABLE IF EXISTS carried;
CREATE TABLE carried (run BIGINT);
CREATE OR REPLACE FUNCTION carry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.carried VALUES (NEW.run); {} RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER carrying BEFORE UPDATE ON feedarchiver_jobs.feedarchiver_parts
FOR EACH ROW EXECUTE FUNCTION carry();
"""


class Quiet(Console):
    """Tells nobody, but remembers what was wrong."""

    def __init__(self, folder, step):
        super().__init__(folder / "config.toml", -1, json=False)
        self.step, self.wrong = step, []

    def warn(self, line, **fields):
        self.wrong.append(line)


class Leader(Farm):
    """A program whose seeds are archived, and who builds them anew, with workers or without."""

    def __init__(self, folder, cluster, count=COUNT):
        super().__init__(folder, cluster.database(), CONFIG)
        self.cluster, self.database = cluster, self.address.partition("@/")[2].partition("?")[0]
        for n in range(count):
            body = f"<p>正文 {n}. {'Some words more. ' * 20}</p><img src='https://example.org/{n}.png'>"
            self.write(f"{n}.txt", title=f"Title {n}", link=f"https://example.org/{n}", body=body)
        assert self("import").status == 0

    def watch(self, then=""):
        """Count what workers say, and have PostgreSQL do something to it."""
        self.run(WATCHED.format(then))

    def run(self, statement):
        return self.cluster.run(self.database, statement)

    @property
    def carried(self):
        """Count the partitions that workers have said something of."""
        return self.run("SELECT count(*) FROM carried")[0][0]

    def build(self, step=lambda: None):
        """Build everything anew, with the workers that are there. Returns what it came to, and the bytes."""
        config, console = self.config, Quiet(self.folder, step)
        with self.archive_(None) as archive:
            prepare = partial(prepared, console, archive, config.engine, least=COUNT, at_once=AT_ONCE)
            target = building.Target(folder=self.feeds, base_url=config.base_url, title=config.title, size=5)
            feeds = feeds_for(config, archive.index.sources())
            done = building.build(archive, feeds, target, advance=lambda _: None, full=True, prepare=prepare)
        assert done.faults == []
        self.wrong = console.wrong
        return done, self.documents()

    def build_with_workers(self, then=""):
        """Do so until a worker has done a part, which may have been too slow for it. `then`: as for `watch`."""
        self.watch(then)
        for _ in range(20):
            done, documents = self.build()
            if self.carried:
                return done, documents
        raise AssertionError("no worker has done anything")


@pytest.fixture
def leader(tmp_path, cluster):
    return Leader(tmp_path / "farm", cluster)


def ready(stack, leader, count):
    """Start workers."""
    started = [stack.enter_context(living(leader, "worker")) for _ in range(count)]
    for one in started:
        one.wait_for("has begun")
    with leader.archive_(None) as archive, leader.queue(archive) as queue:
        within(20, lambda: queue.hands().alive == count)
    return started


def test_prepared_by_workers(leader):
    """What two workers have prepared comes to the same bytes, and when one is killed half-way; nothing is left behind.

    Without workers the build does without.
    """
    done, alone = leader.build()
    assert done.prepared == 0
    with ExitStack() as stack:
        workers = ready(stack, leader, 2)
        done, together = leader.build_with_workers()
        assert together == alone
        assert done.prepared == COUNT
        done, together = leader.build(step=workers[0].process.kill)
        assert workers[1].end() == 0
    assert together == alone
    assert done.prepared == COUNT
    assert leader.wrong == []
    assert leader.run("SELECT * FROM feedarchiver_jobs.feedarchiver_parts") == []


FOREIGN = zlib.compress(json.dumps([["0" * 64, ["text", None, [], "<p>text</p>"], "", "|" * 9]] * 2).encode()).hex()
CHANGES = {
    "damaged": "NEW.said := set_byte(NEW.said, 20, 7);",
    "made of something else": f"NEW.said := decode('{FOREIGN}', 'hex');",
    "refused": "NEW.said := NULL; NEW.fault := 'of another version';",
}


def test_what_is_not_as_it_should_be(leader):
    """What is damaged in the database, or was made of something else, is not used; and the jobs may go half-way."""
    _, alone = leader.build()
    with ExitStack() as stack:
        ready(stack, leader, 1)
        for what, change in CHANGES.items():
            done, together = leader.build_with_workers(change)
            assert together == alone, what
            assert leader.wrong == (["of another version; it was done here"] if what == "refused" else []), what
            assert done.prepared < COUNT or what != "made of something else", what
        gone = iter(["DROP SCHEMA feedarchiver_jobs CASCADE"])
        _, together = leader.build(step=lambda: [leader.run(statement) for statement in gone])
    assert together == alone
    assert len(leader.wrong) == 1
    assert "no worker can be reached any more" in leader.wrong[0]


@pytest.mark.skipif(not SOAK, reason="takes long; set FEEDARCHIVER_SOAK=1")
def test_by_command(tmp_path, cluster):
    """`build` has many articles prepared without being told to, and tells so; when few are new, it does not."""
    leader = Leader(tmp_path / "farm", cluster, LEAST)
    assert leader.told("build")["prepared"] == 0
    alone = leader.documents()
    with ExitStack() as stack:
        ready(stack, leader, 1)
        ran = leader("build", "--full")
        assert "spread over 1 worker" in ran.out
        assert f"{LEAST} articles prepared beforehand" in ran.out
        assert leader.documents() == alone
        leader.write("new.txt", title="New", link="https://example.org/new")
        leader("import")
        assert leader.told("build")["prepared"] == 0
