"""Everything that can go wrong in a way a person must hear of.

    FeedarchiverError            one line: what, where, why, what was kept
    ├── ConfigError              the configuration is wrong; carries every problem (exit status 2)
    ├── UsageError               the command line asks for something that is not there (exit status 2)
    ├── SeedRefused              one seed file cannot be taken; the rest goes on (exit status 3)
    ├── ImageRefused             one image cannot be taken; the rest goes on (exit status 3)
    ├── ArchiveError             the archive cannot be used as it is
    │   ├── ArchiveInUse         another process writes to it; trying again later helps
    │   ├── NewerIndex           another version of this program has made its index; this one is to be updated
    │   ├── DamagedObject        an object's bytes do not match its name
    │   │   └── UnreadableObject the disk has an error where they lie; the rest of it may be well
    │   └── MissingObject        an object that something refers to is not there
    └── StorageError             the disk is full, read-only or failing; trying again may help

A bug is none of these and propagates. Errors carry their fields as `args`, so they survive pickling.
"""

import errno

_UNPRINTABLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_INVISIBLE = (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
_UNPRINTABLE |= {code: f"\\u{code:04x}" for code in (*_INVISIBLE, *range(0xD800, 0xE000))}


def one_line(text: str) -> str:
    """Escape control, bidirectional and zero-width characters and lone surrogates: `text` stays one honest line."""
    return text.translate(_UNPRINTABLE)


class FeedarchiverError(Exception):
    """The root of the tree above."""

    exit_status = 1


class ConfigError(FeedarchiverError):
    """Every problem of a configuration, one line each, each with its place."""

    exit_status = 2

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class UsageError(FeedarchiverError):
    """The command line names something that is not there."""

    exit_status = 2


class SeedRefused(FeedarchiverError):
    """One seed file cannot be taken, for `reason`; it is left as it is."""

    exit_status = 3

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ImageRefused(FeedarchiverError):
    """One image cannot be taken, for `reason`; it is left where it is."""

    exit_status = 3

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ArchiveError(FeedarchiverError):
    """The archive cannot be used as it is."""


class ArchiveInUse(ArchiveError):
    """Another process holds the archive's lock."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder

    def __str__(self) -> str:
        return f"the archive is in use by {self.holder}; nothing was done; try again when it has finished"


class NewerIndex(ArchiveError):
    """The index, which machines share, was made by a version of this program that is newer."""

    def __init__(self, index: str) -> None:
        super().__init__(index)
        self.index = index

    def __str__(self) -> str:
        return (
            f"the index {self.index} was made by a newer feedarchiver; update this one, or, to go back to it on all "
            "machines, call `feedarchiver reindex`; nothing was done"
        )


class Crossed(ArchiveError):
    """Another writer was in the way of a batch: nothing of it was stored, and it is to be done again."""

    def __str__(self) -> str:
        return "another process added to the same articles; nothing was done; try again"


class DamagedObject(ArchiveError):
    """The bytes of an object do not match its name."""

    def __init__(self, object_id: str, title: str | None = None) -> None:
        super().__init__(object_id, title)
        self.object_id, self.title = object_id, title

    def __str__(self) -> str:
        named = f' ("{self.title}")' if self.title else ""
        return f"object {self.object_id}{named} is damaged; it was left as it is; restore it from a copy"


class UnreadableObject(DamagedObject):
    """The disk reports an error where the bytes of an object lie: whoever wants them does as if they were damaged."""

    def __str__(self) -> str:
        named = f' ("{self.title}")' if self.title else ""
        return (
            f"object {self.object_id}{named} cannot be read: the disk reports an error; it was left as it is; "
            "restore it from a copy"
        )


class MissingObject(ArchiveError):
    """An object that something refers to is not in the archive."""

    def __init__(self, object_id: str, title: str | None = None) -> None:
        super().__init__(object_id, title)
        self.object_id, self.title = object_id, title

    def __str__(self) -> str:
        named = f' ("{self.title}")' if self.title else ""
        return f"object {self.object_id}{named} is missing; restore it from a copy"


class StorageError(FeedarchiverError):
    """A file could not be written or read: what was tried, where, and why."""

    def __init__(self, what: str, path: str, reason: str, kept: str) -> None:
        super().__init__(what, path, reason, kept)
        self.what, self.path, self.reason, self.kept = what, path, reason, kept

    def __str__(self) -> str:
        return f"cannot {self.what} {self.path}: {self.reason}; {self.kept}"

    @classmethod
    def of(
        cls, error: OSError, what: str, path: str, kept: str = "nothing lost, run again when it is mended"
    ) -> "StorageError":
        """Name an OSError in the words a person needs."""
        reasons = {
            errno.ENOSPC: "no space left on the disk",
            errno.EDQUOT: "the disk quota is used up",
            errno.EROFS: "the file system is read-only",
            errno.EACCES: "permission denied",
            errno.EPERM: "permission denied",
            errno.EIO: "the disk reports an error",
        }
        said = error.strerror or str(error)
        if error.errno and said[1:2].islower():  # the system's own words, which stand within a line here
            said = f"{said[0].lower()}{said[1:]}"
        return cls(what, path, reasons.get(error.errno or 0, said), kept)
