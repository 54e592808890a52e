"""One contract for every bucket, and what the folder adds to it."""

import os
import stat

import pytest

from feedarchiver.archive.bucket import FolderBucket
from feedarchiver.archive.objects import object_id
from feedarchiver.errors import MissingObject, StorageError

DATA = "一".encode()
ID = object_id(DATA)


@pytest.fixture
def bucket(tmp_path):
    return FolderBucket(tmp_path)


class TestContract:
    def test_what_was_put_can_be_read_before_and_after_flush(self, bucket):
        """Bytes handed over are there at once, and stay."""
        bucket.put("raw", ID, DATA)
        assert bucket.length("raw", ID) == len(DATA)
        assert bucket.get("raw", ID) == DATA
        bucket.flush()
        assert bucket.length("raw", ID) == len(DATA)
        assert bucket.get("raw", ID) == DATA

    def test_missing(self, bucket):
        """What is not there is said to be missing."""
        assert bucket.length("raw", ID) is None
        with pytest.raises(MissingObject, match=ID):
            bucket.get("raw", ID)

    def test_kinds_are_apart(self, bucket):
        """The same id in another kind is another object."""
        bucket.put("raw", ID, DATA)
        bucket.flush()
        assert bucket.length("articles", ID) is None

    def test_nothing_is_overwritten(self, bucket):
        """Putting an object that is there changes nothing, even if other bytes are handed over."""
        bucket.put("raw", ID, DATA)
        bucket.flush()
        bucket.put("raw", ID, b"other")
        bucket.flush()
        assert bucket.get("raw", ID) == DATA

    def test_names_are_in_order(self, bucket):
        """Every name of a kind is listed, in ascending order."""
        ids = [object_id(b"%d" % number) for number in range(50)]
        for number, name in enumerate(ids):
            bucket.put("articles", name, b"%d" % number)
        bucket.flush()
        assert list(bucket.names("articles")) == sorted(ids)
        assert list(bucket.names("captures")) == []

    def test_unflushed_is_not_durable(self, bucket, tmp_path):
        """Bytes that were handed over and never flushed are not in the bucket that is opened next."""
        bucket.put("raw", ID, DATA)
        assert FolderBucket(tmp_path).length("raw", ID) is None


class TestFolder:
    def test_path_is_the_hash(self, bucket, tmp_path):
        """An object is a plain read-only file whose path is its hash, so that sha256sum alone audits the archive."""
        bucket.put("raw", ID, DATA)
        bucket.flush()
        path = tmp_path / "raw" / ID[:2] / ID[2:]
        assert path.read_bytes() == DATA
        assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0

    def test_foreign_files_are_named_as_paths(self, bucket, tmp_path):
        """What is no object is listed by its path, so that somebody can look at it."""
        bucket.put("raw", ID, DATA)
        bucket.flush()
        (tmp_path / "raw" / ID[:2] / "notes.txt").write_text("mine")
        (tmp_path / "raw" / "readme").write_text("mine")
        assert set(bucket.names("raw")) == {ID, f"raw/{ID[:2]}/notes.txt", "raw/readme"}

    def test_clear_removes_what_a_crash_left(self, bucket, tmp_path):
        """Files that never got their name are removed."""
        bucket.put("raw", ID, DATA)
        FolderBucket(tmp_path).clear()
        assert os.listdir(tmp_path / "tmp") == []

    def test_a_file_in_the_way(self, bucket, tmp_path):
        """A folder that cannot be made is one error that says what was kept."""
        (tmp_path / "raw").write_text("in the way")
        bucket.put("raw", ID, DATA)
        with pytest.raises(StorageError, match="nothing lost"):
            bucket.flush()
