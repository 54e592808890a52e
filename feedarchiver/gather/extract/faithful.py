"""What a finder found, in the publisher's own markup.

Finders write the text anew or thin it out: ordered lists lose their numbers, cells their spans, pictures the block they
stand in. So the text is looked up in the page, and the part of the page that says just that is taken instead, where
there is one, with the paragraphs in it that look like all the others and were left out.
"""

import copy
from collections import Counter

from feedarchiver.gather.extract.page import Element
from feedarchiver.gather.extract.prepared import inner, written

_INLINE = frozenset(
    "a abbr b bdi bdo big br cite code data del dfn em font i img ins kbd mark q rp rt ruby s samp small span strike"  # noqa: SIM905 - one a line would fill a page
    " strong sub sup time tt u var wbr".split()
)
_MOST_WORK = 200_000_000  # characters looked at, at the worst
_MOSTLY = 0.97
_LIKE_OTHERS = 3
_SENTENCE = 15
_LONGEST = 200


def restored(html: str, text: str, root: Element) -> str:
    """Return the part of the page's prepared tree that says `text`, without what else stands in it; else `html`."""
    told = "".join(text.split())
    body = copy.deepcopy(root.find("body"))
    leaves = {leaf: "".join(leaf.text_content().split()) for leaf in body.iter() if _is_leaf(leaf)}
    if len(told) * len(leaves) > _MOST_WORK:
        return html
    weights: Counter[Element] = Counter()
    strange = []
    for leaf, words in leaves.items():
        if words and words in told:
            weights.update(dict.fromkeys([leaf, *leaf.iterancestors()], len(words)))
        elif words:
            strange.append(leaf)
    part = body
    while heavy := [child for child in part if weights[child] >= weights[body] * _MOSTLY > 0]:
        part = heavy[0]
    shapes = Counter(_shape(leaf, part) for leaf in leaves if weights[leaf])
    more = 0
    for leaf in strange:
        shape = _shape(leaf, part)
        if shapes[shape] >= _LIKE_OTHERS and len(leaves[leaf]) >= _SENTENCE and next(leaf.iter("a"), None) is None:
            more += len(leaves[leaf])
        elif shape:
            _take_out(leaf, part, weights)
    said = len("".join(part.text_content().split())) - more
    if not _MOSTLY * len(told) <= said <= len(told) / _MOSTLY:
        return html
    return written(part) if _is_leaf(part) else inner(part)


def _is_leaf(element: Element) -> bool:
    """Tell whether an element is a block that holds no other."""
    return element.tag not in _INLINE and all(child.tag in _INLINE for child in element.iterdescendants())


def _shape(leaf: Element, part: Element) -> tuple[str, ...]:
    """Describe the way from `part` down to a block; empty for one that is not in it."""
    shape = []
    while leaf is not None and leaf is not part:
        shape.append(f"{leaf.tag} {leaf.get('class') or ''}"[:_LONGEST])
        leaf = leaf.getparent()
    return () if leaf is None else tuple(shape)


def _take_out(leaf: Element, part: Element, weights: "Counter[Element]") -> None:
    """Take a block out of `part`, and with it what stands round it and says nothing else."""
    while (parent := leaf.getparent()) is not None and parent is not part and not weights[parent]:
        leaf = parent
    if parent is not None:
        leaf.drop_tree()
