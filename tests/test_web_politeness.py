"""When to ask again: properties of the decisions, for any history of answers and failures."""

from datetime import UTC, datetime, timedelta
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.gather.web import politeness
from feedarchiver.gather.web.exchange import Answer, Failure, Kind
from feedarchiver.gather.web.politeness import Bounds, Found, Host, Standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
USUAL = Bounds(HOUR, timedelta(minutes=15), DAY)
ANSWER = Answer("https://example.org/feed", b"", etag='"one"', modified="Sat, 21 Nov 2026 10:00:00 GMT")

spans = st.timedeltas(timedelta(seconds=1), timedelta(days=999_999))
bounds = st.tuples(spans, spans, spans).map(lambda three: Bounds(sorted(three)[1], min(three), max(three)))
chances = st.floats(0, 1, exclude_max=True)
seconds = st.integers(631_152_000, 4_102_444_800)  # from 1990 to 2100
headers = st.one_of(
    st.none(),
    st.integers(0, 10**12).map(str),
    seconds.map(lambda stamp: formatdate(stamp, usegmt=True)),
    st.text(max_size=30),
)
failures = st.builds(
    Failure,
    st.just("https://example.org/feed"),
    st.sampled_from(Kind),
    st.just("reason"),
    st.sampled_from([None, 429, 503]),
    headers,
)
results = st.one_of(st.tuples(st.just(ANSWER), st.sampled_from(Found)), st.tuples(failures, st.none()))


def failure(kind=Kind.TIMEOUT, **more):
    return Failure(ANSWER.url, kind, "reason", **more)


@given(st.lists(st.tuples(results, chances, spans), min_size=1, max_size=12), bounds)
def test_never_given_up(history, bounds):
    """Whatever happens, an address is due again, in no more than the longest wait; only what is gone is not."""
    standing, now = None, NOW
    for (result, found), chance, _ in history:
        moved = standing.moved if standing else None
        if isinstance(result, Failure):
            standing = politeness.failed(standing, result, bounds, now, chance=chance)
        else:
            standing = politeness.succeeded(standing, result, found, bounds, now, chance=chance)
        assert standing.asked == now
        if isinstance(result, Failure) and result.kind is Kind.GONE and not moved:
            assert standing.due is None
        else:
            assert now < standing.due <= now + max(bounds.longest, DAY) * 1.25
        now += timedelta(minutes=7)


@given(st.lists(st.tuples(st.sampled_from(Found), chances), min_size=1, max_size=20), bounds)
def test_the_interval_stays_in_its_bounds(history, bounds):
    """However often something is new, the interval is between its bounds, and is met up to a tenth early."""
    standing = None
    for found, chance in history:
        standing = politeness.succeeded(standing, ANSWER, found, bounds, NOW, chance=chance)
        assert min(bounds.shortest, timedelta(days=3650)) <= standing.interval <= bounds.longest
        assert standing.interval * 0.89 <= standing.due - NOW <= standing.interval


def test_the_interval_adapts():
    """Something new halves the interval, nothing new lengthens it by a quarter, a gap makes it the shortest."""
    new = politeness.succeeded(None, ANSWER, Found.NEW, USUAL, NOW, chance=0)
    assert new.interval == HOUR / 2
    same = politeness.succeeded(new, ANSWER, Found.NOTHING_NEW, USUAL, NOW, chance=0)
    assert same.interval == HOUR / 2 * 1.25
    assert politeness.succeeded(same, ANSWER, Found.GAP, USUAL, NOW, chance=0).interval == USUAL.shortest


def test_a_fixed_interval():
    """Bounds that are one make the interval fixed."""
    fixed = Bounds(HOUR, HOUR, HOUR)
    for found in Found:
        assert politeness.succeeded(None, ANSWER, found, fixed, NOW, chance=0).due == NOW + HOUR


@given(st.lists(failures.filter(lambda one: one.kind is not Kind.GONE), min_size=2, max_size=30), chances)
def test_failures_in_a_row(history, chance):
    """Each failure in a row makes the wait no shorter, is counted, and keeps what the last good answer said."""
    standing = politeness.succeeded(None, ANSWER, Found.NEW, USUAL, NOW, chance=0)
    waits = []
    for number, one in enumerate(history, 1):
        same = one._replace(retry_after=None, kind=history[0].kind)
        standing = politeness.failed(standing, same, USUAL, NOW + HOUR, chance=chance)
        waits.append(standing.due - NOW)
        assert (standing.failed, standing.failing_since, standing.trouble) == (number, NOW + HOUR, "reason")
        assert (standing.etag, standing.modified, standing.answered) == (ANSWER.etag, ANSWER.modified, NOW)
    assert waits == sorted(waits)
    good = politeness.succeeded(standing, ANSWER, Found.NEW, USUAL, NOW, chance=0)
    assert (good.failed, good.failing_since, good.trouble) == (0, None, None)


@pytest.mark.parametrize(("kind", "first"), [(Kind.TIMEOUT, timedelta(minutes=5)), (Kind.REFUSED, HOUR)])
def test_back_off(kind, first):
    """What may pass is asked again in five minutes, anything else at its usual time, and twice as late each time."""
    standing = None
    for times in range(4):
        standing = politeness.failed(standing, failure(kind), USUAL, NOW, chance=0)
        assert standing.due == NOW + first * 2**times


@given(failures, st.lists(chances, min_size=2, max_size=2, unique=True))
def test_chance_spreads(one, two):
    """The same chance gives the same instant; chance makes a wait longer by a quarter at most."""
    low, high = sorted(two)
    waits = [
        politeness.failed(None, one._replace(retry_after=None), USUAL, NOW, chance=chance).due
        for chance in (low, low, high)
    ]
    assert waits[0] == waits[1]
    if waits[0] is not None:
        assert waits[0] <= waits[2] <= NOW + (waits[0] - NOW) * 1.26


@given(headers, bounds, chances)
def test_retry_after(header, bounds, chance):
    """An address is not asked before the instant that Retry-After says, of a day at most; the host neither."""
    one = failure(Kind.BUSY, status=503, retry_after=header)
    at = politeness.retry_at(header, NOW)
    standing = politeness.failed(None, one, bounds, NOW, chance=chance)
    host = politeness.host_after(None, one, NOW)
    if at is not None:
        assert NOW <= at <= NOW + DAY
        assert standing.due >= at
    if at is not None and at > NOW:
        assert host == Host(at)
        assert politeness.wait(None, host, at - timedelta(seconds=1)).until == at
        assert politeness.wait(None, host, at) is None


RETRY_AFTER = {
    "120": timedelta(seconds=120), " 120 ": timedelta(seconds=120), "0": timedelta(0), "999999999999": DAY,
    "99999999": DAY,
    "Sat, 21 Nov 2026 12:02:00 GMT": timedelta(minutes=2), "Saturday, 21-Nov-26 12:02:00 GMT": timedelta(minutes=2),
    "Sat, 21 Nov 2026 13:02:00 +0100": timedelta(minutes=2), "Sat, 21 Nov 2020 12:00:00 GMT": timedelta(0),
    "Fri, 31 Dec 9999 23:59:59 GMT": DAY, "Sat Nov 21 12:02:00 2026": timedelta(minutes=2),
    "": None, "soon": None, "-5": None, "1.5": None, "٣": None, "Sat, 99 Nov 2026 12:00:00 GMT": None,
}  # fmt: skip


@pytest.mark.parametrize(("header", "delay"), RETRY_AFTER.items())
def test_retry_after_read(header, delay):
    """Retry-After is read in seconds and as a date in each of its three forms; nonsense says nothing."""
    assert politeness.retry_at(header, NOW) == (None if delay is None else NOW + delay)


def test_the_host_waits():
    """A 429, and a 503 with Retry-After, hold for the whole host; other failures, and answers, do not."""
    assert politeness.host_after(None, failure(Kind.BUSY, status=429), NOW) == Host(NOW + timedelta(minutes=5))
    assert politeness.host_after(None, failure(Kind.BUSY, status=503, retry_after="60"), NOW) == Host(
        NOW + timedelta(minutes=1)
    )
    for result in (failure(Kind.BUSY, status=503), failure(), failure(Kind.REFUSED, retry_after="60"), ANSWER):
        assert politeness.host_after(None, result, NOW) is None
        assert politeness.host_after(Host(NOW + HOUR), result, NOW) == Host(NOW + HOUR)
        assert politeness.host_after(Host(NOW), result, NOW) is None


def test_gone():
    """What is gone is not asked again, at any time."""
    gone = politeness.failed(None, failure(Kind.GONE, status=410), USUAL, NOW, chance=0)
    assert politeness.wait(gone, None, NOW + 1000 * DAY).until is None


def test_moved():
    """A move is remembered until it leads nowhere: then the first address is asked again, soon, and as a whole."""
    moved = politeness.succeeded(None, ANSWER._replace(moved="https://new.example/"), Found.NEW, USUAL, NOW, chance=0)
    still = politeness.succeeded(moved, ANSWER, Found.NEW, USUAL, NOW, chance=0)
    passing = politeness.failed(still, failure(Kind.TIMEOUT), USUAL, NOW, chance=0)
    assert (moved.moved, still.moved, passing.moved) == ("https://new.example/",) * 3
    for kind in (Kind.REFUSED, Kind.GONE, Kind.MALFORMED):
        back = politeness.failed(still, failure(kind), USUAL, NOW, chance=0)
        assert (back.moved, back.etag, back.modified) == (None, None, None)
        assert back.due == NOW + timedelta(minutes=5)


@given(st.timedeltas(timedelta(minutes=5, seconds=1), timedelta(days=10_000)))
def test_a_clock_that_was_wrong(ahead):
    """What was asked well in the future, by a clock that was wrong, is due; such a host is not waited for."""
    standing = politeness.succeeded(None, ANSWER, Found.NEW, USUAL, NOW + ahead, chance=0)
    assert politeness.wait(standing, None, NOW) is None
    assert politeness.wait(None, Host(NOW + DAY + ahead), NOW) is None


def test_due():
    """An unknown address is due; a known one when its time has come, and the reason tells why not before."""
    standing = politeness.succeeded(None, ANSWER, Found.NEW, USUAL, NOW, chance=0)
    assert politeness.wait(None, None, NOW) is None
    assert politeness.wait(standing, None, NOW) == ("asked lately", standing.due)
    assert politeness.wait(standing, None, standing.due) is None
    broken = politeness.failed(standing, failure(), USUAL, standing.due, chance=0)
    assert politeness.wait(broken, None, standing.due).reason == "failed lately"
    assert isinstance(broken, Standing)
