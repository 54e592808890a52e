from datetime import UTC, datetime

import pytest

from feedarchiver.archive.selection import takes
from feedarchiver.model import Article, Filter

JANUARY = datetime(2024, 1, 15, tzinfo=UTC)
ARTICLE = Article(
    title="Trade &amp; tariffs",
    link="https://example.org/economy/1",
    published=JANUARY,
    authors=("Ann", "张三"),
    categories=("World",),
    language="zh-CN",
    content="<p>Some <b>bold</b> words</p><script>hidden</script>",
)


@pytest.mark.parametrize(
    ("rules", "taken"),
    [
        ({}, True),
        ({"include": (("title", "trade & tariffs"),)}, True),
        ({"include": (("title", "&amp;"),)}, False),
        ({"include": (("content", "bold words"),)}, True),
        ({"include": (("content", "hidden|<b>"),)}, False),
        ({"include": (("author", "^张"),)}, True),
        ({"include": (("category", "^world$"),)}, True),
        ({"include": (("link", "/economy/"),)}, True),
        ({"include": (("title", "no"), ("author", "ann"))}, True),
        ({"include": (("title", "no"), ("author", "no"))}, False),
        ({"exclude": (("title", "trade"),)}, False),
        ({"exclude": (("title", "no"),)}, True),
        ({"include": (("title", "trade"),), "exclude": (("author", "ann"),)}, False),
        ({"languages": ("zh",)}, True),
        ({"languages": ("ZH-cn",)}, True),
        ({"languages": ("zh-TW", "en")}, False),
        ({"languages": ("z",)}, False),
        ({"since": JANUARY}, True),
        ({"until": JANUARY}, False),
        ({"since": datetime(2024, 1, 1, tzinfo=UTC), "until": datetime(2024, 2, 1, tzinfo=UTC)}, True),
        ({"since": datetime(2024, 2, 1, tzinfo=UTC)}, False),
        ({"search": "TARIFFS bold"}, True),
        ({"search": '"bold words"'}, True),
        ({"search": '"words bold"'}, False),
        ({"search": "hidden"}, False),
        ({"search": "trade", "languages": ("zh",), "since": JANUARY, "include": (("author", "^ann$"),)}, True),
        ({"search": "trade", "exclude": (("link", "economy"),)}, False),
        ({"search": "trade", "until": JANUARY}, False),
    ],
)
def test_rules(rules, taken):
    """A feed takes an article if every rule holds."""
    assert takes(Filter(**rules), ARTICLE, "s", datetime(2030, 1, 1, tzinfo=UTC)) is taken


@pytest.mark.parametrize(("source", "taken"), [("chinese", True), ("english", False), ("unknown", False)])
def test_an_article_that_does_not_say_speaks_its_sources_language(source, taken):
    """Without a language of its own an article is in that of its source, without either in none that is wanted."""
    wanted = Filter(languages=("zh",), spoken=(("chinese", "zh-TW"), ("english", "en")))
    assert takes(wanted, Article(title="t"), source, JANUARY) is taken


def test_an_undated_article_counts_as_of_its_capture():
    """An article without a date lies within the bounds if its capture does."""
    assert takes(Filter(since=JANUARY), Article(title="t"), "s", JANUARY)
    assert not takes(Filter(until=JANUARY), Article(title="t"), "s", JANUARY)
