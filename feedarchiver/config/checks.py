"""Checks of single values of config.toml: each takes what TOML gave and returns the value, or says what is wrong.

A check raises ValueError with a reason that fits behind `config.toml: publish: page_size: `. `read_table` applies a
table of checks to a TOML table and collects every reason with its place.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from feedarchiver.s3.address import Address

Check = Callable[[object], object]
# Of each key: how to check its value, and its default spelled as in the file (REQUIRED: none; None: not said).
Keys = Mapping[str, tuple[Check, object]]
REQUIRED = object()

_SHOWN = 60
_ID_LENGTH = 100
_MOST = 10**9  # of what is counted; what an index can store ends at 2**63
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_QUANTITY = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?([A-Za-z]+)", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")  # the shape of RFC 5646, not its registry
_HOST = re.compile(r"[A-Za-z0-9.:-]+")  # colons: an IPv6 address, which urlsplit has checked
_HUB = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+([/?][!$-;=?-Z\[\]_a-z~]*)?")  # no user, and percent-encoded
POSTGRESQL = ("postgresql", "postgres")
_DATABASE = re.compile(r"//([^\s/?#@]*@)?[A-Za-z0-9.:,_%\[\]-]*/[^\s/?#@]*(\?[^\s#]*)?")  # as libpq reads it
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SECONDS = {
    unit: seconds
    for seconds, units in (
        (1, "s second seconds"),
        (60, "m min minute minutes"),
        (3600, "h hour hours"),
        (86400, "d day days"),
        (604800, "w week weeks"),
    )
    for unit in units.split()
}


def shown(value: object) -> str:
    """Name a TOML value in a message: as short as a line needs, without control characters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def unknown(name: str, known: Iterable[str], what: str) -> str:
    """Say that there is no such name, and which one may be meant."""
    from difflib import get_close_matches  # costs 3 ms, and only a mistake needs it

    close = get_close_matches(name.lower(), known, 1)
    return f"{name}: unknown {what}; " + (f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}")


def read_table(raw: object, keys: Keys, place: str, problems: list[str]) -> dict[str, Any]:
    """Check a whole table against `keys`; what is wrong goes to `problems` and is left out of the answer."""
    if not isinstance(raw, dict):
        problems.append(f"{place}: must be a table, not {shown(raw)}")
        return {}
    problems += [f"{place}: {unknown(key, keys, 'key')}" for key in raw if key not in keys]
    values = {}
    for key, (check, default) in keys.items():
        given = raw.get(key, default)
        if given is REQUIRED:
            problems.append(f"{place}: {key}: is missing")
            continue
        try:
            values[key] = None if given is None else check(given)
        except ValueError as error:
            problems.append(f"{place}: {key}: {error}")
    return values


def text(value: object) -> str:
    """Take one line of text with something in it."""
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {shown(value)}")  # noqa: TRY004 - one kind of error for a reader
    if not value.strip():
        raise ValueError("must not be empty")
    if _CONTROL.search(value):
        raise ValueError(f"{shown(value)} has a line break or control character")
    return value


def source_id(value: object) -> str:
    """Take a source's id: any short text that a subfolder could be called."""
    name = text(value)
    if name != name.strip() or name in (".", "..") or "/" in name or "\\" in name or len(name) > _ID_LENGTH:
        raise ValueError(
            f"{shown(name)} is not an id: at most {_ID_LENGTH} characters, no slashes, no blanks at the ends"
        )
    return name


def whole_number(value: object) -> int:
    """Take a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"must be a whole number of at least 1, not {shown(value)}")
    if value > _MOST:
        raise ValueError(f"must be at most {_MOST:,}, not {shown(value)}")
    return value


def truth(value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {shown(value)}")  # noqa: TRY004 - as in `text`
    return value


def size(value: object) -> int:
    """Read a size in bytes from text such as "50 MB"."""
    parts = _QUANTITY.fullmatch(text(value))
    unit = _BYTES.get(parts[2].lower()) if parts else None
    size_bytes = int(float(parts[1]) * unit) if parts and unit else 0
    if not size_bytes:
        raise ValueError(f"{shown(value)} is not a size; write it like '50 MB' (B, kB, MB, GB, KiB, MiB, GiB)")
    return size_bytes


def duration(value: object) -> timedelta:
    """Read a length of time from text such as "30 minutes"."""
    parts = _QUANTITY.fullmatch(text(value))
    unit = _SECONDS.get(parts[2].lower()) if parts else None
    length = timedelta(seconds=float(parts[1]) * unit) if parts and unit else timedelta()
    if not length:
        raise ValueError(f"{shown(value)} is not a duration; write it like '30 minutes' (s, m, h, days, weeks)")
    return length


def language(value: object) -> str:
    """Take a language tag (BCP 47) by its shape, whether or not the language exists."""
    if not _LANGUAGE.fullmatch(text(value)):
        raise ValueError(f"{shown(value)} is not a language tag like 'en' or 'zh-CN'")
    return str(value)


def base_url(value: object) -> str:
    """Take an absolute http(s) address; a slash at its end is added. Spec: RFC 3986."""
    address = text(value)
    parts = _apart(address)
    if parts is None:
        ascii_ = "" if address.isascii() else ", in ASCII (a host as 'xn--…')"
        raise ValueError(
            f"{shown(address)} is not an absolute http(s) address like 'https://example.org/feeds/'{ascii_}"
        )
    if parts.username is not None:
        raise ValueError("must not hold a user name or password: it stands in every published feed")
    if parts.query or parts.fragment or address[-1] in "?#":
        raise ValueError(f"{shown(address)} must have no '?' or '#': names of feeds are put behind it")
    if not address.isascii() or re.search(r'[ "<>\\^`{|}]', address):
        raise ValueError(f"{shown(address)} must be percent-encoded")
    return address if address.endswith("/") else f"{address}/"


def hub(value: object) -> str:
    """Take the address of a hub, which stands in every feed."""
    address = text(value)
    if not _HUB.fullmatch(address):
        raise ValueError(f"{shown(address)} is not an http(s) address like 'https://hub.example.org/'")
    return address


def folder(value: object) -> str:
    """Take the path of a folder on this machine."""
    path = text(value)
    scheme, separator, _ = path.partition("://")
    if separator:
        raise ValueError(f"{scheme}:// addresses name no folder on this machine, which it must be")
    return path


def place(value: object) -> str:
    """Take the path of a folder on this machine, or the address of one in a bucket."""
    path = text(value)
    scheme, separator, _ = path.partition("://")
    if separator and scheme != "s3":
        raise ValueError(f"{scheme}:// addresses are not supported; name a folder, or 's3://bucket/prefix'")
    if separator:
        Address.parse(path)
    return path


def endpoint(value: object) -> str:
    """Take the address of a store that speaks S3."""
    address = text(value)
    parts = _apart(address)
    if parts is None or parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"{shown(address)} is not the address of a store like 'https://s3.example.org'")
    return address.rstrip("/")


def index(value: object) -> str:
    """Take the path out of "sqlite:PATH", or an address in PostgreSQL. No message shows it: a password may be in it."""
    scheme, _, path = text(value).partition(":")
    if scheme in POSTGRESQL:
        return _database(str(value))
    if scheme != "sqlite" or not path.strip() or path.startswith("//"):
        raise ValueError(f"{shown(value)} is not an index; write it like 'sqlite:archive/index.db'")
    return path


def engine(value: object) -> str:
    """Take who does the work: "local", or the address in PostgreSQL of the jobs of workers. No message shows it."""
    if text(value) == "local":
        return "local"
    if text(value).partition(":")[0] not in POSTGRESQL:
        raise ValueError("is neither 'local' nor the address of a database like 'postgresql://user@host/database'")
    return _database(str(value))


def images(value: object) -> str:
    """Take which images feeds show."""
    if text(value) not in {"original", "archived"}:
        raise ValueError(f"{shown(value)} is no choice of images; write 'original' or 'archived'")
    return str(value)


def source_ids(value: object) -> tuple[str, ...]:
    """Take a list of source ids, each once. They may name subfolders that only the archive knows."""
    if not isinstance(value, list):
        raise ValueError(f"must be a list like ['seeds'], not {shown(value)}")  # noqa: TRY004 - as in `text`
    if not value:
        raise ValueError("must name a source; leave it out for every source")
    return tuple(dict.fromkeys(text(name) for name in value))


def _database(address: str) -> str:
    if not _DATABASE.fullmatch(address.partition(":")[2]):
        raise ValueError(
            "is no address of a database like 'postgresql://user@host/database'; "
            "in names and passwords, percent-encode what is neither a letter nor a digit"
        )
    return address


def _apart(address: str) -> SplitResult | None:
    """Take an absolute http(s) address apart; None for what is none."""
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.hostname or "") and parts.port != 0
    except ValueError:  # a port or bracket that is none
        return None
    return parts if sound else None
