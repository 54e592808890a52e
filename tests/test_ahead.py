"""What others make of articles ahead of a build."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_building import World, article

from feedarchiver import building
from feedarchiver.building.ahead import Ahead, made
from feedarchiver.model import ObjectId

HOSTILE = '<p>Other words.<script>alert(1)</script><img src="javascript:alert(1)"></p>'


class Others:
    """Those who make something of articles of a world, as it comes through a database."""

    def __init__(self, world, change=lambda said: said):
        self._world, self._change = world, change
        self.asked: list[int] = []

    def __call__(self, articles):
        every = list(articles)
        self.asked.append(len(every))
        with self._world.archive() as archive:
            for start in range(0, len(every), 3):
                some = every[start : start + 3]
                said = [self._change(said) for said in json.loads(json.dumps(list(made(archive, some))))]
                yield some, said


@pytest.fixture
def world(tmp_path):
    """Have articles of which one has got another version, one is a picture, and one is nothing."""
    world = World(tmp_path)
    world.add(*(article(n, content=f"<p>正文 {n}，more text.</p><img src='/{n}.png'>") for n in range(6)))
    world.add(
        article(2, content="<p>Another version.</p>"),
        article(7, title="", content="<img src='https://example.org/only.png'>"),
        article(8, title="", content=""),
        article(9, content="<p>Long.</p>", summary="<p>Short</p>"),
    )
    return world


def test_the_same(world):
    """What is built of what others made is what is built without them; what is not new is not made again."""
    built = world.build()
    alone = world.documents()
    others = Others(world)
    assert world.build(full=True, prepare=others).prepared == 10
    assert world.documents() == alone
    assert built.prepared == 0
    assert others.asked == [10]
    world.build(prepare=others)
    assert others.asked == [10]
    world.add(article(10))
    assert world.build(prepare=others).prepared == 1
    later = world.documents()
    world.build(full=True)
    assert world.documents() == later


def test_it_is_used_and_not_trusted(world):
    """A build shows what others say that an article says, but nothing that is not allowed."""

    def lie(said):
        said[1][0], said[1][-1] = "Other words.", HOSTILE
        return said

    def plant(said):
        said[3] = f"planted{said[3]}"
        return said

    world.build(prepare=Others(world, lie))
    told = b"".join(world.documents().values())
    assert b"Other words." in told
    assert b"alert(1)" not in told
    world.build(full=True, prepare=Others(world, plant))
    assert b"planted" in b"".join(world.documents().values())


DAMAGE = {
    "nothing": lambda said: None,
    "a number": lambda said: 7,
    "less": lambda said: said[:-1],
    "more": lambda said: [*said, ""],
    "another article": lambda said: ["0" * 64, *said[1:]],
    "no article": lambda said: [[], *said[1:]],
    "no body": lambda said: [said[0], None, *said[2:]],
    "half a body": lambda said: [said[0], said[1][:2], *said[2:]],
    "no text": lambda said: [said[0], [None, *said[1][1:]], *said[2:]],
    "no picture": lambda said: [said[0], [said[1][0], [7], *said[1][2:]], *said[2:]],
    "a picture of nothing": lambda said: [said[0], [said[1][0], [None], *said[1][2:]], *said[2:]],
    "a picture as wide as text": lambda said: [said[0], [said[1][0], ["u", None, 1, '"'], *said[1][2:]], *said[2:]],
    "no digest": lambda said: [*said[:2], [], said[3]],
    "no lines": lambda said: [*said[:3], None],
    "too few lines": lambda said: [*said[:3], said[3].partition("|")[2]],
    "lines that end a script": lambda said: [*said[:3], f'");alert(1);("{said[3]}'],
    "lines that are no text": lambda said: [*said[:3], f"\ud800{said[3]}"],
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damaged(world, change):
    """What cannot be what it is said to be is made by the build itself."""
    with world.archive() as archive:
        articles = list(archive.index.feeds.told(0))
        ahead = Ahead(archive)
        said = list(made(archive, articles))
        assert ahead.take(articles, [change(copy.deepcopy(one)) for one in said]) == 0
        assert ahead.take(articles, change(said[0])) == 0
        assert ahead.take(articles, said) == len(said)


def test_no_room(world):
    """Where there is no room on the disk, nothing is taken, and no more is asked for."""
    with world.archive() as archive:
        articles = list(archive.index.feeds.told(0))
        ahead = Ahead(archive)
        archive.cleaned._spool.close()
        assert ahead.take(articles, list(made(archive, articles))) == 0
        assert ahead.is_full
        assert building.build(archive, world.feeds, world.target, advance=lambda _: None, prepare=Others(world)).is_full


def test_very_long_articles(world):
    """What is too long to travel and lie in memory with all the others is left to the build, one after the other."""
    with world.archive() as archive:
        long, *rest = archive.index.feeds.told(0)
        most = sum(len(said(archive, one)) for one in rest)
        assert [one for one, *_ in made(archive, [*rest, long], most)] == rest
        assert [one for one, *_ in made(archive, [*rest, long])] == [*rest, long]
        assert list(made(archive, [long, *rest], 1)) == list(
            made(archive, [one for one in rest if not said(archive, one)])
        )


def said(archive, object_id):
    """Read what an article says."""
    article = archive.article(object_id)
    return (article.content or "") + (article.summary or "")


class Far:
    """A store that is far away, of which it is remembered what it was to expect."""

    def __init__(self, store) -> None:
        self._store = store
        self.expected: list[str] = []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def expect(self, objects):
        """Remember them."""
        self.expected += [name for _, name in objects]


def test_far_away(world):
    """Articles are fetched together that something was made of: it need not wait for each of them."""
    with world.archive() as archive:
        articles = list(archive.index.feeds.told(0))
        said = list(made(archive, articles))
        archive.bucket = Far(archive.bucket)
        assert Ahead(archive).take(articles, said) == len(articles)
        assert archive.bucket.expected == articles


def test_each_once(world):
    """What is said of an article a second time does not count."""
    with world.archive() as archive:
        articles = list(archive.index.feeds.told(0))
        said = next(made(archive, articles))
        assert Ahead(archive).take(articles, [said, said]) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=12,
)


@given(st.lists(JSON, min_size=3, max_size=3))
def test_anything(tmp_path_factory, said):
    """Whatever is said, it is taken or left out."""
    with World(tmp_path_factory.mktemp("world")).archive() as archive:
        ahead = Ahead(archive)
        ahead.take([ObjectId("a")], said)
        ahead.take([ObjectId("a")], [["a", *said]])
        ahead.take([ObjectId("a")], [["a", [*said, "<p>"], "", ""]])


def test_what_cannot_be_read(world):
    """An article that cannot be read is passed over, and the build tells of it."""
    with world.archive() as archive:
        first, *rest = archive.index.feeds.told(0)
        path = world.folder / "archive" / "articles" / first[:2] / first[2:]
        path.chmod(0o644)
        path.write_bytes(b"damaged")
        assert [said[0] for said in made(archive, [first, *rest])] == rest
    built = world.build(prepare=Others(world))
    assert built.prepared == len(rest)
    assert any("damaged" in fault for fault in built.faults)


def test_without_pages(world):
    """Where there are no pages for people, nobody is asked."""
    world.pages = False
    others = Others(world)
    world.build(prepare=others)
    assert others.asked == []


def test_the_oldest_first(world):
    """What is to be rendered is named from the oldest on, however much it is, and after an instant only what is new."""
    world.add(*(article(n) for n in range(100, 1_150)))
    with world.archive() as archive:
        told = list(archive.index.feeds.told(0))
        last = archive.index.last_captured()
        assert len(set(told)) == len(told) == 1_060
        assert told[-1_050:] == list(archive.index.feeds.told(last - 1))
        assert list(archive.index.feeds.told(last)) == []
