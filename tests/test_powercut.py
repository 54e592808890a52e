"""After a power cut at any moment no named file is empty or torn, and nothing refers to what is not there."""

import pytest
from crash import KILL, Call, Copy, needs_strace, read, strike, trace
from images import png
from powercut import audit
from program import Program

from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.objects import decode_capture, decode_image_capture

RAW, ARTICLE, CAPTURE = ("aa" * 32, "bb" * 32, "cc" * 32)
HOME = "/h"
GOOD = f"""
openat(AT_FDCWD</h>, "archive/tmp/raw-{RAW}", O_WRONLY|O_CREAT|O_TRUNC, 0444) = 3</h/archive/tmp/raw-{RAW}>
write(3</h/archive/tmp/raw-{RAW}>, ""..., 9) = 9
openat(AT_FDCWD</h>, "archive/tmp/articles-{ARTICLE}", O_WRONLY|O_CREAT|O_TRUNC, 0444) = 3</h/archive/tmp/articles-b>
write(3</h/archive/tmp/articles-{ARTICLE}>, ""..., 9) = 9
openat(AT_FDCWD</h>, "archive/tmp/captures-{CAPTURE}", O_WRONLY|O_CREAT|O_TRUNC, 0444) = 3</h/archive/tmp/captures-c>
write(3</h/archive/tmp/captures-{CAPTURE}>, ""..., 9) = 9
openat(AT_FDCWD</h>, "archive/pending", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</h/archive/pending>
write(3</h/archive/pending>, ""..., 65) = 65
fsync(3</h/archive/pending>) = 0
fsync(3</h/archive>) = 0
fsync(3</h/archive/tmp/raw-{RAW}>) = 0
fsync(3</h/archive/tmp/articles-{ARTICLE}>) = 0
fsync(3</h/archive/tmp/captures-{CAPTURE}>) = 0
mkdir("archive/raw/aa", 0777) = 0
fsync(3</h/archive/raw>) = 0
rename("archive/tmp/raw-{RAW}", "archive/raw/aa/{RAW[2:]}") = 0
rename("archive/tmp/articles-{ARTICLE}", "archive/articles/bb/{ARTICLE[2:]}") = 0
fsync(3</h/archive/raw/aa>) = 0
fsync(3</h/archive/articles/bb>) = 0
rename("archive/tmp/captures-{CAPTURE}", "archive/captures/cc/{CAPTURE[2:]}") = 0
fsync(3</h/archive/captures/cc>) = 0
pwrite64(4</h/archive/index.db-wal>, ""..., 4096, 0) = 4096
fdatasync(4</h/archive/index.db-wal>) = 0
unlink("archive/pending") = 0
openat(5</h/feeds/all>, ".rss.xml.1.tmp", O_WRONLY|O_CREAT|O_EXCL, 0666) = 3</h/feeds/all/.rss.xml.1.tmp>
write(3</h/feeds/all/.rss.xml.1.tmp>, ""..., 9) = 9
fsync(3</h/feeds/all/.rss.xml.1.tmp>) = 0
renameat(5</h/feeds/all>, ".rss.xml.1.tmp", 5</h/feeds/all>, "rss.xml") = 0
fsync(5</h/feeds/all>) = 0
""".strip().splitlines()
FOLDERS = ("", "/archive", *(f"/archive/{name}" for name in ("tmp", "raw", "articles/bb", "captures/cc")), "/feeds/all")
BEFORE = [*(HOME + folder for folder in FOLDERS), f"{HOME}/archive/index.db-wal"]
REFERS = {
    f"/h/archive/captures/cc/{CAPTURE[2:]}": [f"/h/archive/raw/aa/{RAW[2:]}", f"/h/archive/articles/bb/{ARTICLE[2:]}"]
}
SYNCS = [line for line in GOOD if "sync(" in line]
UNSYNCED = "before its bytes are durable"


def judged(lines):
    return audit(read("\n".join(lines), HOME), BEFORE, REFERS)


def test_a_good_order_is_no_fault():
    """Bytes, then names, then what refers to them, each durable before the next: nothing to say."""
    assert len(list(read("\n".join(GOOD), HOME))) == len(GOOD), "every line is read"
    assert judged(GOOD) == []


@pytest.mark.parametrize("sync", SYNCS, ids=[line.split("<")[1].split(">")[0][:24] for line in SYNCS])
def test_every_sync_is_needed(sync):
    """Without any one fsync, of a file or of a folder, there is a fault."""
    assert judged([line for line in GOOD if line != sync])


@pytest.mark.parametrize(
    ("moved", "before", "fault"),
    [
        (f'rename("archive/tmp/raw-{RAW}"', "fsync(3</h/archive/tmp/raw-", UNSYNCED),
        (
            f'rename("archive/tmp/captures-{CAPTURE}"',
            "fsync(3</h/archive/raw/aa>",
            "has its name before /h/archive/raw",
        ),
        (
            "fsync(3</h/archive/articles/bb>",
            f'rename("archive/tmp/articles-{ARTICLE}"',
            "has its name before /h/archive/a",
        ),
        (
            "pwrite64(4</h/archive/index.db-wal>",
            "fsync(3</h/archive/captures/cc>",
            "the index may know /h/archive/captures",
        ),
        ('unlink("archive/pending")', "fdatasync(4</h/archive/index.db-wal>", "neither the index nor a durable list"),
        ("renameat(", "fsync(3</h/feeds/all/.rss.xml.1.tmp>", UNSYNCED),
    ],
    ids=[
        "object before fsync",
        "capture before article",
        "folder too early",
        "index before object",
        "list",
        "document",
    ],
)
def test_a_wrong_order(moved, before, fault):
    """Each step that comes too early is named."""
    step = next(line for line in GOOD if line.startswith(moved))
    rest = [line for line in GOOD if line != step]
    place = next(number for number, line in enumerate(rest) if line.startswith(before))
    assert fault in "\n".join(judged([*rest[:place], step, *rest[place:]]))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f'openat(AT_FDCWD</h>, "archive/raw/aa/{RAW[2:]}", O_WRONLY|O_TRUNC) = 3</h/archive/raw>', UNSYNCED),
        ('pwrite64(3</h/feeds/all/rss.xml>, ""..., 9, 0) = 9', UNSYNCED),
        ('rename("archive/index.db.new", "archive/index.db") = 0', "takes the old one's place before"),
    ],
    ids=["object in place", "document in place", "index replaced"],
)
def test_written_in_place(line, fault):
    """What has its name is not written to, and an index is whole before it takes the place of another."""
    fresh = 'openat(AT_FDCWD</h>, "archive/index.db.new", O_RDWR|O_CREAT, 0644) = 4</h/archive/index.db.new>'
    assert fault in "\n".join(judged([*GOOD, fresh, line]))


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Give a folder with a handful of articles, of two sources."""
    program = Program(tmp_path_factory.mktemp("powercut") / "home")
    for number in range(4):
        program.write(f"rfi/{number}.txt" if number % 2 else f"{number}.txt", link=f"https://example.org/{number}")
    return program


def files(program: Program) -> list[str]:
    return [str(path) for path in (program.folder, *program.folder.rglob("*"))]


def references(program: Program) -> dict[str, list[str]]:
    bucket = FolderBucket(program.archive)
    captures = {name: decode_capture(bucket.get("captures", name)) for name in bucket.names("captures")}
    refers = {
        bucket.path("captures", name): [bucket.path("raw", capture.raw), bucket.path("articles", capture.article)]
        for name, capture in captures.items()
    }
    for name in bucket.names("image-captures"):
        image = decode_image_capture(bucket.get("image-captures", name)).image
        refers[bucket.path("image-captures", name)] = [bucket.path("images", image)]
    return refers


def is_ours(call: Call) -> bool:
    """Tell whether a call syncs an object, its folder, or a document: of SQLite's own some are not needed."""
    return "sync" in call.name and any(
        part in call.paths[0] for part in ("/archive/tmp/", "/raw/", "/articles/", "/feeds/")
    )


@needs_strace
def test_a_run_keeps_the_order(program, tmp_path):
    """A first run, one that adds, and one that makes the index anew: no prefix of what they do leaves a fault."""
    run = Copy(program, tmp_path / "home")
    for change in (lambda: None, lambda: run.write("new.txt", title="New"), (run.archive / "index.db").unlink):
        change()
        before = files(run)
        ran, calls = trace(run, "run")
        assert ran.status == 0, ran
        assert audit(calls, before, references(run)) == []


@needs_strace
def test_a_large_import_keeps_the_order(tmp_path):
    """The order holds too where so much is written that the whole file system is synced at once."""
    run = Program(tmp_path / "home")
    for number in range(80):
        run.write(f"{number}.txt", link=f"https://example.org/{number}")
    before = files(run)
    _, calls = trace(run, "import")
    assert any(call.name == "syncfs" for call in calls) or sum(call.name == "fsync" for call in calls) > 240
    assert audit(calls, before, references(run)) == []


@needs_strace
def test_images_keep_the_order(program, tmp_path):
    """Images are stored and published no less carefully."""
    run = Copy(program, tmp_path / "home")
    config = run.folder / "config.toml"
    config.write_text(config.read_text() + '[publish]\nimages = "archived"\n')
    run.write("illustrated.txt", title="Illustrated", body='<p>Text.</p><img src="https://img.example.org/a.png">')
    assert run("run").status == 0
    saved = run.folder / "saved" / "img.example.org"
    saved.mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png")):
        (saved / name).write_bytes(png(shade=number))
    for command in (("import-images", "saved"), ("build",)):
        before = files(run)
        ran, calls = trace(run, *command)
        assert ran.status == 0, ran
        assert audit(calls, before, references(run)) == []
    assert list((run.feeds / "images").iterdir())


@needs_strace
def test_a_copy_keeps_the_order(program, tmp_path):
    """What comes from another archive is taken in no less carefully."""
    run, other = Copy(program, tmp_path / "home"), Copy(program, tmp_path / "other")
    assert other("import").status == 0
    run.write("here.txt", title="Here")
    assert run("run").status == 0
    before = files(run)
    ran, calls = trace(run, "import-archive", str(other.archive))
    assert ran.status == 0, ran
    assert audit(calls, before, references(run)) == []


@needs_strace
def test_the_auditor_needs_every_sync_of_a_run(program, tmp_path):
    """Were any fsync of an object, of a folder of objects or of a document left out, the auditor would say so.

    But for the search files of the pages: what they refer to is known to their script only, not to the auditor.
    """
    run = Copy(program, tmp_path / "home")
    before = files(run)
    _, calls = trace(run, "run")
    known = references(run)
    syncs = [number for number, call in enumerate(calls) if is_ours(call) and "/feeds/search" not in call.paths[0]]
    assert len(syncs) > 20
    assert [calls[left] for left in syncs if not audit(calls[:left] + calls[left + 1 :], before, known)] == []


@needs_strace
@pytest.mark.parametrize("after", ["import", "run"])
def test_a_power_cut_after_a_kill(program, tmp_path, after):
    """What a killed import named and had not made durable yet is durable before the next command relies on it."""
    traced = Copy(program, tmp_path / "traced")
    _, calls = trace(traced, "import")
    points = [call for call in calls if is_ours(call) and "/archive/tmp/" not in call.paths[0]]
    points = [points[0], next(call for call in calls if call.paths[-1].endswith("/pending") and call.name == "unlink")]
    for number, point in enumerate(points):
        run = Copy(program, tmp_path / str(number))
        before = files(run)
        ran, first = strike(run, point, KILL, "import")
        assert ran.status == -9
        ran, then = trace(run, after)
        assert ran.status == 0, ran
        assert audit(first + then, before, references(run)) == []
