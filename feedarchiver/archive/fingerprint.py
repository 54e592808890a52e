"""When two tellings of an article are the same version: the fingerprint of title, text, lead image and link.

Markup noise is not in it. A fingerprint begins with the cleaner's version, since what counts as noise may change.
"""

import hashlib

from feedarchiver import CLEANER_VERSION, markup
from feedarchiver.markup import Body
from feedarchiver.model import Article

_PREFIX = f"{CLEANER_VERSION}:"


def fingerprint(article: Article, identity: str | None, body: Body) -> str:
    """Take the fingerprint of `article`: "<cleaner version>:<32 hex digits>".

    `identity`: its canonical link. `body`: what it says, cleaned.
    """
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
