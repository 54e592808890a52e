"""What each element of RSS, Atom and their modules says of an entry or a feed: one small function each, in two tables.

Followed are RSS 2.0, RFC 4287, Media RSS 1.5.1, Dublin Core, the content and syndication modules of RSS 1.0.
"""

from collections.abc import Callable

from feedarchiver.gather.feeds import entry, images
from feedarchiver.gather.feeds.document import ATOM, LANG, XHTML, Document, Element, words
from feedarchiver.gather.feeds.entry import Head, Said

# Tags are compared in small letters, namespaces too: <pubdate> and <GUID> are written as well.
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_DCTERMS = "{http://purl.org/dc/terms/}"
_FEEDBURNER = "{http://rssnamespace.org/feedburner/ext/1.0}"
_ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
_MEDIA = "{http://search.yahoo.com/mrss/}"
_MEDIA_AS_WRITTEN = "{http://search.yahoo.com/mrss}"
_SYNDICATION = "{http://purl.org/rss/1.0/modules/syndication/}"


OfEntry = Callable[[Document, Said, Element], None]
OfFeed = Callable[[Document, Head, Element], None]


def _appends(field: str) -> OfEntry:
    """Make the reader that adds an element's own text, if it has one, to a list of `Said`."""

    def read(_: Document, said: Said, element: Element) -> None:
        if text := (element.text or "").strip():
            getattr(said, field).append(text)

    return read


def _appends_html(field: str) -> OfEntry:
    """Make the reader that adds an element's HTML, if it has any, to a list of `Said`."""

    def read(document: Document, said: Said, element: Element) -> None:
        if html := document.html(element):
            getattr(said, field).append(html)

    return read


def _appends_construct(field: str) -> OfEntry:
    """Make the reader that adds an Atom construct to a list of `Said`."""

    def read(document: Document, said: Said, element: Element) -> None:
        said.language = said.language or element.get(LANG)
        if html := document.construct(element, title=field == "titles"):
            getattr(said, field).append(html)

    return read


def _title(document: Document, said: Said, element: Element) -> None:
    said.titles.insert(0, document.html(element))  # before media:title, wherever that stands


def _published(_: Document, said: Said, element: Element) -> None:
    if text := words(element):
        said.published.insert(0, text)


def _link(document: Document, said: Said, element: Element) -> None:
    """Read RSS's link, or Atom's without its namespace."""
    if text := words(element):
        said.links.append(document.address(element, text))
    else:
        _atom_link(document, said, element)


def _original_link(document: Document, said: Said, element: Element) -> None:
    said.links.insert(0, document.address(element, words(element)))


def _atom_link(document: Document, said: Said, element: Element) -> None:
    """Read an entry's link: the page, or something attached to it."""
    rel, kind = (element.get("rel") or "alternate").strip(), element.get("type")
    address = document.address(element, element.get("href"))
    if rel == "alternate":
        (said.links if kind is None or "html" in kind.lower() else said.other_links).append(address)
    elif rel == "enclosure":
        images.collect(said.pictures, images.ENCLOSURE, element.get, address)


def _guid(document: Document, said: Said, element: Element) -> None:
    said.guid = said.guid or words(element) or None
    if said.guid and (element.get("isPermaLink") or "true").strip().lower() == "true" and "://" in said.guid:
        said.other_links.append(document.address(element, said.guid))


def _atom_id(_: Document, said: Said, element: Element) -> None:
    said.guid = said.guid or words(element) or None


def _byline(_: Document, said: Said, element: Element) -> None:
    if name := entry.name(words(element)):
        said.bylines.append(name)


def _creator(_: Document, said: Said, element: Element) -> None:
    if name := entry.name(words(element)):
        said.authors.append(name)


def _names(element: Element) -> list[str]:
    """Take the name of an Atom person, or else the mail address."""
    said = {child.tag.lower(): words(child) for child in element}
    name = said.get(f"{ATOM}name") or said.get(f"{ATOM}email")
    return [name] if name else []


def _atom_author(_: Document, said: Said, element: Element) -> None:
    said.authors += _names(element)


def _atom_source(_: Document, said: Said, element: Element) -> None:
    """Read where an entry was copied from: its author is the entry's, if that names none (RFC 4287, 4.2.1)."""
    for child in element:
        if child.tag.lower() == f"{ATOM}author":
            said.bylines += _names(child)


def _atom_category(_: Document, said: Said, element: Element) -> None:
    if text := (element.get("label") or element.get("term") or "").strip():
        said.categories.append(text)


def _language(_: Document, said: Said, element: Element) -> None:
    said.language = said.language or words(element)


def _enclosure(document: Document, said: Said, element: Element) -> None:
    images.collect(said.pictures, images.ENCLOSURE, element.get, document.address(element, element.get("url")))


def _thumbnail(document: Document, said: Said, element: Element) -> None:
    images.collect(
        said.pictures,
        images.THUMBNAIL,
        element.get,
        document.address(element, element.get("url") or words(element)),
    )


def _cover(document: Document, said: Said, element: Element) -> None:
    images.collect(
        said.pictures, images.COVER, element.get, document.address(element, element.get("href") or element.get("url"))
    )


def _media_content(document: Document, said: Said, element: Element) -> None:
    """Read one medium; what describes it does not describe the entry, but its thumbnail may stand for both."""
    images.collect(said.pictures, images.CONTENT, element.get, document.address(element, element.get("url")))
    for child in element:
        if child.tag.lower().endswith("}thumbnail"):
            _thumbnail(document, said, child)


def _media_description(_: Document, said: Said, element: Element) -> None:
    text = words(element)
    if text:
        said.summaries.append(text if element.get("type") == "html" else entry.paragraphs(text))


def collect(document: Document, said: Said, element: Element) -> None:
    """Read what the children of an entry's element say."""
    for child in element:
        if read := OF_ENTRIES.get(child.tag.lower()):
            read(document, said, child)


OF_ENTRIES: dict[str, OfEntry] = {
    "title": _title,
    "link": _link,
    "guid": _guid,
    "pubdate": _published,
    "author": _byline,
    "category": _appends("categories"),
    "description": _appends_html("summaries"),
    # Seen in RSS as well: words of other formats without their namespace.
    "id": _atom_id,
    "date": _appends("published"),
    "published": _published,
    "updated": _appends("updated"),
    "summary": _appends_html("summaries"),
    "body": _appends_html("contents"),
    "content": _appends_html("contents"),
    "fullitem": _appends_html("contents"),
    "enclosure": _enclosure,
    f"{ATOM}title": _appends_construct("titles"),
    f"{ATOM}link": _atom_link,
    f"{ATOM}id": _atom_id,
    f"{ATOM}published": _published,
    f"{ATOM}updated": _appends("updated"),
    f"{ATOM}author": _atom_author,
    f"{ATOM}source": _atom_source,
    f"{ATOM}category": _atom_category,
    f"{ATOM}summary": _appends_construct("summaries"),
    f"{ATOM}content": _appends_construct("contents"),
    f"{_CONTENT}encoded": _appends_html("contents"),
    f"{XHTML}body": _appends_html("contents"),
    f"{XHTML}div": _appends_html("contents"),
    f"{_DC}title": _appends_html("titles"),
    f"{_DC}creator": _creator,
    f"{_DC}author": _byline,
    f"{_DC}description": _appends_html("summaries"),
    f"{_DC}subject": _appends("categories"),
    f"{_DC}language": _language,
    f"{_DC}date": _appends("published"),
    f"{_DCTERMS}issued": _appends("published"),
    f"{_DCTERMS}created": _appends("published"),
    f"{_DCTERMS}modified": _appends("updated"),
    f"{_FEEDBURNER}origlink": _original_link,
    f"{_ITUNES}author": _byline,
    f"{_ITUNES}image": _cover,
    f"{_ITUNES}summary": _appends_html("blurbs"),
    f"{_MEDIA}title": _appends_html("titles"),
    f"{_MEDIA}category": _appends("categories"),
    f"{_MEDIA}description": _media_description,
    f"{_MEDIA}content": _media_content,
    f"{_MEDIA}thumbnail": _thumbnail,
    f"{_MEDIA}group": collect,
}


def _feed_title(document: Document, head: Head, element: Element) -> None:
    head.title = head.title or document.html(element)


def _feed_atom_title(document: Document, head: Head, element: Element) -> None:
    head.title = head.title or document.construct(element, title=True)


def _feed_link(document: Document, head: Head, element: Element) -> None:
    head.link = head.link or document.address(element, words(element))


def _feed_atom_link(document: Document, head: Head, element: Element) -> None:
    rel, address = (element.get("rel") or "alternate").strip(), document.address(element, element.get("href"))
    head.links.append((rel, address))
    if rel == "alternate":
        head.link = head.link or address


def _feed_author(_: Document, head: Head, element: Element) -> None:
    head.authors += _names(element)


def _feed_language(_: Document, head: Head, element: Element) -> None:
    head.language = words(element) or head.language


def _ttl(_: Document, head: Head, element: Element) -> None:
    head.ttl = entry.minutes(words(element)) or head.ttl


def _update_period(_: Document, head: Head, element: Element) -> None:
    parent = element.getparent()
    times = None if parent is None else parent.findtext(element.tag.replace("Period", "Frequency"))
    head.ttl = head.ttl or entry.period(words(element), times)


OF_FEEDS: dict[str, OfFeed] = {
    "title": _feed_title,
    "link": _feed_link,
    "language": _feed_language,
    "ttl": _ttl,
    f"{ATOM}title": _feed_atom_title,
    f"{ATOM}link": _feed_atom_link,
    f"{ATOM}author": _feed_author,
    f"{_DC}language": _feed_language,
    f"{_SYNDICATION}updateperiod": _update_period,
}

# The namespace of Media RSS was published without the slash at its end as well.
OF_ENTRIES |= {
    tag.replace(_MEDIA, _MEDIA_AS_WRITTEN): read for tag, read in OF_ENTRIES.items() if tag.startswith(_MEDIA)
}
