"""What the environment says instead of config.toml, or besides: for containers, and for what is secret.

`FEEDARCHIVER_PUBLISH_BASE_URL` takes the place of `base_url` under `[publish]`, and so for every key of the tables that
are there once. In the header fields that a source sends, `${TOKEN}` is the value of the variable TOKEN.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from feedarchiver.config.checks import Keys, unknown
from feedarchiver.errors import one_line

_PREFIX = "FEEDARCHIVER_"
_NAMED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Given(NamedTuple):
    """The variables that count, and what is wrong with some."""

    variables: tuple[str, ...]
    problems: tuple[str, ...]


def variable(table: str, key: str) -> str:
    """Name the variable that takes the place of a key."""
    return f"{_PREFIX}{table}_{key}".upper()


def put(environ: Mapping[str, str], raw: dict[str, Any], tables: Mapping[str, Keys]) -> Given:
    """Put values of the environment into `raw`, what TOML said. One that is empty is as if not said."""
    variables, problems = [], []
    for name, value in sorted(environ.items()):
        table, _, key = name.removeprefix(_PREFIX).lower().partition("_")
        if not name.startswith(_PREFIX) or table not in tables or not value:
            continue
        if key not in tables[table]:
            problems.append(f"{name}: {unknown(key, tables[table], 'key')}")
            continue
        check, default = tables[table][key]
        meant = _typed(value, default)
        try:
            check(meant)
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        home = raw.setdefault(table, {})
        if isinstance(home, dict):
            home[key] = meant
            variables.append(name)
    return Given(tuple(variables), tuple(map(one_line, problems)))


def without(environ: Mapping[str, str], tables: Mapping[str, Keys]) -> dict[str, str]:
    """Leave out the variables that take the place of keys: what is read is another configuration than they are for."""
    ours = tuple(f"{_PREFIX}{table}_".upper() for table in tables)
    return {name: value for name, value in environ.items() if not name.startswith(ours)}


def fill(environ: Mapping[str, str], sources: object) -> Iterator[str]:
    """Put the values of variables into header fields that name them. Yields what is wrong."""
    for number, source in enumerate(sources if isinstance(sources, list) else (), 1):
        headers = source.get("headers") if isinstance(source, dict) else None
        if not isinstance(headers, dict):
            continue
        for field, said in headers.items():
            if isinstance(said, str):
                for name in _NAMED.findall(said):
                    if not environ.get(name):
                        yield f"source {number}: headers: {field}: the environment has no variable {name}"
                headers[field] = _NAMED.sub(lambda found: environ.get(found[1], "").strip() or found[0], said)


def _typed(value: str, default: object) -> object:
    """Take a value as TOML would: what is said without quotes there is no text."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(value.lower(), value)
    return int(value) if isinstance(default, int) and re.fullmatch(r"[0-9]{1,18}", value) else value
