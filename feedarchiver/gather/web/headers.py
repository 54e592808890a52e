"""Header fields: what is sent, and what is taken from those that come."""

import re

from feedarchiver.gather.web.bodies import ENCODINGS
from feedarchiver.gather.web.exchange import Request

_HARMLESS = frozenset(("accept", "accept-language", "referer"))
_ACCEPT = (
    "application/atom+xml,application/rss+xml,application/feed+json,application/xml;q=0.9,text/html;q=0.8,*/*;q=0.5"
)
_LONGEST_VALIDATOR = 1_000
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_MEDIA_TYPE = re.compile(r"\s*([\w!#$&^.+-]+/[\w!#$&^.+-]+)", re.ASCII)
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", re.ASCII | re.IGNORECASE)


def sent(request: Request, agent: str, *, at_home: bool) -> dict[str, str]:
    """Write the header of a request. Not `at_home`, at another site than the source's: without its own secrets."""
    header = {"User-Agent": agent, "Accept": _ACCEPT, "Accept-Encoding": ENCODINGS}
    if request.form is not None:
        header |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(request.form))}
    if request.etag is not None:
        header["If-None-Match"] = request.etag
    if request.modified is not None:
        header["If-Modified-Since"] = request.modified
    for name, value in request.headers:
        if at_home or name.lower() in _HARMLESS:
            header = {known: said for known, said in header.items() if known.lower() != name.lower()} | {name: value}
    return header


def validator(value: str | None) -> str | None:
    """Take an ETag or Last-Modified that can be sent back as it is."""
    return value if value and len(value) <= _LONGEST_VALIDATOR and _PRINTABLE.fullmatch(value) else None


def media_type(value: str | None) -> str | None:
    """Take the media type out of a Content-Type."""
    found = _MEDIA_TYPE.match(value or "")
    return found[1].lower() if found else None


def charset(value: str | None) -> str | None:
    """Take the charset out of a Content-Type."""
    found = _CHARSET.search(value or "")
    return found[1] if found else None


def location(value: str | None) -> str | None:
    """Take a redirect's address as its writer meant it: http.client reads UTF-8 as Latin-1."""
    if not value:
        return None
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
