"""Many requests at once: one at a time for each host, none waiting for another's, and nothing read ahead."""

import threading
import time
from datetime import UTC, datetime
from itertools import count, islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web import LOOPBACK, Web, answer, late, redirect, silence

from feedarchiver.gather.web.client import Client, Journey
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request, target
from feedarchiver.gather.web.together import Turns, ask_all

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PAGE = answer(200, b"page")
SLOW = late(PAGE)


def to(url, **more):
    return Request(url, **{"allow_private": LOOPBACK, "timeout_s": 10.0, **more})


def run(requests, *, workers=8, gap_s=0.0, **settings):
    with Client(now=NOW, **settings) as client:
        return list(ask_all(client, requests, workers=workers, gap_s=gap_s))


def hosts(number):
    """Addresses of this machine, each of which is a host of its own."""
    return [f"127.0.0.{last}" for last in range(1, number + 1)]


@pytest.fixture
def wide():
    """Serve on every address of loopback."""
    with Web(address="0.0.0.0") as web:
        yield web


def test_each_with_its_result(wide):
    """Every request comes back once, as it was, with what came of it; refused addresses too."""
    wide.pages = {f"/{number}": answer(200, b"%d" % number) for number in range(40)}
    asked = [to(wide.url(f"/{number}", host), label=str(number)) for number, host in enumerate(hosts(4) * 10)]
    asked += [to("ftp://127.0.0.1/", label="refused"), to(wide.url("/none", "127.0.0.1"), label="missing")]
    found = {request.label: result for request, result in run(asked)}
    assert set(found) == {request.label for request in asked}
    assert all(found[str(number)].body == b"%d" % number for number in range(40))
    assert (found["refused"].kind, found["missing"].kind) == (Kind.FORBIDDEN, Kind.REFUSED)


def test_one_at_a_time():
    """A host is asked one thing at a time, however many workers there are."""
    with Web({"/": SLOW}) as web:
        assert len(run([to(web.url())] * 12)) == 12
        assert (web.most_at_once, web.connections) == (1, 1)


def test_hosts_side_by_side():
    """Different hosts are asked at the same time: each answers only when all have been asked."""
    meeting = threading.Barrier(5, timeout=10)

    def page(asked):
        meeting.wait()
        return PAGE

    with Web({"/": page}, address="0.0.0.0") as web:
        found = run([to(web.url("/", host)) for host in hosts(5)], workers=5)
    assert [result.body for _, result in found] == [b"page"] * 5


def test_no_more_than_the_workers():
    """No more hosts are asked at once than there are workers."""
    with Web({"/": SLOW}, address="0.0.0.0") as web:
        run([to(web.url("/", host)) for host in hosts(12)], workers=3)
        assert web.most_at_once == 3


def test_a_sick_host_delays_no_other(wide):
    """Requests to a host that never answers are overtaken by all others, though they come first."""
    wide.pages = {"/sick": silence, "/": PAGE}
    sick = [to(wide.url("/sick", "127.0.0.99"), timeout_s=0.3) for _ in range(4)]
    well = [to(wide.url("/", host)) for host in hosts(10) * 4]
    results = run([*sick, *well], workers=2)
    assert [result.kind for _, result in results if isinstance(result, Failure)] == [Kind.TIMEOUT] * 4
    late = [place for place, (_, result) in enumerate(results) if isinstance(result, Failure)]
    assert late[1] >= 40


def test_the_gap():
    """Between the end of one request to a host and the next there is the pause that was asked for."""
    began = []

    def page(asked):
        began.append(time.monotonic())
        return PAGE

    with Web({"/": page}) as web:
        run([to(web.url())] * 4, gap_s=0.1)
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(began))


def test_crawl_delay():
    """A site's Crawl-delay is kept when it is longer than the pause."""
    began = []

    def page(asked):
        began.append(time.monotonic())
        return PAGE

    robots = answer(200, b"User-agent: *\nCrawl-delay: 0.2\n")
    with Web({"/": page, "/robots.txt": robots}) as web:
        run([to(web.url(), crawl=True)] * 3)
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(began))


def test_redirects_take_their_turn(wide):
    """A redirect to another host waits for its turn there, so that host is asked one thing at a time too."""
    with Web({"/": SLOW}) as other:
        wide.pages["/"] = redirect(other.url(), 302)
        found = run([to(wide.url("/", host)) for host in hosts(8)])
        assert [result.url for _, result in found] == [other.url()] * 8
        assert other.most_at_once == 1


def test_unreachable_once():
    """A host that cannot be reached is dialled once in a run; the rest of its requests fail with that reason."""
    with Web() as web:
        urls = [web.url(f"/{number}") for number in range(5)]
    dialled = []

    def resolve(host, port):
        dialled.append(host)
        raise OSError(-3, "Try again")

    found = run([to(url.replace("127.0.0.1", "gone.example")) for url in urls], resolve=resolve)
    assert dialled == ["gone.example"]
    assert {result.kind for _, result in found} == {Kind.UNREACHABLE}
    assert [result.url for _, result in found] == [request.url for request, _ in found]
    assert sum("not asked" in result.reason for _, result in found) == 4


@pytest.mark.parametrize(
    ("busy", "asked"), [(answer(429), 1), (answer(503, retry_after="9"), 1), (answer(503), 3), (answer(500), 3)]
)
def test_a_host_that_wants_to_be_left_alone(busy, asked):
    """After a 429, or a 503 with Retry-After, its host is not asked again in the run; after other failures it is."""
    with Web({"/": busy}) as web:
        found = run([to(web.url())] * 3)
        assert len(web.asked) == asked
    assert all(isinstance(result, Failure) for _, result in found)
    assert len({result.retry_after for _, result in found}) == 1


def test_nothing_is_read_ahead(wide):
    """Of requests without end, no more are read than workers take."""
    wide.pages["/"] = PAGE
    read = []

    def requests():
        for number in count():
            read.append(number)
            yield to(wide.url("/", f"127.0.{number // 200 % 200}.{number % 200 + 1}"))

    with Client(now=NOW) as client:
        results = ask_all(client, requests(), workers=4)
        for number, _ in enumerate(islice(results, 100), 1):
            assert len(read) <= number + 4
        results.close()


def test_waiting_is_bounded(wide):
    """Requests to one busy host are set aside up to a limit, and no further."""
    wide.pages = {"/": PAGE}
    read = []

    def requests():
        for number in range(2_000):
            read.append(number)
            yield to(wide.url("/", "127.0.0.1"))

    with Client(now=NOW) as client:
        results = ask_all(client, requests(), workers=4, gap_s=0)
        next(results)
        assert len(read) <= 1_003
        results.close()


def test_requests_that_follow_from_results(wide):
    """None says that more may follow from a result: it is asked for again then, and not before."""
    wide.pages = {f"/{number}": PAGE for number in range(5)}
    found = []

    def requests():
        for number in range(5):
            yield to(wide.url(f"/{number}", "127.0.0.1"))
            while len(found) <= number:
                yield None

    with Client(now=NOW) as client:
        for request, result in ask_all(client, requests(), workers=3, gap_s=0):
            found.append((request.url, result.body))
    assert [body for _, body in found] == [b"page"] * 5
    assert wide.paths() == [f"/{number}" for number in range(5)]


def test_nothing_follows_from_nothing():
    """None, when nothing is under way that could answer, is the end."""
    with Client(now=NOW) as client:
        assert list(ask_all(client, iter([None, to("http://127.0.0.1:1/")]))) == []


def test_an_error_of_ours_is_not_swallowed():
    """An exception that is no failure of the web comes up where the results are read."""

    def resolve(host, port):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run([to("http://example.org/")], resolve=resolve)


def test_nothing_to_do():
    """No requests, no results, no threads."""
    before = threading.active_count()
    assert run([]) == []
    assert threading.active_count() == before


def test_workers_end(wide):
    """When the results have been read, the workers are gone."""
    wide.pages["/"] = PAGE
    with Client(now=NOW) as client:
        before = {thread for thread in threading.enumerate() if "_work" in thread.name}
        assert all(
            isinstance(result, Answer) for _, result in ask_all(client, [to(wide.url("/", host)) for host in hosts(9)])
        )
        assert {thread for thread in threading.enumerate() if "_work" in thread.name} == before


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 2)), max_size=40),
    st.floats(0, 3),
    st.randoms(use_true_random=False),
)
def test_turns(arrivals, pause_s, chance):
    """In any order of events: one at a time for a host, the pause kept, a host's own order kept, nothing lost."""
    turns, now_s = Turns(), 0.0
    asking, free_at, taken, added = {}, {}, [], []
    todo = list(arrivals)
    while todo or asking or turns.waiting:
        if todo and chance.random() < 0.5:
            host, later_s = todo.pop(0)
            now_s += later_s
            url = f"http://h{host}.example/{len(added)}"
            added.append(url)
            turns.add(Journey(Request(url), url, target(url), 1.0), now_s)
        elif (journey := turns.take(now_s)) is not None:
            assert journey.target.site not in asking
            assert now_s >= free_at.get(journey.target.site, 0)
            asking[journey.target.site] = journey
            taken.append(journey.url)
        elif asking:
            now_s += chance.random()
            site, journey = asking.popitem()
            turns.give_back(journey, now_s, pause_s)
            free_at[site] = now_s + pause_s
        elif turns.next_at() is not None:
            now_s = max(now_s, turns.next_at())
    assert sorted(taken) == sorted(added)
    for host in range(4):
        of_host = [url for url in added if url.startswith(f"http://h{host}.")]
        assert [url for url in taken if url in of_host] == of_host
