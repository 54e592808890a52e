"""What there is in a body, found in one walk over its tree: what is not there need not be looked for one by one."""

from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

TELLING = ("class", "id", "aria-label", "data-e2e", "data-testid", "data-component")
"""The attributes whose values say what an element is for."""
_TELLING = frozenset(TELLING)
_HIDING = frozenset(("hidden", "style"))


class Survey(NamedTuple):
    """The names of all elements, the values of what is `TELLING`, the names of attributes that begin with `data-`.

    `hides`: some have an attribute that may hide them.
    """

    names: frozenset[str]
    values: frozenset[str]
    data: frozenset[str]
    hides: bool

    @classmethod
    def of(cls, body: "LexborNode") -> Self:
        """Walk over what is in `body`."""
        names: set[str] = set()
        values: set[str] = set()
        data: set[str] = set()
        hides = False
        for node in body.css("*"):
            names.add(node.tag or "")
            for name, value in node.attributes.items():
                if name in _TELLING:
                    values.add(value or "")
                if name in _HIDING:
                    hides = True
                elif name[:5] == "data-":
                    data.add(name)
        names.discard("body")
        return cls(frozenset(names), frozenset(values), frozenset(data), hides)
