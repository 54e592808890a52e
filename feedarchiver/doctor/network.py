"""The network, judged without leaving this machine: what leads to the web, and what readers reach."""

import http.client
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from feedarchiver.config import Config
from feedarchiver.doctor import Finding

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_RESOLVER = Path("/etc/resolv.conf")
_LISTENING = "0A"
_LIST = "feeds.opml"
_TIMEOUT_S = 3.0
_LIMIT_BYTES = 50_000_000


def examine(config: Config) -> Iterator[Finding]:
    """Do all checks of the network."""
    if any(source.asking for source in config.sources):
        yield from _web()
    host = urlsplit(config.base_url).hostname or ""
    if not _is_loopback(host):
        yield Finding("base_url", f"readers use {config.base_url}; whether it leads here is not asked")
        return
    port = urlsplit(config.base_url).port or 80
    if _is_open_to_others(port):
        told = f"is {config.base_url}, which no other machine reaches, but port {port} is open to others"
        yield Finding("base_url", told, "set base_url to the address that readers use")
    else:
        yield Finding("base_url", f"is {config.base_url}: for readers on this machine")
    yield _served(config, host, port)


def _web() -> Iterator[Finding]:
    """See what leads to the web."""
    named = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.upper())]
    if named:
        told = f"the environment names a proxy ({', '.join(named)}), but sources are asked without one"
        yield Finding("proxy", told, "if this network needs it, sources cannot be asked from here")
    else:
        yield Finding("proxy", "none is named, none is used")
    try:
        socket.getaddrinfo("localhost", 80)
        servers = [line.split()[1] for line in _RESOLVER.read_text("ascii", "replace").splitlines() if _names(line)]
    except OSError as error:
        yield Finding("resolver", f"does not work: {error}", "see /etc/hosts and /etc/resolv.conf")
        return
    if servers:
        yield Finding("resolver", f"asks {', '.join(servers)}")
    else:
        yield Finding("resolver", f"{_RESOLVER} names no server", "name one, or no source but by number can be found")


def _names(line: str) -> bool:
    words = line.split()
    return len(words) > 1 and words[0] == "nameserver"


def _served(config: Config, host: str, port: int) -> Finding:
    """See that what is published is what readers get. Only this machine is asked."""
    place = f"{urlsplit(config.base_url).path}{_LIST}"
    try:
        published = (config.published / _LIST).read_bytes()
    except OSError:
        return Finding("feeds", f"nothing is published in {config.published} yet; `feedarchiver run` does it")
    found = None
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", place)
            found = connection.getresponse().read(_LIMIT_BYTES)
        finally:
            connection.close()
    if found == published:
        return Finding("feeds", f"served at {config.base_url}")
    if found is None:
        advice = "run `feedarchiver daemon`, or let a web server have the folder"
        return Finding("feeds", f"nothing serves {config.published} at {config.base_url}", advice)
    told = f"what answers at {config.base_url} does not serve {config.published}"
    return Finding("feeds", told, "see who listens there, or set base_url to where the feeds are")


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _is_open_to_others(port: int) -> bool:
    """Tell whether somebody listens on a port for other machines, where the system says so (Linux)."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text("ascii").splitlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                address, _, number = local.partition(":")
                if state == _LISTENING and int(number, 16) == port and not _is_loopback(_address(address)):
                    return True
    return False


def _address(digits: str) -> str:
    """Read an address as the kernel writes it: in words of four bytes, each the wrong way round."""
    data = bytes.fromhex(digits)
    turned = b"".join(data[place : place + 4][::-1] for place in range(0, len(data), 4))
    return str(ipaddress.ip_address(turned))
