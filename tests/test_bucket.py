"""One contract for every bucket, and what the folder and the object stores add to it."""

import os
import stat

import pytest
from obstore.store import MemoryStore
from s3 import ENVIRONMENT, Server

from feedarchiver.archive.bucket import AT_ONCE, ahead
from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.objects import object_id
from feedarchiver.archive.remotebucket import RemoteBucket
from feedarchiver.errors import MissingObject, StorageError
from feedarchiver.s3.address import Address
from feedarchiver.s3.remote import Remote

DATA = "一".encode()
ID = object_id(DATA)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Start each store when it is first asked for, and end it at the end."""
    running = {}

    def started(kind):
        if kind not in running:
            running[kind] = Server(kind, tmp_path_factory.mktemp(kind))
        return running[kind]

    yield started
    for server in running.values():
        server.stop()


@pytest.fixture(params=["folder", "memory", "moto", "nanio"])
def opened(request, tmp_path, servers, monkeypatch):
    """Give what opens one and the same bucket, again and again."""
    if request.param == "folder":
        return lambda: FolderBucket(tmp_path)
    if request.param == "memory":
        memory = MemoryStore()
        return lambda: RemoteBucket(Remote(memory, "memory"), tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    address = Address("bucket", f"prefix/{request.node.name.partition('[')[0]}", servers(request.param).address)
    return lambda: RemoteBucket(Remote.connect(address), tmp_path)


@pytest.fixture
def bucket(opened):
    return opened()


def test_names_that_others_have_just_given(tmp_path, monkeypatch):
    """Who relies on what somebody beside has named makes that name durable first: it may not be yet."""
    other = FolderBucket(tmp_path)
    other.put("raw", ID, DATA)
    other.flush()
    synced, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(os.readlink(f"/proc/self/fd/{file}")), sync(file)))
    bucket = FolderBucket(tmp_path).beside()
    assert not bucket.put("raw", ID, DATA)
    bucket.put("captures", ID, DATA)
    bucket.flush()
    folders = [os.path.dirname(bucket.path(kind, ID)) for kind in ("raw", "captures")]
    assert [folder for folder in synced if folder in folders] == folders


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

    @pytest.mark.parametrize("digits", [1, 2, 3])
    def test_names_that_begin_alike(self, bucket, digits):
        """Names that begin with any digits are listed by themselves; all of them are all there are."""
        ids = [object_id(b"%d" % number) for number in range(40)]
        for number, name in enumerate(ids):
            bucket.put("raw", name, b"%d" % number)
        bucket.flush()
        prefixes = sorted({name[:digits] for name in ids})
        assert [name for prefix in prefixes for name in bucket.names("raw", prefix)] == sorted(ids)
        assert list(bucket.names("raw", prefixes[0])) == [name for name in sorted(ids) if name.startswith(prefixes[0])]
        assert list(bucket.names("captures", prefixes[0])) == []

    def test_sight(self, bucket, opened):
        """Whoever opens the same place sees the same; what it is does not change with what is stored."""
        bucket.begin(b"{}")
        seen = bucket.sight()
        bucket.put("raw", ID, DATA)
        bucket.flush()
        assert seen
        assert opened().sight() == seen

    def test_unflushed_is_not_durable(self, bucket, opened):
        """Bytes that were handed over and never flushed are not in the bucket that is opened next."""
        bucket.put("raw", ID, DATA)
        assert opened().length("raw", ID) is None

    def test_flushed_is_durable(self, bucket, opened):
        """What was flushed is in the bucket that is opened next, whatever its kind and size."""
        large = bytes(range(256)) * 70_000
        bucket.put("raw", ID, DATA)
        bucket.put("images", object_id(large), large)
        bucket.put("captures", object_id(b"{}"), b"{}")
        bucket.flush()
        again = opened()
        assert again.get("raw", ID) == DATA
        assert again.get("images", object_id(large)) == large
        assert again.length("captures", object_id(b"{}")) == 2

    def test_a_bucket_without_an_archive(self, bucket, opened):
        """What an archive stands on is bare, then has its file, which nobody writes a second time."""
        assert bucket.is_bare()
        assert bucket.format() is None
        bucket.begin(b"{}")
        opened().begin(b"other")
        assert opened().format() == b"{}"
        assert not bucket.is_bare()

    def test_an_archive_that_is_announced(self, bucket, opened):
        """Which archive is going to begin somewhere is noted until it does; that is no archive yet."""
        assert bucket.announced() is None
        bucket.announce(b"{}")
        assert (opened().announced(), opened().format()) == (b"{}", None)
        opened().begin(b"{}")
        assert (opened().announced(), opened().format()) == (None, b"{}")

    def test_many_at_a_time(self, bucket, opened):
        """What is expected, looked at together or listed at once is what is read one by one."""
        many = {object_id(b"%d" % number): b"%d" % number for number in range(2 * AT_ONCE)}
        for name, data in many.items():
            bucket.put("articles", name, data)
        bucket.flush()
        again = opened()
        length = again.lengths()
        assert {
            name: again.get(kind, name) for kind, name in ahead(again, (("articles", name) for name in many))
        } == many
        assert list(again.together(lambda name: again.get("articles", name), many)) == list(many.values())
        assert [length("articles", name) for name in many] == [len(data) for data in many.values()]
        assert length("raw", next(iter(many))) is None

    def test_foreign_names_are_named_as_paths(self, bucket, opened):
        """What is no object is listed by its path."""
        bucket.put("raw", "readme", DATA)
        bucket.flush()
        assert [name for name in opened().names("raw") if "/" in name]


class TestFolder:
    @pytest.fixture
    def bucket(self, tmp_path):
        return FolderBucket(tmp_path)

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
