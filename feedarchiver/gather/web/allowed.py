"""What `allow_private` of a source opens: places at private addresses, and no others.

A place is a host with a port (`wiki.lan:8080`), a host with any port, or a network (`192.168.1.0/24`). A name is
compared with the name that is dialled; an IP address and a network with the address, whatever name has led there.
"""

from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from feedarchiver.gather.web.addresses import meant
from feedarchiver.gather.web.exchange import Stopped, target

Places = tuple[str, ...]
"""Texts that `place` reads."""

_USUAL_PORTS = (80, 443)


class _Place(NamedTuple):
    """A network or a name; with a port, only that."""

    where: IPv4Network | IPv6Network | str
    port: int | None = None


def own(url: str) -> Places:
    """Name the host and port of `url`; the two usual ports are one. What is no address has none."""
    try:
        at = target(url)
    except Stopped:
        return ()
    host = f"[{at.host}]" if ":" in at.host else at.host
    return tuple(f"{host}:{port}" for port in (_USUAL_PORTS if at.port in _USUAL_PORTS else (at.port,)))


@lru_cache(maxsize=1_000)
def place(text: str) -> _Place:
    """Read a place. Raises ValueError."""
    if text.count(":") != 1:  # no network has just one
        with suppress(ValueError):
            return _Place(ip_network(text))
    try:
        at = target(f"http://{text}/")
    except Stopped:
        at = None
    if at is None or at.path != "/" or text.endswith(":"):
        raise ValueError(f"{text!r} is neither a host nor a network")
    port = None if text.endswith("]") or ":" not in text else at.port
    with suppress(ValueError):
        return _Place(ip_network(at.host), port)
    return _Place(at.host, port)


def covers(places: Places, host: str, port: int, address: str) -> bool:
    """Tell whether `address`, to which `host` has led, may be connected to at `port`."""
    at = meant(address)
    for where, only in map(place, places):
        is_there = where == host if isinstance(where, str) else at in where
        if is_there and only in {None, port}:
            return True
    return False
