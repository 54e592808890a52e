"""What a published file is to a browser and a reader: its media type, its policy, whether packing it is worth it."""

from enum import Enum
from typing import NamedTuple

from feedarchiver.publish.kinds import OTHER, TYPES


class Kind(Enum):
    """What is asked for: the label of a request in the metrics."""

    FEED = "feed"
    PAGE = "page"
    PICTURE = "picture"
    OTHER = "other"


class Told(NamedTuple):
    """What is said of a file by the end of its name."""

    kind: Kind
    media_type: bytes
    packs: bool = True
    """Whether gzip makes it smaller."""


_KINDS = {"application/xml": Kind.FEED, "application/feed+json": Kind.FEED, "text/html": Kind.PAGE}


def _said_of(media_type: str) -> Told:
    if media_type.startswith("image/"):
        return Told(Kind.PICTURE, media_type.encode(), packs=media_type == "image/svg+xml")
    return Told(_KINDS.get(media_type, Kind.OTHER), media_type.encode(), packs=media_type != OTHER)


_TYPES = {ending: _said_of(media_type) for ending, media_type in TYPES.items()}
_OTHER = _said_of(OTHER)
_POLICIES = {
    # The pages say more in themselves; a page of somebody else never shows one of ours as its own.
    Kind.PAGE: b"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src * data:; "
    b"media-src *; form-action 'self'; base-uri 'self'; frame-ancestors 'none'",
    # Nothing in a feed runs, whatever has slipped into it; its style sheet is all that it may load.
    Kind.FEED: b"default-src 'none'; style-src 'self'; frame-ancestors 'none'; sandbox",
    Kind.PICTURE: b"default-src 'none'; style-src 'unsafe-inline'; sandbox",
    Kind.OTHER: b"default-src 'none'; sandbox",
}


def told(name: str) -> Told:
    """Tell what the file `name` is."""
    return _TYPES.get(name.rpartition(".")[2].lower(), _OTHER)


def policy(kind: Kind) -> bytes:
    """Say what a browser may do with it. Spec: CSP level 3."""
    return _POLICIES[kind]
