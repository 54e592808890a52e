"""Values that a run may want again."""

import os

import pytest

from feedarchiver.archive import spool
from feedarchiver.archive.spool import Spool


@pytest.fixture
def kept(tmp_path):
    one = Spool(str(tmp_path))
    yield one
    one.close()


def test_what_was_kept_comes_back(kept):
    """A value comes back equal, the last one of its key; what was never kept is None."""
    kept.keep("a", ("1", 2))
    kept.keep("b", "other")
    kept.keep("a", ("3", None))
    assert [kept.find(key) for key in ("a", "b", "c")] == [("3", None), "other", None]


def test_more_than_fits_into_memory(kept, tmp_path):
    """What is more than memory holds lies in a file without a name, which goes with the spool."""
    values = {number: os.urandom(1_000_000) for number in range(6)}
    for key, value in values.items():
        kept.keep(key, value)
    assert {key: kept.find(key) for key in values} == values
    assert os.listdir(tmp_path) == []


def test_no_more_than_there_is_room_for(kept):
    """What comes when the spool is full is not kept; what was stays."""
    for number in range(spool._MOST + 2):
        kept.keep(number, number)
    assert [kept.find(number) for number in (0, spool._MOST - 1, spool._MOST, spool._MOST + 1)] == [
        0,
        spool._MOST - 1,
        None,
        None,
    ]


def test_keys_that_only_look_alike(kept):
    """Keys of one hash are told apart."""
    kept.keep(-1, "minus one")
    assert hash(-1) == hash(-2)
    assert kept.find(-2) is None


def test_without_a_folder_for_the_file(tmp_path):
    """Where no file can be made, nothing is kept and nothing fails."""
    kept = Spool(str(tmp_path / "none"))
    for number in range(6):
        kept.keep(number, os.urandom(1_000_000))
    assert [kept.find(number) for number in range(6)] == [None] * 6
    kept.keep("late", 1)
    assert kept.find("late") is None
