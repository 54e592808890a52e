"""Which IP addresses may be connected to. Pure: it judges an address, never a name.

Public is what the IANA special-purpose registries (RFC 6890) leave over; of IPv6 only 2000::/3, the part that is given
out. The table is our own, because that of `ipaddress` changes with the version of Python. An address that carries an
IPv4 address in itself (mapped, NAT64) is judged by that one, since packets to it arrive there.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple


class _Block(NamedTuple):
    """The addresses whose number begins with `prefix`, `shift` bits before its end, and what they are called.

    `local`: a source may allow them for itself.
    """

    prefix: int
    shift: int
    name: str
    local: bool


def _blocks(table: str) -> tuple[_Block, ...]:
    """Read lines of `network name`; a star before the name makes it local."""
    blocks = []
    for line in table.strip().splitlines():
        text, name = line.split(maxsplit=1)
        network = ip_network(text)
        shift = network.max_prefixlen - network.prefixlen
        blocks.append(_Block(int(network.network_address) >> shift, shift, name.lstrip("*"), name.startswith("*")))
    return tuple(blocks)


# The first that fits names the address, so what can never be allowed stands above the block that it lies in.
_V4 = _blocks("""
    169.254.169.254/32 a cloud's metadata address
    169.254.170.2/32 a cloud's metadata address
    169.254.170.23/32 a cloud's metadata address
    100.100.100.200/32 a cloud's metadata address
    168.63.129.16/32 a cloud's metadata address
    192.0.0.192/32 a cloud's metadata address
    0.0.0.0/8 an unspecified address
    127.0.0.0/8 *a loopback address
    10.0.0.0/8 *a private address
    172.16.0.0/12 *a private address
    192.168.0.0/16 *a private address
    100.64.0.0/10 *a carrier's private address
    169.254.0.0/16 *a link-local address
    192.0.0.0/24 a reserved address
    192.0.2.0/24 a documentation address
    198.51.100.0/24 a documentation address
    203.0.113.0/24 a documentation address
    192.31.196.0/24 a name server's sink
    192.175.48.0/24 a name server's sink
    192.52.193.0/24 a tunnel's address
    192.88.99.0/24 a tunnel's address
    198.18.0.0/15 a benchmark's address
    224.0.0.0/4 a multicast address
    255.255.255.255/32 the broadcast address
    240.0.0.0/4 a reserved address
""")
_V6 = _blocks("""
    fd00:ec2::/32 a cloud's metadata address
    fd20:ce::254/128 a cloud's metadata address
    ::/128 an unspecified address
    ::1/128 *a loopback address
    fc00::/7 *a private address
    fe80::/10 *a link-local address
    fec0::/10 a site-local address
    ff00::/8 a multicast address
    2001::/32 a tunnel's address (Teredo)
    2002::/16 a tunnel's address (6to4)
    2001:db8::/32 a documentation address
    3fff::/20 a documentation address
    2001::/23 a reserved address
    2620:4f:8000::/48 a name server's sink
    2000::/3 public
    ::/0 a reserved address
""")
_NAT64 = IPv6Network("64:ff9b::/96")
_V4_BITS = 0xFFFFFFFF
_ISATAP = (0x00005EFE, 0x02005EFE)  # the upper half of an interface identifier that an IPv4 address follows


class Verdict(NamedTuple):
    """Why an address may not be connected to, and whether a source may allow it for itself."""

    reason: str
    allowable: bool


def forbidden(text: str) -> Verdict | None:
    """Judge an address as the resolver wrote it, with or without a zone; None if anybody may connect to it.

    A source may allow loopback, private and link-local addresses for itself; never what is no host's address, or a
    cloud's metadata service.
    """
    try:
        address = meant(text)
    except ValueError:
        return Verdict("not an IP address", allowable=False)
    number, is_v4 = int(address), isinstance(address, IPv4Address)
    if not is_v4 and (number >> 32) & _V4_BITS in _ISATAP:
        return Verdict("a tunnel's address (ISATAP)", allowable=False)
    block = next((block for block in (_V4 if is_v4 else _V6) if number >> block.shift == block.prefix), None)
    return None if block is None or block.name == "public" else Verdict(block.name, block.local)


@lru_cache(maxsize=64)  # judged, and then looked for among what a source may reach
def meant(text: str) -> IPv4Address | IPv6Address:
    """Return the address that packets to `text` arrive at, without a zone, which no network contains. Or ValueError."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return address
    return _carried(address) or IPv6Address(int(address))


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that `address` carries in itself."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & _V4_BITS) if address in _NAT64 else None
