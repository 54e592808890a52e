"""Images from outside: a saved folder into the archive, archives into one another, and what must not get in."""

import json
import os
import shutil
import tarfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import images
import pytest
from crash import KILL, Copy, index_differs, leftovers, needs_strace, sample, strike, trace
from hypothesis import given, settings
from hypothesis import strategies as st
from program import CONFIG, SOAK, Program

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.copies import Incoming
from feedarchiver.archive.holdings import FolderHolding
from feedarchiver.archive.objects import decode_image_capture, encode_image_capture, object_id
from feedarchiver.model import ImageCapture
from feedarchiver.urls import canonical

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path / "home", CONFIG + '[publish]\nimages = "archived"\n')


def save(program, path, data=None):
    """Save an image as wget does. `path` in bytes, as file names are."""
    whole = os.fsencode(program.folder / "saved") + b"/" + (path if isinstance(path, bytes) else path.encode())
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole, "wb") as file:
        file.write(images.png() if data is None else data)


def captures(program):
    """Every capture of an image in the archive."""
    paths = (program.archive / "image-captures").rglob("*/*")
    return [decode_image_capture(path.read_bytes()) for path in paths]


def objects(program):
    kinds = ("images", "image-captures")
    paths = [path for kind in kinds for path in (program.archive / kind).rglob("*/*")]
    return {str(path.relative_to(program.archive)): path.read_bytes() for path in paths}


def test_a_saved_folder(program):
    """Images are archived under the addresses that their paths name, and again changes nothing."""
    save(program, "img.example.org/a/1.png")
    save(program, "img.example.org/robots.txt", b"User-agent: *")
    save(program, "img.example.org/logo.svg", b"<svg/>")
    save(program, "img.example.org/photo", images.JPEG)
    assert program("import-images", "saved") == (0, "2 images, 2 new, 2 other files passed over\n", "")
    (png,) = (one for one in captures(program) if one.type == "image/png")
    assert png == ImageCapture(
        url="https://img.example.org/a/1.png",
        image=object_id(images.png()),
        type="image/png",
        width=12,
        height=8,
        length=len(images.png()),
        captured=png.captured,
    )
    before = objects(program)
    assert program("import-images", "saved").out == "2 images, 0 new, 2 other files passed over\n"
    save(program, "img.example.org/a/1.png", images.gif())
    assert program("import-images", "saved").out == "2 images, 0 new, 1 in another version, 2 other files passed over\n"
    told = {"event": "imported", "new": 0, "versions": 0, "known": 2, "others": 2, "refused": 0}
    assert program.told("import-images", "saved") == told
    assert before.items() < objects(program).items()
    assert program("verify").status == 0
    assert program("verify", "--quick").status == 0


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("img.example.org/a.jpg?w=700&h=2", "https://img.example.org/a.jpg?w=700&h=2"),
        ("img.example.org/a b.jpg", "https://img.example.org/a%20b.jpg"),
        ("img.example.org/图.jpg", "https://img.example.org/%E5%9B%BE.jpg"),
        (b"img.example.org/\xe5%9B\xbe.jpg", "https://img.example.org/%E5%9B%BE.jpg"),  # wget's own escapes
        ("img.example.org/100%.jpg", "https://img.example.org/100%25.jpg"),
        ("img.example.org/a#b.jpg", "https://img.example.org/a%23b.jpg"),
        ("localhost:8080/a.jpg", "https://localhost:8080/a.jpg"),
        ("127.0.0.1:8080/x/a.jpg", "https://127.0.0.1:8080/x/a.jpg"),
        ("新闻.example/a.jpg", "https://xn--efvy88h.example/a.jpg"),
    ],
)
def test_addresses(program, path, url):
    """A path is read as the address that it was made of."""
    save(program, path)
    assert program("import-images", "saved").status == 0
    assert [one.url for one in captures(program)] == [url]


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("img.example.org/404.jpg", b"<!DOCTYPE html><h1>Not found</h1>", "it is a web page, not an image"),
        (
            "img.example.org/x.png",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "it is SVG, which may",
        ),
        ("img.example.org/cut.png", images.png()[:-4], "it is cut off"),
        ("img.example.org/bomb", images.saying(10_001, 10_000), "above the limit of 100,000,000"),
        ("img.example.org/large.png", images.png() + bytes(20_000_000), "above the limit of 20,000,000"),
        ("pictures/a.png", images.png(), "its path is no address"),
        ("a.png", images.png(), "its path is no address"),
        ("1.5/a.png", images.png(), "its path is no address"),
    ],
)
def test_refused(program, path, data, reason):
    """What is called or begins like an image and is none to be kept is refused with a line; the rest goes on."""
    save(program, path, data)
    save(program, "img.example.org/good.gif", images.gif())
    ran = program("import-images", "saved")
    assert (ran.status, ran.out) == (3, "1 image, 1 new, 1 refused\n")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith(f"refused saved/{path}: ")
    assert reason in ran.err
    assert ran.err.endswith("; file left as it is\n")


def test_odd_files(program):
    """Links out of the folder and pipes are refused, and nobody waits for them."""
    save(program, "img.example.org/good.gif", images.gif())
    folder = program.folder / "saved" / "img.example.org"
    (program.folder / "private.png").write_bytes(images.png())
    (folder / "out.png").symlink_to(program.folder / "private.png")
    os.mkfifo(folder / "pipe.png")
    ran = program("import-images", "saved")
    assert ran.status == 3
    assert "out.png: a link out of" in ran.err
    assert "pipe.png: not a regular file but a pipe" in ran.err
    assert [one.type for one in captures(program)] == ["image/gif"]
    assert program("import-images", "nowhere").status == 2


def test_from_a_seed_to_the_feeds(program):
    """An image that was saved beside an article whose publisher is gone is shown by the feeds; the original is kept."""
    program.write("a.txt", body='<p>Text.</p><img src="pictures/a.jpg">', link="https://www.example.org/news/1")
    program("run")
    save(program, "www.example.org/news/pictures/a.jpg", images.JPEG)
    assert program("import-images", "saved").status == 0
    told = program.told("run")
    assert f"images/{object_id(images.JPEG)}.jpg" in told["built"]["written"]
    (item,) = json.loads(program.documents()["all/feed.json"])["items"]
    assert item["image"] == f"http://127.0.0.1:8000/images/{object_id(images.JPEG)}.jpg"
    assert "https://www.example.org/news/pictures/a.jpg" in program("show", item["id"], "--html").out
    kept = f"picture kept  {object_id(images.JPEG)[:12]}, image/jpeg, 12 x 8, {len(images.JPEG)} bytes"
    assert kept in program("explain", item["id"]).out.splitlines()
    before = program.state()
    assert program.told("run")["built"]["written"] == []
    changed = {path for path, state in program.state().items() if before.get(path) != state}
    assert not {path for path in changed if path.startswith("feeds/")}


@pytest.mark.parametrize("kind", ["images", "image-captures"])
@pytest.mark.parametrize("harm", ["flipped", "missing"])
def test_verify(program, kind, harm):
    """A damaged or missing image, or capture of one, is named with the address that it is the copy of."""
    save(program, "img.example.org/a.png")
    save(program, "img.example.org/b.gif", images.gif())
    program("import-images", "saved")
    sought = images.png() if kind == "images" else b"img.example.org/a.png"
    path = next(path for path in (program.archive / kind).rglob("*/*") if sought in path.read_bytes())
    if harm == "missing":
        path.unlink()
    else:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    ran = program("verify")
    assert ran.status == 1
    (line, *more) = ran.err.splitlines()
    assert path.name in line
    assert "https://img.example.org/a.png" in line
    assert not more
    if harm == "missing":
        assert path.name in program("verify", "--quick").err


@pytest.mark.parametrize("target", ["copy.tar", "copy"])
def test_a_move(program, tmp_path, target):
    """Images go along into a copy and out of it, and what was lost comes back from it."""
    save(program, "img.example.org/a.png")
    save(program, "img.example.org/b.png")
    save(program, "img.example.org/c.gif", images.gif())
    program.write("a.txt")
    program("import")
    program("import-images", "saved")
    assert program("export", target).status == 0
    before = objects(program)
    other = Program(tmp_path / "other")
    assert other("import-archive", program.folder / target).out == "1 capture taken in, 0 known, 3 images\n"
    assert objects(other) == before
    assert other("verify").status == 0
    assert other("import-archive", program.folder / target).out == "0 captures taken in, 1 known\n"
    for kind in ("images", "image-captures"):
        next((program.archive / kind).rglob("*/*")).unlink()
    assert program("verify").status == 1
    assert program("import-archive", target).status == 0
    assert objects(program) == before
    assert program("verify").status == 0


def test_a_lost_image_is_stored_again(program):
    """An image that the archive has lost comes back when it is imported again."""
    save(program, "img.example.org/a.png")
    program("import-images", "saved")
    before = objects(program)
    next((program.archive / "images").rglob("*/*")).unlink()
    assert program("import-images", "saved").out == "1 image, 0 new\n"
    assert objects(program) == before


def test_a_lost_index(program):
    """The index is made again from the captures of images, too: the feeds show the same."""
    program.write("a.txt", body='<p>Text.</p><img src="https://img.example.org/a.png">')
    save(program, "img.example.org/a.png")
    program("import-images", "saved")
    save(program, "img.example.org/a.png", images.gif())
    program("import-images", "saved")
    program("run")
    before = program.documents()
    assert f"images/{object_id(images.gif())}.gif" in before
    (program.archive / "index.db").unlink()
    shutil.rmtree(program.feeds)
    assert program("run").status == 0
    assert program.documents() == before


def capture(data=None, **said):
    image = images.png() if data is None else data
    whole = {"url": "https://img.example.org/a.png", "image": object_id(image), "type": "image/png", "width": 12}
    whole |= {"height": 8, "length": len(image), "captured": START}
    return encode_image_capture(ImageCapture(**whole | said))


HTML = b"<!DOCTYPE html><script>alert(1)</script>"
WRONG = {
    "another type": (images.png(), capture(type="image/jpeg"), "what is not so"),
    "another size": (images.png(), capture(width=13), "what is not so"),
    "another length": (images.png(), capture(length=1), "what is not so"),
    "a page": (HTML, capture(HTML), "it is a web page, not an image"),
    "no image": (b"", capture(b"?"), "which it did not bring along"),
    "no address": (images.png(), capture(url="javascript:alert(1)"), "its address is none"),
    "end of time": (images.png(), capture(captured=datetime.max.replace(tzinfo=UTC)), "end of the calendar"),
    "nothing said": (images.png(), b'{"version":1}', "something is not said"),
    "no json": (images.png(), b"{", "it is no capture of an image in this format"),
    "newer": (images.png(), b'{"version":2}', "version 2 of the object format is newer"),
    "a number": (images.png(), capture().replace(b'"width":12', b'"width":"12"'), "its width is no int"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_hostile_copies(program, tmp_path, wrong):
    """What a stranger says of an image is believed after looking at its bytes; the rest of a copy is taken."""
    image, bad, reason = WRONG[wrong]
    good = capture(images.gif(), url="https://img.example.org/b.gif", type="image/gif")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        members = [("image-captures", bad), ("images", image), ("image-captures", good), ("images", images.gif())]
        for kind, data in members:
            name = object_id(data)
            info = tarfile.TarInfo(f"{kind}/{name[:2]}/{name[2:]}")
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
        info = tarfile.TarInfo("format.json")
        info.size = len(layout := b'{"created":"2024-01-01T00:00:00Z","layout":1}')
        tar.addfile(info, BytesIO(layout))
    ran = program("import-archive", tmp_path / "x.tar")
    assert (ran.status, ran.out) == (3, "0 captures taken in, 0 known, 1 image, 1 refused\n")
    assert reason in ran.err
    assert [one.type for one in captures(program)] == ["image/gif"]
    assert program("verify").status == 0


ADDRESSES = ["http://e.org/1.png", "https://e.org/1.png", "https://e.org/2.png"]
ARRIVALS = st.lists(st.tuples(st.sampled_from(ADDRESSES), st.integers(0, 2)), min_size=1, max_size=3)
STEPS = st.lists(st.tuples(st.sampled_from([0, 1]), st.just("merge") | ARRIVALS), min_size=1, max_size=6)


@settings(max_examples=8)
@given(steps=STEPS)
def test_any_history_merges(steps):
    """Whatever two archives went through, the last copy is shown, index equals objects, and both end up the same."""
    with TemporaryDirectory() as folder:
        stores = [Path(folder) / name for name in "ab"]
        last = {}
        for number, (which, step) in enumerate([*steps, (0, "merge"), (1, "merge")]):
            now = START + timedelta(days=number)
            archives = [Archive.create(store, store / "index.db", now=now) for store in stores]
            with archives[which] as archive, closing(archives[1 - which]):
                if step == "merge":
                    holding = FolderHolding(stores[1 - which], 10**6, pytest.fail)
                    with closing(Incoming(holding, pytest.fail, lambda _: None)) as incoming:
                        incoming.into(archive, now)
                    continue
                with archive.writing(now) as writer:
                    for url, shade in step:
                        writer.add_image(url, images.png(shade=shade))
                        assert archive.index.images.copy(canonical(url)).image == object_id(images.png(shade=shade))
        for store in stores:
            with Archive.open(store, store / "index.db") as archive:
                assert [str(checked) for checked in archive.verify() if checked.fault] == []
                shown = {url: archive.index.images.copy(canonical(url)) for url in ADDRESSES}
                archive.reindex()
                assert shown == {url: archive.index.images.copy(canonical(url)) for url in ADDRESSES}
                last[store] = shown
        assert last[stores[0]] == last[stores[1]]


@needs_strace
@pytest.mark.parametrize("command", [("import-images", "saved"), ("build",)])
def test_killed_at_any_call(program, tmp_path, command):
    """Killed at whatever call, images are whole, and importing and building again come to what was wanted."""
    program.write("a.txt", body='<p>Text.</p><img src="https://img.example.org/a.png">')
    save(program, "img.example.org/a.png")
    save(program, "img.example.org/b.gif", images.gif())
    program("run")
    if command == ("build",):
        program("import-images", "saved")
    undisturbed = Copy(program, tmp_path / "undisturbed")
    _, calls = trace(undisturbed, *command)
    undisturbed("run")
    wanted = undisturbed.documents()
    assert f"images/{object_id(images.png())}.png" in wanted
    for call in sample(calls)[:: 1 if SOAK else 46]:
        one = Copy(program, tmp_path / "struck")
        strike(one, call, KILL, *command)
        assert one.warm("verify").status == 0, call
        assert one.warm("import-images", "saved").status == 0, call
        assert one.warm("run").status == 0, call
        assert one.documents() == wanted, call
        assert {c.url for c in captures(one)} == {c.url for c in captures(undisturbed)}, call
        assert one.warm("verify").status == 0, call
        assert not index_differs(one), call
        assert not leftovers(one), call
        shutil.rmtree(one.folder)
