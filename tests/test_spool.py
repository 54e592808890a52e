"""Values that a run may want again."""

import os
import shutil
import sys
from types import SimpleNamespace

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


def test_many_values(kept):
    """Many values are found, the last of each key, and what it takes to find them does not grow with them."""
    sizes = []
    for turn in (1, 2):
        for number in range(5_000 * turn):
            kept.keep(f"key {number}", (turn, number))
        sizes.append(sum(sys.getsizeof(value) for name, value in vars(kept).items() if name != "_memory"))
    assert all(kept.find(f"key {number}") == (2, number) for number in range(10_000))
    assert "key 10000" not in kept
    assert sizes[0] == sizes[1]
    assert len(kept._memory) <= spool._MEMORY_BYTES


def test_no_more_than_there_is_room_for(kept, monkeypatch):
    """What comes when as much is kept as is left free is not kept; what was stays, and more is when there is room."""
    free = {"bytes": 2_000}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free["bytes"]))
    for number in range(20):
        kept.keep(number, "x" * 500)
    first = [number in kept for number in range(20)]
    assert first == [True] * sum(first) + [False] * (20 - sum(first))
    assert 1 <= sum(first) <= 4
    free["bytes"] = 2_000_000
    kept.keep("later", 1)
    assert (kept.find(0), kept.find("later")) == ("x" * 500, 1)


def test_keys_that_share_a_bucket(kept):
    """Keys that lie in one bucket are all found."""
    keys = [place * spool._BUCKETS for place in range(5)]
    for key in keys:
        kept.keep(key, str(key))
    assert [kept.find(key) for key in keys] == list(map(str, keys))
    assert [key in kept for key in (keys[-1], keys[-1] + spool._BUCKETS)] == [True, False]


def test_keys_that_only_look_alike(kept):
    """Keys of one hash are told apart."""
    kept.keep(-1, "minus one")
    assert hash(-1) == hash(-2)
    assert kept.find(-2) is None


def test_a_folder_that_is_not_there_yet(tmp_path):
    """The folder of the file is made: an archive that nothing was written to here has none."""
    kept = Spool(str(tmp_path / "new"))
    values = [os.urandom(1_000_000) for _ in range(6)]
    for number, value in enumerate(values):
        kept.keep(number, value)
    assert [kept.find(number) for number in range(6)] == values
    kept.close()


def test_without_a_folder_for_the_file(tmp_path):
    """Where no file can be made, nothing is kept and nothing fails."""
    (tmp_path / "file").touch()
    kept = Spool(str(tmp_path / "file" / "none"))
    for number in range(6):
        kept.keep(number, os.urandom(1_000_000))
    assert [kept.find(number) for number in range(6)] == [None] * 6
    kept.keep("late", 1)
    assert kept.find("late") is None
