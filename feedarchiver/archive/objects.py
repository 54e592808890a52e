"""The bytes of articles and captures: canonical JSON, named by its SHA-256.

UTF-8, sorted keys, no white space between tokens, no NaN, nothing that is None or empty. `version` is the
format's; a reader takes what it knows and passes over the rest. The layout is written down in docs/format.md.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from feedarchiver.model import Article, Capture, Image, ObjectId

VERSION = 1
_IMAGE_FIELDS = ("url", "type", "length", "width", "height", "alt")


def object_id(data: bytes) -> ObjectId:
    """Name `data`."""
    return ObjectId(hashlib.sha256(data).hexdigest())


def encode_article(article: Article) -> bytes:
    """Write the canonical bytes of `article`."""
    said: dict[str, object] = {
        "title": article.title,
        "link": article.link,
        "guid": article.guid,
        "published": _instant(article.published),
        "published_from": article.published_from,
        "updated": _instant(article.updated),
        "authors": list(article.authors),
        "categories": list(article.categories),
        "language": article.language,
        "summary": article.summary,
        "content": article.content,
    }
    if article.image:
        said["image"] = {name: value for name in _IMAGE_FIELDS if (value := getattr(article.image, name)) is not None}
    return _canonical(said)


def decode_article(data: bytes) -> Article:
    """Read what `encode_article` wrote. Raises ValueError when `data` is no article."""
    said = _mapping(data)
    try:
        image = said.get("image")
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
            image=Image(**{name: image[name] for name in _IMAGE_FIELDS if name in image}) if image else None,
        )
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not an article: {error}") from error


def encode_capture(capture: Capture) -> bytes:
    """Write the canonical bytes of `capture`."""
    return _canonical(
        {
            "article": capture.article,
            "raw": capture.raw,
            "source": capture.source,
            "url": capture.url,
            "captured": _instant(capture.captured),
            "fingerprint": capture.fingerprint,
        }
    )


def decode_capture(data: bytes) -> Capture:
    """Read what `encode_capture` wrote. Raises ValueError when `data` is no capture."""
    said = _mapping(data)
    try:
        captured = _moment(said["captured"])
        if captured is None:
            raise ValueError("not a capture: it has no instant")
        return Capture(
            article=ObjectId.parse(said["article"]),
            raw=ObjectId.parse(said["raw"]),
            source=said["source"],
            url=said.get("url"),
            captured=captured,
            fingerprint=said["fingerprint"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a capture: {error}") from error


def _canonical(said: Mapping[str, object]) -> bytes:
    kept = {key: value for key, value in said.items() if value is not None and value != []}
    text = json.dumps(
        kept | {"version": VERSION}, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    return text.encode()


def _mapping(data: bytes) -> dict[str, Any]:
    said = json.loads(data)
    if not isinstance(said, dict) or not isinstance(said.get("version"), int):
        raise ValueError("not an object of this archive: it has no version")  # noqa: TRY004 - decoding fails one way
    if said["version"] > VERSION:
        raise ValueError(f"version {said['version']} of the object format is newer than this program knows ({VERSION})")
    return said


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
