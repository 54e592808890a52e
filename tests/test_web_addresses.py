"""Which addresses the client connects to, seen from outside: what was refused, and that nothing was dialled."""

import re
import socket
import sys
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from web import LOOPBACK, Web, answer, redirect

from feedarchiver.gather.web import wire
from feedarchiver.gather.web.addresses import forbidden
from feedarchiver.gather.web.client import Client
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request

NOW = datetime(2026, 11, 21, tzinfo=UTC)

# Spellings of hosts, every one of which leads to an address that is not public.
SELVES = (
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7F.1",
    "017700000001", "0177.0.0.1", "0x7f.0x0.0x0.0x1", "127.0.0.1.", "%31%32%37.0.0.1", "１２７.0.0.1", "127。0。0。1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
)  # fmt: skip
PRIVATE = (
    "10.0.0.1", "10.255.255.255", "167772161", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.65535",
    "0xc0a80001", "100.64.0.1", "100.127.255.255", "169.254.1.1", "[fc00::1]", "[fd12:3456::1]", "[fe80::1]",
    "[febf::1]", "[::ffff:10.0.0.1]", "[::ffff:192.168.1.1]", "[::ffff:169.254.1.1]", "[64:ff9b::10.0.0.1]",
    "[64:ff9b::c0a8:1]", "[::ffff:100.64.0.1]",
)  # fmt: skip
NEVER = (
    "0.0.0.0", "0", "0.0.0.1", "0.255.255.255", "169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.43518",
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "[::ffff:169.254.169.254]", "[64:ff9b::169.254.169.254]",
    "[fd00:ec2::254]", "[fd20:ce::254]", "169.254.170.2", "192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1",
    "192.88.99.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "4294967295", "[::]", "[::ffff:0.0.0.0]", "[::127.0.0.1]", "[::7f00:1]", "[::a00:1]", "[fec0::1]", "[ff02::1]",
    "[ff0e::1]", "[2001:db8::1]", "[3fff::1]", "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001:0:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[64:ff9b:1::1]", "[100::1]", "[::ffff:0:127.0.0.1]", "[2001:10::1]",
    "[2001:20::1]", "[5f00::1]", "[4000::1]", "[2a00::5efe:10.0.0.1]", "[2a00::200:5efe:127.0.0.1]",
)  # fmt: skip
NAMES = {
    "localhost": "127.0.0.1", "localhost.localdomain": "127.0.0.1", "rebound.example": "127.0.0.1",
    "intranet.example": "10.1.2.3", "router.example": "192.168.1.1", "cloud.example": "169.254.169.254",
    "six.example": "::1", "mapped.example": "::ffff:127.0.0.1", "zone.example": "fe80::1%1",
    "carrier.example": "100.65.1.1",
}  # fmt: skip
EVERYTHING = ("0.0.0.0/0", "::/0")
NO_ADDRESSES = (
    "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "//127.0.0.1/", "http:///x", "http://", "",
    "http://user@127.0.0.1/", "http://example.org@127.0.0.1/", "http://127.0.0.1:99999/", "http://127.0.0.1:0/",
    "http://127.0.0.1 .example.org/", "http://[::1/", "http://[fe80::1%25lo]/", "javascript:alert(1)", "http://../",
)  # fmt: skip
PUBLIC = (
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
    "192.167.255.255", "192.169.0.0", "169.253.255.255", "169.255.0.0", "198.17.255.255", "223.255.255.255",
    "2606:4700::1111", "2a00:1450::1", "2001:4860::8888", "2003::1",
)  # fmt: skip

dialled = []
watched = []


def _watch(event: str, args: tuple) -> None:
    if watched and event == "socket.connect" and isinstance(args[1], tuple):
        dialled.append(args[1][0])


sys.addaudithook(_watch)


@pytest.fixture
def dials():
    """Every address that anything connects to; conftest stops what goes further than loopback."""
    dialled.clear()
    watched.append(True)
    yield dialled
    watched.clear()


def told(names):
    """Make a resolver that knows some names, and addresses."""

    def resolve(host, port):
        if host not in names:
            assert wire.is_literal(host), f"asked for {host}"
            return wire.resolve(host, port)
        said = names[host]
        said = said.pop(0) if isinstance(said, list) else said
        return [entry(address, port) for address in said.split()]

    return resolve


def entry(address, port):
    """Write what getaddrinfo says of an address."""
    where = (address, port, 0, 0) if ":" in address else (address, port)
    return socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", where


def test_as_many_as_promised():
    """The matrix of forbidden addresses has at least 70 entries."""
    assert len({*SELVES, *PRIVATE, *NEVER, *NAMES}) >= 70


@pytest.mark.parametrize("host", [*SELVES, *PRIVATE, *NEVER, *NAMES])
def test_forbidden(dials, host):
    """An address that is not public is refused, in every spelling and by every name, and nothing is dialled."""
    with Web({"/": answer(200, b"secret")}) as web, Client(now=NOW, resolve=told(NAMES)) as client:
        failure = client.ask(Request(f"http://{host}:{web.port}/"))
        assert isinstance(failure, Failure)
        assert failure.kind is Kind.FORBIDDEN, failure
        assert "not a public one" in failure.reason
        assert ("allow_private" in failure.reason) is (
            host in (*SELVES, *PRIVATE) or host not in (*NEVER, "cloud.example")
        )
        assert not dials
        assert not web.connections


@pytest.mark.parametrize("host", NEVER)
def test_never(dials, host):
    """What is no host's address, and a cloud's metadata service, is refused to a source that may go to private ones."""
    with Client(now=NOW) as client:
        failure = client.ask(Request(f"http://{host}/", allow_private=EVERYTHING))
        assert isinstance(failure, Failure)
        assert failure.kind is Kind.FORBIDDEN, failure
        assert not dials


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_no_address(dials, url):
    """What is no http(s) address of a host, or holds a user name, is refused before anything is resolved."""
    with Client(now=NOW, resolve=told({})) as client:
        failure = client.ask(Request(url, allow_private=EVERYTHING))
        assert isinstance(failure, Failure)
        assert failure.kind is Kind.FORBIDDEN, failure
        assert not dials


@pytest.mark.parametrize("host", [host for host in SELVES if "::" not in host and "[" not in host])
def test_allowed_for_a_source(host):
    """A source that is allowed to reaches loopback, in every spelling."""
    with Web({"/": answer(200, b"here")}, address="0.0.0.0") as web, Client(now=NOW) as client:
        found = client.ask(Request(f"http://{host}:{web.port}/", allow_private=LOOPBACK))
        assert isinstance(found, Answer), found
        assert found.body == b"here"


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address):
    """A public address is dialled, as it was resolved and judged."""
    with (
        Client(now=NOW, resolve=told({"public.example": address})) as client,
        pytest.raises(RuntimeError, match=re.escape(repr(address))),  # conftest stops it there
    ):
        client.ask(Request("http://public.example/"))


ALLOWED = {
    ("192.168.1.5",): "192.168.1.5:80 192.168.1.5:8080 3232235781:80 3232235781:8080 nas.lan:80 nas.lan:8080 "
    "[::ffff:192.168.1.5]:80",
    ("192.168.1.5:8080",): "192.168.1.5:8080 3232235781:8080 nas.lan:8080",
    ("192.168.1.0/24", "[fd00::1]:81"): "192.168.1.5:80 192.168.1.99:80 192.168.1.5:8080 3232235781:80 nas.lan:80 "
    "nas.lan:8080 [::ffff:192.168.1.5]:80 3232235781:8080 [fd00::1]:81",
    ("NAS.lan.",): "nas.lan:80 nas.lan:8080",
    ("other.lan", "nas.lan:81", "fe80::/10", "cloud.lan", "[::ffff:0:0]"): "[fe80::1]:80 zoned.lan:80",
    (): "",
}
PLACES = (
    "192.168.1.5:80", "192.168.1.5:8080", "192.168.1.99:80", "192.168.2.5:80", "10.0.0.1:80", "3232235781:80",
    "3232235781:8080", "nas.lan:80", "nas.lan:8080", "[fd00::1]:80", "[fd00::1]:81", "[fe80::1]:80", "zoned.lan:80",
    "[::ffff:192.168.1.5]:80", "127.0.0.1:80", "far.lan:80", "cloud.lan:80", "0.0.0.0:80",
)  # fmt: skip


@pytest.mark.parametrize("allowed", ALLOWED, ids=str)
def test_only_what_is_named(dials, allowed):
    """Of private addresses, the hosts, ports and networks that are named are open, in every spelling; no others."""
    names = {"nas.lan": "192.168.1.5", "zoned.lan": "fe80::1%1", "far.lan": "10.9.9.9", "cloud.lan": "169.254.169.254"}
    reached = set()
    with Client(now=NOW, resolve=told(names)) as client:
        for place in PLACES:
            try:
                failure = client.ask(Request(f"http://{place}/", allow_private=allowed))
                assert failure.kind is Kind.FORBIDDEN, failure
            except RuntimeError:  # conftest stops what is dialled
                reached.add(place)
    assert reached == set(ALLOWED[allowed].split())


def test_one_bad_address_is_enough(dials):
    """A name that leads to a public and a private address is refused, in whatever order they come."""
    for said in ("8.8.8.8 127.0.0.1", "127.0.0.1 8.8.8.8", "2606:4700::1111 ::1"):
        with Client(now=NOW, resolve=told({"both.example": said})) as client:
            failure = client.ask(Request("http://both.example/"))
            assert isinstance(failure, Failure)
            assert failure.kind is Kind.FORBIDDEN
    assert not dials


def test_rebinding(dials):
    """A name is resolved once for a connection, which goes to that address; for the next one, again."""
    said = {"turncoat.example": ["8.8.8.8", "127.0.0.1", "9.9.9.9"]}
    with Web({"/": answer(200, b"secret")}) as web, Client(now=NOW, resolve=told(said)) as client:
        request = Request(f"http://turncoat.example:{web.port}/")
        with pytest.raises(RuntimeError, match=r"8\.8\.8\.8"):
            client.ask(request)
        assert client.ask(request).kind is Kind.FORBIDDEN
        with pytest.raises(RuntimeError, match=r"9\.9\.9\.9"):
            client.ask(request)
        assert not dials  # of loopback: the others were stopped by conftest
        assert not web.connections


@pytest.mark.parametrize("place", ["http://169.254.169.254/latest/", "http://[::]:{port}/", "http://cloud.example/"])
def test_redirected(dials, place):
    """A redirect is judged like the first address."""
    with Web() as web, Client(now=NOW, resolve=told(NAMES)) as client:
        web.pages["/"] = redirect(place.format(port=web.port))
        failure = client.ask(Request(web.url(), allow_private=LOOPBACK))
        assert isinstance(failure, Failure)
        assert failure.kind is Kind.FORBIDDEN
        assert failure.reason.startswith("redirected to http://")
        assert dials == ["127.0.0.1"]


def test_a_kept_connection_is_not_shared():
    """A connection that an allowed source has opened serves no other source."""
    with Web({"/": answer(200, b"secret")}) as web, Client(now=NOW) as client:
        assert isinstance(client.ask(Request(web.url(), allow_private=LOOPBACK)), Answer)
        assert client.ask(Request(web.url())).kind is Kind.FORBIDDEN
        assert len(web.asked) == 1


def test_proxies_of_the_environment(monkeypatch):
    """A proxy that the environment names is not used."""
    with Web({"/": answer(200, b"direct")}) as web, Web() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        with Client(now=NOW) as client:
            found = client.ask(Request(web.url(), allow_private=LOOPBACK))
        assert isinstance(found, Answer)
        assert not proxy.connections


def test_the_proxy_of_the_configuration(dials):
    """A proxy that is asked for gets every request, names and all; a forbidden address in the URL does not reach it."""
    with Web({"http://far.example/feed": answer(200, b"through")}) as proxy:
        with Client(now=NOW, proxy=proxy.url(), resolve=told({})) as client:
            found = client.ask(Request("http://far.example/feed"))
            assert isinstance(found, Answer), found
            assert found.body == b"through"
            assert client.ask(Request("http://127.0.0.1/")).kind is Kind.FORBIDDEN
        assert proxy.paths() == ["http://far.example/feed"]


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
@example(ip_address("64:ff9b::8.8.8.8"))
def test_no_more_than_python_allows(address):
    """What Python's own table calls private, reserved, multicast or link-local is forbidden here too."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if address in ip_network("64:ff9b::/96"):  # Python calls it reserved; it is as good as the address it carries
        inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    address = inner or address
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert forbidden(str(address)) is not None


@given(st.integers(0, 2**32 - 1))
def test_carried(number):
    """An address inside another is judged as itself."""
    address = IPv4Address(number)
    alone = forbidden(str(address))
    for carrier in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert forbidden(str(ip_address(carrier))) == alone
