"""An article as it is looked at before it is added: whether it is new, a version of what is known, or noise."""

from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.archive import objects
from feedarchiver.archive.bucket import Bucket
from feedarchiver.archive.cleaned import body
from feedarchiver.archive.fingerprint import fingerprint, is_current
from feedarchiver.archive.index import Index
from feedarchiver.model import Article, ObjectId, Outcome
from feedarchiver.urls import canonical

if TYPE_CHECKING:
    from feedarchiver.markup import Body


class Seen(NamedTuple):
    """An article that is looked at before it is added. `articles`: its bytes, and those of what was known before."""

    articles: tuple[tuple[ObjectId, bytes], ...]
    said: ObjectId | None
    names: tuple[str, ...]
    body: "Body"
    outcome: Outcome
    fingerprint: str

    @property
    def article(self) -> ObjectId:
        """Its id."""
        return self.articles[0][0]


def judge(  # noqa: PLR0913, PLR0917 - all that it is decided by
    bucket: Bucket, index: Index, article: Article, names: tuple[str, ...], entry: int | None, said: "Body"
) -> tuple[Outcome, str]:
    """Tell what an article is to its entry (None: it has none yet), and the fingerprint that says so.

    `names`: its aliases; `said`: its body, cleaned.
    """
    identity = names[0] if article.link else None
    print_ = fingerprint(article, identity, said)
    if entry is None:
        return Outcome.NEW, print_
    facts = index.facts(entry)
    if any(fact.fingerprint == print_ for fact in facts):
        return Outcome.NOISE, print_
    for fact in facts:  # another version of the cleaner took these: compare what they would be now
        if not is_current(fact.fingerprint):
            data = bucket.get("articles", ObjectId(fact.article))
            earlier = objects.decode_article(data)
            if fingerprint(earlier, canonical(earlier.link) if earlier.link else None, body(earlier)) == print_:
                return Outcome.NOISE, fact.fingerprint
    return Outcome.VERSION, print_
