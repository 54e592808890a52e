"""Who finds the text of an article in a page that nobody has described: readability-lxml and trafilatura.

Measured on tests/data/extract: see tests/test_extract.py. Both get a tree of ours, so neither decodes, fetches or reads
metadata; what they fail at is the other's chance, never the end of a run.
"""

import logging
import re

from lxml import etree

from feedarchiver.gather.extract.page import Element
from feedarchiver.words import UNSPACED

READABILITY, TRAFILATURA = "readability", "trafilatura"

_UNSPACED = re.compile(rf"[{UNSPACED}]")
_SAMPLE = 20_000
_LETTER = re.compile(r"[^\W\d_]")
_SHELL = re.compile(r"\A\s*<html>\s*<body>|</body>\s*</html>\s*\Z")
# All seen of third parties on odd trees.
_FAILURES = (
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RecursionError,
    etree.LxmlError,
)

logging.getLogger("readability").addHandler(logging.NullHandler())  # it prints what it fails at


def order(text: str) -> tuple[str, str]:
    """Say who finds text like this better, and who is asked if that one fails."""
    letters = _LETTER.findall(text[:_SAMPLE])
    unspaced = len(_UNSPACED.findall(text[:_SAMPLE]))
    return (READABILITY, TRAFILATURA) if unspaced * 5 > len(letters) else (TRAFILATURA, READABILITY)


def found(name: str, root: Element, url: str) -> str | None:
    """Return the HTML of the text that the finder `name` finds; "" for none, None where it is not installed."""
    try:
        return _readability(root) if name == READABILITY else _trafilatura(root, url)
    except _FAILURES:
        return ""


def _readability(root: Element) -> str:
    from readability import Document

    html: str = Document(root).summary(html_partial=True)
    return html


def _trafilatura(root: Element, url: str) -> str | None:
    try:
        from trafilatura import extract
    except ImportError:
        return None
    html = extract(
        root,
        url=url,
        output_format="html",
        include_comments=False,
        include_formatting=True,
        include_images=True,
        include_links=True,
    )
    return _SHELL.sub("", html or "").replace("<pre><pre>", "<pre>").replace("</pre></pre>", "</pre>")
