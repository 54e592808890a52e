"""Tasks for other processes: they load this, so it loads little itself."""

import os
import signal

from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.spread import spread
from feedarchiver.errors import MissingObject


def squared(number):
    """Tell, too, which process did it."""
    return number * number, os.getpid()


def missing(number):
    """Fail on the way."""
    if number == 700:
        raise MissingObject("f" * 64)
    return number


def killed(number):
    """End on the way."""
    if number == 700:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


class Large(FolderBucket):
    """A bucket with enough to do."""

    def spread(self, task, items):
        """Spread the task."""
        return spread(task, items, 100)
