"""What an article says that another version of it may say differently, and what it is searched for."""

from typing import NamedTuple

from feedarchiver import markup
from feedarchiver.model import Article

_LONGEST = 1_000_000


class Telling(NamedTuple):
    """Title and text as plain text, the lead picture's address, the original link, the date as RFC 3339."""

    title: str
    text: str
    picture: str | None
    link: str | None
    date: str | None

    @property
    def searched(self) -> tuple[str, str]:
        """What is looked through for words: the title and, of a very long text, the beginning."""
        return self.title, self.text[:_LONGEST]


def telling(article: Article) -> Telling:
    """Read what `article` says."""
    body = markup.parse(article.content or article.summary or "", base=article.link, text_only=True)
    image = article.image or body.image
    date = article.updated or article.published
    return Telling(
        markup.plain(article.title),
        body.text,
        image.url if image else None,
        article.link,
        date.isoformat().replace("+00:00", "Z") if date else None,
    )


def changed(before: Telling, after: Telling) -> tuple[str, ...]:
    """Name what is different: some of title, text, picture, link, date."""
    return tuple(name for name in Telling._fields if getattr(before, name) != getattr(after, name))
