"""A change of an article ready to be written in any format: what was removed and added, as HTML of our own.

Told is what makes a version: title, link, lead picture and text. Of the text, what stayed the same is left out but for
a few words next to each change, as on the reading pages.
"""

from collections.abc import Sequence
from html import escape

from feedarchiver.markup import Body, plain, xml_text
from feedarchiver.model import Change
from feedarchiver.publish.rendered import Rendered, img, render
from feedarchiver.textdiff import Kind, Piece, diff, shortened
from feedarchiver.urls import canonical

_NOTHING = "<p>Nothing that is shown has changed.</p>"
_TAGS = {Kind.REMOVED: "del", Kind.ADDED: "ins"}


def render_change(change: Change, old_bodies: Sequence[Body], new_bodies: Sequence[Body]) -> Rendered:
    """Settle what every format shows of a change: title and link as they are now, what changed, and when.

    `old_bodies`, `new_bodies`: what the article said before, and says now, cleaned: as for `render`.
    """
    entry = change.entry
    old, new = change.before, entry.article
    before, after = render(entry._replace(article=old), old_bodies), render(entry, new_bodies)
    parts = []
    if plain(old.title) != plain(new.title):
        parts.append(_replaced(_headline(old.title), _headline(new.title)))
    if canonical(old.link or "") != canonical(new.link or ""):
        parts.append(_replaced(_text(old.link or ""), _text(new.link or "")))
    if (before.image and before.image.url) != (after.image and after.image.url):
        parts.append(_replaced(*(img(shown.image) if shown.image else "" for shown in (before, after))))
    old_text, new_text = old_bodies[0].text, new_bodies[0].text
    if old_text != new_text:
        parts.append("".join(map(_written, shortened(diff(old_text, new_text)))))
    return after._replace(
        id=change.id,
        about=after.id,
        paged=False,
        published=entry.updated,
        content="".join(f"<p>{part}</p>" for part in parts) or _NOTHING,
        summary=None,
        image=None,
        text=None,
    )


def _replaced(old: str, new: str) -> str:
    """Write a part that was replaced whole, one line above the other."""
    return "<br>".join(f"<{tag}>{html}</{tag}>" for tag, html in (("del", old), ("ins", new)) if html)


def _headline(title: str) -> str:
    return f"<strong>{_text(plain(title))}</strong>" if plain(title) else ""


def _written(piece: Piece) -> str:
    if piece.kind is Kind.LEFT_OUT:
        return " … "
    tag = _TAGS.get(piece.kind)
    return f"<{tag}>{_text(piece.text)}</{tag}>" if tag else _text(piece.text)


def _text(text: str) -> str:
    return escape(xml_text(text), quote=False)
