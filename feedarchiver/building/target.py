"""Where feeds are published, and what publishing them came to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from feedarchiver.s3.address import Address

Advance = Callable[[str], None]
"""Called with the name of each thing done, for whoever shows progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where feeds are published: a folder, the address that it is reached at, the title of it all.

    `bucket`: where the folder is copied to, if anywhere.
    A page holds `size` events. `languages`: those of the sources that have one, for articles that do not say theirs.
    `pages`: whether there are pages for people. `archived_images`: whether stored copies of images are published too,
    and shown instead of the originals. `hub`: the address of the WebSub hub that feeds name.
    """

    folder: Path
    base_url: str
    title: str
    size: int
    languages: tuple[tuple[str, str], ...] = ()
    pages: bool = True
    archived_images: bool = False
    hub: str | None = None
    bucket: Address | None = None


@dataclass(slots=True)
class Built:
    """What a build came to. `faults`: one line for each entry that could not be published.

    `prepared`: how many articles others had made something of before. `is_full`: the disk had no room for more.
    """

    feeds: int = 0
    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    prepared: int = 0
    is_full: bool = False
