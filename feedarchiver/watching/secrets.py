"""What may be told of addresses to whoever looks: paths and queries hold the keys of private feeds."""

import re

_ADDRESS = re.compile(r"(https?://)(?:[^\s/?#]*@)?([^\s/?#'\"<>,;)]+)(\S*)", re.IGNORECASE)
_POINTS = ".,:;)'\"<>"


def masked(text: str) -> str:
    """Leave of each address in `text` only what says whose it is: scheme and host."""
    return _ADDRESS.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    scheme, host, rest = found.groups()
    address = rest.rstrip(_POINTS)
    return f"{scheme}{host}{'/…' if address.strip('/') else ''}{rest[len(address) :]}"
