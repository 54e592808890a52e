"""What a published document is to whoever serves it: its media type, how long it holds, what has to be there before it.

No type names a charset: a wrong one garbles feeds in four readers, none harms in any, and pages and XML say their own.
"""

import re
from typing import NamedTuple

OTHER = "application/octet-stream"
TYPES = {
    # Browsers show application/xml and offer to save application/rss+xml or application/atom+xml; readers take all.
    "xml": "application/xml",
    "json": "application/feed+json",
    "opml": "text/x-opml",
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "txt": "text/plain",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "avif": "image/avif",
}
_FOREVER = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=300"


class Published(NamedTuple):
    """A kind of document. One of a lower `order` is published before those that refer to it."""

    order: int
    holds: str
    owned: bool = False
    """Whether nobody else gives a file such a name."""


_PUBLISHED = tuple(
    (re.compile(pattern, re.ASCII), kind)
    for pattern, kind in (
        (r"images/[0-9a-f]{64}\.[a-z]+", Published(0, _FOREVER, owned=True)),
        (r"assets/[a-z]+\.[a-z]+", Published(0, _SHORT)),
        (r"articles/[0-9a-f]{16}\.html", Published(1, _SHORT, owned=True)),
        (r"[a-z0-9_-]+/archive/\d{6,}\.(rss\.xml|atom\.xml|json)", Published(2, _FOREVER)),
        (r"[a-z0-9_-]+/archive/\d{6,}\.html", Published(3, _SHORT)),
        (r"search/[a-z0-9]+/[0-9.]+\.js", Published(3, _SHORT)),
        (r"[a-z0-9_-]+/(rss\.xml|atom\.xml|feed\.json|index\.html)", Published(4, _SHORT)),
        (r"search/index\.js|search\.html|index\.html|feeds[a-z-]*\.opml", Published(5, _SHORT)),
    )
)


def published(path: str) -> Published | None:
    """Tell what is published under a path; None: nothing ever is."""
    return next((kind for pattern, kind in _PUBLISHED if pattern.fullmatch(path)), None)


def media_type(path: str) -> str:
    """Tell the media type of the document at a path."""
    return TYPES.get(path.rpartition(".")[2].lower(), OTHER)
