"""config.toml: what is accepted, what is said about mistakes, which feeds follow, what `init` writes."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedarchiver.config import _ALL, Config, checks, feeds_for, load
from feedarchiver.config.names import folder_name, slug
from feedarchiver.config.sources import Asking, Pictures, Source, headers, interval, private, timeout, url
from feedarchiver.config.starter import start
from feedarchiver.errors import ConfigError, StorageError, UsageError
from feedarchiver.model import Feed, Filter
from feedarchiver.s3.address import Address

HERE = Path(__file__).parent
DATA = HERE / "data" / "config"
PACKAGE = HERE.parent / "feedarchiver"
MINIMAL = '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n'


@pytest.fixture
def problems(tmp_path, monkeypatch):
    """Load a text as config.toml of the current folder and return the mistakes found."""
    monkeypatch.chdir(tmp_path)

    def check(text: str | bytes) -> list[str]:
        Path("config.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            load(Path("config.toml"))
        except ConfigError as error:
            return list(error.problems)
        return []

    return check


def loaded(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text)
    return load(path)


# What is accepted


def test_defaults(tmp_path):
    """A file that names only a source has every default."""
    assert loaded(tmp_path, MINIMAL) == Config(
        root=tmp_path,
        store=tmp_path / "archive",
        index=tmp_path / "archive" / "index.db",
        max_seed_bytes=10_000_000,
        published=tmp_path / "feeds",
        bucket=None,
        base_url="http://127.0.0.1:8000/",
        page_size=50,
        pages=True,
        title="All articles",
        archived_images=False,
        hub=None,
        after=None,
        contact=None,
        engine=None,
        sources=(Source(id="seeds", kind="seeds", folder=tmp_path / "seeds", title=None, language=None),),
        feeds=(),
    )


def test_every_key():
    """Every key's value arrives, whatever the default."""
    assert load(DATA / "full.toml") == Config(
        root=DATA,
        store=Path("/srv/archive"),
        index=Path("/var/cache/index.db"),
        max_seed_bytes=1536,
        published=DATA.parent / "public",
        bucket=None,
        base_url="https://example.org/feeds/",
        page_size=7,
        pages=False,
        title="全部文章",
        archived_images=True,
        hub="https://hub.example.org/x?a=b",
        after="rsync -a feeds/ there:",
        contact="me@example.org",
        engine=None,
        sources=(
            Source(
                id="新闻",
                kind="seeds",
                folder=DATA / "inbox",
                title="News",
                language="zh-Hans-CN",
                pictures=Pictures("all", allow_private=("192.168.1.5:8080", "fd00::/8")),
            ),
            Source(
                id="web",
                kind="feed",
                title=None,
                language=None,
                pictures=Pictures("lead", allow_private=("example.org:80", "example.org:443")),
                asking=Asking(
                    url="https://example.org/feed.xml?a=b",
                    interval=(timedelta(minutes=30), timedelta(hours=12)),
                    filter=Filter(include=(("title", "a"),), exclude=(("link", "b"), ("link", "c"))),
                    max_articles=9,
                    headers=(("X-Key", "secret"),),
                    timeout=timedelta(minutes=1),
                    allow_private=("example.org:80", "example.org:443"),
                ),
            ),
        ),
        feeds=(
            Feed(id="all", title="Everything", subtitle="And more", language="en"),
            Feed(id="news", title="news", sources=("新闻", "rfi")),
        ),
    )


def test_index_follows_the_store(tmp_path):
    """An index that is not named lies in the store."""
    assert loaded(tmp_path, '[archive]\nstore = "deep/store"\n' + MINIMAL).index == tmp_path / "deep/store/index.db"


def test_in_buckets(tmp_path):
    """What lies in a bucket works in the default folders here, and an index that is not named lies in one."""
    far = '[archive]\nstore = "s3://bucket/a/"\n[publish]\nfolder = "s3://other"\n'
    config = loaded(tmp_path, f'{far}[s3]\nendpoint_url = "https://s3.example.org/"\n{MINIMAL}')
    assert config.store == Address("bucket", "a", "https://s3.example.org")
    assert config.bucket == Address("other", "", "https://s3.example.org")
    assert (config.published, config.index) == (tmp_path / "feeds", tmp_path / "archive/index.db")


def test_relative_to_the_file(tmp_path, monkeypatch):
    """Folders are relative to config.toml's folder, absolute, and independent of where the program runs later."""
    (tmp_path / "config.toml").write_text(MINIMAL)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = load(Path("../config.toml"))
    assert config.store == tmp_path / "archive"


def test_byte_order_mark(problems):
    """A byte order mark, as some editors write it, harms nothing."""
    assert problems(b"\xef\xbb\xbf" + MINIMAL.encode()) == []


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("1 B", 1), ("50MB", 50_000_000), ("2 kB", 2000), ("1 KiB", 1024), ("0.5 GiB", 2**29), ("3 mib", 3 * 2**20)],
)
def test_sizes(text, size_bytes):
    """A size is a number and a unit, in any case, with or without a blank."""
    assert checks.size(text) == size_bytes


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30 s", timedelta(seconds=30)),
        ("15 minutes", timedelta(minutes=15)),
        ("1.5h", timedelta(minutes=90)),
        ("1 day", timedelta(days=1)),
        ("2 weeks", timedelta(days=14)),
    ],
)
def test_durations(text, length):
    """A duration is a number and a unit."""
    assert checks.duration(text) == length


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("https://example.org/a%20b", "https://example.org/a%20b/"),
        ("HTTPS://[::1]/feeds/", "HTTPS://[::1]/feeds/"),
    ],
)
def test_base_url_ends_in_a_slash(given, kept):
    """A slash is added to the base address where it lacks one, and nothing else is changed."""
    assert checks.base_url(given) == kept


# What is said about mistakes


@pytest.mark.parametrize("name", ["mistakes", "overlaps", "overlaps-in-buckets", "shapes"])
def test_every_mistake_at_once(name, problems):
    """Each mistake of a file is reported in one go, each on its line with its place."""
    said = problems((DATA / f"{name}.toml").read_bytes())
    assert "\n".join(said) + "\n" == (DATA / f"{name}.txt").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"[archive", "line 1: ", id="bracket"),
        pytest.param(b"a = 1\nb 2\n", "line 2, column 3: expected '='", id="equals"),
        pytest.param(b'a = 1\nb = """x\n', "line 3: ", id="end of file"),
        pytest.param(b"a = 1\r\n\r\nb = 2\na = 3", "line 4: cannot overwrite a value", id="twice"),
        pytest.param(b"a = 1\n# \xff", "line 2: not UTF-8", id="not UTF-8"),
        pytest.param(b"a = " + b"[" * 9999, "nested too deeply", id="too deep"),
        pytest.param(b"a = " + b"9" * 9999, "a number has more digits than can be read", id="too many digits"),
    ],
)
def test_not_toml(text, said, problems):
    """A file that is not TOML is one mistake with its line and, where known, its column."""
    (problem,) = problems(text)
    assert problem.startswith(f"config.toml: {said}")


def test_missing_file(tmp_path):
    """A missing config.toml is answered with the command that makes one."""
    with pytest.raises(ConfigError, match=r"config\.toml: not found; run `feedarchiver init` to make one"):
        load(tmp_path / "config.toml")


def test_folder_as_file(tmp_path):
    """A config.toml that cannot be read is a mistake, not a crash."""
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        load(tmp_path)


def test_a_date_format_without_codes(problems):
    """What names no part of a date is refused: articles would stay undated without a word."""
    page = 'id = "a"\nkind = "page"\nurl = "https://a.example/"\n'
    (problem,) = problems(f'[[source]]\n{page}select = {{ date = ".d", date_format = "DMY" }}\n')
    assert problem == "config.toml: source 1: select: date_format: 'DMY' has no codes; write it like '%d.%m.%Y %H:%M'"


def test_empty_file(problems):
    """A file without a source says what to add."""
    assert problems("") == [
        'config.toml: no [[source]] is named; add one: id = "seeds", kind = "seeds", folder = "seeds/"'
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("true", "must be a whole number of at least 1, not true"),
        ("-1", "must be a whole number of at least 1, not -1"),
        ("1.5", "must be a whole number of at least 1, not 1.5"),
        ("nan", "must be a whole number of at least 1, not nan"),
        ("'10'", "must be a whole number of at least 1, not '10'"),
        ("[1]", "must be a whole number of at least 1, not a list"),
        ("{}", "must be a whole number of at least 1, not a table"),
        ("2026-11-21", "must be a whole number of at least 1, not 2026-11-21"),
        (str(2**63), "must be at most 1,000,000,000, not 9223372036854775808"),
    ],
)
def test_not_a_whole_number(value, said, problems):
    """A number is neither text nor truth nor a fraction, and the message shows what was given."""
    assert problems(f"publish.page_size = {value}\n{MINIMAL}") == [f"config.toml: publish: page_size: {said}"]


@pytest.mark.parametrize("text", ["0 MB", "MB", "50", "-1 MB", "1e3 MB", "0.1 B", "50 MB x", "٥ MB", "1_000 B"])
def test_not_a_size(text):
    """A size without a known unit, or of nothing, is refused."""
    with pytest.raises(ValueError, match="is not a size"):
        checks.size(text)


@pytest.mark.parametrize("text", ["5 parsecs", "0 s", "hour", "10", "-1 h", "1 h 30 m"])
def test_not_a_duration(text):
    """A duration without a known unit, or of nothing, is refused."""
    with pytest.raises(ValueError, match="is not a duration"):
        checks.duration(text)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/feeds/", "is not an absolute"),
        ("//example.org/", "is not an absolute"),
        ("ftp://example.org/", "is not an absolute"),
        ("https://", "is not an absolute"),
        ("https://exa mple.org/", "is not an absolute"),
        ("https://新闻.org/", "in ASCII (a host as 'xn--…')"),
        ("https://example.org:99999/", "is not an absolute"),
        ("https://[::1/", "is not an absolute"),
        ("https://me:secret@example.org/", "user name or password"),
        ("https://example.org/?a=b", "'?' or '#'"),
        ("https://example.org/#", "'?' or '#'"),
        ("https://example.org/新闻/", "percent-encoded"),
        ("https://example.org/a b/", "percent-encoded"),
    ],
)
def test_not_a_base_url(address, said):
    """A base address from which no valid feed address follows is refused; a password is not repeated."""
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        checks.base_url(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("check", "value", "said"),
    [
        (url, "example.org/feed", "is not an http"),
        (url, "ftp://example.org/feed", "is not an http"),
        (url, "https://me:secret@example.org/feed", "user name or password"),
        (interval, ["1 h"], "the shortest and the longest"),
        (interval, ["1 day", "1 h"], "must not be longer"),
        (interval, ["1 h", "often"], "is not a duration"),
        (timeout, "1 h", "at most 10 minutes"),
        (headers, "X: y", "must be a table"),
        (headers, {}, "must be a table"),
        (headers, {"X Y": "z"}, "not the name of a header field"),
        (headers, {"Host": "secret"}, "not yours to set"),
        (headers, {"X": "secret\r\nY: z"}, "printable ASCII"),
        (headers, {"X": 5}, "printable ASCII"),
        (private, "nas.lan", "a list of hosts and networks"),
        (private, ["nas.lan/feed"], "neither a host nor a network"),
        (private, ["http://nas.lan"], "neither a host nor a network"),
        (private, ["192.168.1.5/24"], "neither a host nor a network"),
        (private, ["me@nas.lan"], "neither a host nor a network"),
        (private, ["nas.lan:"], "neither a host nor a network"),
        (private, [True], "must be text"),
    ],
)
def test_not_a_way_to_ask(check, value, said):
    """What could not be asked, or not so, is refused; a secret is not repeated."""
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        check(value)
    assert "secret" not in str(caught.value)


def test_a_folder_has_no_host(problems):
    """Of a folder of seeds nobody knows which host allow_private = true should mean."""
    seeds = '[[source]]\nid = "s"\nkind = "seeds"\nfolder = "s"\nimages = "all"\nallow_private = true\n'
    assert "allow_private: a folder has no host of its own" in "".join(problems(seeds.encode()))


def test_one_interval():
    """One duration is the shortest and the longest."""
    assert interval("2 h") == (timedelta(hours=2), timedelta(hours=2))


@pytest.mark.parametrize("tag", ["english", "zh_CN", "e", "zh-", "zh CN", "en-abcdefghi", "中文"])
def test_not_a_language(tag):
    """What has not the shape of a language tag is refused."""
    with pytest.raises(ValueError, match="is not a language tag"):
        checks.language(tag)


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a\\b", " a", "a ", "x" * 101])
def test_not_a_source_id(name):
    """An id that no subfolder could have, or that looks like another, is refused."""
    with pytest.raises(ValueError, match="is not an id"):
        checks.source_id(name)


@pytest.mark.parametrize("address", ["archive/index.db", "sqlite:", "sqlite:///x.db", "mysql:x", "sqlite: "])
def test_not_an_index(address):
    """An index that is no sqlite:PATH is refused."""
    with pytest.raises(ValueError, match="is not an index"):
        checks.index(address)


def test_control_characters_stay_out_of_messages(problems):
    """A key with a line break or terminal codes in it is reported on one harmless line."""
    (problem,) = problems('"a\\u001b[31m\\nb" = 1\n' + MINIMAL)
    assert problem.startswith(r"config.toml: a\x1b[31m\x0ab: unknown table")


_VALUES = st.sampled_from(["1", "0", "true", "'x'", "''", "[]", "[1]", "{}", "{id = 'x'}", "1.5", "1979-05-27", "[{}]"])
_NAMES = st.sampled_from([*_ALL, *(key for keys in _ALL.values() for key in keys), "x"])
_LINES = st.one_of(
    st.builds("{} = {}".format, _NAMES, _VALUES),
    st.builds("{}.{} = {}".format, _NAMES, _NAMES, _VALUES),
    st.builds("[{}]".format, _NAMES),
    st.builds("[[{}]]".format, _NAMES),
    st.text(max_size=10),
)


@given(lines=st.lists(_LINES, max_size=8))
def test_any_file_is_a_config_or_its_mistakes(lines, tmp_path_factory):
    """Whatever is in the file, the answer is a Config or lines that begin with the file's name."""
    path = tmp_path_factory.getbasetemp() / "config.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        problems = [] if load(path).sources else ["no source"]
    except ConfigError as error:
        problems = error.problems or [""]
    assert all(problem.startswith(f"{path}: ") and problem.isprintable() for problem in problems)


# Which feeds follow


def test_default_feeds(tmp_path):
    """With no feed named there is one of everything and one for each archived source, the configured ones first."""
    second = '[[source]]\nid = "b"\nkind = "seeds"\nfolder = "b/"\ntitle = "Bee"\nlanguage = "en"\n'
    config = loaded(tmp_path, MINIMAL + second)
    expected = (
        Feed(id="all", title="All articles"),
        Feed(id="seeds", title="seeds", sources=("seeds",)),
        Feed(id="b", title="Bee", language="en", sources=("b",)),
        Feed(id=slug("BBC"), title="BBC", sources=("BBC",)),
        Feed(id="a", title="a", sources=("a",)),
    )
    assert feeds_for(config, ["a", "b", "BBC", "seeds"]) == expected
    assert feeds_for(config, {"seeds", "BBC", "b", "a"}) == expected


def test_no_feed_without_articles(tmp_path):
    """A source of which nothing is archived has no feed of its own yet."""
    assert feeds_for(loaded(tmp_path, MINIMAL), []) == (Feed(id="all", title="All articles"),)


def test_named_feeds():
    """Feeds that are named are all there are."""
    config = load(DATA / "full.toml")
    assert feeds_for(config, ["rfi", "新闻", "other"]) == config.feeds


@pytest.mark.parametrize(
    ("source_id", "folder"),
    [
        ("rfi", "rfi"),
        ("bbc_news-2", "bbc_news-2"),
        ("BBC", "bbc-2258681791fe"),
        ("新闻", "source-d39567b2b9f1"),
        ("Épée & co.", "epee-co-4b1b6bbfcc1b"),
        ("../x", "x-d6b96a97d147"),
        ("", "source-e3b0c44298fc"),
        ("all", "all-5ef5ef0364b6"),
        ("images", "images-21b2eed1e328"),
        ("index.html", "index-html-0eb547304658"),
        ("con", "con-1143da2bc54c"),
        ("bbc-ed08f4ec2a29", "bbc-ed08f4ec2a29-c84bf6ebb97a"),
        ("\udcff", "source-8f1d0f9c8806"),
    ],
)
def test_addresses_never_move(source_id, folder):
    """The folder of a source's feed is what it was in every earlier release."""
    assert slug(source_id) == folder


@given(source_id=st.text())
@example("a" * 65)
@example("lpt1")
@example("-x")
def test_a_slug_is_a_safe_folder(source_id):
    """Any source id gives a folder name that every disk takes, that hides nothing and that a [[feed]] may take over."""
    name = slug(source_id)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name)
    assert name != "all"
    assert folder_name(name) == name


@given(ids=st.sets(st.text(st.sampled_from("aAbB-_./ é新"), max_size=5) | st.just("BBC") | st.just("bbc"), max_size=20))
def test_no_two_sources_share_a_folder(ids):
    """Different ids have different folders, also where case does not count."""
    assert len({slug(name).casefold() for name in ids}) == len(ids)


@given(source_id=st.text())
def test_no_id_can_take_another_ones_folder(source_id):
    """A source called like another one's folder gets another folder, unless that folder is the other's id."""
    name = slug(source_id)
    assert name == source_id or slug(name) != name


# What `init` writes


def test_start(tmp_path):
    """`init` makes the folder, config.toml and the folders for seeds and feeds, and the configuration works."""
    made = start(tmp_path / "new")
    assert made == [tmp_path / "new" / name for name in (".", "seeds", "feeds", "config.toml")]
    assert load(tmp_path / "new" / "config.toml").sources[0].folder == tmp_path / "new" / "seeds"


def test_start_in_a_used_folder(tmp_path):
    """`init` keeps what is there and lists only what it made."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.txt").write_text("a")
    assert start(tmp_path) == [tmp_path / "feeds", tmp_path / "config.toml"]
    assert (tmp_path / "seeds" / "a.txt").read_text() == "a"


def test_start_overwrites_nothing(tmp_path):
    """`init` refuses a folder with a config.toml, also a dangling link, and leaves everything as it is."""
    (tmp_path / "config.toml").symlink_to("nowhere")
    with pytest.raises(UsageError, match="exists already; it was left as it is, and nothing was written"):
        start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
    assert not (tmp_path / "nowhere").exists()


def test_start_with_a_file_in_the_way(tmp_path):
    """A file where a folder belongs is named, and kept."""
    (tmp_path / "seeds").write_text("not a folder")
    with pytest.raises(StorageError, match=r"cannot write .*/seeds: file exists; nothing was overwritten"):
        start(tmp_path)
    assert (tmp_path / "seeds").read_text() == "not a folder"


def test_start_on_a_full_disk(tmp_path):
    """A config.toml that does not fit is not left behind in part, so that the next `init` can succeed."""
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from feedarchiver.config.starter import start\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "start(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
    assert "StorageError: cannot write" in done.stderr
    assert not (tmp_path / "config.toml").exists()


def test_starter_shows_the_defaults(tmp_path):
    """The values that the annotated file shows are the defaults."""
    start(tmp_path)
    assert load(tmp_path / "config.toml") == loaded(tmp_path, f'{MINIMAL}title = "Seeds"\n')


def test_starter_annotates_every_key(problems, monkeypatch):
    """The annotated file shows every key below a comment, and what is commented out is right too."""
    monkeypatch.setenv("TOKEN", "secret")
    text = (PACKAGE / "config" / "starter.toml").read_text()
    for keys in _ALL.values():
        for key in keys:
            assert re.search(rf"^# .*\n(# )?{key} = ", text, re.MULTILINE) or key in ("folder", "kind"), key
    assert problems(re.sub(r"^# (\[\[|[a-z_]+ = )", r"\1", text, flags=re.MULTILINE)) == []


def test_own_configuration():
    """The project's config.toml is what `init` writes, but for the title and language of its seeds."""
    ours = (HERE.parent / "config.toml").read_text().splitlines()
    starter = (PACKAGE / "config" / "starter.toml").read_text().splitlines()
    other = [line for line, plain in zip(ours, starter, strict=True) if line != plain]
    assert [line.partition(" = ")[0] for line in other] == ["title", "language"]
    assert load(HERE.parent / "config.toml").sources[0].id == "seeds"
