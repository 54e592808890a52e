"""The allow-list: what may stand in a feed, whatever stood in the article (nh3 decides, and decides last)."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import nh3

TAGS = frozenset(
    "a abbr address article aside audio b bdi bdo big blockquote br caption center cite code col colgroup dd del"  # noqa: SIM905 - one a line would fill a page
    " details dfn div dl dt em fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd legend li"
    " main mark menu nav ol p pre q rp rt ruby s samp section small source span strike strong sub summary sup table"
    " tbody td tfoot th thead time tr tt u ul var video wbr".split()
)
_ATTRIBUTES = {
    "*": frozenset(("lang", "dir")),
    "abbr": frozenset(("title",)),
    "a": frozenset(("href",)),
    "audio": frozenset(("src", "controls")),
    "col": frozenset(("span",)),
    "details": frozenset(("open",)),
    "img": frozenset(("src", "alt", "width", "height")),
    "li": frozenset(("value",)),
    "ol": frozenset(("start", "type", "reversed")),
    "source": frozenset(("src", "type")),
    "td": frozenset(("colspan", "rowspan")),
    "th": frozenset(("colspan", "rowspan", "scope")),
    "time": frozenset(("datetime",)),
    "video": frozenset(("src", "poster", "controls", "width", "height")),
}
# Some publishers' pictures are served only without a Referer, and their markup says so.
_VALUES = {"img": {"referrerpolicy": {"no-referrer"}}}

_EMPTY = re.compile(r"""<([a-z][a-z0-9]*+)(?: [a-z]+="[^"]*+")*+>((?:\s|&nbsp;|<br>)*+)</\1>""")
_SAYS_SOMETHING = TAGS - frozenset(
    "a abbr address article aside b bdi big blockquote center cite dd del details div dl dt em figcaption figure footer"  # noqa: SIM905
    " h1 h2 h3 h4 h5 h6 header i ins legend li main mark menu nav ol p q s section small span strike strong sub summary"
    " sup tt u ul".split()
)  # also without a content
_BLOCK = frozenset(
    "address article aside blockquote center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header"  # noqa: SIM905
    " legend li main menu nav ol p section summary ul".split()
)
_REFERENCES = 2_000
_CROWDED = re.compile(rf"""</?[a-z](?:[^<>"]|"[^"]*")*+>|(?:&[^<&]*+){{1,{_REFERENCES}}}+""")
_NAME = re.compile(r"</?[a-z][^\s/>]*")
_BARE_LINK = re.compile(r"<a>((?:(?!<a[ >]).)*?)</a>", re.DOTALL)
_SHELLS_IN_SHELLS = 12


@cache
def _cleaner() -> "nh3.Cleaner":
    import nh3  # a run with nothing new does without it

    return nh3.Cleaner(
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        tag_attribute_values=_VALUES,
        link_rel=None,
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
    )


def allowed(markup: str) -> str:
    """Reduce `markup`, which holds nothing that XML forbids, to what is allowed, and drop the elements left empty."""
    if markup.count("&") > _REFERENCES:  # each costs nh3 a copy of the text or value it stands in
        markup = _CROWDED.sub(_apart, markup)
    html = _cleaner().clean(markup)
    for _ in range(_SHELLS_IN_SHELLS):
        before, html = html, _EMPTY.sub(_space, html)
        if len(html) == len(before):
            break
    html = (_BARE_LINK.sub(r"\1", html) if "<a>" in html else html).strip()
    return _without_last_breaks(html) if html.endswith("<br>") else html


def _without_last_breaks(html: str) -> str:
    lines = html.split("<br>")
    while lines and not lines[-1].strip():
        lines.pop()
    return "<br>".join(lines).rstrip()


def _apart(found: re.Match[str]) -> str:
    """Divide a text of many references by empty comments, which do not stay; no value has as many."""
    part = found[0]
    if part[0] != "<":
        return f"{part}<!---->"
    return part if part.count("&") < _REFERENCES else f"{_NAME.match(part)[0]}>"  # type: ignore[index]


def _space(empty: re.Match[str]) -> str:
    if empty[1] in _SAYS_SOMETHING:
        return empty[0]
    return " " if empty[2] or empty[1] in _BLOCK else ""  # an empty block still keeps apart what stands round it
