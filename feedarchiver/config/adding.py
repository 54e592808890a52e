"""Adding [[source]] tables to config.toml: comments and order stay, and nothing is written that would be a mistake."""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feedarchiver.config import checks, load
from feedarchiver.config.sources import Source
from feedarchiver.errors import StorageError

if TYPE_CHECKING:
    from tomlkit.items import AbstractTable

_LONGEST = 60
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


Table = Mapping[str, object]


def source_table(kind: str, url: str, title: str | None, language: str | None, taken: set[str]) -> dict[str, object]:
    """Make the table of a source on the web. Its id follows from its title, else its host, and is none in `taken`."""
    named = " ".join("".join(character for character in title or "" if character.isprintable()).split())
    name = _free(_id(named) or _id(urlsplit(url).hostname or "") or kind, taken)
    table: dict[str, object] = {"id": name, "kind": kind, "url": url}
    table |= {"title": named} if named else {}
    return table | ({"language": language} if language and _LANGUAGE.fullmatch(language) else {})


def add(path: Path, tables: Iterable[Table]) -> list[Source]:
    """Write tables into the configuration at `path` and return their sources. Raises ConfigError, StorageError.

    The new file takes the old one's place only when it has been checked.
    """
    with _added(path, [*tables]) as (fresh, sources):
        whole = path.resolve()  # a link stays a link
        os.chmod(fresh, whole.stat().st_mode & 0o7777)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, whole)
    return sources


def checked(path: Path, tables: Iterable[Table]) -> list[Source]:
    """Return the sources that `add` would add, and change nothing. Raises ConfigError, StorageError."""
    with _added(path, [*tables]) as (_, sources):
        return sources


@contextmanager
def _added(path: Path, tables: list[Table]) -> Iterator[tuple[Path, list[Source]]]:
    """Write the configuration with these tables in it beside `path`, for a while."""
    text = _with(path.read_bytes().decode("utf-8-sig"), tables)
    whole = path.resolve()
    fresh = whole.with_name(f".{whole.name}.new")
    ids = {table["id"] for table in tables}
    try:
        try:
            with open(fresh, "w", encoding="utf-8", newline="", opener=_private) as file:
                file.write(text)
            yield fresh, [source for source in load(fresh).sources if source.id in ids]
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.of(error, "write", str(path), "it was left as it is") from error


def _with(text: str, tables: Iterable[Table]) -> str:
    """Write tables behind a configuration, of which no line moves; in one with a list in brackets, into that."""
    import tomlkit
    from tomlkit.items import Array

    document = tomlkit.parse(text)
    listed = document.get("source")
    if isinstance(listed, Array):
        for table in tables:
            listed.append(_item(tomlkit.inline_table(), table))
        return tomlkit.dumps(document)
    newline = "\r\n" if "\r\n" in text else "\n"
    text += newline if text and not text.endswith("\n") else ""
    for table in tables:
        listed = tomlkit.aot()
        listed.append(_item(tomlkit.table(), table))
        text += f"\n{tomlkit.dumps({'source': listed})}".replace("\n", newline)
    return text


def _item(item: "AbstractTable", table: Table) -> "AbstractTable":
    """Fill a table of TOML; those inside it are written in one line."""
    import tomlkit

    for key, value in table.items():
        item[key] = _item(tomlkit.inline_table(), value) if isinstance(value, Mapping) else value
    return item


def _private(path: str, flags: int) -> int:
    """Make a file that nobody else can read: there may be secrets in it."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _id(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text)[:_LONGEST].strip("-")


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted}-{number}"
    taken.add(checks.source_id(name).casefold())
    return name
