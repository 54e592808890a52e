"""The feeds' logs, as they are kept in the index."""

import pytest

from feedarchiver.archive.feedlog import Line
from feedarchiver.archive.index import Index
from feedarchiver.model import Feed, ObjectId

FEEDS = [Feed(id="all", title="All"), Feed(id="one", title="One", sources=("s",))]


def _index(count):
    """Make an index with the events of some entries, all of one instant, as an import has them."""
    index = Index.create(None)
    rows = [("s", 7, number, f"{number:064x}", number, number, 0) for number in range(count)]
    index._db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return index


def _steps(index, task):
    """Count what SQLite does for a task, in hundreds of steps."""
    steps = 0

    def count():
        nonlocal steps
        steps += 1

    index._db.set_progress_handler(count, 100)
    task()
    index._db.set_progress_handler(None, 0)
    return steps


def _take(index):
    for feed in FEEDS:
        index.feeds.extend(feed, None, 7)
    assert index.feeds.unite("", {"all", "one"}, "both", 7).events > 0


def test_taking_events_costs_as_much_as_there_are():
    """Twice as many events at one instant cost about twice as much to take, alone and all feeds together."""
    once, twice = (_steps(index, lambda index=index: _take(index)) for index in map(_index, (400, 800)))
    assert twice < 2.5 * once


@pytest.mark.parametrize("before", [None, ObjectId("b" * 64)])
def test_finding_who_shows_something_costs_the_same_however_much_there_is(before):
    """Which feeds show an entry, or the change of one, is found without a look at what else came at that instant."""
    cost = []
    for count in (400, 800):
        index = _index(count)
        _take(index)
        index._db.execute("UPDATE log SET before = ? WHERE feed = 'one'", (before,))
        line = Line(3, "", ObjectId(f"{3:064x}"), "s", 7, 3, before)
        cost.append(_steps(index, lambda index=index, line=line: [index.feeds.places(line) for _ in range(50)]))
        feeds = {feed for feed, _ in index.feeds.places(line)}
        assert feeds == ({"", "all", "one"} if before is None else {"one"})
    assert cost[1] <= cost[0] + 5
