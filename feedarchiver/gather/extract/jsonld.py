"""What a page's JSON-LD says of its article, also where it is not quite JSON.

Vocabulary: schema.org Article and what derives from it, alone, in a list, in @graph, or as a page's mainEntity.
Broken texts are mended (raw line breaks, trailing commas, false escapes); where that is not enough, single strings are
taken out of them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from feedarchiver.urls import canonical

Node = dict[str, Any]

_KINDS = ("Article", "Posting", "Report")
_PAGES = ("WebPage", "ItemPage")
_INSIDE = ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "item")
_DEPTH = 5
_MOST = 2_000
_OPENING = re.compile(r"(?://|/\*)?[ \t]{0,9}(?:<!\[CDATA\[|<!--)(?:[ \t]{0,9}(?://|\*/))?")
_CLOSING = re.compile(r"(?:(?://|/\*)[ \t]{0,9})?(?:\]\]>|-->)(?:[ \t]{0,9}\*/)?;?\Z|;\Z")
_COMMA = re.compile(r",(?=\s*[\]}])")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_TYPE = re.compile(r'"@type"\s*:\s*\[?\s*"[A-Za-z:/.]*(?:Article|Posting)"')
_STRING = re.compile(
    r'"(headline|datePublished|dateModified|inLanguage|articleBody|description|isAccessibleForFree)"'
    r'\s*:\s*"((?:[^"\\]|\\.){0,200000}+)"',
    re.DOTALL,
)


def article(texts: tuple[str, ...], url: str) -> Node | None:
    """Return the article that the page at `url` is about; of several, the one that says this address, else the first.

    What it refers to by @id stands in its place. What only the page says (dates, language) is the article's, too.
    """
    nodes = [node for text in texts for node in _nodes(_read(text), 0)][:_MOST]
    named = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    articles = [node for node in nodes if _is(node, _KINDS)]
    if not articles:
        return None
    own = canonical(url)
    chosen = next((node for node in articles if any(canonical(said) == own for said in _addresses(node))), articles[0])
    page = next((node for node in nodes if _is(node, _PAGES)), {})
    of_page = {key: page[key] for key in ("datePublished", "dateModified", "inLanguage") if key in page}
    return {key: _resolved(value, named) for key, value in (of_page | chosen).items()}


def texts(value: object) -> list[str]:
    """Take the names or texts out of a value: a string, a thing with a name, or a list of either."""
    if isinstance(value, list):
        return [text for one in value[:_MOST] if not isinstance(one, list) for text in texts(one)]
    if isinstance(value, dict):
        value = value.get("name") or value.get("@value")
    return [value.strip()] if isinstance(value, str) and value.strip() else []


def _read(text: str) -> object:
    text = _OPENING.sub("", text.strip(), count=1)
    for _ in range(2):
        text = _CLOSING.sub("", text).rstrip()
    for mend in (str, _mended):
        try:
            return json.loads(mend(text), strict=False)
        except (ValueError, RecursionError):
            continue
    if not _TYPE.search(text):
        return None
    return {"@type": "Article"} | {key: _unescaped(said) for key, said in reversed(_STRING.findall(text))}


def _mended(text: str) -> str:
    text = _ESCAPE.sub(lambda found: found[0] if found[1][0] in '"\\/bfnrtu' else found[1], text)
    return _COMMA.sub("", text)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{_mended(text)}"', strict=False))
    except ValueError:
        return text


def _nodes(told: object, level: int) -> Iterator[Node]:
    """Walk through what may be articles or pages, outermost first; not through what an article names."""
    if isinstance(told, list):
        for one in told[:_MOST]:
            if isinstance(one, dict):
                yield from _nodes(one, level + 1)
    elif isinstance(told, dict) and level <= _DEPTH:
        yield told
        if not _is(told, _KINDS):
            for key in _INSIDE:
                yield from _nodes(told.get(key), level + 1)


def _is(node: Node, endings: tuple[str, ...]) -> bool:
    kind = node.get("@type")
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(one, str) and one.endswith(endings) for one in kinds)


def _addresses(node: Node) -> Iterator[str]:
    for value in (node.get("url"), node.get("mainEntityOfPage"), node.get("@id")):
        said = value.get("@id") if isinstance(value, dict) else value
        if isinstance(said, str):
            yield said.partition("#")[0]


def _resolved(value: object, named: dict[str, Node]) -> object:
    """Put what an @id refers to in the place of the reference."""
    if isinstance(value, list):
        return [_resolved(one, named) for one in value[:_MOST] if not isinstance(one, list)]
    if isinstance(value, dict) and isinstance(value.get("@id"), str) and "name" not in value and "url" not in value:
        return named.get(value["@id"], value)
    return value
