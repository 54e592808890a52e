"""The status page: how archive and sources are, for whoever runs this. It is made when asked for, and only read."""

from importlib import resources

from feedarchiver.publish.site import page_path
from feedarchiver.publish.templating import template
from feedarchiver.server.knowing import Known
from feedarchiver.watching.room import size
from feedarchiver.watching.secrets import masked
from feedarchiver.watching.sources import Seen, State

PATH, STYLE = "status", "status.css"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
_FINE = (State.OK, State.DUE)


def page(known: Known, *, pages: bool) -> str:
    """Write the page. `pages`: whether there are pages for people to lead to."""
    seen = known.overview
    troubles = [masked(line) for line in known.trouble]
    sources: list[Seen] = []
    if seen is not None:
        troubles += [f"The disk of {room.name} is nearly full." for room in seen.rooms if room.is_low]
        if seen.verified and seen.verified.faults:
            faults = f"{seen.verified.faults:,} fault{'' if seen.verified.faults == 1 else 's'}"
            troubles.append(f"The last verification found {faults}. Restore what it named from a copy.")
        sources = sorted(seen.sources, key=lambda one: (one.state in _FINE, one.source.title.casefold(), one.source.id))
    return template("status.html").render(
        root="",
        path=PATH,
        style=STYLE,
        seen=seen,
        sources=sources,
        ill=sum(one.state not in _FINE for one in sources),
        troubles=troubles,
        jobs=known.facts.get("jobs"),
        workers=known.facts.get("workers"),
        pages=pages,
        page_path=page_path,
        size=size,
    )


def style() -> bytes:
    """Give the page's own style sheet; the rest of its look is that of all pages."""
    return (resources.files("feedarchiver.server") / STYLE).read_bytes()
