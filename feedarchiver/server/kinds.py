"""What a published file is to a browser and a reader: its media type, its policy, whether packing it is worth it.

No type names a charset: a wrong one garbles feeds in four readers, none harms in any, and pages and XML say their own.
"""

from enum import Enum
from typing import NamedTuple


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


_OTHER = Told(Kind.OTHER, b"application/octet-stream", packs=False)
_TYPES = {
    # Browsers show application/xml and offer to save application/rss+xml or application/atom+xml; readers take all.
    "xml": Told(Kind.FEED, b"application/xml"),
    "json": Told(Kind.FEED, b"application/feed+json"),
    "opml": Told(Kind.OTHER, b"text/x-opml"),
    "html": Told(Kind.PAGE, b"text/html"),
    "css": Told(Kind.OTHER, b"text/css"),
    "js": Told(Kind.OTHER, b"text/javascript"),
    "txt": Told(Kind.OTHER, b"text/plain"),
    "svg": Told(Kind.PICTURE, b"image/svg+xml"),
    "png": Told(Kind.PICTURE, b"image/png", packs=False),
    "jpg": Told(Kind.PICTURE, b"image/jpeg", packs=False),
    "jpeg": Told(Kind.PICTURE, b"image/jpeg", packs=False),
    "gif": Told(Kind.PICTURE, b"image/gif", packs=False),
    "webp": Told(Kind.PICTURE, b"image/webp", packs=False),
    "avif": Told(Kind.PICTURE, b"image/avif", packs=False),
}
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
