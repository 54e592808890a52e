"""A file read as what it is: a seed, or a feed that somebody kept (RSS, Atom or JSON Feed)."""

from feedarchiver.errors import SeedRefused
from feedarchiver.model import Received

_SEED = b"<!--"
_BOM = b"\xef\xbb\xbf"
_SNIFFED = 1024


def received(data: bytes, *, source: str, name: str) -> tuple[Received, ...]:
    """Read a file's bytes as the articles they hold. `name`: its path below its folder. Raises SeedRefused."""
    start = data[:_SNIFFED].removeprefix(_BOM).lstrip()
    if start[:1] in (b"<", b"{") and not start.startswith(_SEED):
        return _feed(data, source, name)
    from feedarchiver.gather.seeds import parse

    article, warnings = parse(data)
    return (Received(article=article, raw=data, source=source, url=name, warnings=warnings),)


def _feed(data: bytes, source: str, name: str) -> tuple[Received, ...]:
    from feedarchiver.gather import feeds

    try:
        feed = feeds.parse(data)
    except feeds.NotAFeed as refused:
        raise SeedRefused(f"neither a seed nor a feed: {refused.reason}") from refused
    if not feed.entries:
        raise SeedRefused("; ".join(("a feed without an article that can be kept", *feed.problems)))
    first, *rest = feed.entries
    return (
        Received(article=first.article, raw=first.raw, source=source, url=name, warnings=feed.problems),
        *(Received(article=entry.article, raw=entry.raw, source=source, url=name) for entry in rest),
    )
