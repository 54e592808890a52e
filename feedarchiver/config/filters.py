"""Checks of the keys of a [[feed]] that choose what of its sources it has, and the Filter made of them."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from feedarchiver.config import checks
from feedarchiver.model import Filter

_FIELDS = ("title", "content", "author", "category", "link")
_KINDS = ("articles", "changes", "health")
_EXAMPLE = '{ title = "trade|tariff" }'


def kind(value: object) -> str:
    """Take what a feed has entries of."""
    if checks.text(value) not in _KINDS:
        raise ValueError(f"{checks.shown(value)} is not a kind of feed; known are {', '.join(map(repr, _KINDS))}")
    return str(value)


def patterns(value: object) -> tuple[tuple[str, str], ...]:
    """Take a table of fields, each with a regular expression or a list of some."""
    if not isinstance(value, dict):
        raise ValueError(f"must be a table like {_EXAMPLE}, not {checks.shown(value)}")  # noqa: TRY004 - as in `checks`
    if not value:
        raise ValueError(f"must name a field, like {_EXAMPLE}; leave it out for no such rule")
    found = []
    for field, given in value.items():
        if field not in _FIELDS:
            raise ValueError(checks.unknown(field, _FIELDS, "field"))
        listed = given if isinstance(given, list) else [given]
        if not listed:
            raise ValueError(f"{field}: must name a pattern")
        found += [(field, _pattern(field, pattern)) for pattern in listed]
    return tuple(found)


def _pattern(field: str, value: object) -> str:
    try:
        pattern = checks.text(value)
        re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{field}: {checks.shown(value)} is not a regular expression: {error}") from None
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
    return pattern


def languages(value: object) -> tuple[str, ...]:
    """Take a list of language tags."""
    if not isinstance(value, list) or not value:
        raise ValueError(f"must be a list like ['en', 'zh'], not {checks.shown(value)}")
    return tuple(dict.fromkeys(checks.language(tag) for tag in value))


def instant(value: object) -> datetime:
    """Take a date of TOML, or a date with a time. Without a zone it is UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(tzinfo=UTC))
    raise ValueError(f"must be a date like 2024-01-31, without quotes, not {checks.shown(value)}")


def query(value: object) -> str:
    """Take what could be asked of `feedarchiver search`."""
    from feedarchiver.words import Query  # only a saved search needs it

    asked = checks.text(value)
    if not Query.parse(asked).phrases:
        raise ValueError(f"{checks.shown(asked)} holds no word to search for")
    return asked


KEYS: checks.Keys = {
    "include": (patterns, None),
    "exclude": (patterns, None),
    "languages": (languages, None),
    "since": (instant, None),
    "until": (instant, None),
    "search": (query, None),
}


def taken(feed: dict[str, Any], spoken: Mapping[str, str]) -> Filter | None:
    """Take the keys above out of a [[feed]] and make its filter of them. `spoken`: the language of each source."""
    rules = {name: value for name in KEYS if (value := feed.pop(name, None)) is not None}
    if not rules:
        return None
    return Filter(**rules, spoken=tuple(sorted(spoken.items())) if "languages" in rules else ())


def contradiction(feed: Mapping[str, Any]) -> str | None:
    """Say so when no article can lie within the bounds, or none is asked for."""
    if feed.get("kind") == "health":
        rule = next((name for name in ("sources", *KEYS) if feed.get(name) is not None), None)
        return rule and f"{rule}: a feed of kind 'health' has no articles to choose from; leave it out"
    since, until = feed.get("since"), feed.get("until")
    return "until: must be later than since" if since and until and since >= until else None
