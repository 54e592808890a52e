"""What the environment says instead of config.toml: overrides, and secrets in header fields."""

import pytest
from program import CONFIG, Program

from feedarchiver.config import TABLES, load
from feedarchiver.config.environment import variable
from feedarchiver.errors import ConfigError

WEB = (
    '[[source]]\nid = "web"\nkind = "feed"\nurl = "https://a.example/"\nheaders = { Authorization = "Bearer ${KEY}" }\n'
)
VALUES = {
    "store": ("s", "other"),
    "index": ("sqlite:x.db", "sqlite:y.db"),
    "max_seed_size": ("1 MB", "2 MB"),
    "folder": ("f", "published"),
    "base_url": ("https://a.example/", "https://b.example/x/"),
    "page_size": ("7", "8"),
    "pages": ("true", "False"),
    "title": ("2024", "true"),
    "images": ("original", "archived"),
    "hub": ("https://hub.example/", "https://hub.example/other"),
    "after": ("true", "rsync"),
    "endpoint_url": ("http://127.0.0.1:9000", "http://127.0.0.1:9001"),
    "contact": ("a@example.org", "b@example.org"),
    "engine": ("local", "local"),
}


def loaded(folder, text=CONFIG, **environ):
    path = folder / "config.toml"
    path.write_text(text)
    return load(path, environ)


def mistakes(folder, text=CONFIG, **environ):
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, **environ)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize(("table", "key"), [(table, key) for table, keys in TABLES.items() for key in keys])
def test_every_key(tmp_path, table, key):
    """Every key of a table that is there once can come from the environment, and counts more than the file."""
    first, second = VALUES[key]
    written = first if first in ("7", "true") and key in ("page_size", "pages") else f"'{first}'"
    text = f"[{table}]\n{key} = {written}\n{CONFIG}"
    name = variable(table, key)
    assert name == f"FEEDARCHIVER_{table.upper()}_{key.upper()}"
    in_file = second.lower() if key in ("page_size", "pages") else f"'{second}'"
    other = loaded(tmp_path, f"[{table}]\n{key} = {in_file}\n{CONFIG}")
    config = loaded(tmp_path, text, **{name: second})
    assert config.environment == (name,)
    for field in config.__slots__:
        assert field == "environment" or getattr(config, field) == getattr(other, field)
    assert loaded(tmp_path, text, **{name: ""}) == loaded(tmp_path, text), "what is empty is not said"


def test_engine(tmp_path):
    """Workers are named by an address in PostgreSQL; they need the index there, too."""
    there = {"FEEDARCHIVER_WORKERS_ENGINE": "postgresql://me@db/jobs", "FEEDARCHIVER_ARCHIVE_INDEX": "postgres://db/x"}
    config = loaded(tmp_path, **there)
    assert (config.engine.url, str(config.engine)) == ("postgresql://me@db/jobs", "postgresql://db/jobs")
    del there["FEEDARCHIVER_ARCHIVE_INDEX"]
    assert mistakes(tmp_path, **there) == [
        "config.toml: workers: engine: needs the index in PostgreSQL too, where every worker finds it: [archive] index"
    ]


def test_without_the_table(tmp_path):
    """The table need not stand in the file; folders are relative to the file as ever."""
    config = loaded(tmp_path, FEEDARCHIVER_PUBLISH_FOLDER="../public", FEEDARCHIVER_ARCHIVE_STORE="/srv/a")
    assert (config.published, str(config.store)) == (tmp_path.parent / "public", "/srv/a")


def test_mistakes(tmp_path):
    """A mistake in the environment is named by its variable, beside those of the file."""
    text = "[publish]\npages = 1\n" + CONFIG
    assert mistakes(
        tmp_path,
        text,
        FEEDARCHIVER_PUBLISH_PAGE_SIZE="many",
        FEEDARCHIVER_PUBLISH_BASEURL="https://example.org/",
        FEEDARCHIVER_WEB_CONTACT="a\x1b[31m",
        FEEDARCHIVER_PUBLISH_HUB="hub",
    ) == [
        "config.toml: publish: pages: must be true or false, not 1",
        "FEEDARCHIVER_PUBLISH_BASEURL: baseurl: unknown key; did you mean base_url?",
        "FEEDARCHIVER_PUBLISH_HUB: 'hub' is not an http(s) address like 'https://hub.example.org/'",
        "FEEDARCHIVER_PUBLISH_PAGE_SIZE: must be a whole number of at least 1, not 'many'",
        r"FEEDARCHIVER_WEB_CONTACT: 'a\x1b[31m' has a line break or control character",
    ]


def test_a_file_that_is_wrong_all_over(tmp_path):
    """A value that has no table to go into leaves it at the file's own mistake."""
    text = "publish = 1\n" + CONFIG
    problems = mistakes(tmp_path, text, FEEDARCHIVER_PUBLISH_TITLE="x")
    assert problems == ["config.toml: publish: must be a table, not 1"]


def test_other_variables(tmp_path):
    """Variables of the test suite, of Kubernetes and of anybody else mean nothing."""
    environ = {"FEEDARCHIVER_SOAK": "1", "FEEDARCHIVER_SERVICE_HOST": "10.0.0.1", "PUBLISH_TITLE": "x"}
    assert loaded(tmp_path, **environ) == loaded(tmp_path)


def test_secrets(tmp_path):
    """A header field can name variables, several of them, so that the file holds no secret."""
    config = loaded(tmp_path, WEB.replace("${KEY}", "${KEY}.${_k2} $KEY ${9} ${_k2}"), KEY="a", _k2="b\n")
    assert config.sources[0].asking.headers == (("Authorization", "Bearer a.b $KEY ${9} b"),)


def test_a_secret_that_is_missing(tmp_path):
    """A variable that is not there, or empty, is named with its place."""
    for environ in ({}, {"KEY": ""}):
        expected = ["config.toml: source 1: headers: Authorization: the environment has no variable KEY"]
        assert mistakes(tmp_path, WEB, **environ) == expected


def test_a_secret_that_is_wrong(tmp_path):
    """A secret that cannot be sent stands in no message."""
    (problem,) = mistakes(tmp_path, WEB, KEY="geheim\u4f60")
    assert problem.startswith("config.toml: source 1: headers: Authorization: must be text")
    assert "geheim" not in problem


def test_from_outside(tmp_path):
    """The program is told by its environment where feeds are reached."""
    program = Program(tmp_path / "home")
    program.write("a.txt")
    assert program("run", FEEDARCHIVER_PUBLISH_BASE_URL="https://feeds.example/").status == 0
    assert b"https://feeds.example/all/rss.xml" in (program.feeds / "all" / "rss.xml").read_bytes()
    ran = program("run", FEEDARCHIVER_PUBLISH_BASE_URL="feeds")
    assert (ran.status, ran.err.split(": ")[1]) == (2, "FEEDARCHIVER_PUBLISH_BASE_URL")
