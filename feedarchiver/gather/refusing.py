"""A document that is not what it was taken for: the refusal that all readers of the web share."""

from feedarchiver.errors import FeedarchiverError


class Unreadable(FeedarchiverError):
    """A document cannot be read as what it should be, for `reason`; nothing is taken from it."""

    exit_status = 3

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
