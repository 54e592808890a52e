import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.archive.history import Event, Fact, Kind, history

SECOND = 1_000_000


def fact(captured, published=None, *, article="a", text="1", source="s", updated=None, id_="https://e.org/1"):
    """Make a capture, with instants in seconds."""
    instants = [None if instant is None else instant * SECOND for instant in (captured, published, updated)]
    return Fact(*instants, article, text, source, id_)


def test_one_capture_is_one_event():
    """A new entry is one event of its source's log, dated by its publisher."""
    derived = history([fact(100, 50)])
    assert derived.events == (Event("s", 100 * SECOND, 50 * SECOND, "a", 50 * SECOND, Kind.MADE),)
    assert derived.id == "https://e.org/1"


@given(
    st.integers(0, 300),
    st.none() | st.integers(0, 300),
    st.none() | st.integers(0, 300),
    st.none() | st.integers(0, 300),
)
def test_one_capture_tells_what_the_same_one_twice_does(captured, published, updated, origin):
    """The short way that single captures take comes to what the rules for several come to."""
    one = fact(captured, published, updated=updated)._replace(origin_captured=origin and origin * SECOND)
    assert history([one]) == history([one, one])


def test_undated_is_dated_by_its_capture():
    """An undated article is updated when it was captured, and has no published date."""
    assert history([fact(100)]).events == (Event("s", 100 * SECOND, None, "a", 100 * SECOND, Kind.MADE),)


def test_no_captures():
    """An entry without captures is a bug of the caller."""
    with pytest.raises(ValueError, match="at least one"):
        history([])


def test_an_edit_without_a_date_is_dated_by_its_capture():
    """The same date with another text is an edit: it is updated when it was captured, after the first telling."""
    events = history([fact(100, 50), fact(200, 50, article="b", text="2")]).events
    assert [(event.article, event.updated // SECOND) for event in events] == [("a", 50), ("b", 200)]


def test_the_latest_stamp_is_shown():
    """Of two versions the one with the later stamp is shown, whatever order they were captured in."""
    derived = history([fact(100, 90), fact(200, 50, article="b", text="2")])
    assert [event.article for event in derived.events] == ["a"]
    assert set(derived.versions) == {"1", "2"}


def test_a_dated_version_beats_an_undated_one():
    """A version without a date does not replace a dated one."""
    assert [event.article for event in history([fact(100, 90), fact(200, article="b", text="2")]).events] == ["a"]


def test_noise_is_no_event():
    """Another capture of the same version makes no event, and the version keeps its article."""
    derived = history([fact(100, 50), fact(200, 50, article="b")])
    assert [event.article for event in derived.events] == ["a"]


def test_a_text_that_comes_back_is_an_event():
    """When a publisher takes an edit back, the first text is current again, later."""
    facts = [fact(100, 50), fact(200, 50, article="b", text="2"), fact(300, 50, article="c")]
    events = history(facts).events
    assert [(event.captured // SECOND, event.article) for event in events] == [(100, "a"), (200, "b"), (300, "a")]
    assert [event.updated // SECOND for event in events] == [50, 200, 300]


def test_two_versions_in_one_run_are_one_event():
    """A run that brings two versions makes one of them current: one event."""
    events = history([fact(100, 60, article="b", text="2"), fact(100, 50)]).events
    assert [event.article for event in events] == ["b"]


def test_the_id_is_decided_at_the_first_capture():
    """A link that moves later does not change the published id."""
    facts = [fact(200, 50, id_="https://e.org/moved"), fact(100, 50)]
    assert history(facts).id == "https://e.org/1"


def test_a_second_source_joins():
    """A source that captures a known version later logs it then; an edit is logged for every source that has it."""
    facts = [fact(100, 50), fact(200, 50, source="t"), fact(300, 60, article="b", text="2", source="t")]
    assert [(event.source, event.captured // SECOND, event.kind) for event in history(facts).events] == [
        ("s", 100, Kind.MADE),
        ("t", 200, Kind.JOINED),
        ("s", 300, Kind.SHARED),
        ("t", 300, Kind.MADE),
    ]


def test_a_dated_telling_in_the_same_run_is_shown():
    """When one run brings a version both dated and undated, the dated telling is shown."""
    derived = history([fact(100, None, article="a"), fact(100, 50, article="b")])
    assert [(event.article, event.published) for event in derived.events] == [("b", 50 * SECOND)]


facts_of_one_entry = st.lists(
    st.builds(
        Fact,
        st.integers(1, 4),
        st.none() | st.integers(0, 9),
        st.none() | st.integers(0, 9),
        st.sampled_from("abcdef"),
        st.sampled_from("123"),
        st.sampled_from("st"),
        st.sampled_from(["https://e.org/1", "https://e.org/2"]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda known: (known.captured, known.article, known.source),
)


@given(facts_of_one_entry, st.randoms())
def test_order_of_arrival_does_not_matter(facts, random):
    """A history depends on the captures alone, not on the order in which they are read."""
    shuffled = list(facts)
    random.shuffle(shuffled)
    told = {fact.article: fact for fact in facts}
    if len(told) == len(facts):  # an article says one thing only
        assert history(shuffled) == history(facts)


@given(facts_of_one_entry)
def test_later_captures_never_rewrite_the_log(facts):
    """What was logged up to a run stays as it is, whatever is captured later: sealed pages depend on it."""
    for end in range(1, 5):
        earlier = [fact for fact in facts if fact.captured <= end]
        if earlier:
            logged = history(earlier).events
            assert history(facts).events[: len(logged)] == logged


@given(facts_of_one_entry)
def test_updated_never_goes_back(facts):
    """Each event that shows another version is updated later than the one before."""
    changes = [event for event in history(facts).events if event.kind is Kind.MADE]
    updated = [event.updated for event in changes]
    assert updated == sorted(set(updated))
