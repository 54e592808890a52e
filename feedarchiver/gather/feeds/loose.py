"""Everything else read by feedparser: ill-formed documents, RSS 1.0 and 0.9x with a DTD, Atom 0.3, CDF.

It is given text already decoded, as bytes it cannot take for an address; its cleaning and its resolving of links in
content are off, since both are done after archiving.
"""

import io
import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import feedparser  # type: ignore[import-untyped]

from feedarchiver.gather.feeds import entry, images
from feedarchiver.gather.feeds.entry import Head, Said
from feedarchiver.gather.feeds.outline import mended, outline
from feedarchiver.gather.feeds.parsed import NotAFeed, ParsedFeed, Problems

_MARKUP = re.compile(r"<[A-Za-z][^<>]*>")
_HTML = re.compile(r"(?:\s*<[?!][^<>]*>)*\s*<html\b", re.IGNORECASE)


def read(text: str, url: str | None, problems: Problems, limit: int) -> ParsedFeed:
    """Read any feed that feedparser can. Raises NotAFeed."""
    if _HTML.match(text):
        raise NotAFeed("an HTML page, not a feed")
    outlined = outline(text, limit)
    if outlined.cut:
        if not outlined.entries:
            raise NotAFeed(outlined.cut)
        problems.add(f"{outlined.cut}; only the first {len(outlined.entries):,} entries were read")
    told = _told(mended(outlined.text))
    if not told.version and not told.entries:
        raise NotAFeed("not a feed")
    if told.bozo:
        reason = str(told.get("bozo_exception")).removeprefix("<unknown>:")
        problems.add(f"not well-formed and read loosely ({reason})")
    atom = told.version.startswith("atom")
    own = outlined.entries if len(outlined.entries) == len(told.entries) else None
    return entry.feed(_head(told.feed, url, atom=atom), _entries(told.entries, own, atom=atom), problems, limit)


def _told(text: str) -> Any:
    # The type and charset are said so that feedparser neither guesses nor doubts them.
    try:
        return feedparser.parse(
            io.BytesIO(text.encode(errors="replace")),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:  # it stumbles over a place that stands alone, a wide blank in a namespace, and more
        raise NotAFeed(f"feedparser cannot read it ({type(error).__name__}: {error})") from error


def _head(feed: dict[str, Any], url: str | None, *, atom: bool) -> Head:
    return Head(
        base=url,
        title=_title(feed, atom=atom),
        link=dict.get(feed, "link"),
        language=dict.get(feed, "language"),
        ttl=entry.minutes(feed.get("ttl", ""))
        or entry.period(feed.get("sy_updateperiod", ""), feed.get("sy_updatefrequency")),
        links=[(link.get("rel", "alternate"), link.get("href", "")) for link in feed.get("links", ())],
        authors=_authors(feed) if atom else [],
    )


def _entries(told: list[dict[str, Any]], own: list[str] | None, *, atom: bool) -> Iterator[tuple[Said, bytes]]:
    """Read entries. Where it is not sure which text is whose own, the bytes are what feedparser told, as JSON."""
    for number, one in enumerate(told):
        raw = own[number] if own else json.dumps(one, default=str, ensure_ascii=False, sort_keys=True)
        yield _said(one, atom=atom), raw.encode(errors="replace")


def _said(told: dict[str, Any], *, atom: bool) -> Said:
    get = told.get
    # Its own get() gives one date for another.
    published, created, updated = (dict.get(told, name) for name in ("published", "created", "updated"))
    alternates = [link.get("href", "") for link in get("links", ()) if link.get("rel") == "alternate"]
    # It makes a link of every guid that does not say it is none, and of Atom's id.
    named = get("link") if not get("guidislink") or (not atom and "://" in (get("link") or "")) else None
    texts = [get(key, {}) for key in ("title_detail", "summary_detail")] + [*get("content", ())]
    said = Said(
        titles=_some(_title(told, atom=atom)),
        links=_some(get("feedburner_origlink"), named),
        other_links=_some(*alternates),
        guid=(get("id") or "").strip() or None,
        published=_some(published, created, None if atom else updated),
        updated=_some(updated if atom or published else None),
        authors=_authors(told),
        categories=[
            text.strip() for tag in get("tags", ()) if (text := tag.get("label") or tag.get("term") or "").strip()
        ],
        language=next(filter(None, (get("language"), *(text.get("language") for text in texts))), None),
        contents=_some(*(_html(content, atom=atom) for content in get("content", ()))),
        # A summary without details is the content again.
        summaries=_some(_html(get("summary_detail", {}), atom=atom)),
    )
    _collect_pictures(said, told)
    return said


def _collect_pictures(said: Said, told: dict[str, Any]) -> None:
    named = (("media_content", images.CONTENT), ("enclosures", images.ENCLOSURE), ("media_thumbnail", images.THUMBNAIL))
    for key, place in named:
        for attributes in told.get(key, ()):
            images.collect(said.pictures, place, attributes.get, attributes.get("href") or attributes.get("url"))
    images.collect(said.pictures, images.COVER, dict[str, str]().get, told.get("image", {}).get("href"))


def _title(told: dict[str, Any], *, atom: bool) -> str:
    """Take a title as HTML; only Atom says which of its titles are plain text."""
    title: str = told.get("title") or ""
    is_text = atom and told.get("title_detail", {}).get("type") == "text/plain"
    return escape(title, quote=False) if is_text else title


def _html(content: dict[str, Any], *, atom: bool) -> str:
    """Take a text as HTML; "" for what is no text."""
    text, kind = content.get("value") or "", content.get("type") or "text/html"
    if kind == "text/plain" and (atom or not _MARKUP.search(text)):
        return entry.paragraphs(text)
    if not kind.startswith("text/") and not kind.endswith("xhtml+xml"):
        return ""
    return entry.rebased(text, content.get("base") or None)


def _authors(told: dict[str, Any]) -> list[str]:
    said = [author.get("name") or author.get("email") for author in told.get("authors", ())]
    return [name for text in _some(*said, *([] if any(said) else [told.get("author")])) if (name := entry.name(text))]


def _some(*texts: str | None) -> list[str]:
    return [text for text in texts if text]
