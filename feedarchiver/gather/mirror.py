"""Images out of a folder whose paths are their addresses: `<host>/<path>`, as `wget -x`, `wget -r` and HTTrack save.

`img.example.org/2023/a.jpg` is the copy of `https://img.example.org/2023/a.jpg` (whether it was http or https is not
asked later); what follows a `?` in a name is the query. What wget has escaped in a name stays as it is, other bytes
are percent-encoded. Links in the folder are followed within it, names that begin with a dot passed over.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from feedarchiver import urls
from feedarchiver.errors import SeedRefused
from feedarchiver.gather.folder import SeedFile, read, scan
from feedarchiver.imagefile import LIMIT_BYTES, sniffed
from feedarchiver.model import Refusal

_NAMED_LIKE_ONE = re.compile(r"\.(?:avif|bmp|gif|jpe?g|jpe|jfif|png|webp)(?:$|[?@])", re.IGNORECASE)
_HOST = re.compile(rb"(?:[^/?]+\.[^/?.]*[^/?.\d][^/?.]*|\d+(?:\.\d+){3}|localhost)(?::\d+)?/", re.IGNORECASE)
_SAFE = "/%!$&'()*+,;=:@~"


class Saved(NamedTuple):
    """A file that begins or is called like an image, and the address that it was saved from."""

    place: str
    url: str
    data: bytes


def images(folder: Path) -> Iterator[Saved | Refusal | None]:
    """Walk `folder` in the order of names, and give what may be images. None: a file that is none was passed over."""
    for file in scan(folder, ""):
        if isinstance(file, Refusal):
            yield file
            continue
        wanted = _NAMED_LIKE_ONE.search(file.name) is not None
        try:
            data = read(file, LIMIT_BYTES)
        except SeedRefused as error:
            yield Refusal(place=file.place, reason=error.reason) if wanted else None
            continue
        if not wanted and not sniffed(data):
            yield None
            continue
        url = _address(file)
        if url:
            yield Saved(file.place, url, data)
        else:
            reason = "its path is no address; lay images out as wget -x does: <host>/<path>"
            yield Refusal(place=file.place, reason=reason)


def _address(file: SeedFile) -> str | None:
    """Read the path of a file below its folder as an address. None: it begins with no host."""
    below = file.path.removeprefix(f"{file.folder}/") if file.path.startswith(f"{file.folder}/") else file.name
    name = os.fsencode(below)
    host = _HOST.match(name)
    if host is None:
        return None
    path, asked, query = name[host.end() :].partition(b"?")
    said = quote(path, safe=_SAFE) + ("?" + quote(query, safe=f"{_SAFE}?") if asked else "")
    return urls.encoded(f"https://{os.fsdecode(host[0])}{said}")
