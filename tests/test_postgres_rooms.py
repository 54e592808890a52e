"""The rooms of the index that no feed shows answer alike in SQLite and in PostgreSQL."""

from datetime import UTC, datetime

import pytest
from images import png
from test_building import World, article, edited

from feedarchiver.archive.database import IndexAddress
from feedarchiver.archive.documents import Noted, Pieces
from feedarchiver.archive.history import Fact, microseconds
from feedarchiver.archive.known import Known
from feedarchiver.archive.wanted import START, Picture
from feedarchiver.model import ObjectId

NOW = microseconds(datetime(2024, 1, 9, tzinfo=UTC))
LONG = f"https://example.org/{'long' * 1000}"


def census(index):
    """Ask what there is."""
    counted = index.census
    return (
        index.counts(), counted.size(4096), counted.published(), counted.arrivals(9), counted.days("s", 9),
        counted.last_news("t"), counted.last_news("nobody"), [line._replace(entry=0) for line in counted.latest(3)],
        sorted(counted.guids("t")), counted.refused("s"), index.sources(), index.entries("s"), index.last_captured(),
        sorted(index.lengths()), index.about("article", "no"),
    )  # fmt: skip


def wanted(index):
    """Want pictures, have some, fail with others."""
    room = index.wanted
    index.begin()
    pictures = [
        Picture(address, source, address, None, due)
        for address, source, due in (("a", "s", 5), ("a", "t", 4), ("b", "s", None), (LONG, "s", 7), ("c", "t", NOW))
    ]
    room.add(pictures)
    room.add(pictures)
    room.add([Picture("https://example.org/0.png", "s", "u", "l", 9)])
    room.failed(pictures[1]._replace(failed=2, since=3, due=8, trouble="gone"))
    room.had("c")
    index.commit()
    told = [
        room.due(6, NOW, None, 9), room.due(NOW, NOW, None, 1), room.due(NOW, NOW, pictures[0]._replace(due=8), 9),
        room.due_counts(NOW, NOW), room.every(None, 2), room.every(pictures[0], 9), room.lacking("s"),
        room.lacking("t"), room.named("s", START, 2), room.named("s", (NOW, 0, ""), 2),
    ]  # fmt: skip
    index.begin()
    room.had(LONG)
    room.forget("t")
    index.commit()
    return [*told, room.every(None, 9), room.lacking("t")]


def images(index):
    """Use, show and settle images."""
    room = index.images
    which = room.copy("https://example.org/0.png").image
    entry = index.find(["https://example.org/1"])
    index.begin()
    room.use(entry, ["https://example.org/0.png", LONG])
    room.use(entry, ["https://example.org/0.png"])
    told = [room.is_fresh(), room.news() == {entry}, room.is_empty(), room.copy(LONG) is None]
    told += [room.show("one", [which]), room.show("two", [which, which]), room.show("one", [which])]
    told += [[list(shown) for shown in room.showing()], room.named(int(which[:16], 16)), room.about("image", which)]
    room.settle([])
    told += [room.is_fresh(), room.show("one", [])]
    room.settle([which])
    told += [room.is_fresh(), len(list(room.showing())), sorted(room.lengths())]
    room.forget_shown()
    index.commit()
    return [*told, list(room.showing())]


def notes(index):
    """Note, note again, forget; see seeds; note documents."""
    room, log = index.notes, index.feeds
    index.begin()
    for said in ("one", "two", None, "three"):
        room.write("host", LONG, said)
    room.write("host", "other", None)
    for stamp, refused in (("1", None), ("2", "not\0UTF-8")):
        index.saw("s", "a.txt", stamp, refused)
    noted = Noted(
        "all/atom.xml", "all", "atom", 0, 5, "key", "stamp", "made", Pieces.at([1, 2], [0, 9], [9, 2**32 - 1])
    )
    log.note(noted._replace(key="earlier"))
    log.note(noted)
    index.commit()
    told = [
        room.read("host", LONG),
        room.read("host", "other"),
        index.notes.seeds("s")["a.txt"][0],
        log.documents("all"),
    ]
    told += [
        log.holding("all", "atom", 4, 9),
        log.holding("all", "atom", 5, 9),
        log.published(),
        log.digest(),
        log.stamp("all/atom.xml"),
    ]
    index.begin()
    log.forget_document("all/atom.xml")
    index.commit()
    return [*told, log.documents("all")]


def pages(index):
    """Take in an article whose page was read, twice."""
    index.begin()
    for number in range(2):
        fact = Fact(NOW + number, None, None, f"{number}" * 64, f"1:{number}", "p", "https://example.org/page", None)
        names, said = ("https://example.org/page",), ObjectId("e" * 64)
        index.add(Known(ObjectId(f"{number}a" * 32), names, fact, ObjectId("f" * 64), (1, 2, 3, 4), None, said))
    index.commit()
    entry = index.find(["https://example.org/page"])
    told = [which for _, which in index.pages("p", 0, 9)], index.pages("p", entry, 9), sorted(index.told(entry, "p"))
    return told, index.about("said", "e" * 64), sorted(index.lengths())


@pytest.fixture(scope="module")
def indexes(tmp_path_factory, cluster):
    """Fill an archive twice, with the index here and there, and have both to write."""

    class There(World):
        index = IndexAddress(cluster.database(), tmp_path_factory.getbasetemp())

    found = []
    for kind in (World, There):
        world = kind(tmp_path_factory.mktemp("world"))
        world.add(*map(article, range(4)))
        world.add(edited(1, 5), article(7, guid="g\n1", link=None), source="t")
        world.add_images({"https://example.org/0.png": png(), "https://example.org/1.png": png(shade=9)})
        found.append(world.archive())
    with found[0].writing(datetime.now(UTC)) as here, found[1].writing(datetime.now(UTC)) as there:
        yield here.index, there.index


@pytest.mark.parametrize("ask", [census, wanted, images, notes, pages])
def test_answers_alike(indexes, ask):
    """Whatever is asked or noted, both say the same."""
    here, there = indexes
    assert ask(there) == ask(here)
