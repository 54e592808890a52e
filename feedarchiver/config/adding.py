"""Adding [[source]] tables to config.toml: comments and order stay, and nothing is written that would be a mistake."""

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from feedarchiver.config import checks, load
from feedarchiver.config.sources import Source
from feedarchiver.errors import StorageError

_LONGEST = 60
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def feed_table(url: str, title: str | None, language: str | None, taken: set[str]) -> dict[str, str]:
    """Make the table of a feed. Its id follows from its title, else its host, and is none of those in `taken`."""
    named = " ".join("".join(character for character in title or "" if character.isprintable()).split())
    table = {"id": _free(_id(named) or _id(urlsplit(url).hostname or "") or "feed", taken), "kind": "feed", "url": url}
    table |= {"title": named} if named else {}
    return table | ({"language": language} if language and _LANGUAGE.fullmatch(language) else {})


def add(path: Path, tables: Iterable[dict[str, str]]) -> list[Source]:
    """Write tables into the configuration at `path` and return their sources. Raises ConfigError, StorageError.

    The new file takes the old one's place only when it has been checked.
    """
    import tomlkit
    from tomlkit.items import AoT

    tables = [*tables]
    document = tomlkit.parse(path.read_bytes().decode("utf-8-sig"))
    listed = document.setdefault("source", tomlkit.aot())
    for table in tables:
        item = tomlkit.table() if isinstance(listed, AoT) else tomlkit.inline_table()
        item.update(table)
        if isinstance(listed, AoT):
            item.trivia.indent = "\n"  # an empty line before it
        listed.append(item)
    whole = path.resolve()  # a link stays a link
    fresh = whole.with_name(f".{whole.name}.new")
    try:
        try:
            fresh.write_text(tomlkit.dumps(document), encoding="utf-8", newline="")
            config = load(fresh)
            os.chmod(fresh, whole.stat().st_mode & 0o7777)
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(fresh, whole)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.of(error, "write", str(path), "it was left as it is") from error
    ids = {table["id"] for table in tables}
    return [source for source in config.sources if source.id in ids]


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
