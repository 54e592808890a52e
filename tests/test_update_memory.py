"""What is remembered of a source: written and read again the same; what was learned otherwise does not count."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.archive.index import Index
from feedarchiver.gather.kinds import Sought, feed
from feedarchiver.gather.web.exchange import Answer
from feedarchiver.gather.web.politeness import Bounds, Host, Standing
from feedarchiver.model import Filter
from feedarchiver.updating.source import SOURCE, Remembered, WebSource, host_read, host_written, remembered, written

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 10**17).map(lambda number: EPOCH + timedelta(microseconds=number))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
STANDINGS = st.builds(
    Standing,
    due=st.none() | INSTANTS,
    asked=INSTANTS,
    interval=st.none() | st.integers(1, 10**9).map(lambda number: timedelta(milliseconds=number)),
    moved=st.none() | TEXTS,
    etag=st.none() | TEXTS,
    modified=st.none() | TEXTS,
    answered=st.none() | INSTANTS,
    failed=st.integers(0, 99),
    failing_since=st.none() | INSTANTS,
    trouble=st.none() | TEXTS,
)
KNOWN = st.builds(
    Remembered,
    settings=st.just(""),
    standing=st.none() | STANDINGS,
    keys=st.lists(TEXTS, max_size=3).map(tuple),
    body=st.none() | TEXTS,
    gaps=st.lists(st.tuples(INSTANTS, INSTANTS), max_size=3).map(tuple),
    older=st.none() | TEXTS,
    complete=st.booleans(),
    problems=st.lists(TEXTS, max_size=3).map(tuple),
    guessed=st.none() | TEXTS,
    unmatched=st.none() | TEXTS,
)
HOUR = timedelta(hours=1)
FEED = "https://news.example/feed"
NEWS = WebSource("news", "feed", FEED, Bounds(HOUR, HOUR, HOUR))


@pytest.fixture(scope="module")
def index():
    index = Index.create(None)
    yield index
    index.close()


@given(known=KNOWN)
def test_what_is_written_is_read(known, index):
    """Every value comes back as it was."""
    known = known._replace(settings=NEWS.settings)
    index.notes.write(SOURCE, "news", written(known))
    assert remembered(index, NEWS) == known


@given(instant=INSTANTS)
def test_hosts(instant):
    """Until when a host is left alone is written and read, and so is that nothing is known."""
    assert host_read(host_written(Host(instant))) == Host(instant)
    assert host_written(None) is None
    assert host_read(None) is None


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://news.example/other"},
        {"filter": Filter(include=(("title", "a"),))},
        {"most": 5},
        {"headers": (("X", "y"),)},
    ],
)
def test_other_settings(change, index):
    """What was learned when other articles were wanted does not count, but a gap stays one."""
    gap = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    known = Remembered(settings=NEWS.settings, keys=("a",), body="b", complete=True, gaps=(gap,))
    index.notes.write(SOURCE, "news", written(known))
    other = NEWS._replace(**change)
    assert remembered(index, other) == Remembered(settings=other.settings, gaps=(gap,))
    assert remembered(index, NEWS._replace(timeout_s=9.0)) == known


def test_a_stranger(index):
    """Of a source that was never asked nothing is remembered."""
    assert remembered(index, NEWS._replace(id="stranger")).standing is None


def items(*dates):
    """Write a feed whose items say these dates, in this order."""
    told = "".join(
        f"<item><title>{number}</title><link>https://news.example/{number}</link>"
        + (f"<pubDate>{date}</pubDate>" if date else "")
        + "</item>"
        for number, date in enumerate(dates)
    )
    return f"<rss version='2.0'><channel><title>News</title>{told}</channel></rss>".encode()


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (("3 Nov 2025", "2 Nov 2025", "1 Nov 2025"), "210"),
        (("1 Nov 2025", "3 Nov 2025", "2 Nov 2025"), "021"),
        (("1 Nov 2025", "1 Nov 2025", "1 Nov 2025"), "210"),
        ((None, "2 Nov 2025", "9 Nov 2025"), "210"),
        ((None, None, None), "210"),
    ],
)
def test_oldest_first(dates, order):
    """Entries are taken by their dates; where one has none, as the document says it, newest first."""
    dated = [date and f"{date} 12:00:00 GMT" for date in dates]
    reading = feed(Answer(FEED, items(*dated)), Sought("news", FEED))
    assert "".join(received.article.title for received in reading.received) == order
    assert len(set(reading.keys)) == len(dates)
