"""What the folders of feeds are called.

Feed folders stand beside files and pages of the published folder, on disks that may not tell BBC from bbc, and their
addresses never move. So a name depends on nothing but the id, and no two ids share one.
"""

import hashlib
import re
import unicodedata

from feedarchiver.config.checks import shown, text

# No dot: files of the published folder have one, so a feed's folder can never stand in a file's way.
_SAFE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_HASHED = re.compile(r".*-[0-9a-f]{12}")
_HASH_DIGITS = 12
_READABLE = 40
# Folders that the published folder holds or will hold beside the feeds, and Windows' devices.
_TAKEN = {"articles", "assets", "images", "search", "status"}
_TAKEN |= {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def folder_name(value: object) -> str:
    """Check the id of a [[feed]], which is its folder's name as it stands. Raises ValueError."""
    name = text(value)
    if not _SAFE.fullmatch(name):
        raise ValueError(f"{shown(name)} cannot name a folder: use a-z, 0-9, '-' and '_', at most 64")
    if name in _TAKEN:
        raise ValueError(f"{shown(name)} is taken by a folder that is no feed")
    return name


def slug(source_id: str) -> str:
    """Name the folder of a source's own feed: the id itself where that is safe, else its letters and a hash.

    An id that already looks hashed is hashed again, so that no id can be given the name of another.
    """
    if _SAFE.fullmatch(source_id) and source_id not in {*_TAKEN, "all"} and not _HASHED.fullmatch(source_id):
        return source_id
    ascii_text = unicodedata.normalize("NFKD", source_id).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9]+", "-", ascii_text)[:_READABLE].strip("-")
    digest = hashlib.sha256(source_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{readable or 'source'}-{digest[:_HASH_DIGITS]}"
