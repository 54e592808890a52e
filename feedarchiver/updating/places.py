"""Addresses as those that are asked: whose host they belong to, and whether they are the same place."""

from feedarchiver.gather.web.exchange import Stopped, Target, target


def place(url: str) -> Target | None:
    """Take an address apart; None for what is none: the client will say so."""
    try:
        return target(url)
    except Stopped:
        return None


def site(url: str) -> str:
    """Name the host that politeness is owed to; what is no address has none."""
    found = place(url)
    return found.site if found else ""


def origin(url: str) -> str | None:
    """Name the origin of an address (RFC 6454)."""
    found = place(url)
    return found.origin if found else None


def is_home(url: str, home: str) -> bool:
    """Tell whether what a source's own headers say may go to `url`: to the same host, and no less safely."""
    there, own = place(url), place(home)
    return there is not None and own is not None and there.site == own.site and there.scheme >= own.scheme
