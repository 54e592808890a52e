"""A feed's documents for people: HTML, linked both ways, with a card for each entry.

Links start at the root of what is published, which `<base>` names: so a card is the same in every document.
"""

from feedarchiver import dates
from feedarchiver.publish.forms import Draft
from feedarchiver.publish.pages import HTML
from feedarchiver.publish.plan import Around, FeedDocument
from feedarchiver.publish.site import local, page_path
from feedarchiver.publish.site_content import readable
from feedarchiver.publish.templating import VERSIONS, day, filled, host, template

NAMES = HTML
MEDIA_TYPE = "text/html"
SEALED = False
_CARDS = "\ufdd0"  # a noncharacter, which no title has: `xml_text` takes it away


def entry_piece(draft: Draft) -> bytes:
    """Write one entry as it stands in lists."""
    entry = draft.entry
    page = f"{page_path(entry.about)}#{VERSIONS}" if entry.about else page_path(entry.id) if entry.paged else None
    whole = None if entry.paged else readable(local(entry, entry.content, ""))
    picture = local(entry, entry.image.url, "") if entry.image else None
    shown = entry.published or entry.updated
    said = {
        "page": page,
        "title": entry.title,
        "picture": picture,
        "summary": entry.summary,
        "instant": dates.rfc3339(shown),
        "day": day(shown),
        "host": host(entry.link) if entry.link else None,
    }
    return filled("card.html", said, whole, language=entry.language).encode()


def around(head: FeedDocument) -> Around:
    """Write the page round its cards."""
    root = "../" * head.path(HTML).count("/")
    html = template("feed.html").render(head=head, path=head.path(HTML), base=root, root="", cards=_CARDS)
    before, _, after = html.partition(_CARDS)
    return Around(before.encode(), b"", after.encode())
