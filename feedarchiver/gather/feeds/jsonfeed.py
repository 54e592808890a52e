"""JSON Feed 1.0 and 1.1 read. Spec: https://www.jsonfeed.org/version/1.1/."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from feedarchiver.gather.feeds import entry, images
from feedarchiver.gather.feeds.entry import Head, Said
from feedarchiver.gather.feeds.parsed import NotAFeed, ParsedFeed, Problems

_VERSION = "jsonfeed.org/version/"


def read(text: str, url: str | None, problems: Problems, limit: int) -> ParsedFeed:
    """Read a JSON Feed. Raises NotAFeed."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise NotAFeed(f"not readable as JSON: {reason}") from error
    if not isinstance(told, dict) or not isinstance(told.get("items"), list) or _VERSION not in _text(told, "version"):
        raise NotAFeed("JSON, but no JSON Feed")
    head = Head(
        base=url,
        title=escape(_text(told, "title"), quote=False),
        link=_text(told, "home_page_url"),
        language=_text(told, "language"),
        links=[*_links(told)],
        authors=_authors(told),
    )
    return entry.feed(head, _entries(told["items"]), problems, limit)


def _links(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name the feed's addresses as Atom and RFC 5005 do."""
    for rel, key in (("self", "feed_url"), ("next", "next_url"), ("alternate", "home_page_url")):
        yield rel, _text(told, key)
    for hub in _things(told, "hubs"):
        yield "hub", _text(hub, "url")


def _entries(items: list[Any]) -> Iterator[tuple[Said, bytes]]:
    for item in items:
        yield _said(item if isinstance(item, dict) else {}), _encoded(item)


def _said(told: dict[str, Any]) -> Said:
    html, text = _text(told, "content_html"), entry.paragraphs(_text(told, "content_text"))
    identity = told.get("id")
    # The specification asks for text and forgives numbers.
    guid = str(identity) if isinstance(identity, int | float) else _text(told, "id")
    said = Said(
        titles=_some(escape(_text(told, "title"), quote=False)),
        links=_some(_text(told, "url"), _text(told, "external_url")),
        other_links=_some(guid if "://" in guid else ""),  # "ideally, the id is the full URL of the resource"
        guid=guid or None,
        published=_some(_text(told, "date_published")),
        updated=_some(_text(told, "date_modified")),
        authors=_authors(told),
        categories=_some(*(_clean(tag) for tag in _list(told, "tags"))),
        language=_text(told, "language"),
        contents=_some(html or text),
        summaries=_some(entry.paragraphs(_text(told, "summary"))),
    )
    for named, key in ((images.CONTENT, "image"), (images.COVER, "banner_image")):
        images.collect(said.pictures, named, {"medium": "image"}.get, _text(told, key))
    for attached in _things(told, "attachments"):
        size = attached.get("size_in_bytes")
        attributes = {"type": _text(attached, "mime_type"), "length": str(size) if isinstance(size, int) else ""}
        images.collect(said.pictures, images.ENCLOSURE, attributes.get, _text(attached, "url"))
    return said


def _authors(told: dict[str, Any]) -> list[str]:
    people = [*_things(told, "authors"), told.get("author")]  # one author: version 1.0
    return _some(*(_text(person, "name") for person in people if isinstance(person, dict)))


def _things(told: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    return (thing for thing in _list(told, key) if isinstance(thing, dict))


def _list(told: dict[str, Any], key: str) -> list[Any]:
    found = told.get(key)
    return found if isinstance(found, list) else []


def _text(told: dict[str, Any], key: str) -> str:
    return _clean(told.get(key))


def _clean(value: object) -> str:
    """Take a text, "" for anything else. JSON can spell half a surrogate pair, which no file can hold."""
    return value.encode("utf-8", "replace").decode().strip() if isinstance(value, str) else ""


def _encoded(item: object) -> bytes:
    try:
        return json.dumps(item, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(item).encode()


def _some(*texts: str) -> list[str]:
    return [text for text in texts if text]
