"""Well-formed RSS and Atom 1.0 read on lxml: the quick way, for nearly every feed there is.

No DTD, no entity but XML's own, no network; libxml2 bounds depth at 256 levels and one text at 10 MB. What is not
well-formed, has a DOCTYPE or is another format is left to feedparser, which this reader is tested against.
"""

from collections.abc import Iterator

from lxml import etree

from feedarchiver.gather.feeds import entry
from feedarchiver.gather.feeds.document import ATOM, LANG, Document, Element
from feedarchiver.gather.feeds.elements import OF_FEEDS, collect
from feedarchiver.gather.feeds.entry import Head, Said
from feedarchiver.gather.feeds.parsed import ParsedFeed, Problems

_REBASES = etree.XPath("boolean(//@xml:base)")  # there are few elements, but many bytes


def read(data: bytes, url: str | None, problems: Problems, limit: int) -> ParsedFeed | None:
    """Read UTF-8, whatever it declares; None if another reader must."""
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=False,  # kept in the bytes of an entry
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs lack it
        return None
    document = Document(url=url, rebased=bool(_REBASES(root)))
    if root.tag == "rss":
        channels = [child for child in root if child.tag == "channel"]
        elements = [item for parent in (*channels, root) for item in parent if item.tag == "item"]
        head = _head(document, channels[0]) if channels else None
    elif root.tag.lower() == f"{ATOM}feed":
        elements = [child for child in root if child.tag.lower() == f"{ATOM}entry"]
        head = _head(document, root)
    elif root.tag.lower() == f"{ATOM}entry":  # a document of one entry
        elements, head = [root], Head(base=url)
    else:
        return None
    if head is None or not elements:  # empty, or in namespaces that only feedparser sees through
        return None
    return entry.feed(head, _entries(document, elements), problems, limit)


def _head(document: Document, element: Element) -> Head:
    """Read what a feed says of itself."""
    parent = element.getparent()
    language = element.get(LANG) or (parent.get(LANG) if parent is not None else None)
    head = Head(base=document.base(element) or document.url, language=language)
    for child in element:
        if read := OF_FEEDS.get(child.tag.lower()):
            read(document, head, child)
    return head


def _entries(document: Document, elements: list[Element]) -> Iterator[tuple[Said, bytes]]:
    for element in elements:
        said = Said(base=document.base(element), language=element.get(LANG))
        collect(document, said, element)
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)  # alone, it declares the namespaces it uses and no others
        yield said, etree.tostring(element, encoding="utf-8", with_tail=False)
