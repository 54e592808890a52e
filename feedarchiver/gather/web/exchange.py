"""The values of an exchange with the web: what is asked, what comes back, why nothing did. Picklable."""

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from feedarchiver.errors import one_line
from feedarchiver.urls import encoded

_PARTS = re.compile(r"(https?)://(?:\[([^]]+)\]|([^/?#:@]+))(?::(\d*))?(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_USER = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535
_LONGEST = 300


class Request(NamedTuple):
    """What to ask, of whom, and how much of it to bear.

    `etag` and `modified` are those of the answer that is kept already. `headers` are the source's own; only harmless
    ones go along to another site. `allow_private`: the places at private addresses that the way may lead to, as of
    allowed.py. `crawl`: robots.txt is obeyed. `timeout_s` bounds the whole: names, redirects, body;
    `limit_bytes` the body after decoding (`prefix`: of a longer one, so much is taken). `label` is the caller's word,
    handed back with the request. `form`: posted, to say something rather than to ask; then no redirect is followed, and
    what is answered is not read.
    """

    url: str
    label: str | None = None
    etag: str | None = None
    modified: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    allow_private: tuple[str, ...] = ()
    crawl: bool = False
    timeout_s: float = 45.0
    limit_bytes: int = 20_000_000
    prefix: bool = False
    form: bytes | None = None


class Answer(NamedTuple):
    """A whole, decoded answer from `url`; `body` is None when nothing has changed (304), or something was said.

    `moved` is where the permanent redirects (301, 308) that the way began with lead: the address to ask from now on.
    `etag` and `modified` belong to the body and are worth storing only after it is. `came_bytes` came over the wire.
    """

    url: str
    body: bytes | None
    media_type: str | None = None
    charset: str | None = None
    etag: str | None = None
    modified: str | None = None
    moved: str | None = None
    came_bytes: int = 0


class Kind(Enum):
    """What went wrong, as far as it decides what to do next."""

    FORBIDDEN = "forbidden"  # an address that is not to be asked, by our rules
    ROBOTS = "robots"  # by theirs
    UNREACHABLE = "unreachable"  # no such name, no connection: it concerns the host, not the address
    TLS = "tls"
    TIMEOUT = "timeout"
    CUT = "cut"  # less came than was promised
    TOO_LARGE = "too large"
    REDIRECTED = "redirected"  # too often, in a circle, to nowhere
    MALFORMED = "malformed"  # no HTTP, or not what was asked for
    GONE = "gone"  # 410
    BUSY = "busy"  # 429, 503
    REFUSED = "refused"  # another 4xx
    FAULTY = "faulty"  # another 5xx


class Failure(NamedTuple):
    """Why there is no answer. `reason` is one line; `retry_after` the header as received; `came_bytes` still came."""

    url: str
    kind: Kind
    reason: str
    status: int | None = None
    retry_after: str | None = None
    came_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"


class Stopped(Exception):
    """An exchange ends here; the client makes a Failure of it. Never leaves this package."""

    def __init__(self, kind: Kind, reason: str, status: int | None = None, retry_after: str | None = None) -> None:
        super().__init__(kind, reason, status, retry_after)
        self.kind, self.reason, self.status, self.retry_after = kind, reason, status, retry_after

    def failure(self, asked: str, url: str) -> Failure:
        """Name the failure of a request for `asked` that got as far as `url`."""
        reason = self.reason if asked == url else f"redirected to {url}: {self.reason}"
        reason = one_line(reason if len(reason) <= _LONGEST else f"{reason[: _LONGEST - 3]}...")
        return Failure(asked, self.kind, reason, self.status, self.retry_after)


class Target(NamedTuple):
    """An address taken apart, once: what is checked is what is connected to. `host` is without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def site(self) -> str:
        """The host that politeness is owed to; the two usual ports are one site."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, written one way (RFC 6454)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


@lru_cache(maxsize=500)
def target(url: str) -> Target:
    """Take `url` apart. Raises Stopped for what cannot be asked."""
    address = encoded(url) or ""
    if _USER.match(address):
        raise Stopped(Kind.FORBIDDEN, "a user name or password in the address; put it into the source's headers")
    parts = _PARTS.fullmatch(address)
    if parts is None:
        raise Stopped(Kind.FORBIDDEN, "not an http or https address")
    scheme = parts[1].lower()
    host = (parts[2] or parts[3].rstrip(".")).lower()
    port = int(parts[4]) if parts[4] else _PORTS[scheme]
    if not host or not 0 < port <= _MAX_PORT:
        raise Stopped(Kind.FORBIDDEN, "not an http or https address")
    return Target(scheme, host, port, (parts[5] or "/") + (parts[6] or ""))
