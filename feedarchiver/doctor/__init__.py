"""The doctor: what may keep this from working, looked for before somebody misses an article.

    places.py     folders, permissions, disks, the archive and its lock
    machine.py    clock, Python, SQLite, optional parts
    network.py    what leads to the web, and what readers reach

Nothing is changed, nobody on the web is asked. Each check says what it found and, if that needs somebody, what to do.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from feedarchiver.config import Config


class Finding(NamedTuple):
    """What a check found. `advice` of None: it is in order."""

    about: str
    told: str
    advice: str | None = None


def examine(config: Config, path: Path) -> Iterator[Finding]:
    """Do all checks that need a configuration: the one read from `path`."""
    from feedarchiver.doctor import machine, network, places

    yield from places.secret(config, path)
    yield from places.examine(config)
    yield from machine.clock(config)
    yield from network.examine(config)


def examine_machine() -> Iterator[Finding]:
    """Do the checks that need none."""
    from feedarchiver.doctor import machine

    yield from machine.parts()
