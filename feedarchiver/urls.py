"""Addresses: the identity of a link, and the form a feed may carry.

Two questions are kept apart. `canonical` says whether two links mean one article; its result is compared, never
published. `encoded`, `absolute` and `unproxied` make an address that RFC 3986 and every reader accept, and change
nothing else about it. Only http and https are addresses here; everything else is refused with None.
"""

import re
from urllib.parse import quote, unquote, urljoin

_CHAR = r"A-Za-z0-9\-._~!$&'()*+,;=:@"  # pchar of RFC 3986 without pct-encoded
_PIECE = rf"[{_CHAR}/{{}}]*+(?:%[0-9A-Fa-f]{{{{2}}}}[{_CHAR}/{{}}]*+)*+"  # in runs: ten times as fast as one by one
_PATH, _QUERY = _PIECE.format("", ""), _PIECE.format("?", "?")
_VALID = re.compile(
    r"[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9\-._~]++(?::(?:[1-5][0-9]{4}|[0-9]{0,4}))?+"
    rf"(?:/{_PATH})?+(?:\?{_QUERY})?+(?:#{_QUERY})?+"
)
_PARTS = re.compile(r"(https?)://([^/?#\\]+)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(\d{0,9}))?", re.DOTALL | re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9\-._~]+|\[[0-9A-Fa-f:.]+\]")
_NOT_IN_USERINFO = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:%]")
_NOT_IN_PATH = re.compile(rf"%(?![0-9A-Fa-f]{{2}})|[^{_CHAR}/%]")
_NOT_IN_QUERY = re.compile(rf"%(?![0-9A-Fa-f]{{2}})|[^{_CHAR}/?%]")
# What browsers take off: C0 controls and blanks at the ends, line breaks and tabs anywhere (URL standard, 4.4).
_ENDS = "".join(map(chr, range(0x21))) + "\x7f\x85\xa0\u3000\u200b\ufeff"
_BREAKS = re.compile(r"[\t\n\r]")
_MAX_PORT = 65535

_USUAL_PORT = re.compile(r":(?:80|443)?\Z")
_SLASHES = re.compile(r"/{2,}")
# Escapes that are not as they should be: of an unreserved character, or with small letters.
_ESCAPE = re.compile(r"%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee]|[0-9A-Fa-f][a-f]|[a-f][0-9A-F])")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Parameters that say who sent the reader, never what is read.
_TRACKING = re.compile(
    r"(?:utm_\w+|(?:fb|g|d|ms|y|tw|igs|ttc)cl(?:id|src)|gbraid|wbraid|igshid|mc_[ce]id|mkt_tok|_hs(?:enc|mi)|_g[al]|xtor|maca|ocid|smid"
    r"|at_(?:medium|campaign|custom\d|link_\w+|format|ptr_name|bbc_team|variant)"
    r")(?:=.*)?"
    r"|(?:source|src|ref|from|partner|emc)=rss(?:[-_.].*)?",
    re.IGNORECASE | re.DOTALL,
)

# Picture proxies that carry the real address in a parameter, and those that carry it as their path.
_PROXY_PARAMETER = re.compile(
    r"https?://(?:images\.weserv\.nl|wsrv\.nl|i\.embed\.ly/1/(?:image(?:/resize)?|display)"
    r"|(?:external-content|proxy|images)\.duckduckgo\.com/iu"
    r"|images\d*-focus-opensocial\.googleusercontent\.com/gadgets/proxy)/?\?(?:[^#]*?&)?(?:url|u)=([^&#]+)",
    re.IGNORECASE,
)
_PROXY_PATH = re.compile(r"https?://i\d\.wp\.com/([^/?#]+\.[^/?#]+/[^?#]+)", re.IGNORECASE)
_NESTED_PROXIES = 3


def canonical(link: str) -> str:
    """Reduce `link` to its identity; a link that is no http(s) address is its own.

    A trailing slash stays (servers may tell the two apart, and a doubled article harms less than a merged one);
    only the empty path is "/". `#!` and `#/` fragments stay: there they name the page.
    """
    url = encoded(link)
    parts = _PARTS.fullmatch(url) if url else None
    if url is None or parts is None:
        return link.strip()
    _, authority, path, query, fragment = parts.groups("")
    if "%" in url:
        authority, path, query, fragment = (
            _ESCAPE.sub(_unescaped, part) for part in (authority, path, query, fragment)
        )
    user, at, host = authority.rpartition("@")
    host = _USUAL_PORT.sub("", host.lower()) if ":" in host else host.lower()
    path = (_SLASHES.sub("/", path) if "//" in path else path) or "/"
    kept = "&".join(part for part in query.split("&") if part and not _TRACKING.fullmatch(part)) if query else ""
    query = f"?{kept}" if kept else ""
    fragment = f"#{fragment}" if fragment and fragment[0] in "!/" else ""
    return f"https://{user}{at}{host}{path}{query}{fragment}"


def encoded(url: str) -> str | None:
    """Write `url` as an absolute http(s) address in pure ASCII (RFC 3986); None if it cannot be one.

    A valid address comes back byte for byte, and no `%XX` is encoded twice. A host in other scripts becomes punycode.
    """
    if _VALID.fullmatch(url):
        return url
    parts = _PARTS.fullmatch(_BREAKS.sub("", url.strip(_ENDS)))
    authority = _authority(parts[2]) if parts else None
    if parts is None or authority is None:
        return None
    scheme, _, path, query, fragment = parts.groups()
    result = f"{scheme}://{authority}{_escape(_NOT_IN_PATH, path.replace(chr(92), '/'))}"
    if query is not None:
        result += "?" + _escape(_NOT_IN_QUERY, query)
    if fragment is not None:
        result += "#" + _escape(_NOT_IN_QUERY, fragment)
    return result


def is_valid(url: str) -> bool:
    """Tell whether `url` is an absolute http(s) address, written as it should be."""
    return _VALID.fullmatch(url) is not None


def absolute(url: str, base: str | None) -> str | None:
    """Resolve `url` against `base` and encode it; None without an http(s) result. An empty `url` names nothing."""
    if _VALID.fullmatch(url):
        return url
    url = _BREAKS.sub("", url.strip(_ENDS))
    if not url:
        return None
    if base is not None and not _PARTS.match(url):
        try:
            url = urljoin(base, url)
        except ValueError:  # brackets that are no IPv6 address
            return None
    return encoded(url)


def unproxied(url: str) -> str:
    """Unwrap the address of a picture that goes through a well-known picture proxy; others come back unchanged."""
    for _ in range(_NESTED_PROXIES):
        if found := _PROXY_PARAMETER.match(url):
            target = unquote(found[1]).removeprefix("ssl:")
        elif found := _PROXY_PATH.match(url):
            target = found[1]
        else:
            break
        target = target.lstrip("/") if target.startswith("//") else target
        address = encoded(target if "://" in target else f"https://{target}")
        if address is None:
            break
        url = address
    return url


def _authority(text: str) -> str | None:
    """Check and encode `user@host:port`."""
    parts = _AUTHORITY.fullmatch(text)
    if parts is None or (parts[3] and int(parts[3]) > _MAX_PORT):
        return None
    user, host, port = parts.groups()
    host = unquote(host) if "%" in host else host
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    if not _HOST.fullmatch(host):
        return None
    userinfo = "" if user is None else _escape(_NOT_IN_USERINFO, user) + "@"
    return f"{userinfo}{host}" + ("" if port is None else f":{port}")


def _escape(forbidden: re.Pattern[str], text: str) -> str:
    return forbidden.sub(lambda found: quote(found[0], safe="", errors="replace"), text)


def _unescaped(escape: re.Match[str]) -> str:
    """Decode an unreserved character, write the digits of any other in capitals (RFC 3986 section 6.2.2)."""
    character = chr(int(escape[0][1:], 16))
    return character if character in _UNRESERVED else escape[0].upper()
