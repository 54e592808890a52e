"""The keys of a [[feed]] that choose among articles: what is accepted, what is said about mistakes."""

from datetime import UTC, datetime

import pytest

from feedarchiver.config import load
from feedarchiver.errors import ConfigError
from feedarchiver.model import Filter

SOURCES = (
    '[[source]]\nid = "a"\nkind = "seeds"\nfolder = "a/"\nlanguage = "zh-CN"\n'
    '[[source]]\nid = "b"\nkind = "seeds"\nfolder = "b/"\n'
)


def loaded(tmp_path, rules):
    path = tmp_path / "config.toml"
    path.write_text(f'{SOURCES}[[feed]]\nid = "news"\n{rules}\n', encoding="utf-8")
    return load(path).feeds[0].filter


def test_every_rule(tmp_path):
    """Patterns keep their order, dates without a zone are UTC, and a feed by language knows that of each source."""
    rules = (
        'include = { title = ["trade", "tariff"], author = "^Ann$" }\nexclude = { link = "/video/" }\n'
        'languages = ["zh", "en"]\nsince = 2024-01-01\nuntil = 2024-02-01T08:00:00+08:00\n'
        "search = 'trade \"two words\" 贸易'"
    )
    assert loaded(tmp_path, rules) == Filter(
        include=(("title", "trade"), ("title", "tariff"), ("author", "^Ann$")),
        exclude=(("link", "/video/"),),
        languages=("zh", "en"),
        spoken=(("a", "zh-CN"),),
        since=datetime(2024, 1, 1, tzinfo=UTC),
        until=datetime(2024, 2, 1, tzinfo=UTC),
        search='trade "two words" 贸易',
    )


def test_no_rule(tmp_path):
    """A feed without such keys takes everything, without reading it."""
    assert loaded(tmp_path, "") is None


def test_kinds(tmp_path):
    """A feed has articles, or says that it has changes; it may choose among them all the same."""
    path = tmp_path / "config.toml"
    path.write_text(f'{SOURCES}[[feed]]\nid = "a"\n[[feed]]\nid = "b"\nkind = "changes"\nsearch = "x"\n', "utf-8")
    articles, changes = load(path).feeds
    assert (articles.kind, articles.filter) == ("articles", None)
    assert (changes.kind, changes.filter) == ("changes", Filter(search="x"))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('include = "trade"', "include: must be a table like { title = \"trade|tariff\" }, not 'trade'"),
        ("include = {}", "include: must name a field, like"),
        ('include = { titel = "x" }', "include: titel: unknown field; did you mean title?"),
        ('include = { title = "(" }', "include: title: '(' is not a regular expression: missing ), unterminated"),
        ("exclude = { title = [] }", "exclude: title: must name a pattern"),
        ("exclude = { title = 1 }", "exclude: title: must be text in quotes, not 1"),
        ('exclude = { title = ["a", ""] }', "exclude: title: must not be empty"),
        ('languages = "zh"', "languages: must be a list like ['en', 'zh'], not 'zh'"),
        ("languages = []", "languages: must be a list"),
        ('languages = ["chinese"]', "languages: 'chinese' is not a language tag"),
        ('since = "2024-01-01"', "since: must be a date like 2024-01-31, without quotes, not '2024-01-01'"),
        ("since = 12:00:00", "since: must be a date"),
        ("search = 7", "search: must be text in quotes, not 7"),
        ("search = '“。”'", "search: '“。”' holds no word to search for"),
        ('kind = "change"', "kind: 'change' is not a kind of feed; known are 'articles', 'changes', 'health'"),
        ("kind = true", "kind: must be text in quotes, not true"),
        ("since = 2024-02-01\nuntil = 2024-02-01", "until: must be later than since"),
    ],
)
def test_mistakes(tmp_path, rule, said):
    """Every mistake is reported with its place."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, rule)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path / 'config.toml'}: feed 1: {said}")
