"""What holds for the whole suite: no test reaches the network, and random input is the same in every run."""

import compileall
import ipaddress
import socket
import sys

import pytest
from hypothesis import settings

import feedarchiver

# The suite must not fail today and pass tomorrow; `make soak` looks for new inputs.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("soak", max_examples=5000, deadline=None)
settings.load_profile("suite")


def pytest_configure(config):
    """Compile the program, once: else hundreds of starts would, where an environment forbids to keep what they did."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(feedarchiver.__path__[0], quiet=1)


def _is_here(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _is_address(host: object) -> bool:
    """Tell an address in any spelling, which is resolved without asking anybody."""
    try:
        socket.inet_aton(str(host))
    except OSError:
        return ":" in str(host)
    return True


def _stay_at_home(event: str, args: tuple) -> None:
    """Refuse connections and name look-ups beyond loopback. Unix sockets, whose address is a path, are at home."""
    if event == "socket.getaddrinfo":
        host = args[0]
        if _is_address(host):
            return  # nobody is asked
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if not _is_here(host):
        raise RuntimeError(f"a test asked the network for {host!r}")


sys.addaudithook(_stay_at_home)


@pytest.fixture(scope="session")
def cluster():
    """Have a server of PostgreSQL."""
    pytest.importorskip("psycopg")
    from postgres import Cluster

    cluster = Cluster()
    yield cluster
    cluster.close()
