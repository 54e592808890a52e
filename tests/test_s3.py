"""An archive and its feeds in object stores: the same as in folders, whatever befalls the requests."""

import hashlib
import os
import shutil
from typing import NamedTuple

import pytest
from obstore.store import MemoryStore
from program import Program
from s3 import ENVIRONMENT, Server, Way

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.bucket import KINDS
from feedarchiver.archive.remotebucket import RemoteBucket
from feedarchiver.errors import StorageError, UsageError
from feedarchiver.s3.address import Address
from feedarchiver.s3.credentials import settings
from feedarchiver.s3.remote import Remote

SEEDS = '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n'
CONFIG = """
[archive]
store = "s3://bucket/{name}/archive"
[publish]
folder = "s3://bucket/{name}/feeds"
page_size = 2
pages = false
[s3]
endpoint_url = "{endpoint}"
"""


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    server = Server("moto", tmp_path_factory.mktemp("moto"))
    yield server
    server.stop()


class Far(NamedTuple):
    """The program with all in a store, the way there, and what lies at its end."""

    program: Program
    way: Way
    archive: Remote
    feeds: Remote

    def objects(self) -> dict[str, bytes]:
        """Every object."""
        return {found.key: self.archive.get(found.key) for kind in KINDS for found in self.archive.list(kind)}

    def change(self, *replaced: tuple[str, str]) -> None:
        """Change config.toml."""
        config = self.program.folder / "config.toml"
        text = config.read_text()
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        config.write_text(text)

    def documents(self) -> dict[str, bytes]:
        """Every published document."""
        return {found.key: self.feeds.get(found.key) for found in self.feeds.list()}

    def here(self) -> dict[str, bytes]:
        """Every document that is published on this machine, without the notes of what stands in the bucket."""
        return {path: data for path, data in self.program.documents().items() if not path.startswith(".bucket/")}


@pytest.fixture
def far(moto, tmp_path):
    name = hashlib.sha256(os.fsencode(tmp_path)).hexdigest()[:8]
    places = (Address("bucket", f"{name}/{what}", moto.address) for what in ("archive", "feeds"))
    with Way(moto) as way:
        program = Program(tmp_path / "far", CONFIG.format(name=name, endpoint=way.address) + SEEDS)
        yield Far(program, way, *map(Remote.connect, places))


def write(program, number, body="<p>Text.</p>"):
    seed = {"title": f"Title {number}", "link": f"https://example.org/{number}", "stamp": 1_700_000_000_000 + number}
    program.write(f"{number}.txt", **seed, body=body)


def local_objects(program):
    """Every object of an archive in a folder, by the key that it has in a bucket."""
    paths = (path for kind in KINDS for path in (program.archive / kind).rglob("*") if path.is_file())
    return {str(path.relative_to(program.archive)): path.read_bytes() for path in paths}


def test_the_same_as_in_folders(far, tmp_path):
    """The same input gives the same objects and the same feeds, byte for byte, here and in a bucket."""
    near = Program(tmp_path / "near", "[publish]\npage_size = 2\n" + SEEDS)
    far.change(("pages = false\n", ""))
    for number in range(5):
        write(far.program, number)
    assert far.program("import").status == 0
    assert far.program("export", tmp_path / "copy.tar").status == 0
    assert near("import-archive", tmp_path / "copy.tar").status == 0  # so the instants are the same
    for program in (near, far.program):
        assert program("build").status == 0
    assert local_objects(near) == far.objects()
    assert near.documents() == far.documents() == far.here()
    assert "seeds/archive/000001.atom.xml" in far.documents()


def test_a_bucket_becomes_a_folder_and_a_folder_a_bucket(far, tmp_path):
    """What is in a bucket can be exported to a folder and taken in elsewhere, and comes back as it was."""
    for number in range(3):
        write(far.program, number)
    far.program("import")
    assert far.program("export", tmp_path / "copy").status == 0
    far.archive.remove(found.key for found in list(far.archive.list("raw")))
    assert far.program("verify", "--quick").status == 1
    assert "3 restored" in far.program("import-archive", tmp_path / "copy").out
    assert far.program("verify").status == 0


def test_requests(far):
    """An article costs three puts; a run with nothing new asks only whether the archive is there."""
    for number in range(10):
        write(far.program, number)
    far.program("import")
    assert far.way.count("PUT") == 3 * 10 + 1 + 1  # format.json, and once whether the store keeps what is there
    assert far.way.count("HEAD") == 1
    far.way.asked.clear()
    far.program("build")
    far.program("import")
    assert far.way.count("GET") <= 10 + 4  # one for each article
    far.way.asked.clear()
    assert "0 new" in far.program("run").out
    assert [method for method, _ in far.way.asked] == ["GET"]


def test_what_passes(far):
    """A store that is busy, answers that are lost and those that break off cost nothing but time."""
    for number in range(3):
        write(far.program, number)
    left = {"PUT": ["lost", "busy", "busy", "lost"], "GET": ["cut", "busy", "cut", "cut"]}

    def disturb(method, _key):
        return left[method].pop() if left.get(method) else None

    for command in ("run", "verify"):
        far.way.disturb = disturb
        ran = far.program(command)
        assert (ran.err, ran.status) == ("", 0)
        assert not any(left.values())
        left["GET"] = ["cut", "busy", "cut", "busy"]
        left["GET"] = left["GET"] if command == "run" else []
    assert far.documents() == far.here()


def test_what_is_refused(far):
    """What a store refuses is one line, and nothing is lost: the next run completes it."""
    write(far.program, 1)
    far.way.once("skew", "PUT", times=99)
    ran = far.program("run")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert "the clock of this machine is wrong, the store says (RequestTimeTooSkewed); nothing lost" in ran.err
    far.way.once("skew", "PUT", times=0)
    assert far.program("run").status == 0
    assert far.documents() == far.here() != {}


def test_no_such_bucket(moto, tmp_path):
    """A bucket that is not there is one line."""
    config = CONFIG.format(name="x", endpoint=moto.address).replace("s3://bucket/", "s3://nowhere/")
    ran = Program(tmp_path / "home", config + SEEDS)("run")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert "s3://nowhere/x/archive/format.json: there is no such bucket (NoSuchBucket)" in ran.err


def test_wrong_credentials(tmp_path):
    """A secret key that is not that of the store is one line, and nothing is written."""
    server = Server("nanio", tmp_path / "store")
    try:
        program = Program(tmp_path / "home", CONFIG.format(name="x", endpoint=server.address) + SEEDS)
        ran = program("run", AWS_SECRET_ACCESS_KEY="another one")
        assert (ran.status, ran.err.count("\n")) == (1, 1)
        assert "the credentials are wrong (SignatureDoesNotMatch)" in ran.err
        write(program, 1)
        assert "1 new" in program("run").out
    finally:
        server.stop()


def test_nobody_answers(tmp_path):
    """A store that cannot be reached, or is busy for good, is said after the last try."""
    remote = Remote.connect(Address("bucket", "", "http://127.0.0.1:1"), retries=1)
    for ask in (lambda: remote.get("x"), lambda: remote.create("x", b""), lambda: next(remote.list())):
        with pytest.raises(StorageError, match=r"s3://bucket.*: the store does not answer; nothing lost"):
            ask()


def test_a_flush_that_was_cut_off_among_captures_is_completed(far):
    """Of a batch that failed among its captures none is missing after the next run, nor captured at another time."""
    for number in range(20):
        write(far.program, number)
    stored = 0

    def disturb(method, key):
        nonlocal stored
        stored += method == "PUT" and "/captures/" in key
        return "denied" if stored > 8 and method == "PUT" else None

    far.way.disturb = disturb
    assert far.program("import").status == 1
    some = [*far.archive.list("captures")]
    assert 0 < len(some) < 20
    shutil.rmtree(far.program.seeds)  # nothing is taken in again
    far.program.seeds.mkdir()
    far.way.disturb = lambda _method, _key: None
    assert far.program("import").status == 0
    assert far.program("verify", "--quick").out == "60 objects, 20 articles, 0 faults\n"
    captures = [far.archive.get(found.key) for found in far.archive.list("captures")]
    assert len(captures) == 20
    assert len({data.partition(b'"captured":')[2][:22] for data in captures}) == 1


def test_another_bucket_has_another_index(far):
    """An index is that of one archive: when another bucket is named, it is not believed."""
    write(far.program, 1)
    far.program("import")
    far.change(("/archive", "/other"))
    assert "1 new" in far.program("import").out
    far.change(("/other", "/archive"))
    assert "1 article, 0 new" in far.program("import").out


def test_what_is_no_archive_is_left_alone(far):
    """A place in a bucket that holds something else is not taken."""
    far.archive.put("mine.txt", b"mine", {})
    ran = far.program("run")
    assert ran.status == 1
    assert "is not an archive: it has no format.json; it was left as it is" in ran.err
    assert [found.key for found in far.archive.list()] == ["mine.txt"]


def test_documents_say_what_they_are(far):
    """Each document has its media type; what never changes may be kept for ever, the rest for minutes."""
    far.change(("pages = false\n", ""))
    for number in range(4):
        write(far.program, number)
    far.program("run")
    told = {}
    for path in ("all/rss.xml", "all/feed.json", "all/archive/000001.json", "all/archive/000001.html", "feeds.opml"):
        attributes = far.feeds._store.get(path).attributes
        told[path] = attributes["Content-Type"], "immutable" in attributes["Cache-Control"]
    assert told == {
        "all/rss.xml": ("application/xml", False),
        "all/feed.json": ("application/feed+json", False),
        "all/archive/000001.json": ("application/feed+json", True),
        "all/archive/000001.html": ("text/html", False),
        "feeds.opml": ("text/x-opml", False),
    }
    far.change(("[s3]", "pages = false\n[s3]"))
    far.way.asked.clear()
    far.program("build")
    assert far.way.asked[-1][0] == "POST"  # what is no more is removed last, many at a time
    assert far.documents() == far.here()
    assert "index.html" not in far.here()


def test_documents_come_in_order(far):
    """Sealed pages come before what points to them; what does not change is not put again."""
    for number in range(5):
        write(far.program, number)
    far.program("run")
    put = far.way.put()
    assert put.index("all/archive/000001.rss.xml") < put.index("all/rss.xml") < put.index("feeds.opml")
    far.way.asked.clear()
    write(far.program, 8)
    write(far.program, 9)
    far.program("run")
    put = far.way.put()
    assert put.index("all/archive/000002.rss.xml") < put.index("all/rss.xml")
    assert not [path for path in put if path.startswith("all/archive/000001")]
    assert far.documents() == far.here()


def test_a_full_build_mends_what_somebody_changed(far):
    """What is changed or removed in the bucket comes back with a full build; what is somebody's own stays."""
    write(far.program, 1)
    far.program("run")
    before = far.documents()
    far.feeds.put("all/rss.xml", b"broken", {})
    far.feeds.remove(["all/atom.xml", "feeds.opml"])
    far.feeds.put("robots.txt", b"mine", {})
    assert far.program("build", "--full").status == 0
    assert far.documents() == before | {"robots.txt": b"mine"}


def test_a_build_that_could_not_publish_is_completed(far):
    """When the bucket refuses documents, the next run puts them there, and takes away what is no more."""
    for number in range(5):
        write(far.program, number)
    far.program("run")
    far.change(("[s3]", '[[feed]]\nid = "mine"\n[s3]'))
    far.way.disturb = lambda method, key: "denied" if method == "PUT" and "rss.xml" in key else None
    assert far.program("run").status == 1
    far.way.disturb = lambda _method, _key: None
    assert far.program("run").status == 0
    assert {path.partition("/")[0] for path in far.documents() if path.endswith("rss.xml")} == {"mine"}


def test_a_new_machine_goes_on(far):
    """With nothing but config.toml the archive and the feeds are as they were, and page sizes are still kept."""
    for number in range(5):
        write(far.program, number)
    far.program("run")
    before = far.documents()
    far.feeds.put("blog/index.html", b"mine", {})
    far.way.asked.clear()
    for folder in (far.program.archive, far.program.feeds):
        shutil.rmtree(folder)
    far.change(("page_size = 2", "page_size = 3"))
    far.way.once("denied", "GET", times=99)
    assert far.program("run").status == 1
    far.way.disturb = lambda _method, key: "denied" if key.endswith("feeds.opml") else None
    assert far.program("run").status == 1  # what the bucket holds is half known
    far.way.disturb = lambda _method, _key: None
    ran = far.program("run")
    assert "page_size is 3 now and was 2" in ran.err
    far.change(("page_size = 3", "page_size = 2"))
    assert far.program("run").status == 0
    assert far.documents() == before | {"blog/index.html": b"mine"}
    assert not (far.program.feeds / "blog").exists()
    assert far.way.count("PUT") == 0


def test_verify_names_what_is_damaged(tmp_path):
    """Bytes that somebody has changed in a bucket are found and named, and left as they are."""
    memory = MemoryStore()
    bucket = RemoteBucket(Remote(memory, "memory"), tmp_path)
    bucket.begin(b'{"layout": 1}')
    archive = Archive(Address("bucket", ""), bucket, b'{"layout": 1}', tmp_path / "index.db")
    name = hashlib.sha256(b"raw").hexdigest()
    bucket.put("raw", name, b"raw")
    bucket.flush()
    memory.put(f"raw/{name[:2]}/{name[2:]}", b"other")
    memory.put("raw/readme", b"mine")
    assert [str(checked) for checked in archive.verify()] == [
        f"raw {name} is damaged; it was left as it is; restore it from a copy",
        "raw raw/readme is no object of this archive; it was left as it is",
    ]


class TestCredentials:
    """Whose name requests are signed in."""

    @pytest.fixture
    def files(self, tmp_path):
        (tmp_path / "credentials").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
        (tmp_path / "config").write_text(
            "[default]\nregion = eu-west-1\n[profile work]\naws_access_key_id = c\naws_secret_access_key = d\n"
            "endpoint_url = https://s3.example.org/\n[profile empty]\nregion = x\n"
        )
        names = {"AWS_SHARED_CREDENTIALS_FILE": "credentials", "AWS_CONFIG_FILE": "config"}
        return {name: str(tmp_path / file) for name, file in names.items()}

    def test_profile(self, files):
        """The profile named, or the default one, gives keys, region and the store's address."""
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        assert settings(files, None) == keys | {"aws_region": "eu-west-1"}
        told = settings(files | {"AWS_PROFILE": "work"}, None)
        assert (told["aws_access_key_id"], told["aws_endpoint"]) == ("c", "https://s3.example.org")

    def test_environment_comes_first(self, files):
        """Keys, region and address in the environment count more than those of a profile; config.toml's most."""
        environment = files | {"AWS_ACCESS_KEY_ID": "e", "AWS_REGION": "r", "AWS_ENDPOINT_URL": "https://e.org"}
        assert settings(environment, None) == dict.fromkeys(("aws_endpoint", "aws_endpoint_url_s3"), "https://e.org")
        assert settings(environment, "https://c.org")["aws_endpoint"] == "https://c.org"

    @pytest.mark.parametrize(
        ("environment", "said"),
        [
            ({"AWS_PROFILE": "none"}, "there is no AWS profile none"),
            ({"AWS_PROFILE": "empty"}, "AWS profile empty holds no access key"),
            (
                {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"},
                "no credentials for S3",
            ),
            *(
                ({name: address}, "is no address of a store")
                for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT")
                for address in ("foo", "http://[::1", "ftp://e.org", "http://e.org:99999", "https://key:secret@e.org")
            ),
        ],
    )
    def test_none(self, files, environment, said):
        """A profile that is not there or holds no key, no credentials at all, or no address of a store, is one line."""
        with pytest.raises(UsageError, match=said) as raised:
            settings(files | environment, None)
        assert "secret" not in str(raised.value)
