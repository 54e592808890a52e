"""Feed documents read: bytes to articles. RSS 0.9x to 2.0, RSS 1.0, Atom 0.3 and 1.0, JSON Feed 1.0 and 1.1.

fast.py, document.py, elements.py   well-formed RSS and Atom, on lxml
loose.py, outline.py                everything else that is XML or means to be, by feedparser
jsonfeed.py                         JSON Feed
entry.py, images.py                 what becomes of it, whatever the format
parsed.py                           the values, and the refusal

Pure: no file, no network, no clock. A document that is no feed is refused with a reason; one bad entry never is the
end of a feed, but a line among its problems.
"""

import re

from feedarchiver.gather.decoding import decode, utf8_if_xml
from feedarchiver.gather.feeds.parsed import FeedEntry, FeedLink, NotAFeed, ParsedFeed, Problems

__all__ = ["FeedEntry", "FeedLink", "NotAFeed", "ParsedFeed", "parse"]

_MOST_MARKS = 500_000  # each tag and each attribute takes lxml some 300 bytes
_CDATA = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)


def parse(  # noqa: PLR0913 - each is one thing that a caller knows
    data: bytes,
    *,
    url: str | None = None,
    media_type: str | None = None,
    charset: str | None = None,
    limit_bytes: int = 20_000_000,
    limit_entries: int = 10_000,
) -> ParsedFeed:
    """Read a feed document. Raises NotAFeed.

    `url` is where it came from, which relative addresses are resolved against; `media_type` and `charset` are what the
    transport said. Of more than `limit_entries` entries the first ones are read, and a problem says so.
    """
    if len(data) > limit_bytes:
        raise NotAFeed(f"{len(data):,} bytes long, above the limit of {limit_bytes:,}")
    problems = Problems()
    xml = utf8_if_xml(data)
    if xml is not None and (len(xml) <= _MOST_MARKS or max(xml.count(b"<"), xml.count(b"=")) <= _MOST_MARKS):
        from feedarchiver.gather.feeds import fast

        parsed = fast.read(xml, url, problems, limit_entries)
        if parsed is not None:
            return parsed
    text, encoding, unreadable = decode(data, charset)
    if unreadable:
        problems.add(f"{unreadable:,} characters cannot be read as {encoding}")
    text = text.lstrip("\ufeff\0 \t\r\n")
    if not text:
        raise NotAFeed("an empty document")
    if text.startswith("{"):
        from feedarchiver.gather.feeds import jsonfeed

        return jsonfeed.read(text, url, problems, limit_entries)
    if not text.startswith("<") and "<" not in text:
        raise NotAFeed(f"not a feed: no markup in it{f', sent as {media_type}' if media_type else ''}")
    if _marks(text) > _MOST_MARKS and _marks(_CDATA.sub("<", text)) > _MOST_MARKS:
        raise NotAFeed(f"more than {_MOST_MARKS:,} tags or attributes")
    from feedarchiver.gather.feeds import fast

    parsed = fast.read(text.encode(errors="replace"), url, problems, limit_entries)
    if parsed is None:
        from feedarchiver.gather.feeds import loose

        parsed = loose.read(text, url, problems, limit_entries)
    return parsed


def _marks(text: str) -> int:
    """Count what may be tags or attributes, whichever are more."""
    return max(text.count("<"), text.count("="))
