"""feedarchiver.gather.folder: seed files found and read."""

import os
import pickle
import socket
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedarchiver.errors import SeedRefused, one_line
from feedarchiver.gather import folder
from feedarchiver.model import Refusal

LIMIT = 1_000_000


def make(root, names):
    for name in names:
        path = os.path.join(os.fsencode(root), name if isinstance(name, bytes) else name.encode())
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name if isinstance(name, bytes) else name.encode())


def names(root):
    return [seed.name for seed in folder.scan(root, "home")]


def only_refusal(root):
    (found,) = (one for one in folder.scan(root, "home") if isinstance(one, Refusal))
    return found


@contextmanager
def as_nobody():
    """Be a user whom permissions stop: root is stopped by none."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public(tmp_path):
    """Make a folder that nobody can walk to, also where the test runs as root."""
    if os.geteuid() == 0:
        for above in (tmp_path, *tmp_path.parents):
            if not above.stat().st_mode & 0o001:
                above.chmod(0o755)
            if above.name.startswith("pytest-of-"):
                break
    return tmp_path


def test_sources_by_folder(tmp_path):
    """A file belongs to the folder's source, one in a subfolder to the subfolder, however deep it lies."""
    make(tmp_path, ["b.txt", "rfi/x.md", "rfi/2023/11/y.md", "bbc/z", "a"])
    found = [(seed.name, seed.source) for seed in folder.scan(tmp_path, "home")]
    assert found == [
        ("a", "home"),
        ("b.txt", "home"),
        ("bbc/z", "bbc"),
        ("rfi/x.md", "rfi"),
        ("rfi/2023/11/y.md", "rfi"),
    ]


def test_sources_that_differ_in_case(tmp_path):
    """`BBC/` and `bbc/` are two sources where the disk keeps them apart; no file of either is lost."""
    make(tmp_path, ["BBC/x", "bbc/y"])
    if not (tmp_path / "bbc" / "x").exists():
        assert names(tmp_path) == ["BBC/x", "bbc/y"]
    else:
        assert len(names(tmp_path)) == 2


def test_order_is_that_of_names(tmp_path):
    """The order is that of names, not that of the disk."""
    made = [f"{number * 7919 % 1000:03}" for number in range(300)]
    make(tmp_path, made)
    assert names(tmp_path) == sorted(made)


def test_hidden_names_are_passed_over(tmp_path):
    """Names with a leading dot, files and folders, are no seeds."""
    make(tmp_path, [".gitkeep", ".git/config", "rfi/.x.swp", "rfi/.cache/y", "rfi/x"])
    assert names(tmp_path) == ["rfi/x"]


@pytest.mark.parametrize(
    "name",
    [
        "a \"quoted\" 'title'",
        "line\nbreak",
        "tab\t\x01",
        "back\\slash",
        "%41%FF",
        "土耳其，“大使”",
        "a" * 255,
        "-rf",
        "*?",
        "\u202etxt",
    ],
)
def test_names_are_opaque(tmp_path, name):
    """Any name is a name: it is read, and kept as it is."""
    make(tmp_path, [name])
    (seed,) = folder.scan(tmp_path, "home")
    assert seed.name == name
    assert folder.read(seed, LIMIT) == name.encode()


def test_names_that_are_not_utf8(tmp_path):
    """A name that is not UTF-8 is read; as text its bytes are percent-encoded, also where it names a source."""
    make(tmp_path, [b"\xcd\xc1%41.txt", b"\xcd/\xc1"])
    first, second = folder.scan(tmp_path, "home")
    assert (first.name, first.source) == ("%CD%C1%2541.txt", "home")
    assert (second.name, second.source) == ("%CD/%C1", "%CD")
    assert folder.read(first, LIMIT) == b"\xcd\xc1%41.txt"
    assert f"{first.place}{second.place}".encode()


def test_place_is_as_configured(tmp_path, monkeypatch):
    """A place is written as the folder was, and then the name."""
    make(tmp_path, ["seeds/rfi/x"])
    monkeypatch.chdir(tmp_path)
    (seed,) = folder.scan(Path("seeds"), "home")
    assert seed.place == "seeds/rfi/x"
    os.mkfifo("seeds/rfi/pipe")
    assert only_refusal(Path("seeds")).place == "seeds/rfi/pipe"


def test_seed_is_a_value(tmp_path):
    """A seed file's state is a picklable value."""
    make(tmp_path, ["x"])
    (seed,) = folder.scan(tmp_path, "home")
    assert pickle.loads(pickle.dumps(seed)) == seed
    assert seed.size_bytes == 1


# The stamp


def edit(path):
    path.write_text("other")


def same_size_and_time(path):
    before = path.stat()
    path.write_text("X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path):
    path.with_name(".new").write_text("x")
    path.with_name(".new").rename(path)


@pytest.mark.parametrize("change", [edit, same_size_and_time, replaced])
def test_stamp_changes_with_the_file(tmp_path, change):
    """An unchanged file keeps its stamp; a changed one gets another, also where size and time were put back."""
    path = tmp_path / "x"
    path.write_text("x")
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    (before,) = folder.scan(tmp_path, "home")
    assert [before] == list(folder.scan(tmp_path, "home"))
    while path.stat().st_ctime_ns == int(before.stamp.split()[1], 16):  # until the disk's clock ticks
        change(path)
    (after,) = folder.scan(tmp_path, "home")
    assert after.stamp != before.stamp


@pytest.mark.parametrize(
    ("ctime_ns", "age_s", "settled"),
    [
        (1_700_000_000_500_000_000, 0.1, True),
        (1_700_000_000_500_000_000, 0.001, False),
        (1_700_000_000_500_000_000, -1, False),
        (1_700_000_000_000_000_000, 1.9, False),
        (1_700_000_000_000_000_000, 2.1, True),
    ],
)
def test_settled(ctime_ns, age_s, settled):
    """A file is settled once the disk's clock has ticked since its last change; some tick slowly."""
    seed = folder.SeedFile("/s/x", "home", "/s", "x", 1, f"1 {ctime_ns:x} 1 1")
    now = datetime.fromtimestamp(ctime_ns / 1e9, UTC) + timedelta(seconds=age_s)
    assert seed.is_settled(now) is settled


# What is no seed


def pipe(path):
    os.mkfifo(path)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path may not be long
        server.bind(path.name)
        os.chdir(here)


def device(path):
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero: endless
    except PermissionError:
        pytest.skip("this user may not make devices")


def link_out(path):
    path.symlink_to("/etc/passwd")


def link_up(path):
    (path.parent.parent / "secret").write_text("x")
    path.symlink_to("../secret")


def link_to_sibling(path):
    (path.parent.parent / "seeds-other").mkdir()
    (path.parent.parent / "seeds-other" / "x").write_text("x")
    path.symlink_to("../seeds-other/x")


def link_to_folder(path):
    path.symlink_to("rfi")


def link_to_root(path):
    path.symlink_to("/")


def link_to_itself(path):
    path.symlink_to(path.name)


def link_to_nothing(path):
    path.symlink_to("gone")


def link_to_device(path):
    path.symlink_to("/dev/zero")


def link_to_pipe(path):
    os.mkfifo(path.parent / ".pipe")
    path.symlink_to(".pipe")


@pytest.mark.parametrize(
    ("make_odd", "reason"),
    [
        (pipe, "not a regular file but a pipe"),
        (unix_socket, "not a regular file but a socket"),
        (device, "not a regular file but a device"),
        (link_out, "a link out of the seed folder"),
        (link_up, "a link out of the seed folder"),
        (link_to_sibling, "a link out of the seed folder"),
        (link_to_device, "a link out of the seed folder"),
        (link_to_folder, "a link to a folder; links to folders are not followed"),
        (link_to_root, "a link to a folder; links to folders are not followed"),
        (link_to_itself, "cannot be read: too many levels of symbolic links"),
        (link_to_nothing, "cannot be read: no such file or directory"),
        (link_to_pipe, "not a regular file but a pipe"),
    ],
)
def test_refused_and_the_rest_goes_on(tmp_path, make_odd, reason):
    """Pipes, sockets, devices and links that lead astray are refused one by one; nothing hangs, the rest is read."""
    root = tmp_path / "seeds"
    make(root, ["a", "rfi/x", "z"])
    make_odd(root / "m")
    found = list(folder.scan(root, "home"))
    assert [one.name for one in found if isinstance(one, folder.SeedFile)] == ["a", "z", "rfi/x"]
    refusal = only_refusal(root)
    assert (refusal.place, refusal.reason) == (f"{root}/m", reason)


def test_link_within_the_folder(tmp_path):
    """A link to a file within the folder is a seed under its own name, also where the folder is a link."""
    make(tmp_path, ["seeds/rfi/x"])
    (tmp_path / "seeds" / "linked").symlink_to("rfi/x")
    (tmp_path / "way").symlink_to("seeds")
    for root in (tmp_path / "seeds", tmp_path / "way"):
        first, second = folder.scan(root, "home")
        assert [(seed.name, seed.source) for seed in (first, second)] == [("linked", "home"), ("rfi/x", "rfi")]
        assert folder.read(first, LIMIT) == folder.read(second, LIMIT) == b"seeds/rfi/x"
        assert first.stamp == second.stamp


def test_unreadable_file_and_folder(public):
    """A file or folder that may not be read is refused with the reason, each once; the rest is read."""
    make(public, ["a", "closed/x", "open/y", "private"])
    (public / "closed").chmod(0)
    (public / "private").chmod(0)
    try:
        with as_nobody():
            found = list(folder.scan(public, "home"))
            (refusal,) = (one for one in found if isinstance(one, Refusal))
            read = []
            for seed in found:
                if isinstance(seed, folder.SeedFile):
                    try:
                        read.append(folder.read(seed, LIMIT))
                    except SeedRefused as refused:
                        read.append(f"{seed.name}: {refused.reason}")
    finally:
        (public / "closed").chmod(0o700)
    assert read == [b"a", "private: cannot be read: permission denied", b"open/y"]
    assert str(refusal) == f"refused {public}/closed: cannot be read: permission denied; nothing in it was read"


def test_missing_folder(tmp_path):
    """A folder that is not there is one refusal."""
    (refusal,) = folder.scan(tmp_path / "gone", "home")
    assert refusal.place == f"{tmp_path}/gone"
    assert refusal.reason == "cannot be read: no such file or directory"


def test_refusal_is_one_honest_line(tmp_path):
    """The place of a refusal is valid text whatever the name, and one line once it is escaped."""
    os.mkfifo(os.fsencode(tmp_path) + b"/a\n\x1b[31m\xff")
    line = one_line(str(only_refusal(tmp_path)))
    assert "\n" not in line
    assert line.isprintable()
    assert "a\\x0a\\x1b[31m%FF" in line


# One file that a person named


def test_single(tmp_path):
    """A named file is taken by its own name; so is a link, wherever it leads; scan takes it the same way."""
    make(tmp_path, ["in/x", "out/y"])
    (tmp_path / "in" / "linked").symlink_to("../out/y")
    for name, data in (("x", b"in/x"), ("linked", b"out/y")):
        seed = folder.single(tmp_path / "in" / name, "home")
        assert (seed.name, seed.source, seed.place) == (name, "home", f"{tmp_path}/in/{name}")
        assert folder.read(seed, LIMIT) == data
        assert list(folder.scan(tmp_path / "in" / name, "home")) == [seed]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone", "cannot be read: no such file or directory"),
        ("folder", "not a regular file but a folder"),
        ("pipe", "not a regular file but a pipe"),
        ("x/y", "cannot be read: not a directory"),
    ],
)
def test_single_refused(tmp_path, name, reason):
    """What a person named and is no regular file is refused in their own words."""
    make(tmp_path, ["x", "folder/x"])
    os.mkfifo(tmp_path / "pipe")
    refusal = folder.single(tmp_path / name, "home")
    assert refusal == Refusal(place=f"{tmp_path}/{name}", reason=reason)


# Reading


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_read_whole(tmp_path, size):
    """A file is read whole, up to the limit and not beyond it."""
    path = tmp_path / "x"
    path.write_bytes(os.urandom(size))
    seed = folder.single(path, "home")
    assert folder.read(seed, size) == path.read_bytes()
    if size:
        with pytest.raises(SeedRefused, match="above the limit of"):
            folder.read(seed, size - 1)


def test_too_long_names_size_and_limit(tmp_path):
    """A file above the limit is refused unread: a sparse one of a terabyte costs nothing."""
    with (tmp_path / "x").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(SeedRefused) as refused:
        folder.read(folder.single(tmp_path / "x", "home"), 10_000_000)
    assert refused.value.reason == "1,000,000,000,000 bytes long, above the limit of 10,000,000"


def test_file_that_says_nothing_of_its_length():
    """What tells no size, as /proc does, is still held to the limit."""
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")
    seed = folder.single(Path("/proc/self/status"), "home")
    assert seed.size_bytes == 0
    assert folder.read(seed, LIMIT).startswith(b"Name:")
    with pytest.raises(SeedRefused, match="above the limit of 10"):
        folder.read(seed, 10)


def swap_link(path):
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("swap", "reason"),
    [
        (lambda path: None, "cannot be read: no such file or directory"),
        (swap_link, "not a regular file any more"),
        (pipe, "not a regular file any more but a pipe"),
        (unix_socket, "not a regular file any more"),
        (Path.mkdir, "not a regular file any more but a folder"),
    ],
    ids=["gone", "link", "pipe", "socket", "folder"],
)
def test_changed_between_scan_and_read(tmp_path, swap, reason):
    """What was swapped for something else after the scan is refused, and nothing waits for a pipe's writer."""
    make(tmp_path, ["x"])
    (seed,) = folder.scan(tmp_path, "home")
    (tmp_path / "x").unlink()
    swap(tmp_path / "x")
    with pytest.raises(SeedRefused) as refused:
        folder.read(seed, LIMIT)
    assert refused.value.reason == reason
