"""The verifier itself, held against archives with one prepared fault each."""

import json
import random
import shutil
import sqlite3

import pytest
from program import SOAK, Program, seed_bytes
from test_building import World, article, edited
from test_postgres import There

from feedarchiver.archive.survey import alone

NOT_OBJECTS = {"format.json", "index.db", "index.db.seal", "lock", "tmp"}


@pytest.fixture
def program(tmp_path):
    """Make an archive of three articles, one of them with two versions."""
    program = Program(tmp_path / "home")
    for number in (1, 2, 3):
        program.write(f"{number}.txt", title=f"Title {number}", link=f"https://example.org/{number}")
    program("import")
    (program.seeds / "3.txt").write_bytes(seed_bytes("Title 3b", "https://example.org/3", 1800000000000))
    program("import")
    return program


def objects(program, kind, word=b""):
    return [path for path in sorted((program.archive / kind).rglob("*/*")) if word in path.read_bytes()]


def name(path):
    return path.parent.name + path.name


def overwrite(path, data):
    path.chmod(0o644)
    path.write_bytes(data)


def test_sound(program):
    """An archive in order has no faults, however closely it is looked at."""
    assert program("verify") == (0, "12 objects, 4 articles, 0 faults\n", "")
    assert program("verify", "--quick") == (0, "12 objects, 4 articles, 0 faults\n", "")


def about(program):
    """Tell by name which title and link each object is about."""
    told = {}
    for path in objects(program, "captures"):
        capture = json.loads(path.read_bytes())
        article = json.loads((program.archive / "articles" / filed(capture["article"])).read_bytes())
        for object_id in (name(path), capture["raw"], capture["article"]):
            told[object_id] = article["title"], article["link"]
    return told


def filed(object_id):
    return f"{object_id[:2]}/{object_id[2:]}"


def test_flipped_bits(program):
    """A single flipped bit in any object is found and named with title and link; no other article is affected."""
    chance = random.Random(1024)
    told, paths = about(program), objects(program, "raw") + objects(program, "articles") + objects(program, "captures")
    assert {name(path) for path in paths} == told.keys()
    for _ in range(1000 if SOAK else 12):
        path = chance.choice(paths)
        sound, bit = path.read_bytes(), chance.randrange(8 * path.stat().st_size)
        broken = bytearray(sound)
        broken[bit // 8] ^= 1 << bit % 8
        overwrite(path, bytes(broken))
        ran = program("verify")
        assert ran.status == 1
        (line,) = ran.err.splitlines()  # nothing else has suffered
        title, link = told[name(path)]
        assert name(path) in line
        is_article = path.is_relative_to(program.archive / "articles")  # the flip may be in the title or link itself
        assert (title in line or link in line) if is_article else (title in line and link in line)
        overwrite(path, sound)
    assert program("verify").status == 0


@pytest.mark.parametrize("kind", ["raw", "articles", "captures"])
def test_missing(program, kind):
    """An object that is gone is named with title and link, also by the quick look."""
    article = name(objects(program, "articles", b"Title 2")[0])
    path = objects(program, kind, b"Title 2" if kind != "captures" else article.encode())[0]
    path.unlink()
    for arguments in (["verify"], ["verify", "--quick"]):
        ran = program(*arguments)
        assert ran.status == 1
        assert len(ran.err.splitlines()) == 1, ran.err
        assert name(path) in ran.err
        assert "missing" in ran.err
        assert "https://example.org/2" in ran.err


@pytest.mark.parametrize("kind", ["raw", "articles", "captures"])
def test_cut_short(program, kind):
    """An object that lost its end is found by both looks, and is all that is wrong."""
    path = objects(program, kind)[0]
    overwrite(path, path.read_bytes()[:-1])
    for arguments in (["verify"], ["verify", "--quick"]):
        ran = program(*arguments)
        assert ran.status == 1
        (line,) = ran.err.splitlines()
        assert name(path) in line


@pytest.mark.parametrize("kind", ["raw", "articles"])
def test_cut_short_and_missing(program, kind):
    """A capture that is gone is named also where what it was about is damaged."""
    article = name(objects(program, "articles", b"Title 2")[0])
    damaged, gone = objects(program, kind, b"Title 2")[0], objects(program, "captures", article.encode())[0]
    overwrite(damaged, damaged.read_bytes()[:-1])
    gone.unlink()
    one, other = program("verify").err.splitlines()
    assert f"{name(damaged)} is damaged" in one
    assert f"{name(gone)} is missing" in other


def test_foreign_file(program):
    """A file that is no object is named, and left alone."""
    path = objects(program, "raw")[0].with_name("notes.txt")
    path.write_text("mine")
    ran = program("verify")
    assert ran.status == 1
    assert "notes.txt is no object" in ran.err
    assert path.read_text() == "mine"


def test_sound_json_of_another_kind(program):
    """Bytes that match their name and are no article are named as such."""
    from feedarchiver.archive.objects import object_id

    data = b'{"version":1,"authors":3}'
    path = program.archive / "articles" / object_id(data)[:2] / object_id(data)[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    ran = program("verify")
    assert ran.status == 1
    assert "is not readable" in ran.err


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET updated = updated + 1 WHERE rowid_ = 1",
        "DELETE FROM events",
        "UPDATE entries SET id = 'https://example.org/other' WHERE entry = 1",
        "DELETE FROM aliases",
        "DELETE FROM captures WHERE source = 'seeds'",
        "UPDATE captures SET fingerprint = 'x'",
    ],
)
def test_wrong_index(program, change):
    """An index that says something else than the objects is named, with what mends it; reindex does."""
    path = program.archive / "index.db"
    with sqlite3.connect(path) as db:
        db.execute(change.replace("WHERE rowid_ = 1", "WHERE entry = 1"))
    db.close()
    state = path.stat()
    path.with_name("index.db.seal").write_text(f"{state.st_size} {state.st_mtime_ns}\n")
    ran = program("verify")
    assert ran.status == 1
    assert "`feedarchiver reindex` mends it" in ran.err
    assert program("reindex").status == 0
    assert program("verify").status == 0


class Disturbed:
    """Who reads the objects, while others do something before the captures are listed, and after it."""

    def __init__(self, bucket, before=lambda: None, after=lambda: None):
        self._survey, self._before, self._after = alone(bucket), before, after

    def __call__(self, survey, kinds):
        is_it = survey.name == "reindex" and kinds == ["captures"]
        if is_it:
            self._before()
        yield from self._survey(survey, kinds)
        if is_it:
            self._after()


@pytest.fixture(params=["file", "postgres"])
def world(request, tmp_path):
    """Make an archive, its index in a file or in PostgreSQL."""
    if request.param == "postgres":
        world = There(tmp_path / "world", request.getfixturevalue("cluster").database())
    else:
        world = World(tmp_path / "world")
    world.add(*map(article, range(5)))
    return world


def faults(world, **moments):
    with world.archive() as archive:
        surveyor = Disturbed(archive.bucket, **moments)
        return [str(checked) for checked in archive.verify(surveyor=surveyor) if checked.fault]


def test_what_comes_meanwhile(world):
    """What is archived while a verification runs is no fault, before its captures are listed or after that."""
    news = iter(range(10, 20))

    def come():
        world.add(edited(1, 9 + world.runs), article(next(news)))

    assert faults(world, before=come, after=come) == []
    assert faults(world) == []


def test_what_is_being_stored_meanwhile(world, tmp_path):
    """A capture that has its name, and is listed as one that the index is about to know, is no fault; others are."""
    other, root = World(tmp_path / "other"), world.folder / "archive"
    other.runs = 7
    other.add(article(1, "said anew"))

    def store():
        shutil.copytree(
            other.folder / "archive", root, ignore=lambda _, names: NOT_OBJECTS & {*names}, dirs_exist_ok=True
        )
        [capture] = (other.folder / "archive" / "captures").glob("*/*")
        (root / "pending").write_text(f"{name(capture)}\n")

    assert faults(world, before=store) == []
    (root / "pending").unlink()
    assert [fault for fault in faults(world) if "is not in the index" in fault]


def test_reindex_says_what_it_found(program):
    """`reindex` counts what it derived."""
    assert program("reindex").out == "3 articles in 4 versions, from 4 captures\n"


def test_json(program):
    """Faults and figures are there for scripts."""
    objects(program, "raw")[0].unlink()
    told = program.told("verify")
    assert told == {"event": "verified", "objects": 11, "articles": 4, "faults": 1}
    assert program("verify").out == "11 objects, 4 articles, 1 fault\n"
