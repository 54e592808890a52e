"""An article's page read: its full text, and what the page says of it. Pure: bytes in, values out.

page.py                   the page opened, within bounds
metadata.py, jsonld.py    what it says beside the text
prepared.py, finders.py   the text, where no selector says where it is; faithful.py, standfirst.py mend it
verdict.py, choosing.py   which text to take, and why

The content is HTML as the page has it, with absolute addresses; it is cleaned like any other, later.
"""

from typing import NamedTuple

from feedarchiver.gather.extract.page import NotAPage
from feedarchiver.gather.select import Select
from feedarchiver.model import Article

__all__ = ["Decision", "Extracted", "NotAPage", "extract"]


class Decision(NamedTuple):
    """Why a field of an article is what it is."""

    field: str
    reason: str


class Extracted(NamedTuple):
    """An article as its feed and its page together tell it.

    `content_from` is "readability", "trafilatura", "JSON-LD articleBody", the selector, "feed" where the text that was
    known stays, or None. `canonical` is the address that the page says is its own: an alias of the article's link.
    `barred`: the page is no article but a notice to robots.
    """

    article: Article
    content_from: str | None
    canonical: str | None
    decisions: tuple[Decision, ...]
    problems: tuple[str, ...]
    barred: bool = False


def extract(
    data: bytes,
    *,
    url: str,
    charset: str | None = None,
    own: Article | None = None,
    select: Select | None = None,
) -> Extracted:
    """Read the article in the page that came from `url`. Raises NotAPage.

    `own` is what is known already, from a feed, a listing page or a sitemap: what it says stays, and so does its
    content if the page has no more. `select` may say where the content is, what to remove, and the zone of times that
    name none.
    """
    from feedarchiver.gather.extract import choosing, metadata
    from feedarchiver.gather.extract.page import opened

    page = opened(data, url=url, charset=charset)
    told = metadata.read(page, select.writing.zone if select else None)
    choice = choosing.content(page, told, own, select)
    said = own or Article(title="", link=told.canonical or url)
    barred = choice.origin in (None, "feed") and choice.reason.startswith("the page is no article")
    if barred:  # what such a page says is not said of the article
        told = metadata.Metadata()
    dated = said.published is None and told.published is not None
    published, updated = said.published or told.published, said.updated or told.updated
    if published and updated and updated < published:  # a sitemap's day is its midnight, the page tells the hour
        updated = None
    article = said._replace(
        title=said.title or told.title,
        link=said.link or told.canonical or url,
        published=published,
        published_from=told.published_from if dated else said.published_from,
        updated=updated,
        authors=said.authors or told.authors,
        categories=said.categories or told.categories,
        language=said.language or told.language,
        summary=said.summary or told.summary,
        content=choice.html,
        image=said.image or told.image,
    )
    origins = [Decision(field, origin) for field, origin in told.found if not _known(said, field)]
    return Extracted(
        article=article,
        content_from=choice.origin,
        canonical=told.canonical,
        decisions=(Decision("content", choice.reason), *origins),
        problems=(*page.problems, *choice.problems),
        barred=barred,
    )


def _known(said: Article, field: str) -> bool:
    """Tell whether a field was said before the page was read."""
    names = {"date": "published", "picture": "image"}
    return field != "canonical" and bool(getattr(said, names.get(field, field)))
