"""What there is in a body, found in one walk over its tree: what is not there need not be looked for one by one."""

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

TELLING = ("class", "id", "aria-label", "data-e2e", "data-testid", "data-component")
"""The attributes whose values say what an element is for."""
_TELLING = frozenset(TELLING)
_HIDING = frozenset(("hidden", "style"))
_NO_ELEMENTS = frozenset(("body", "-comment", None))
_NAME, _ATTRIBUTES = attrgetter("tag"), attrgetter("attributes")


class Survey(NamedTuple):
    """The names of all elements, the values of what is `TELLING`, the names of attributes that begin with `data-`.

    `links`: what each `<a>` says as its address, "" for nothing. `hides`: some have an attribute that may hide them.
    """

    names: frozenset[str]
    values: frozenset[str]
    data: frozenset[str]
    links: frozenset[str]
    hides: bool

    @classmethod
    def of(cls, body: "LexborNode") -> Self:
        """Walk over what is in `body`."""
        nodes = list(body.traverse())
        tags = list(map(_NAME, nodes))
        values: set[str] = set()
        data: set[str] = set()
        links: set[str] = set()
        hides = False
        for tag, attributes in zip(tags, map(_ATTRIBUTES, nodes), strict=True):
            if tag == "a":
                links.add(attributes.get("href") or "")
            for name, value in attributes.items() if attributes else ():  # most have none
                if name in _HIDING:
                    hides = True
                elif name in _TELLING:
                    values.add(value or "")
                if name[:5] == "data-":
                    data.add(name)
        return cls(frozenset(tags) - _NO_ELEMENTS, frozenset(values), frozenset(data), frozenset(links), hides)
