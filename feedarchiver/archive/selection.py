"""What a feed takes: a pure decision about one article."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from feedarchiver import markup
from feedarchiver.archive.telling import Telling, telling
from feedarchiver.model import Article, Filter
from feedarchiver.words import Query


def takes(wanted: Filter, article: Article, source: str, captured: datetime) -> bool:
    """Tell whether a feed takes an article that came from `source`.

    Every rule must hold: the language is one of those wanted (an article that does not say speaks its source's), the
    date lies within the bounds (an undated article counts as of its capture), a pattern of `include` is found if
    there are any, none of `exclude` is, and `search` finds the article as the search index would.
    """
    shown = article.published or captured
    return (
        (not wanted.languages or _speaks(article.language or dict(wanted.spoken).get(source), wanted.languages))
        and (wanted.since is None or shown >= wanted.since)
        and (wanted.until is None or shown < wanted.until)
        and (not wanted.include or _found(wanted.include, article))
        and not _found(wanted.exclude, article)
        and (wanted.search is None or _query(wanted.search).finds(*_told(article).searched))
    )


def _speaks(language: str | None, wanted: tuple[str, ...]) -> bool:
    """Tell whether a language is one of those wanted: "zh" wants "zh-CN" too. Spec: RFC 4647 section 3.3.1."""
    said = f"{language}-".lower()
    return language is not None and any(said.startswith(f"{range_}-".lower()) for range_ in wanted)


def _found(patterns: tuple[tuple[str, str], ...], article: Article) -> bool:
    return any(_compiled(pattern).search(text) for field, pattern in patterns for text in _LOOKS_AT[field](article))


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@lru_cache
def _query(search: str) -> Query:
    return Query.parse(search)


@lru_cache(maxsize=1)  # several rules look at the text
def _told(article: Article) -> Telling:
    return telling(article)


_LOOKS_AT: dict[str, Callable[[Article], tuple[str, ...]]] = {
    "title": lambda article: (markup.plain(article.title),),
    "content": lambda article: (_told(article).text,),
    "author": lambda article: article.authors,
    "category": lambda article: article.categories,
    "link": lambda article: (article.link or "",),
}
