"""search, show and explain: looking into the archive."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from feedarchiver.commands.console import Console, common
from feedarchiver.commands.naming import NAME, instant, one, opened, plural, said
from feedarchiver.errors import UsageError
from feedarchiver.model import short

if TYPE_CHECKING:
    from feedarchiver.archive.lookup import Found
    from feedarchiver.archive.search import Hit
    from feedarchiver.markup import Body
    from feedarchiver.model import Article, Capture
    from feedarchiver.words import Excerpt

_DATE = click.DateTime(["%Y-%m-%d"])
_LIMIT = click.IntRange(1, 1_000_000)
_ORIGINS = {
    "stamp": "the seed's first line (milliseconds)",
    "stamp-seconds": "the seed's first line (seconds)",
    "front-matter": "the front matter",
    "markup": "the body's own markup",
    "link": "the link",
    "feed": "the feed",
}
_NOT_IN_HTML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160)))


@click.command("search")
@common
@click.option("--source", "sources", multiple=True, help="Only from this source; may be repeated.")
@click.option("--since", type=_DATE, help="Only what was published (else captured) on this day (UTC) or later.")
@click.option("--until", type=_DATE, help="Only what was published (else captured) on this day (UTC) or earlier.")
@click.option("--limit", type=_LIMIT, default=20, show_default=True, help="At most so many articles.")
@click.option("--newest", is_flag=True, help="Newest first, instead of best first.")
@click.argument("words", nargs=-1, required=True)
def search_command(  # noqa: PLR0913, PLR0917 - as many as there are options
    console: Console,
    words: tuple[str, ...],
    sources: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    limit: int,
    *,
    newest: bool,
) -> int:
    """Find the articles that have all of WORDS in title or text.

    Words in quotation marks, '"like this"', stand together. Case and accents make no difference. The first search in a
    large archive takes a while: it indexes every article.
    """
    with opened(console) as archive:
        if unknown := set(sources) - set(archive.index.sources()):
            raise UsageError(f"there is no source {', '.join(sorted(unknown))}; nothing was searched")
        with console.progress("indexing") as advance, archive.searching(advance) as search:
            found = search.find(
                " ".join(words),
                sources=sources,
                since=since and since.replace(tzinfo=UTC),
                until=until and until.replace(tzinfo=UTC) + timedelta(days=1),
                limit=limit + 1,  # whether there are more
                newest=newest,
            )
            unread = search.unread()
    hits = found[:limit]
    for hit in hits:
        _say_hit(console, hit)
    if unread:
        told = (
            f"{plural(unread, 'article')} could not be read and searched; `feedarchiver verify` names what is damaged"
        )
        console.warn(told, event="unread", articles=unread)
    more = "; --limit shows more" if len(found) > limit else ""
    console.say(f"{plural(len(hits), 'article')} found{more}", event="searched", articles=len(hits))
    return 1 if unread else 0


@click.command("show")
@common
@click.option("--html", "form", flag_value="html", help="The body as cleaned HTML.")
@click.option("--raw", "form", flag_value="raw", help="The bytes that the article was read from, exactly.")
@click.argument("name", metavar=NAME)
def show_command(console: Console, name: str, form: str | None) -> int:
    """Print an article as text: what a link or an exact title shows now, or the version that an object's id is about.

    An id is that of an article, a capture or raw bytes; its first digits, four or more, will do.
    """
    from feedarchiver import markup

    with opened(console) as archive:
        found = one(console, archive, name)
        if form == "raw":
            console.hand_over(archive.read("raw", found.raw))
            return 0
        article = archive.article(found.article)
        sources = sorted({fact.source for fact in archive.index.facts(found.entry)})
    body = markup.parse(article.content or article.summary or "", base=article.link)
    if form == "html":
        console.hand_over(f"{body.html().translate(_NOT_IN_HTML)}\n".encode())
    else:
        _say_article(console, found, article, body, sources)
    return 0


@click.command("explain")
@common
@click.argument("name", metavar=NAME)
def explain_command(console: Console, name: str) -> int:
    """Say where an article's title, date and picture came from, what was cleaned away, and what it is known by."""
    from feedarchiver import markup
    from feedarchiver.archive import objects
    from feedarchiver.urls import canonical

    with opened(console) as archive:
        found = one(console, archive, name)
        article = archive.article(found.article)
        captures = {
            taken.capture: objects.decode_capture(archive.read("captures", taken.capture))
            for taken in archive.index.captures(found.entry)
        }
        body = markup.parse(article.content or article.summary or "", base=article.link)
        image = article.image or body.image
        copy = archive.index.images.copy(canonical(image.url)) if image else None
    lines = _explained(found, article, body)
    if copy:
        lines["picture kept"] = f"{short(copy.image)}, {copy.type}, {copy.width} x {copy.height}, {copy.length:,} bytes"
    lines["source"] = ", ".join(sorted({capture.source for capture in captures.values()}))
    fields: dict[str, object] = {name.replace(" ", "_"): value for name, value in lines.items()}
    told = [_capture(name, capture) for name, capture in captures.items()]
    if console.json:
        console.say("", event="explained", **fields, cleaned=body.removed, captures=told)
        return 0
    for label, value in {**lines, "cleaned away": ", ".join(body.removed) or "nothing"}.items():
        console.show((f"{label:14}", "faint"), value)
    for fields in told:
        where = f"{fields['source']}  {fields['url'] or ''}".rstrip()
        console.show((f"{'captured':14}", "faint"), f"{fields['captured']}  {where}")
        console.show(" " * 14, (f"capture {fields['capture']}", "faint"))
        console.show(" " * 14, (f"raw     {fields['raw']}", "faint"))
        if "said" in fields:
            console.show(" " * 14, (f"said    {fields['said']}, before its page was read", "faint"))
    return 0


def _explained(found: "Found", article: "Article", body: "Body") -> dict[str, str]:
    from feedarchiver import markup
    from feedarchiver.urls import canonical

    title = markup.plain(article.title)
    image = article.image or body.image
    beside = "named beside the text" if article.image else "the first fit picture in the text"
    origin = _ORIGINS.get(article.published_from or "", article.published_from)
    return {
        "title": title,
        "title from": "the publisher, as it stands" if title == article.title else f"the publisher's {article.title!r}",
        "date": said(article.published),
        "date from": f"{origin}" if origin else "nowhere: neither stamp, markup nor link tells it",
        "picture": image.url if image else "none",
        "picture from": beside if image else "nowhere: no picture in the text is fit to lead",
        "link": article.link or "none",
        "identity": canonical(article.link) if article.link else f"the source's own id {article.guid!r}",
        "published id": found.id,
        "object": found.article,
    }


def _capture(name: str, capture: "Capture") -> dict[str, object]:
    fields: dict[str, object] = {
        "capture": name,
        "captured": instant(capture.captured),
        "source": capture.source,
        "url": capture.url,
    }
    fields |= {"article": capture.article, "raw": capture.raw}
    return fields | ({"said": capture.said} if capture.said else {})


def _say_hit(console: Console, hit: "Hit") -> None:
    console.show(
        (short(hit.object_id), "faint"),
        f"  {f'{hit.published:%Y-%m-%d}' if hit.published else 'undated   '}  {', '.join(hit.sources)}  ",
        *_marked(hit.title),
        event="hit",
        id=hit.id,
        object=hit.object_id,
        title=hit.title.text,
        link=hit.link,
        sources=hit.sources,
        published=instant(hit.published),
        shown=instant(hit.shown),
        snippet=hit.excerpt.text,
        marks=hit.excerpt.marks,
    )
    if not console.json:
        console.show("    ", (hit.link or hit.id, "faint"))
        console.show("    ", *_marked(hit.excerpt))


def _marked(excerpt: "Excerpt") -> list[str | tuple[str, str]]:
    parts: list[str | tuple[str, str]] = []
    place = 0
    for begin, end in excerpt.marks:
        parts += [excerpt.text[place:begin], (excerpt.text[begin:end], "hit")]
        place = end
    return [*parts, excerpt.text[place:]]


def _say_article(console: Console, found: "Found", article: "Article", body: "Body", sources: list[str]) -> None:
    from feedarchiver.commands.paper import paragraphs, width, wrapped
    from feedarchiver.markup import plain

    image = article.image or body.image
    if console.json:
        console.say(
            "",
            event="article",
            id=found.id,
            object=found.article,
            raw=found.raw,
            title=plain(article.title),
            link=article.link,
            published=instant(article.published),
            updated=instant(article.updated),
            authors=article.authors,
            categories=article.categories,
            language=article.language,
            sources=sources,
            image=image.url if image else None,
            content_text=body.text,
            content_html=body.html(),
        )
        return
    columns = width()
    for line in wrapped(plain(article.title), columns):
        console.show((line, "title"))
    console.show((article.link or found.id, "faint"))
    told = [said(article.published), ", ".join(sources), ", ".join(article.authors)]
    console.show((" · ".join(part for part in told if part), "faint"))
    if image:
        console.show((f"picture: {image.url}", "faint"))
    for paragraph in paragraphs(body.html()):
        console.show("")
        for line in wrapped(paragraph, columns):
            console.show(line)
