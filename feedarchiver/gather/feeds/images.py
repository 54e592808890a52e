"""The picture that a feed names beside an entry's content: which of several."""

from collections.abc import Callable
from dataclasses import dataclass

from feedarchiver import urls
from feedarchiver.model import Image

CONTENT, ENCLOSURE, THUMBNAIL, COVER = range(4)
"""Where a picture was named, best first: media:content, an enclosure, media:thumbnail, itunes:image."""

_ENDINGS = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
_NO_PICTURES_OF_ARTICLES = ("gravatar.com/avatar/",)  # WordPress names its author's face before the pictures
_PIXEL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A picture as it was named, its address not yet absolute."""

    named: int
    url: str
    type: str | None = None
    width: int | None = None
    height: int | None = None
    length: int | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Order candidates: the smaller, the better."""
        return self.named, -(self.width or 0) * (self.height or self.width or 0)


def is_picture(url: str, media_type: str | None, medium: str | None = None) -> bool:
    """Tell whether something attached is a picture: by what is said, else by the ending of its address."""
    if medium:
        return medium.lower() == "image"
    if media_type:
        return media_type.lower().startswith("image/")
    return url.partition("?")[0].lower().endswith(_ENDINGS)


def number(text: str | None) -> int | None:
    """Read a size: decimal digits, perhaps with `px`; None for nothing, nonsense and zero."""
    digits = (text or "").strip().removesuffix("px")
    return (int(digits) or None) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None  # noqa: PLR2004


def collect(candidates: list[Candidate], named: int, get: Callable[[str], str | None], url: str | None) -> None:
    """Add something attached, if it is a picture. `get` gives its attributes."""
    kind = get("type") or None
    if not url or (named in (CONTENT, ENCLOSURE) and not is_picture(url, kind, get("medium"))):
        return
    width, height = number(get("width")), number(get("height"))
    length = number(get("length") or get("fileSize") or get("filesize"))
    candidates.append(Candidate(named=named, url=url, type=kind, width=width, height=height, length=length))


def chosen(candidates: list[Candidate], base: str | None) -> Image | None:
    """Choose the best candidate with a usable address; of equals, the first. No tracking pixel, no author's face."""
    for candidate in sorted(candidates, key=lambda candidate: candidate.rank):
        if candidate.width is not None and candidate.width <= _PIXEL:
            continue
        url = urls.absolute(candidate.url, base)
        if url is None or any(part in url for part in _NO_PICTURES_OF_ARTICLES):
            continue
        return Image(
            url=urls.unproxied(url),
            type=candidate.type,
            length=candidate.length,
            width=candidate.width,
            height=candidate.height,
        )
    return None
