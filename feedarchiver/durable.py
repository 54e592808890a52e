"""Making files and names outlast a power cut: fsync one by one, or the whole file system at once when they are many.

Many fsyncs cost more than the writes they follow. syncfs(2) does the work of all of them in one call; it reports
errors since Linux 5.8, and is not used elsewhere.
"""

import errno
import os
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import cache

_MANY = 64
_REPORTS_ERRORS = (5, 8)


def sync_files(paths: Collection[str], root: str) -> None:
    """Make the bytes of files below `root` durable. Raises OSError."""
    if len(paths) < _MANY or not _sync_all(root):
        for path in paths:
            _sync(path, os.O_RDONLY)


def sync_folders(folders: Collection[str], root: str) -> None:
    """Make the names in folders below `root` durable. Raises OSError."""
    if len(folders) < _MANY or not _sync_all(root):
        for folder in folders:
            sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Make the names in `folder` durable. Raises OSError."""
    try:
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that cannot sync a folder say so
            raise


def make_folders(folders: Iterable[str]) -> None:
    """Make folders, outermost first, and their names durable: one that a crash left may not be so yet."""
    wanted = list(folders)
    for folder in wanted:
        with suppress(FileExistsError):
            os.mkdir(folder)
    for parent in sorted({os.path.dirname(folder) for folder in wanted}):
        sync_folder(parent)


def _sync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(descriptor)


def _sync_all(root: str) -> bool:
    """Make all of the file system that `root` lies in durable. False where that cannot be asked for."""
    syncfs = _syncfs()
    if syncfs is None:
        return False
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        syncfs(descriptor)
    except OSError as error:
        error.filename = root
        raise
    finally:
        os.close(descriptor)
    return True


@cache
def _syncfs() -> Callable[[int], None] | None:
    system = os.uname()
    release = tuple(int(part) for part in system.release.split("-")[0].split(".")[:2] if part.isdigit())
    if system.sysname != "Linux" or release < _REPORTS_ERRORS:
        return None
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is None:
        return None

    def syncfs(descriptor: int) -> None:
        if function(descriptor):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    return syncfs
