"""config.toml as one checked value: where the archive lies, what is published, which sources and feeds there are.

The whole file is checked before anything runs, and every mistake is reported with its place. Unknown keys and tables
are mistakes. Folders are relative to the folder that config.toml lies in. Only the commands read this.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedarchiver.archive.database import IndexAddress
from feedarchiver.config import checks, environment, filters, sources
from feedarchiver.config.checks import REQUIRED, read_table, shown
from feedarchiver.config.names import folder_name, slug
from feedarchiver.config.sources import Source
from feedarchiver.errors import ConfigError, one_line
from feedarchiver.model import HEALTH, Feed
from feedarchiver.s3.address import SCHEME, Address

_STORE, _FEEDS = "archive/", "feeds/"
_ARCHIVE: checks.Keys = {
    "store": (checks.place, _STORE),
    "index": (checks.index, None),
    "max_seed_size": (checks.size, "10 MB"),
}
_PUBLISH: checks.Keys = {
    "folder": (checks.place, _FEEDS),
    "base_url": (checks.base_url, "http://127.0.0.1:8000/"),
    "page_size": (checks.whole_number, 50),
    "pages": (checks.truth, True),
    "title": (checks.text, "All articles"),
    "images": (checks.images, "original"),
    "hub": (checks.hub, None),
    "after": (checks.text, None),
}
_S3: checks.Keys = {
    "endpoint_url": (checks.endpoint, None),
}
_WEB: checks.Keys = {
    "contact": (checks.text, None),
}
_WORKERS: checks.Keys = {
    "engine": (checks.engine, "local"),
}
_FEED: checks.Keys = {
    "id": (folder_name, REQUIRED),
    "title": (checks.text, None),
    "subtitle": (checks.text, None),
    "language": (checks.language, None),
    "kind": (filters.kind, "articles"),
    "sources": (checks.source_ids, None),
    **filters.KEYS,
}
TABLES = {"archive": _ARCHIVE, "publish": _PUBLISH, "s3": _S3, "web": _WEB, "workers": _WORKERS}
_LISTS = {"source": sources.KEYS, "feed": _FEED}
_ALL = {**TABLES, **_LISTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything config.toml says, with defaults filled in and absolute paths.

    `index` is a file, or an address in PostgreSQL; `published` is the folder that feeds are written to, and `bucket`
    the address that it is then copied to, if there is one. `title` is that of the feed of all articles,
    `archived_images` whether feeds show stored copies of images. `hub` is told of changes, `after` is called after
    them. `contact` is for those who are asked. `engine`: the address in PostgreSQL of the jobs that workers do; None:
    each command does its own. `feeds` is empty when none is named: see `feeds_for`. `environment` names the variables
    that count more than the file.
    """

    root: Path
    store: Path | Address
    index: Path | IndexAddress
    max_seed_bytes: int
    published: Path
    bucket: Address | None
    base_url: str
    page_size: int
    pages: bool
    title: str
    archived_images: bool
    hub: str | None
    after: str | None
    contact: str | None
    engine: IndexAddress | None
    sources: tuple[Source, ...]
    feeds: tuple[Feed, ...]
    environment: tuple[str, ...] = ()

    @property
    def tells_health(self) -> bool:
        """Tell whether a feed of health is named: what goes wrong is archived for nobody else."""
        return any(feed.kind == "health" for feed in self.feeds)

    @property
    def index_folder(self) -> Path | None:
        """The folder that the index's file lies in, if it is in a file."""
        return self.index.parent if isinstance(self.index, Path) else None


def load(path: Path, environ: Mapping[str, str] = os.environ, *, adding: bool = False) -> Config:
    """Read and check config.toml, and what the environment says instead. Raises ConfigError with every mistake.

    `adding`: a source is about to be added, so that it need not have one yet.
    """
    raw = _parse(path)
    problems = [_unknown(name) for name in raw if name not in _ALL]
    instead = environment.put(environ, raw, TABLES)
    problems += environment.fill(environ, raw.get("source"))
    archive, publish, s3, web, workers = (
        read_table(raw.get(name, {}), keys, name, problems) for name, keys in TABLES.items()
    )
    origins, feeds = (_read_list(raw.get(name, []), name, keys, problems) for name, keys in _LISTS.items())
    if not raw.get("source") and not adding:
        problems.append('no [[source]] is named; add one: id = "seeds", kind = "seeds", folder = "seeds/"')
    for number, (origin, given) in enumerate(zip(origins, raw["source"] if origins else (), strict=False), 1):
        problems += [f"source {number}: {problem}" for problem in sources.misplaced(origin, given)]
    contradictions = ((number, filters.contradiction(feed)) for number, feed in enumerate(feeds, 1))
    problems += [f"feed {number}: {problem}" for number, problem in contradictions if problem]
    problems += [*_repeated("source", origins), *_repeated("feed", feeds)]
    root = _at(path.parent, "")
    problems += [*_overlaps(root, archive, publish, origins), *_stranded(archive, workers)]
    if problems or instead.problems:
        raise ConfigError(*_error(path, *problems).problems, *instead.problems)
    store, bucket = (_address(text, s3["endpoint_url"]) for text in (archive["store"], publish["folder"]))
    home = _here(root, archive["store"], _STORE)
    return Config(
        root=root,
        store=store or home,
        index=_index(root, archive["index"], home),
        max_seed_bytes=archive["max_seed_size"],
        published=_here(root, publish["folder"], _FEEDS),
        bucket=bucket,
        base_url=publish["base_url"],
        page_size=publish["page_size"],
        pages=publish["pages"],
        title=publish["title"],
        archived_images=publish["images"] == "archived",
        hub=publish["hub"],
        after=publish["after"],
        contact=web["contact"],
        engine=None if workers["engine"] == "local" else IndexAddress(workers["engine"], home),
        sources=tuple(sources.made(origin, origin["folder"] and _at(root, origin["folder"])) for origin in origins),
        feeds=tuple(_feed(feed, origins) for feed in feeds),
        environment=instead.variables,
    )


def _feed(feed: dict[str, Any], origins: list[dict[str, Any]]) -> Feed:
    """Make the value of a checked [[feed]]."""
    spoken = {origin["id"]: origin["language"] for origin in origins if origin["language"]}
    chosen = filters.taken(feed, spoken)
    if feed["kind"] == "health":
        feed["sources"] = (HEALTH,)
    return Feed(**{**feed, "title": feed["title"] or feed["id"], "filter": chosen})


def feeds_for(config: Config, archived: Iterable[str]) -> tuple[Feed, ...]:
    """List the feeds to publish: those named, else `all` and one for each source of `archived`.

    `archived`: the ids of all sources that the archive holds articles of, in any order. Configured sources come
    first, in the order of the file, the others by id.
    """
    if config.feeds:
        return config.feeds
    configured = {source.id: source for source in config.sources}
    ids = set(archived)
    ordered = [*(name for name in configured if name in ids), *sorted(ids - configured.keys())]
    feeds = [Feed(id="all", title=config.title)]
    for name in ordered:
        source = configured.get(name)
        title, language = (source.title, source.language) if source else (None, None)
        feeds.append(Feed(id=slug(name), title=title or name, language=language, sources=(name,)))
    return tuple(feeds)


def _parse(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _error(path, "not found; run `feedarchiver init` to make one") from None
    except OSError as error:
        raise _error(path, f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _error(path, f"line {line}: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise _error(path, _syntax(str(error), data.count(b"\n") + 1)) from None
    except RecursionError:
        raise _error(path, "nested too deeply") from None
    except ValueError:
        raise _error(path, "a number has more digits than can be read") from None


def _syntax(message: str, last_line: int) -> str:
    """Put the place that tomllib names at the end to the front."""
    what, _, where = message.rstrip(")").rpartition(" (at ")
    place = f"line {last_line}" if where == "end of document" else where
    return f"{place}: {what[:1].lower()}{what[1:]}"


def _address(text: str, endpoint: str | None) -> Address | None:
    return Address.parse(text, endpoint) if text.startswith(SCHEME) else None


def _here(root: Path, path: str, default: str) -> Path:
    """Name the folder on this machine: that of the default, when the one that is named is in a bucket."""
    return _at(root, default if path.startswith(SCHEME) else path)


def _index(root: Path, index: str | None, home: Path) -> Path | IndexAddress:
    """Name the index's file, or its address in PostgreSQL."""
    if index is None:
        return home / "index.db"
    return IndexAddress(index, home) if index.partition("://")[0] in checks.POSTGRESQL else _at(root, index)


def _stranded(archive: dict[str, Any], workers: dict[str, Any]) -> Iterator[str]:
    """Name workers who could not get at the index."""
    index = archive.get("index") or ""
    if workers.get("engine", "local") != "local" and index.partition("://")[0] not in checks.POSTGRESQL:
        yield "workers: engine: needs the index in PostgreSQL too, where every worker finds it: [archive] index"


def _at(root: Path, path: str) -> Path:
    """Make a path absolute and plain: paths are compared part by part, here and by the commands."""
    return Path(os.path.abspath(root / path))  # Path.absolute keeps "..", Path.resolve asks the disk


def _error(path: Path, *problems: str) -> ConfigError:
    return ConfigError(*(one_line(f"{path}: {problem}") for problem in problems))


def _unknown(name: str) -> str:
    homes = [f"[{table}]" for table, keys in TABLES.items() if name in keys]
    return f"{name}: belongs in {homes[0]}" if homes else checks.unknown(name, _ALL, "table")


def _read_list(raw: object, name: str, keys: checks.Keys, problems: list[str]) -> list[dict[str, Any]]:
    if isinstance(raw, list):
        return [read_table(table, keys, f"{name} {number}", problems) for number, table in enumerate(raw, 1)]
    problems.append(f"{name}: must be written [[{name}]], with two brackets on each side")
    return []


def _repeated(name: str, tables: list[dict[str, Any]]) -> Iterator[str]:
    """Name ids that come twice. Case does not tell sources apart: it would not on every disk."""
    seen: dict[str, int] = {}
    for number, table in enumerate(tables, 1):
        if "id" in table and (first := seen.setdefault(table["id"].casefold(), number)) != number:
            yield f"{name} {number}: id: {shown(table['id'])} is that of {name} {first} already"


def _overlaps(
    root: Path, archive: dict[str, Any], publish: dict[str, Any], origins: list[dict[str, Any]]
) -> Iterator[str]:
    """Name folders that lie in one another: each is walked, written or tidied up as a whole."""
    given = {"archive: store": archive.get("store"), "publish: folder": publish.get("folder")}
    given |= {f"source {number}: folder": origin.get("folder") for number, origin in enumerate(origins, 1)}
    folders = {place: _at(root, folder) for place, folder in given.items() if folder and not folder.startswith(SCHEME)}
    for place, default in (("archive: store", _STORE), ("publish: folder", _FEEDS)):
        if (folder := given[place]) and folder.startswith(SCHEME):
            folders[place] = Path("/", SCHEME, folder.removeprefix(SCHEME))
            folders[f"{place} on this machine ({default})"] = _at(root, default)
    owners = {folder: place for place, folder in reversed(folders.items())}
    for place, folder in folders.items():
        if owners[folder] != place:
            yield f"{place}: is the folder of {owners[folder]} already"
        elif above := next((owners[parent] for parent in folder.parents if parent in owners), None):
            yield f"{place}: lies in the folder of {above}; each needs a folder of its own"
