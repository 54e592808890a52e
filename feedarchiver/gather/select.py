"""A source's own CSS selectors (Selectors 4 as soupsieve reads them), and the pages they are applied to."""

from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.gather.dated import Writing

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_KEYS = ("items", "link", "title", "date", "content", "picture", "author")


class Select(NamedTuple):
    """Where on its pages a source has what.

    On a listing page each of `items` is an entry, and the others are looked for within it; an item may itself be what
    `link`, `title` or `date` means. On an article's page `content` is its text. What `remove` matches is taken out
    of both first. `writing` is how the dates are written.
    """

    items: str | None = None
    link: str | None = None
    title: str | None = None
    date: str | None = None
    content: str | None = None
    picture: str | None = None
    author: str | None = None
    remove: tuple[str, ...] = ()
    writing: Writing = Writing()

    def problems(self) -> tuple[str, ...]:
        """Name the selectors that cannot be read, for the one who wrote them."""
        from soupsieve import SelectorSyntaxError
        from soupsieve import compile as compiled

        said = [(key, getattr(self, key)) for key in _KEYS] + [("remove", selector) for selector in self.remove]
        found = []
        for key, selector in said:
            if selector is None:
                continue
            try:
                compiled(selector)
            except (SelectorSyntaxError, ValueError) as error:
                found.append(f"select.{key}: {selector!r} is no CSS selector: {str(error).splitlines()[0]}")
        return tuple(found)


def soup(markup: str, remove: tuple[str, ...] = ()) -> "BeautifulSoup":
    """Parse the bounded `markup` of a Page for selecting; without what `remove` matches."""
    from bs4 import BeautifulSoup

    tree = BeautifulSoup(markup, "lxml")
    for selector in remove:
        for element in tree.select(selector):
            if not element.decomposed:
                element.decompose()
    return tree


def outermost(elements: "list[Tag]") -> "list[Tag]":
    """Leave out elements within others of the list."""
    chosen = {id(element) for element in elements}
    return [element for element in elements if not any(id(parent) in chosen for parent in element.parents)]
