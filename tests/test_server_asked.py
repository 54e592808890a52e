"""What a request asks of a file, decided from its headers."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.server import asked


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        (None, False),
        (b"", False),
        (b"*", False),
        (b"identity", False),
        (b"gzip", True),
        (b"GZIP", True),
        (b"br, gzip;q=0.5", True),
        (b"deflate,x-gzip", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000", False),
        (b"gzip;q=1.0, *;q=0", True),
        (b"gzipped", False),
    ],
)
def test_gzip_is_never_forced(accepted, takes):
    """Only a client that names gzip, and not with a quality of 0, is sent it."""
    assert asked.takes_gzip(accepted) is takes


@pytest.mark.parametrize(
    ("none_match", "known"),
    [
        (b'"a"', "a"),
        (b'W/"a"', "a"),
        (b'"x", "a"', "a"),
        (b'W/"a-gzip"', "a-gzip"),
        (b"*", "a"),
        (b'"x"', None),
        (b"a", None),
        (b"", None),
        (b'"', None),
    ],
)
def test_tags(none_match, known):
    """A list of tags, weak or strong, is searched for those of this version."""
    assert asked.known_tag(none_match, ("a", "a-gzip")) == known


@given(st.integers(1, 10**6), st.data())
def test_a_range_is_what_it_names(size, data):
    """A range within a file is just that part of it."""
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start, size - 1))
    assert asked.part(b"bytes=%d-%d" % (start, end), size) == (start, end + 1)
    assert asked.part(b"bytes=%d-" % start, size) == (start, size)
    assert asked.part(b"bytes=-%d" % (size - start), size) == (start, size)


@given(st.binary(max_size=40) | st.from_regex(rb"bytes=[0-9,-]{0,30}", fullmatch=True), st.integers(0, 1000))
def test_a_range_never_leaves_the_file(wanted, size):
    """Whatever is asked for, what is answered lies within the file, or is nothing, or is the whole."""
    part = asked.part(wanted, size)
    assert part is None or 0 <= part.start <= part.end <= size


@pytest.mark.parametrize("wanted", [b"bytes=0-1,3-4", b"bytes=-", b"bytes=5-2", b"chars=0-1", b"bytes= 0-1", b""])
def test_other_ranges_are_not_said(wanted):
    """Several ranges, a range that ends before it starts, and another unit are answered whole."""
    assert asked.part(wanted, 10) is None


@given(st.integers(0, 2**33))
def test_dates(seconds):
    """A file is newer than an instant before its own, not than its own; what is no date is not said."""
    date = formatdate(seconds, usegmt=True).encode()
    assert not asked.is_newer(seconds, date)
    assert asked.is_newer(seconds + 1, date)
    assert asked.is_same(date, "a", seconds)
    assert not asked.is_same(date, "a", seconds + 1)
    assert asked.is_newer(seconds, b"yesterday \xff")


@given(st.binary(max_size=60))
def test_nonsense_is_not_said(value):
    """No header makes any decision fail."""
    asked.takes_gzip(value)
    asked.known_tag(value, ("a",))
    asked.is_newer(0, value)
    asked.is_same(value, "a", 0)
