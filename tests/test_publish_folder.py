import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from feedarchiver.errors import StorageError
from feedarchiver.model import Document
from feedarchiver.publish.folder import Folder
from feedarchiver.publish.parts import Stretch

ROOT = os.geteuid() == 0


def document(path="all/rss.xml", data=b"<rss/>"):
    return Document(path=path, media_type="application/rss+xml", data=data)


def tree(folder: Path):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_writes_and_makes_folders(tmp_path):
    """A document lands at its path, with its bytes and nothing beside it."""
    root = tmp_path / "deep" / "feeds"
    assert Folder(root).write(document("all/archive/000001.rss.xml")) == "written"
    assert tree(root) == ["all", "all/archive", "all/archive/000001.rss.xml"]
    assert (root / "all/archive/000001.rss.xml").read_bytes() == b"<rss/>"


def test_same_bytes_leave_the_file_alone(tmp_path):
    """A file whose bytes would not change keeps its inode and its time."""
    folder = Folder(tmp_path)
    folder.write(document())
    os.utime(tmp_path / "all/rss.xml", (1, 1))
    before = (tmp_path / "all/rss.xml").stat()
    assert folder.write(document()) == "unchanged"
    after = (tmp_path / "all/rss.xml").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("old", [b"", b"<rsS/>", b"<rss/> ", b"<rss/"])
def test_other_bytes_are_replaced(tmp_path, old):
    """Whatever other bytes were there, the new ones take their place in a file of its own."""
    folder = Folder(tmp_path)
    folder.write(document(data=old))
    with (tmp_path / "all/rss.xml").open("rb") as reading:
        assert folder.write(document()) == "written"
        assert reading.read() == old
    assert (tmp_path / "all/rss.xml").read_bytes() == b"<rss/>"


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "/",
        "/etc/x.xml",
        "..",
        "../x.xml",
        "all/../../x.xml",
        "all/..",
        "all//x.xml",
        "./x.xml",
        "all/",
        "a\0b",
    ],
)
def test_no_path_leads_out(tmp_path, path):
    """A path that is not plainly below the folder is refused, and nothing is made."""
    with pytest.raises(ValueError, match="not a path below"):
        Folder(tmp_path / "feeds").write(document(path))
    assert tree(tmp_path) == []


def test_link_in_place_of_a_file_is_replaced(tmp_path):
    """A symbolic link where the document belongs is replaced; what it points to keeps its bytes."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"<rss/>")
    (tmp_path / "feeds/all").mkdir(parents=True)
    (tmp_path / "feeds/all/rss.xml").symlink_to(outside)
    folder = Folder(tmp_path / "feeds")
    assert folder.write(document()) == "written"
    assert not (tmp_path / "feeds/all/rss.xml").is_symlink()
    folder.write(document(data=b"<new/>"))
    assert outside.read_bytes() == b"<rss/>"


def test_link_in_place_of_a_folder_is_refused(tmp_path):
    """A symbolic link on the way is not followed."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds/all").symlink_to(tmp_path / "outside")
    with pytest.raises(StorageError, match=r"all/rss\.xml"):
        Folder(tmp_path / "feeds").write(document())
    assert tree(tmp_path / "outside") == []


def test_published_folder_may_be_a_link(tmp_path):
    """Where the folder itself is, its owner decides: it may be a link."""
    (tmp_path / "www").mkdir()
    (tmp_path / "feeds").symlink_to(tmp_path / "www")
    assert Folder(tmp_path / "feeds").write(document()) == "written"
    assert tree(tmp_path / "www") == ["all", "all/rss.xml"]


def test_pipe_in_place_of_a_file_is_replaced(tmp_path):
    """A pipe where the document belongs does not make the builder wait."""
    (tmp_path / "all").mkdir()
    os.mkfifo(tmp_path / "all/rss.xml")
    assert Folder(tmp_path).write(document()) == "written"
    assert (tmp_path / "all/rss.xml").read_bytes() == b"<rss/>"


def test_folder_in_place_of_a_file_is_an_error(tmp_path):
    """A folder where the document belongs is named, kept, and leaves no temporary file behind."""
    (tmp_path / "all/rss.xml/kept").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"cannot write .*all/rss\.xml") as caught:
        Folder(tmp_path).write(document())
    assert tree(tmp_path) == ["all", "all/rss.xml", "all/rss.xml/kept"]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_read_only_folder(tmp_path):
    """A folder that may not be written is one line that says so."""
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="permission denied"):
        Folder(tmp_path).write(document())
    tmp_path.chmod(0o700)


def test_file_in_place_of_a_folder_is_an_error(tmp_path):
    """A file where the feed's folder belongs is named and kept."""
    (tmp_path / "all").write_bytes(b"mine")
    with pytest.raises(StorageError, match=r"all/rss\.xml") as caught:
        Folder(tmp_path).write(document())
    assert caught.value.__cause__.errno == errno.ENOTDIR
    assert (tmp_path / "all").read_bytes() == b"mine"


def test_disk_full_keeps_the_old_file(tmp_path):
    """When the new bytes cannot be written whole, the old file stands and nothing half-written stays."""
    folder = Folder(tmp_path)
    folder.write(document(data=b"old"))
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(StorageError, match="cannot write"):
            folder.write(document(data=b"new" * 1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert tree(tmp_path) == ["all", "all/rss.xml"]
    assert (tmp_path / "all/rss.xml").read_bytes() == b"old"


KILLED = """
import os, sys
from pathlib import Path
from feedarchiver.model import Document
from feedarchiver.publish.folder import Folder
from feedarchiver.publish.parts import Stretch
def stop(event, args):
    if event == "os.rename":
        os.kill(os.getpid(), 9)
sys.addaudithook(stop)
Folder(Path(sys.argv[1])).write(Document(path="all/rss.xml", media_type="x", data=b"new"))
"""


def test_killed_before_the_rename(tmp_path):
    """A builder killed before the rename leaves the old file, and the next one clears away what it left."""
    Folder(tmp_path).write(document(data=b"old"))
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    dead = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=env, check=False)
    assert dead.returncode == -signal.SIGKILL
    assert (tmp_path / "all/rss.xml").read_bytes() == b"old"
    assert len(tree(tmp_path)) == 3
    Folder(tmp_path).write(document(data=b"new"))
    assert tree(tmp_path) == ["all", "all/rss.xml"]
    assert (tmp_path / "all/rss.xml").read_bytes() == b"new"


def test_remove_takes_empty_folders_along(tmp_path):
    """A removed file leaves no empty folder behind, and takes nothing else with it."""
    folder = Folder(tmp_path / "feeds")
    for path in ("all/rss.xml", "all/archive/000001.rss.xml", "all/archive/000002.rss.xml"):
        folder.write(document(path))
    assert folder.remove("all/archive/000001.rss.xml")
    assert tree(tmp_path / "feeds") == ["all", "all/archive", "all/archive/000002.rss.xml", "all/rss.xml"]
    assert folder.remove("all/archive/000002.rss.xml")
    assert tree(tmp_path / "feeds") == ["all", "all/rss.xml"]
    assert folder.remove("all/rss.xml")
    assert tree(tmp_path) == ["feeds"]
    folder.settle()


@pytest.mark.parametrize("path", ["all/rss.xml", "none/rss.xml", "all/atom.xml/x"])
def test_remove_what_is_not_there(tmp_path, path):
    """What is not there need not be removed."""
    folder = Folder(tmp_path)
    folder.write(document("all/atom.xml"))
    assert not folder.remove(path)
    assert tree(tmp_path) == ["all", "all/atom.xml"]


def test_remove_stays_inside(tmp_path):
    """A link among the folders is not followed; one in the place of the file is removed, not what it leads to."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "rss.xml").write_bytes(b"mine")
    (tmp_path / "feeds" / "all").mkdir(parents=True)
    (tmp_path / "feeds" / "linked").symlink_to(tmp_path / "outside")
    (tmp_path / "feeds" / "all" / "rss.xml").symlink_to(tmp_path / "outside" / "rss.xml")
    folder = Folder(tmp_path / "feeds")
    assert not folder.remove("linked/rss.xml")
    assert folder.remove("all/rss.xml")
    assert (tmp_path / "outside" / "rss.xml").read_bytes() == b"mine"
    assert folder.names("linked") == []
    with pytest.raises(ValueError, match="not a path below"):
        folder.remove("../outside/rss.xml")


def test_read_and_names(tmp_path):
    """What was written is read back and listed; what is no file is nothing."""
    folder = Folder(tmp_path)
    folder.write(document("all/rss.xml"))
    assert folder.read("all/rss.xml") == b"<rss/>"
    assert folder.names("all") == ["rss.xml"]
    assert folder.read("all/atom.xml") is folder.read("none/x") is folder.read("all") is None
    assert folder.names("none") == folder.names("all/rss.xml") == []


def test_stretches_of_files_are_copied(tmp_path):
    """A stretch of another file comes out as it is there, between bytes; one that is cut off is an error."""
    (tmp_path / "old").write_bytes(b"0123456789")
    file = os.open(tmp_path / "old", os.O_RDONLY)
    try:
        folder = Folder(tmp_path / "feeds")
        assert folder.write_parts("a/b", [b"<", Stretch(file, 2, 5), b">"]) == "written"
        assert folder.write_parts("a/b", [b"<", Stretch(file, 2, 5), b">"]) == "unchanged"
        with pytest.raises(StorageError, match="reports an error"):
            folder.write_parts("a/c", [Stretch(file, 8, 5)])
    finally:
        os.close(file)
    assert (tmp_path / "feeds/a/b").read_bytes() == b"<23456>"
    assert tree(tmp_path / "feeds") == ["a", "a/b"]


def test_long_stretches_and_many_parts(tmp_path):
    """However long a stretch is, and however many parts there are, all of them come out in their order."""
    data = os.urandom(2_500_000)
    (tmp_path / "old").write_bytes(data)
    many = [b"%d," % number for number in range(1_500)]
    file = os.open(tmp_path / "old", os.O_RDONLY)
    try:
        parts = [*many, Stretch(file, 1, len(data) - 2), *many, Stretch(file, 0, 3)]
        assert Folder(tmp_path).write_parts("new", parts) == "written"
        assert Folder(tmp_path).write_parts("new", parts) == "unchanged"
    finally:
        os.close(file)
    between = b"".join(many)
    assert (tmp_path / "new").read_bytes() == between + data[1:-1] + between + data[:3]


def test_a_folder_that_went_away_is_made_again(tmp_path):
    """What is written after a folder went with its last document is there, and no folder stays open after that."""
    folder = Folder(tmp_path)
    opened = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    folder.write(document("all/rss.xml"))
    assert folder.remove("all/rss.xml")
    folder.write(document("all/rss.xml"))
    folder.write(document("one/rss.xml"))
    folder.settle()
    assert tree(tmp_path) == ["all", "all/rss.xml", "one", "one/rss.xml"]
    assert not opened or len(os.listdir("/proc/self/fd")) == opened


def test_files_that_wait_get_their_names_together(tmp_path):
    """A file that waits for others has its name when all is settled, and leaves nothing behind."""
    folder = Folder(tmp_path)
    folder.write_parts("a/b", [b"1"], waits=True)
    assert folder.is_waiting
    assert not (tmp_path / "a/b").exists()
    folder.settle()
    assert not folder.is_waiting
    assert tree(tmp_path) == ["a", "a/b"]
