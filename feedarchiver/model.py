"""The values that travel from one wing to the next: articles, captures, entries, feeds, documents.

Words are those of RFC 4287. Values are frozen; `None` means "not said", never "", 0, 1970 or now.
Instants are aware datetimes in UTC. Named tuples, always made with keywords: every command loads this module, and nine
dataclasses would cost it more than half of a bare interpreter's start.
"""

import re
from datetime import datetime
from enum import Enum
from typing import Literal, NamedTuple, NewType

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}\Z")

HEALTH = "/health"
"""The source of what the archive tells of itself. No other source is called so: the name of none has a slash."""


ObjectId = NewType("ObjectId", str)
"""The name of an object: the SHA-256 of its bytes, as 64 lowercase hexadecimal digits.

To whatever it is handed to it is a plain text: SQLite and pickle take several times as long over a class of ours.
"""


def parse_object_id(text: str) -> ObjectId:
    """Check `text` once, at the border. Raises ValueError."""
    if not _HEX_SHA256.match(text):
        raise ValueError(f"not an object id: {text!r}")
    return ObjectId(text)


def short(object_id: ObjectId) -> str:
    """Take the first twelve digits, enough to tell objects apart on a screen."""
    return object_id[:12]


class Image(NamedTuple):
    """A picture of an article, at an absolute, percent-encoded http(s) address.

    `length` is in bytes, `width` and `height` in pixels, `type` a media type.
    """

    url: str
    type: str | None = None
    length: int | None = None
    width: int | None = None
    height: int | None = None
    alt: str | None = None


class Article(NamedTuple):
    """What a publisher said at one moment; its canonical bytes are an object.

    `link` is the original link, byte for byte. `content` and `summary` are HTML as received, not cleaned.
    `image` is a picture named beside the content (a feed's media:content, a page's og:image), not one found in it.
    `published_from` says where `published` was found: "stamp" (milliseconds), "stamp-seconds", "front-matter",
    "markup", "link", "feed".
    """

    title: str
    link: str | None = None
    guid: str | None = None
    published: datetime | None = None
    published_from: str | None = None
    updated: datetime | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    language: str | None = None
    summary: str | None = None
    content: str | None = None
    image: Image | None = None


class Capture(NamedTuple):
    """The event of receiving an article: from which raw bytes, which source, where, when.

    `url` is the address asked, or a seed file's path below its folder. `captured` is the start of the run.
    `fingerprint` is that of the version this capture belongs to (see `archive.fingerprint`).
    An article that came out of another archive, too late for its place in the log, has been captured before: `origin`
    is the id of that capture, `origin_captured` its instant.
    Of an article that was read from its page, `raw` is that page and `url` its address, `said` is the article as it was
    known before (from a feed, a listing page, a sitemap), and `charset` the encoding that came with the page.
    """

    article: ObjectId
    raw: ObjectId
    source: str
    url: str | None
    captured: datetime
    fingerprint: str
    origin: ObjectId | None = None
    origin_captured: datetime | None = None
    said: ObjectId | None = None
    charset: str | None = None


class ImageCapture(NamedTuple):
    """The event of receiving an image: that `image` is a copy of what stood at the address `url`, and when.

    What the image's bytes say comes along: the media type, width and height in pixels, the length in bytes.
    """

    url: str
    image: ObjectId
    type: str
    width: int
    height: int
    length: int
    captured: datetime


class Received(NamedTuple):
    """An article on its way into the archive, with the bytes it was read from. Picklable.

    `said` and `charset` as in a Capture.
    """

    article: Article
    raw: bytes
    source: str
    url: str | None
    warnings: tuple[str, ...] = ()
    said: Article | None = None
    charset: str | None = None


class Outcome(Enum):
    """What adding an article to the archive came to."""

    NEW = "new"
    VERSION = "versions"  # of an entry that is known
    NOISE = "noise"  # only its markup differs from a version that is known
    KNOWN = "known"  # these bytes from this source


class Refusal(NamedTuple):
    """Something that was not taken: where it is, why, and what became of it."""

    place: str
    reason: str
    kept: str = "file left as it is"

    def __str__(self) -> str:
        return f"refused {self.place}: {self.reason}; {self.kept}"


class Entry(NamedTuple):
    """An article as it stands in a feed.

    `id` is the published id: an absolute URI, decided at the first capture, the same in all formats, forever.
    `updated` is what the source said, else its published date, else the capture of the version shown.
    """

    id: str
    object_id: ObjectId
    source: str
    updated: datetime
    article: Article


class Filter(NamedTuple):
    """Which articles of its sources a feed takes: those for which every rule that is given holds.

    A pattern is a field (title, content, author, category, link) and a regular expression to be found in it, in any
    case; one of `include` must be, none of `exclude` may. `languages` are tags; `spoken` is the language of each source
    that has one, for articles that do not say theirs. `since` <= published, else captured, < `until`. `search` is a
    query as the search takes it (see `words.Query`).
    """

    include: tuple[tuple[str, str], ...] = ()
    exclude: tuple[tuple[str, str], ...] = ()
    languages: tuple[str, ...] = ()
    spoken: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None


class Change(NamedTuple):
    """An edit of an archived article: the entry as it stands since then, and what it said before.

    `id` is that of the change, made like that of an entry, and no other change has it.
    """

    id: str
    entry: Entry
    before: Article


class Feed(NamedTuple):
    """A named selection of entries. `id` is also its folder's name; `sources` of None means every source.

    `filter` of None: everything that its sources have. `kind` says what its entries are: a feed of changes has one for
    each edit of the articles that it would have otherwise, one of health has one for each incident and each end of one.
    """

    id: str
    title: str
    subtitle: str | None = None
    language: str | None = None
    sources: tuple[str, ...] | None = None
    filter: Filter | None = None
    kind: Literal["articles", "changes", "health"] = "articles"


class Document(NamedTuple):
    """A file to publish. `path` is relative to the published folder, with forward slashes."""

    path: str
    media_type: str
    data: bytes
