"""What there is in a body, found in one walk over its tree: what is not there need not be looked for one by one."""

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

TELLING = ("class", "id", "aria-label", "data-e2e", "data-testid", "data-component")
"""The attributes whose values say what an element is for."""
_TELLING = frozenset(TELLING)
_HIDING = frozenset(("hidden", "style"))
_UNREAD = frozenset(("-comment", None))  # None: an instruction
_NAME, _ATTRIBUTES = attrgetter("tag"), attrgetter("attributes")


class Survey(NamedTuple):
    """The names of all elements, the values of what is `TELLING`, the names of attributes that begin with `data-`.

    `links`: what each `<a>` says as its address, "" for nothing. `hides`: some have an attribute that may hide them.
    `notes`: there are comments or instructions.
    """

    names: frozenset[str]
    values: frozenset[str]
    data: frozenset[str]
    links: frozenset[str]
    hides: bool
    notes: bool

    @classmethod
    def of(cls, body: "LexborNode") -> Self:
        """Walk over what is in `body`."""
        nodes = list(body.traverse())
        tags, attributes = list(map(_NAME, nodes)), list(map(_ATTRIBUTES, nodes))
        names = frozenset(tags)
        said = frozenset[str]().union(*attributes)  # most have none
        return cls(
            names - _UNREAD - {"body"},
            frozenset([one[name] or "" for name in said & _TELLING for one in attributes if name in one]),
            frozenset([name for name in said if name.startswith("data-")]),
            frozenset([one.get("href") or "" for tag, one in zip(tags, attributes, strict=True) if tag == "a"]),
            not said.isdisjoint(_HIDING),
            not names.isdisjoint(_UNREAD),
        )


def notes(body: "LexborNode") -> "list[LexborNode]":
    """List the comments and instructions."""
    return [node for node in body.traverse() if node.tag in _UNREAD]
