"""When two tellings of an article are the same version: the fingerprint of title, text, lead image and link.

Markup noise is not in it. A fingerprint begins with the cleaner's version, since what counts as noise may change.
"""

import hashlib
from typing import TYPE_CHECKING

from feedarchiver import CLEANER_VERSION
from feedarchiver.model import Article

if TYPE_CHECKING:
    from feedarchiver.markup import Body

_PREFIX = f"{CLEANER_VERSION}:"


def fingerprint(article: Article, identity: str | None, body: "Body") -> str:
    """Take the fingerprint of `article`: "<cleaner version>:<32 hex digits>".

    `identity`: its canonical link. `body`: what it says, cleaned.
    """
    from feedarchiver import markup  # a run in which nothing has changed does without it

    image = article.image or body.image
    said = (
        markup.plain(article.title),
        body.text,
        image.url if image else "",
        identity or "",
    )
    digest = hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_PREFIX}{digest[:32]}"


def is_current(name: str) -> bool:
    """Tell whether a fingerprint was taken by this version of the cleaner."""
    return name.startswith(_PREFIX)
