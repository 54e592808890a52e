"""Archives that move between machines: exported, imported, merged, damaged, and made by a stranger."""

import io
import os
import random
import shutil
import subprocess
import tarfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from crash import KILL, Copy, index_differs, leftovers, needs_strace, sample, strike, trace
from hypothesis import given, settings
from hypothesis import strategies as st
from program import CONFIG, SOAK, Program, seed_bytes

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import KINDS
from feedarchiver.archive.copies import Incoming
from feedarchiver.archive.holdings import FolderHolding
from feedarchiver.archive.objects import encode_article, encode_capture, object_id
from feedarchiver.model import Article, Capture, Feed, Received

MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
START = datetime(2026, 1, 1, tzinfo=UTC)
HAS_ZSTD = bool(find_spec("backports.zstd") if find_spec("backports") else find_spec("compression"))
needs_zstd = pytest.mark.skipif(not HAS_ZSTD, reason="neither compression.zstd nor backports.zstd is installed")


@pytest.fixture
def program(tmp_path):
    """Six articles of two sources, one of them with two versions, undated ones among them; published."""
    program = Program(tmp_path / "one")
    for number in range(4):
        stamp = "NaN" if number % 2 else 1600000000000 + number * 1000
        program.write(f"{number}.txt", title=f"Title {number}", link=f"https://example.org/{number}", stamp=stamp)
    program("run")
    program.write("rfi/a.txt", title="Autre", link="https://example.org/a", stamp=1700000000000)
    program.write("rfi/b.txt", title="Autre b", link="https://example.org/b", stamp=1500000000000)
    (program.seeds / "0.txt").write_bytes(seed_bytes("Title 0, edited", "https://example.org/0", 1650000000000))
    assert program("run").status == 0
    return program


@pytest.fixture
def other(tmp_path):
    return Program(tmp_path / "two")


def stored(program):
    """Every object's path and bytes."""
    paths = [path for kind in KINDS for path in (program.archive / kind).rglob("*/*")]
    return {str(path.relative_to(program.archive)): path.read_bytes() for path in paths}


def holds(program, kind):
    return {name for name in stored(program) if name.startswith(f"{kind}/")}


def sound(program):
    return program.warm("verify").status == 0 and not index_differs(program) and not leftovers(program)


@pytest.mark.parametrize("name", ["backup.tar", pytest.param("backup.tar.zst", marks=needs_zstd), "backup"])
def test_a_move(program, other, name):
    """A new machine that takes in a copy publishes the same bytes; taking it in again changes nothing."""
    assert program("export", name).err == ""
    assert other("import-archive", program.folder / name).out == "7 captures taken in, 0 known\n"
    other("build")
    assert other.documents() == program.documents()
    assert stored(other) == stored(program)
    assert sound(other)
    before = other.state()
    assert other("import-archive", program.folder / name) == (0, "0 captures taken in, 7 known\n", "")
    assert other.state() == before


def test_a_folder_export_is_an_archive(program, tmp_path):
    """An exported folder serves as an archive as it is, and a tar made of it by hand is an export."""
    program("export", tmp_path / "copy")
    other = Program(tmp_path / "two", CONFIG + f"[archive]\nstore = '{tmp_path / 'copy'}'\n")
    other("build")
    assert other.documents() == program.documents()
    subprocess.run(["tar", "-C", tmp_path / "copy", "-cf", tmp_path / "by-hand.tar", "."], check=True)
    third = Program(tmp_path / "three")
    assert third("import-archive", tmp_path / "by-hand.tar") == (0, "7 captures taken in, 0 known\n", "")
    assert stored(third) == stored(program)


def test_the_same_choice_gives_the_same_bytes(program):
    """A tar depends on nothing but what is chosen; sha256sum and tar alone can audit it."""
    program("export", "a.tar")
    for path in program.archive.rglob("*"):
        os.utime(path, (0, 0))
    (program.folder / "b.tar.part").write_text("what a killed export has left" * 10_000)
    program("export", "b.tar")
    assert (program.folder / "a.tar").read_bytes() == (program.folder / "b.tar").read_bytes()
    with tarfile.open(program.folder / "a.tar") as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    assert members.pop("format.json") == (program.archive / "format.json").read_bytes()
    assert members == stored(program)


def test_a_copy_kept_up_to_date(program, other):
    """A copy that takes in later exports, too, stays the same as the original."""
    program("export", "1.tar")
    other("import-archive", program.folder / "1.tar")
    other("build")
    program.write("new.txt", title="New", link="https://example.org/new", stamp="NaN")
    program("run")
    program("export", "2.tar")
    assert other("import-archive", program.folder / "2.tar").out == "1 capture taken in, 7 known\n"
    other("build")
    assert other.documents() == program.documents()
    folder = program.folder / "copy"
    program("export", folder)
    program.write("newer.txt", title="Newer", link="https://example.org/newer")
    program("run")
    assert program("export", folder).out == "1 capture taken in, 8 known\n"


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        (["--source", "rfi"], {"Autre", "Autre b"}),
        (["--since", "2023-01-01", "--source", "rfi"], {"Autre"}),
        (["--until", "2017-07-14"], {"Autre b"}),
        (["--until", "2017-07-13"], set()),
        (["--since", "2020-09-13", "--until", "2020-09-13"], {"Title 0", "Title 0, edited", "Title 2"}),
        (["--feed", "some"], {"Autre b", "Title 0", "Title 0, edited"}),
        (["--feed", "some", "--source", "rfi"], {"Autre b"}),
    ],
)
def test_choices(program, other, arguments, titles):
    """Sources, a feed and days choose articles, each with all its versions; what comes out is a sound archive."""
    with (program.folder / "config.toml").open("a") as config:
        config.write('[[feed]]\nid = "some"\ntitle = "Some"\ninclude = { title = "edited|Autre b" }\n')
    ran = program("export", *arguments, "some.tar")
    assert ran.status == 0, ran
    other("import-archive", program.folder / "some.tar")
    articles = [data for name, data in stored(other).items() if name.startswith("articles/")]
    assert {title for title in all_titles() if any(f'"{title}"'.encode() in data for data in articles)} == titles
    assert len(articles) == len(titles) == len(holds(other, "captures"))
    assert sound(other)


def all_titles():
    return ["Autre", "Autre b", "Title 0", "Title 0, edited", "Title 1", "Title 2", "Title 3"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "x", "a.tar"], "there is no source x; nothing was exported"),
        (["--feed", "x", "a.tar"], "there is no feed x; nothing was exported"),
        (["there.tar"], "there.tar is there already; it was left as it is"),
        (["a.tar.gz"], "an export is a .tar, a .tar.zst or a folder"),
        (["archive/copy"], "a copy does not belong into the archive itself"),
        (["archive"], "a copy does not belong into the archive itself"),
    ],
)
def test_wrong_usage(program, arguments, message):
    """What cannot be meant is refused before anything is done."""
    (program.folder / "there.tar").write_text("mine")
    before = program.state()
    ran = program("export", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err
    assert program.state() == before


def test_a_folder_that_is_something_else(program):
    """A folder that holds other things is left as it is."""
    (program.folder / "photos").mkdir()
    (program.folder / "photos" / "a.jpg").write_text("mine")
    ran = program("export", "photos")
    assert ran.status == 1
    assert "is not an archive" in ran.err
    assert [path.name for path in (program.folder / "photos").iterdir()] == ["a.jpg"]


@pytest.mark.parametrize("kind", ["raw", "articles", "captures"])
@pytest.mark.parametrize("target", ["copy.tar", "copy"])
def test_a_damaged_object_is_left_out(program, other, kind, target):
    """A damaged object is named with its article, left out with what refers to it, and the rest is a sound copy."""
    article = next(path for path in (program.archive / "articles").rglob("*/*") if b"Title 2" in path.read_bytes())
    name = article.parent.name + article.name
    capture = next(path for path in (program.archive / "captures").rglob("*/*") if name in path.read_text())
    raw = next(path for path in (program.archive / "raw").rglob("*/*") if b"Title 2" in path.read_bytes())
    path = {"raw": raw, "articles": article, "captures": capture}[kind]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    ran = program("export", target)
    assert ran.status == 1
    assert f"{kind} {path.parent.name}{path.name}" in ran.err
    assert "Title 2" in ran.err
    assert "https://example.org/2" in ran.err
    assert "is damaged; left out of the copy with what refers to it" in ran.err
    assert other("import-archive", program.folder / target).out == "6 captures taken in, 0 known\n"
    assert sound(other)
    assert not any(b"Title 2" in data for n, data in stored(other).items() if n.startswith("captures/"))


@pytest.mark.parametrize("kinds", [("raw", "articles", "captures"), ("raw", "articles", "reindex")])
def test_what_was_lost_comes_back(program, kinds):
    """Damaged or lost objects, once removed, are put back from a copy, and the feeds are what they were."""
    program("export", "backup.tar")
    before, documents = stored(program), program.documents()
    for kind in kinds:
        if kind == "reindex":
            program("reindex")
        else:
            next((program.archive / kind).rglob("*/*")).unlink()
    assert program("verify").status == 1
    ran = program("import-archive", "backup.tar")
    assert ran.status == 0
    assert "restored" in ran.out
    assert stored(program) == before
    assert sound(program)
    program("build")
    assert program.documents() == documents
    assert program("import-archive", "backup.tar").out == "0 captures taken in, 7 known\n"


def test_two_archives_become_one(program, tmp_path):
    """Archives with articles in common merge both ways: each article once in both, and nothing published moves."""
    config = CONFIG + "[publish]\npage_size = 2\n"
    for where in (program.folder, other_folder := tmp_path / "two"):
        if where == other_folder:
            other = Program(where, config)
        (where / "config.toml").write_text(config)
    program("build", "--reseal")
    for number in range(2, 8):
        stamp = "NaN" if number % 2 else 1600000000000 + number * 1000
        # Under another name, or what both capture within one second would be the same capture.
        other.write(f"other-{number}.txt", title=f"Title {number}", link=f"https://example.org/{number}", stamp=stamp)
        other("run")
    sealed = {p.folder: sealed_pages(p) for p in (program, other)}
    assert all(sealed.values())
    program("export", "one.tar")
    other("export", "two.tar")
    ran = other("import-archive", program.folder / "one.tar")
    assert ran.out.startswith("7 captures taken in, 0 known; they are not newer than what was here")
    assert program("import-archive", other.folder / "two.tar").status == 0
    for one in (program, other):
        assert one("build").status == 0
        assert sound(one)
        assert sealed[one.folder].items() <= sealed_pages(one).items()
        assert one.told("reindex")["entries"] == 10
        one("build")
        assert sealed[one.folder].items() <= sealed_pages(one).items()
    assert holds(program, "articles") == holds(other, "articles")
    assert holds(program, "raw") == holds(other, "raw")
    states = [one.state() for one in (program, other)]
    assert other("import-archive", program.folder / "one.tar").out == "0 captures taken in, 7 known\n"
    assert other("import-archive", program.folder / "archive").out == "0 captures taken in, 13 known\n"
    assert program("import-archive", other.folder / "archive").out == "0 captures taken in, 13 known\n"
    assert [one.state() for one in (program, other)] == states


def sealed_pages(program):
    return {
        name: data for name, data in program.documents().items() if "/archive/" in name and not name.endswith("html")
    }


def article(number=1, **said):
    data = encode_article(Article(title=f"T{number}", link=f"https://example.org/{number}", content="<p>x</p>", **said))
    return data, object_id(data)


def capture(article_id, raw=b"raw", **said):
    fields = {"source": "s", "url": None, "captured": START, "fingerprint": "1:" + "0" * 32}
    return encode_capture(Capture(article=article_id, raw=object_id(raw), **(fields | said)))


def member(name, data=b"", type_=tarfile.REGTYPE, size=None):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = type_, len(data) if size is None else size, "/etc/passwd"
    return info, data


def named(kind, data):
    name = object_id(data)
    return member(f"{kind}/{name[:2]}/{name[2:]}", data)


def tar(path, *members, good=True):
    """Write a tar with these members between a sound article's."""
    data, name = article()
    sound_ones = [member("format.json", b'{"layout": 1}'), named("articles", data), named("raw", b"raw")]
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as out:
        for info, content in (*sound_ones, *members, *([named("captures", capture(name))] if good else [])):
            out.addfile(info, io.BytesIO(content))


OBJECT = "raw/00/" + "0" * 62
WRONG = {
    "traversal": (member("../../escaped", b"x"), "../../escaped: it is no object of an archive"),
    "absolute": (member("/tmp/escaped", b"x"), "/tmp/escaped: it is no object of an archive"),
    "traversal in a kind": (member("raw/../../escaped", b"x"), "it is no object of an archive"),
    "link": (member(OBJECT, type_=tarfile.SYMTYPE), f"{OBJECT}: it is a link"),
    "hard link": (member(OBJECT, type_=tarfile.LNKTYPE), "it is a link"),
    "device": (member(OBJECT, type_=tarfile.CHRTYPE), "it is a device"),
    "pipe": (member(OBJECT, type_=tarfile.FIFOTYPE), "it is a pipe"),
    "sparse": (member(OBJECT, type_=tarfile.GNUTYPE_SPARSE), "it is not a regular file"),
    "folder": (member("../up", type_=tarfile.DIRTYPE), "it is a folder of another name"),
    "name": (member("raw/00/" + "Z" * 62, b"x"), "it is no object of an archive"),
    "control characters": (member("raw/\x1b[2J\n", b"x"), "raw/\\x1b[2J\\x0a: it is no object"),
    "bytes": (member("captures/00/" + "0" * 62, b"x"), "its bytes do not match its name"),
    "json": (named("captures", b"{"), "it is no capture in this format"),
    "deep json": (named("captures", b"[" * 100_000), "it is no capture in this format"),
    "newer": (named("captures", b'{"version":2}'), "version 2 of the object format is newer"),
    "odd": (named("captures", b'{"article":1,"version":1}'), "its article is no str"),
    "missing": (named("captures", capture(object_id(b"?"))), "it refers to article"),
    "missing raw": (named("captures", capture(article()[1], b"?")), "it refers to raw bytes"),
    "no source": (named("captures", capture(article()[1], source="")), "it names no source"),
    "fingerprint": (named("captures", capture(article()[1], fingerprint="x")), "its fingerprint is none"),
    "end of time": (named("captures", capture(article()[1], captured=datetime.max.replace(tzinfo=UTC))), "calendar"),
    "half an origin": (named("captures", capture(article()[1], origin=object_id(b""))), "without saying which"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_hostile_members(other, tmp_path, wrong):
    """What a stranger put into a copy is refused with a line, nothing lands outside the archive, the rest is taken."""
    bad, reason = WRONG[wrong]
    tar(tmp_path / "x.tar", bad)
    around = set(tmp_path.rglob("*")) - set(other.folder.rglob("*"))
    ran = other("import-archive", tmp_path / "x.tar")
    assert ran.status == 3, ran
    assert len(ran.err.splitlines()) == 1, ran.err
    assert reason in ran.err
    assert ran.out == "1 capture taken in, 0 known, 1 refused\n"
    assert set(tmp_path.rglob("*")) - set(other.folder.rglob("*")) == around
    assert sound(other)
    assert other("build").status == 0


@pytest.mark.parametrize(
    "said",
    [b'{"title":1,"version":1}', b'{"authors":[1],"link":"https://e.org/","title":"","version":1}',
     b'{"title":"no link","version":1}', b'{"link":"https://e.org/","title":"\\ud800","version":1}',
     b'{"link":"https://e.org/","published":"0001-01-01T00:00:00+23:00","title":"","version":1}',
     b'{"image":{"url":1},"link":"https://e.org/","title":"","version":1}'],
)  # fmt: skip
def test_hostile_articles(other, tmp_path, said):
    """An article that is none is refused, and the capture that refers to it."""
    tar(tmp_path / "x.tar", named("articles", said), named("captures", capture(object_id(said))))
    ran = other("import-archive", tmp_path / "x.tar")
    assert ran.status == 3
    assert ["articles/" in line for line in ran.err.splitlines()] == [True, False], ran.err
    assert "1 capture taken in" in ran.out
    assert other("build").status == 0
    assert sound(other)


def test_an_article_with_an_active_link(other, tmp_path):
    """A link that no web page has does not get into a feed."""
    data = encode_article(Article(title="x", link="javascript:alert(1)", content="<script>alert(1)</script>"))
    tar(tmp_path / "x.tar", named("articles", data), named("captures", capture(object_id(data))))
    assert other("import-archive", tmp_path / "x.tar").status == 0
    assert other("build").status == 0
    assert not [name for name, data in other.documents().items() if b"javascript:" in data or b"<script>" in data]


def test_a_huge_member(other, tmp_path):
    """A member above the limit is not even read."""
    with (other.folder / "config.toml").open("a") as config:
        config.write('[archive]\nmax_seed_size = "1 KB"\n')
    tar(tmp_path / "x.tar", member(OBJECT, bytes(5000)))
    ran = other("import-archive", tmp_path / "x.tar")
    assert ran.status == 3
    assert "it is larger than 2,000 bytes, twice max_seed_size" in ran.err
    assert "1 capture taken in" in ran.out


@needs_zstd
def test_a_decompression_bomb(other, tmp_path):
    """A file that unpacks to absurdly much is read no further."""
    from feedarchiver.archive.tarstream import zstd_library

    tar(tmp_path / "x.tar")
    head = (tmp_path / "x.tar").read_bytes()[: 2 * 512 * 4]
    info = tarfile.TarInfo(OBJECT)
    info.size = 10**12
    packer = zstd_library("").ZstdCompressor(1)
    with (tmp_path / "x.tar.zst").open("wb") as out:
        out.write(packer.compress(head[: 512 * 2] + info.tobuf(tarfile.GNU_FORMAT)))
        for _ in range(300):
            out.write(packer.compress(bytes(1_000_000)))
        out.write(packer.flush())
    ran = other("import-archive", tmp_path / "x.tar.zst")
    assert ran.status == 3
    assert "it unpacks to more than 1,000 times its size" in ran.err


@pytest.mark.parametrize("suffix", [".tar", pytest.param(".tar.zst", marks=needs_zstd)])
def test_a_file_cut_off_or_scribbled_over(program, tmp_path, suffix):
    """Of a broken file all that can be read is taken, the rest refused; nothing false gets in."""
    program("export", f"whole{suffix}")
    whole = (program.folder / f"whole{suffix}").read_bytes()
    chance = random.Random(suffix)
    broken = [whole[: len(whole) * 3 // 4], whole[:1000], whole[: len(whole) // 1024 * 512]]
    for _ in range(5):
        scribbled = bytearray(whole)
        scribbled[chance.randrange(1024, len(whole))] ^= 0xFF
        broken.append(bytes(scribbled))
    for number, data in enumerate(broken):
        (tmp_path / "broken").write_bytes(data)
        other = Program(tmp_path / str(number))
        ran = other("import-archive", tmp_path / "broken")
        assert (ran.status, bool(ran.err)) in {(3, True), (1, True), (0, False)}, ran
        if ran.status == 3:
            assert sound(other)
        assert stored(other).items() <= stored(program).items() if other.archive.exists() else ran.status == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no tar file"),
        (b"x" * 5000, "is no tar file"),
        (bytes(1024), "is no copy of an archive"),
        (b"\x28\xb5\x2f\xfdxxxxxxxxxxxxxxxxxxxxxxxx", "is no tar file"),
    ],
)
def test_no_copy_at_all(other, data, message):
    """A file that is something else is named as such, and nothing is made."""
    if data[:1] == b"\x28" and not HAS_ZSTD:
        pytest.skip("no zstd here")
    (other.folder / "x").write_bytes(data)
    ran = other("import-archive", "x")
    assert ran.status == 1
    assert message in ran.err
    assert not other.archive.exists()
    assert other("import-archive", "nothing").status == 2


def test_a_newer_layout(other, tmp_path):
    """A copy of a newer layout is refused whole."""
    with tarfile.open(tmp_path / "x.tar", "w") as out:
        info, content = member("format.json", b'{"layout": 2}')
        out.addfile(info, io.BytesIO(content))
    ran = other("import-archive", tmp_path / "x.tar")
    assert ran.status == 1
    assert "has layout 2" in ran.err


def test_a_hostile_folder(program, other):
    """Links and pipes in a stranger's folder are neither followed nor waited for."""
    secret = other.folder / "secret"
    secret.write_bytes(b"raw bytes of mine")
    name = object_id(secret.read_bytes())
    for kind, make in (("raw", secret), ("articles", None)):
        path = program.archive / kind / name[:2] / name[2:]
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(make) if make else os.mkfifo(path)
    data = capture(name, secret.read_bytes())
    path = program.archive / "captures" / object_id(data)[:2] / object_id(data)[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    ran = other("import-archive", program.archive)
    assert ran.status == 3
    assert len(ran.err.splitlines()) == 3, ran.err
    assert "it is not a regular file" in ran.err
    assert "7 captures taken in" in ran.out
    assert sound(other)


def test_without_zstd(program):
    """Without a library for zstd the message says what to do instead; no file is left."""
    (program.folder / "no" / "backports").mkdir(parents=True)
    for name in ("backports/__init__.py", "compression.py"):
        (program.folder / "no" / name).write_text("raise ImportError")
    ran = program("export", "x.tar.zst", PYTHONPATH=f"{program.folder / 'no'}:{Path(__file__).parent.parent}")
    assert ran.status == 2
    assert "install feedarchiver[zstd], or export to x.tar instead" in ran.err
    assert not list(program.folder.glob("x.tar*"))


@needs_strace
@pytest.mark.parametrize("arriving", [False, True])
def test_killed_at_any_call(program, tmp_path, arriving):
    """Killed before any call that changes a file, the archive verifies, and the next import completes the rest."""
    program("export", "copy.tar")
    start = Program(tmp_path / "start")
    if arriving:
        start.write("x.txt", link="https://example.org/2")
        start("import")
    command = ("import-archive", str(program.folder / "copy.tar"))
    _, calls = trace(Copy(start, tmp_path / "traced"), *command)
    wanted = holds(program, "articles") | (holds(start, "articles") if arriving else set())
    struck = sample(calls, 1 if SOAK else 1000)
    assert len(struck) > 15
    for call in struck[:: 1 if SOAK else 12]:
        one = Copy(start, tmp_path / "struck")
        strike(one, call, KILL, *command)
        if (one.archive / "format.json").exists():
            assert one.warm("verify").status == 0, call
        assert one.warm(*command).status == 0, call
        assert holds(one, "articles") == wanted
        assert len(holds(one, "captures")) == 7 + arriving
        assert one.warm("verify").status == 0, call
        assert not index_differs(one), call
        assert not leftovers(one), call
        if not arriving:
            assert stored(one) == stored(program), call
        shutil.rmtree(one.folder)


LINKS = st.sampled_from(["https://e.org/1", "https://e.org/2", None])
TELLINGS = st.tuples(LINKS, st.sampled_from("abc"), st.sampled_from([None, 1, 2]), st.sampled_from(["s", "t"]))
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.one_of(st.just("merge"), st.lists(TELLINGS, min_size=1, max_size=3))),
    min_size=1,
    max_size=8,
)


@settings(max_examples=2000 if SOAK else 20)
@given(steps=STEPS)
def test_any_history_merges(steps):
    """Whatever two archives went through: logs only grow, index equals objects, and both end up showing the same."""
    feeds = (
        Feed(id="all", title=""),
        Feed(id="s", title="", sources=("s",)),
        Feed(id="b", title="", sources=("s", "t")),
    )
    with TemporaryDirectory(dir=MEMORY) as folder:
        stores = [Path(folder) / name for name in "ab"]
        logs = [dict.fromkeys(("all", "s", "b"), ()) for _ in stores]
        for number, (which, step) in enumerate([*steps, (0, "merge"), (1, "merge"), (0, "merge")]):
            now = START + timedelta(days=number)
            with Archive.create(stores[which], stores[which] / "index.db", now=now) as archive:
                Archive.create(stores[1 - which], stores[1 - which] / "index.db", now=now)
                take(archive, step, stores[1 - which], now)
                for feed, log in published(archive, feeds):
                    assert log[: len(logs[which][feed])] == logs[which][feed]
                    logs[which][feed] = log
        for store, log in zip(stores, logs, strict=True):
            with Archive.open(store, store / "index.db") as archive:
                assert not [checked for checked in archive.verify() if checked.fault]
                archive.reindex()
                assert dict(published(archive, feeds)) == log
        assert shown(stores[0]) == shown(stores[1])


def take(archive, step, other, now):
    """Do a run of new articles, or take in what the other archive holds, twice."""
    if step == "merge":
        for _ in range(2):
            with closing(Incoming(FolderHolding(other, 10**6, pytest.fail), pytest.fail, lambda _: None)) as incoming:
                done = incoming.into(archive, now)
        assert not done.new
        return
    with archive.writing(now) as writer:
        for link, text, day, source in {told[0]: told for told in step}.values():
            stamp = day and START + timedelta(days=day)
            told = Article(title=text, link=link, guid=None if link else "g", published=stamp)
            said = told._replace(title="") if link and text == "c" else None
            writer.add(Received(told, repr((link, text, day)).encode(), source, None, said=said))


def published(archive, feeds):
    """Bring the feeds' logs up to date and return each as it is."""
    with archive.publishing() as index:
        index.begin()
        for feed in feeds:
            state = index.feeds.extend(feed, None, index.last_captured() or 0)
            lines = [index.feeds.lines(feed.id, number, number + 1)[0] for number in range(state.events)]
            yield feed.id, tuple(line._replace(entry=0) for _, line in lines)
        index.commit()


def shown(store):
    """Tell which version each entry shows, whichever article of it came first."""
    with Archive.open(store, store / "index.db") as archive:
        entries = [entry for (entry,) in archive.index._db.execute("SELECT entry FROM entries")]
        current = {entry: archive.index.shown([entry])[0].article for entry in entries}
        return {
            fact.fingerprint
            for entry in entries
            for fact in archive.index.facts(entry)
            if fact.article == current[entry]
        }
