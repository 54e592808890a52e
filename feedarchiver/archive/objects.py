"""The bytes of articles and captures (of articles and of images): canonical JSON, named by its SHA-256.

UTF-8, sorted keys, no white space between tokens, no NaN, nothing that is None or empty. `version` is the
format's; a reader takes what it knows and passes over the rest. The layout is written down in docs/format.md.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from feedarchiver.jsontext import quoted, short
from feedarchiver.model import Article, Capture, Image, ImageCapture, ObjectId, parse_object_id

VERSION = 1
_IMAGE = {"url": str, "type": str, "length": int, "width": int, "height": int, "alt": str}
_ARTICLE = {
    **dict.fromkeys(("title", "link", "guid", "published", "published_from", "updated"), str),
    **dict.fromkeys(("language", "summary", "content"), str),
    **dict.fromkeys(("authors", "categories"), list),
    "image": dict,
}
_CAPTURE = dict.fromkeys(
    ("article", "raw", "source", "url", "captured", "fingerprint", "origin", "origin_captured", "said", "charset"), str
)

_IMAGE_CAPTURE = dict.fromkeys(("url", "image", "type", "captured"), str) | dict.fromkeys(
    ("width", "height", "length"), int
)

_ENCODED = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


def object_id(data: bytes) -> ObjectId:
    """Name `data`."""
    return ObjectId(hashlib.sha256(data).hexdigest())


def encode_article(article: Article) -> bytes:
    """Write the canonical bytes of `article`."""
    image = article.image and {name: said for name, said in article.image._asdict().items() if said is not None}
    first = _listed("authors", article.authors) + _listed("categories", article.categories)
    middle = (
        f"{_said('guid', article.guid)}{_listed('image', image)}{_said('language', article.language)}"
        f"{_said('link', article.link)}{_said('published', _instant(article.published))}"
        f"{_said('published_from', article.published_from)}"
    )
    last = _said("title", article.title) + _said("updated", _instant(article.updated))
    content, summary = _long("content", article.content), _long("summary", article.summary)
    return b'{%b%b%b%b%b"version":%d}' % (first.encode(), content, middle.encode(), summary, last.encode(), VERSION)


def decode_article(data: bytes) -> Article:
    """Read what `encode_article` wrote. Raises ValueError when `data` is no article."""
    said = _mapping(data, _ARTICLE)
    try:
        image = said.get("image")
        _check(image or {}, _IMAGE)
        if not all(isinstance(name, str) for name in (*said.get("authors", ()), *said.get("categories", ()))):
            raise ValueError("not an article: a name is no text")
        return Article(
            title=said.get("title", ""),
            link=said.get("link"),
            guid=said.get("guid"),
            published=_moment(said.get("published")),
            published_from=said.get("published_from"),
            updated=_moment(said.get("updated")),
            authors=tuple(said.get("authors", ())),
            categories=tuple(said.get("categories", ())),
            language=said.get("language"),
            summary=said.get("summary"),
            content=said.get("content"),
            image=Image(**{name: image[name] for name in _IMAGE if name in image}) if image else None,
        )
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not an article: {error}") from error


def encode_capture(capture: Capture) -> bytes:
    """Write the canonical bytes of `capture`."""
    return (
        f'{{"article":"{capture.article}",'
        f'"captured":"{_instant(capture.captured)}",'
        f"{_said('charset', capture.charset)}"
        f'"fingerprint":{short(capture.fingerprint)},'
        f"{_said('origin', capture.origin)}"
        f"{_said('origin_captured', _instant(capture.origin_captured))}"
        f'"raw":"{capture.raw}",'
        f"{_said('said', capture.said)}"
        f'"source":{short(capture.source)},'
        f"{_said('url', capture.url)}"
        f'"version":{VERSION}}}'
    ).encode()


def decode_capture(data: bytes) -> Capture:
    """Read what `encode_capture` wrote. Raises ValueError when `data` is no capture."""
    said = _mapping(data, _CAPTURE)
    try:
        origin, known = said.get("origin"), said.get("said")
        captured = _moment(said["captured"])
        if captured is None:
            raise ValueError("not a capture: it has no instant")
        if said["source"] is None or said["fingerprint"] is None:
            raise ValueError("not a capture: it has no source or no fingerprint")
        return Capture(
            article=parse_object_id(said["article"]),
            raw=parse_object_id(said["raw"]),
            source=said["source"],
            url=said.get("url"),
            captured=captured,
            fingerprint=said["fingerprint"],
            origin=None if origin is None else parse_object_id(origin),
            origin_captured=_moment(said.get("origin_captured")),
            said=None if known is None else parse_object_id(known),
            charset=said.get("charset"),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a capture: {error}") from error


def encode_image_capture(capture: ImageCapture) -> bytes:
    """Write the canonical bytes of `capture`."""
    return _written(capture._asdict() | {"captured": _instant(capture.captured), "version": VERSION})


def decode_image_capture(data: bytes) -> ImageCapture:
    """Read what `encode_image_capture` wrote. Raises ValueError when `data` is no capture of an image."""
    said = _mapping(data, _IMAGE_CAPTURE)
    captured = _moment(said.get("captured"))
    if captured is None or any(said.get(name) is None for name in _IMAGE_CAPTURE):
        raise ValueError("not a capture of an image: something is not said")
    told = {name: said[name] for name in _IMAGE_CAPTURE}
    return ImageCapture(**told | {"image": parse_object_id(said["image"]), "captured": captured})


def references(kind: str, data: bytes) -> tuple[tuple[str, ObjectId], ...]:
    """Name what a capture refers to, with the kinds. Nothing else refers to anything. Raises ValueError."""
    if kind == "captures":
        capture = decode_capture(data)
        found: tuple[tuple[str, ObjectId], ...] = (("articles", capture.article), ("raw", capture.raw))
        return (*found, ("articles", capture.said)) if capture.said else found
    return (("images", decode_image_capture(data).image),) if kind == "image-captures" else ()


def _said(name: str, text: str | None) -> str:
    """Write a member that is a short text, unless it is not said. Called in the order of the names."""
    return "" if text is None else f'"{name}":{short(text)},'


def _listed(name: str, several: Sequence[str] | Mapping[str, object] | None) -> str:
    """Write a member that has members, unless it has none."""
    return f'"{name}":{_ENCODED(several)},' if several else ""


def _long(name: str, text: str | None) -> bytes:
    """Write a member that is a long text: in half the time."""
    return b"" if text is None else b'"%b":%b,' % (name.encode(), quoted(text.encode()))


def _written(said: object) -> bytes:
    return _ENCODED(said).encode()


def is_canonical(data: bytes) -> bool:
    """Tell whether `data` is written as this program writes articles and captures, down to the byte."""
    try:
        return _written(json.loads(data)) == data
    except (ValueError, RecursionError):
        return False


def _mapping(data: bytes, kinds: Mapping[str, type]) -> dict[str, Any]:
    said = json.loads(data)
    if not isinstance(said, dict) or not isinstance(said.get("version"), int):
        raise ValueError("not an object of this archive: it has no version")  # noqa: TRY004 - decoding fails one way
    if said["version"] > VERSION:
        raise ValueError(f"version {said['version']} of the object format is newer than this program knows ({VERSION})")
    _check(said, kinds)
    return said


def _check(said: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """See that what was said is of the kinds that are written. Raises ValueError."""
    for name, value in said.items():
        if name in kinds and value is not None and type(value) is not kinds[name]:
            raise ValueError(f"not an object of this archive: its {name} is no {kinds[name].__name__}")


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()[: -len("+00:00")] + "Z"


def _moment(text: str | None) -> datetime | None:
    """Read an instant. Only UTC is ever written; anything else may lie beyond the calendar there. Raises ValueError."""
    moment = datetime.fromisoformat(text) if text else None
    if moment is not None and moment.utcoffset() != timedelta():
        raise ValueError(f"{text} is not in UTC")
    return moment
