"""Pages for people about all feeds and about single entries: the index, a reading page for each entry, search.

Pure: values in, documents out. All links between pages are relative, so they work at any address and from a disk; only
the addresses of feeds that a person copies are absolute. No page runs a script that does not lie beside it, and none
asks anybody but the publishers for anything: their pictures, and their films once somebody starts them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from feedarchiver import SEARCH_VERSION, dates
from feedarchiver.markup.text import visible
from feedarchiver.model import Document
from feedarchiver.publish.plan import Site
from feedarchiver.publish.rendered import Rendered
from feedarchiver.publish.site_content import readable
from feedarchiver.publish.templating import INDEX, SEARCH, filled, host, minute, template

if TYPE_CHECKING:
    from feedarchiver.publish.site_search import Searchable, Write
    from feedarchiver.textdiff import Piece

LATEST = 12
"""How many cards the index shows."""
_HTML = "text/html"
_ASSETS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Version(NamedTuple):
    """A version of an entry: when it was captured, its title, and what changed in its text since the one before."""

    captured: datetime
    title: str
    changes: "tuple[Piece, ...]" = ()


def page_path(entry_id: str) -> str:
    """Place the reading page of an entry. Its id never changes, so neither does this."""
    return f"articles/{sha256(entry_id.encode()).hexdigest()[:16]}.html"


def local(entry: Rendered, text: str, root: str) -> str:
    """Make the addresses of copies of images relative to a page, for which `root` leads up to the published folder."""
    return text.replace(f"{entry.base}images/", f"{root}images/") if entry.base else text


def index_page(site: Site, cards: Iterable[bytes]) -> Document:
    """Write the page of all feeds. `cards`: pieces of `feedpage`, of the newest `LATEST` entries, newest first."""
    return _page("index.html", INDEX, site=site, cards=b"".join(cards).decode())


def article_page(entry: Rendered, language: str | None = None, versions: Iterable[Version] = ()) -> Document:
    """Write the reading page of an entry. `language`: what its source speaks, for one that does not say.

    `versions`: newest first, the one shown among them; a single one is not worth a list.
    """
    shown = entry.published or entry.updated
    said = {
        "title": entry.title,
        "link": entry.link,
        "host": host(entry.link) if entry.link else None,
        "instant": dates.rfc3339(shown),
        "minute": minute(shown),
        "authors": entry.authors,
        "categories": entry.categories,
    }
    path, language, versions = page_path(entry.id), entry.language or language, tuple(versions)
    html = readable(local(entry, entry.content, "../"))
    if len(versions) > 1:
        return _page("article.html", path, language=language, versions=versions, html=html, **said)
    data = filled("article.html", said, html, root="../", language=language, versions="").encode()
    return Document(path=path, media_type=_HTML, data=data)


def search_page() -> Document:
    """Write the page that searches. What it searches is made by `site_search`.

    The address of its script names the version, so that no browser goes on with the one of another.
    """
    return _page("search.html", SEARCH, version=SEARCH_VERSION)


def searched(entry: Rendered, language: str | None = None, write: "Write | None" = None) -> "Searchable":
    """Prepare an entry for `site_search.grown`. `write`: as for `searchable`."""
    from feedarchiver.publish.site_search import searchable  # feeds alone do without it

    shown = entry.published or entry.updated
    text = visible(entry.content) if entry.text is None else entry.text
    return searchable(page_path(entry.id), entry.title, text, shown, entry.language or language, write)


def assets() -> Iterator[Document]:
    """Give the style sheets and scripts of the pages, and the style sheet of the feeds."""
    folder = resources.files("feedarchiver.publish") / "templates" / "assets"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        media_type = _ASSETS[file.name.rpartition(".")[2]]
        yield Document(path=f"assets/{file.name}", media_type=media_type, data=file.read_bytes())


def _page(name: str, path: str, **values: Any) -> Document:
    html = template(name).render(root="../" * path.count("/"), path=path, **values)
    return Document(path=path, media_type=_HTML, data=html.encode())
