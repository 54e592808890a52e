"""The index's file: opened, sealed, and made anew from the objects when it is not as its last writer left it.

Beside the file lies its *seal*: the size and time that the last writer left it with. SQLite notices a file that is
cut or scribbled over only where it happens to look; the seal notices it before anything is read. A writer breaks the
seal first and renews it last; a broken seal means a crash, and then SQLite's own recovery is to be trusted. No seal: no
index, or none to be trusted.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from feedarchiver.archive.batch import FileBatch
from feedarchiver.archive.bucket import Store
from feedarchiver.archive.index import Index
from feedarchiver.archive.indexdb import IndexDamaged, is_doubtful
from feedarchiver.archive.lock import locked
from feedarchiver.archive.pending import PendingFile
from feedarchiver.durable import sync_folder
from feedarchiver.errors import ArchiveError, StorageError

if TYPE_CHECKING:
    from feedarchiver.archive.archive import Archive
    from feedarchiver.archive.search import Search
    from feedarchiver.archive.writer import Writer

NAME = "index.db"
"""What an index is called where nobody says another name: a file of that name is one, whatever is left of it."""

_BROKEN = "being written\n"
_ALL = ("", "-journal", "-wal", "-shm")


class IndexFile:
    """Where the index lies, and how to get at it. Writing needs the archive's lock, which the caller holds.

    `owner`: which archive it is the index of, where that may change.
    """

    trouble = sqlite3.DatabaseError
    """What goes wrong where the index is not what it should be."""

    def __init__(self, path: Path, bucket: Store, owner: str = "") -> None:
        self.path = path
        self._bucket, self._owner = bucket, owner
        self._broken = f"{_BROKEN}{owner}"
        self._seal = path.with_name(f"{path.name}.seal")
        self._fresh = path.with_name(f"{path.name}.new")

    def reading(self) -> Index:
        """Open the index to read, made anew if need be: in memory where nothing can be written. Takes the lock then."""
        with suppress(IndexDamaged):
            return self._open(write=False)
        if not all(map(can_write, (self.path.parent, Path(self._bucket.root)))):
            from feedarchiver.archive.reindex import rebuild

            return rebuild(self._bucket, None)
        Path(self._bucket.root).mkdir(parents=True, exist_ok=True)
        with locked(Path(self._bucket.root)):
            with suppress(IndexDamaged):  # another process may have been quicker
                return self._open(write=False)
            self.rebuild()
            return self._open(write=False)

    @contextmanager
    def writing(self) -> Iterator[Index]:
        """Open the index to write, made anew if need be, and seal it at the end."""
        try:
            index = self._open(write=True)
        except IndexDamaged:
            self.rebuild()
            index = self._open(write=True)
        try:
            self._write_seal(self._broken)
            no_more(Path(self._bucket.root) / "index.seal")
            with suppress(OSError):  # a rebuild that was killed leaves much, but nothing in the way
                _unlink(self._fresh, *_ALL)
            yield index
            settled = index.settle()
        finally:
            index.close()
        if settled:
            self._write_seal(self._state())

    def recover(self, writer: "Writer") -> None:
        """Let a writer that holds the lock finish what another one has begun."""
        writer.recover()

    def is_settled(self) -> bool:
        """Tell whether others have left nothing: there are none."""
        return True

    def look(self) -> None:
        """Be told that somebody looks at all captures: nobody else could add one before."""

    def found(self) -> Index | None:
        """Open the index to look names up in, if it can be."""
        try:
            return Index.open(self.path)
        except IndexDamaged:
            return None

    def begun(self) -> set[str]:
        """Name the captures of a batch that is being stored, or was left."""
        return {*(PendingFile(self._bucket.root).read() or ())}

    def file(self, _scratch: Path) -> Path:
        """Tell which file to compare."""
        return self.path

    def search(self, archive: "Archive") -> "Search":
        """Have the search index, which lies beside the index."""
        from feedarchiver.archive.search import Search, file_at  # few commands search

        return Search(archive, file_at(self.path.with_name("search.db")))

    def ended(self, error: BaseException | None) -> None:
        """See whether what went wrong casts doubt on the index: then the next command makes it anew."""
        if is_doubtful(error):
            with suppress(OSError):
                _unlink(self._seal, "")

    def is_sealed(self) -> bool:
        """Tell whether there is an index that its last writer vouches for, or was writing when it was killed."""
        return self._seal.exists()

    def stands(self) -> bool:
        """Tell whether there is an index that is as its last writer left it."""
        with suppress(OSError, ValueError):
            return self._seal.read_text(encoding="ascii") == self._state()
        return False

    def size(self) -> int:
        """Tell how many bytes the index takes."""
        return sum(_bytes(self.path, end) for end in ("", "-wal", "-shm"))

    def rebuild(self) -> None:
        """Make the index anew from the objects and put it in the old one's place."""
        from feedarchiver.archive.reindex import rebuild

        self.replace(lambda path: rebuild(self._bucket, path))

    def replace(self, make: Callable[[Path], Index]) -> None:
        """Put the index that `make` makes in a file into the old one's place. Raises ArchiveError if that is none."""
        if not self._is_ours():
            raise ArchiveError(f"{self.path} is no index, and was left as it is; name another file; no article is lost")
        try:
            self._bucket.harden()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _unlink(self._fresh, *_ALL)
            index = make(self._fresh)
            index.settle()
            index.close()
            _unlink(self._seal, "")  # without it, nobody trusts the old index and what is left of its log
            sync_folder(str(self.path.parent))
            _unlink(self.path, "-wal", "-shm")
            os.replace(self._fresh, self.path)
            sync_folder(str(self.path.parent))
            self._write_seal(self._state())
        except OSError as error:
            raise StorageError.of(error, "rebuild the index", str(self.path)) from error

    def _is_ours(self) -> bool:
        """Tell whether nothing but an index would be overwritten: a configuration may name any file."""
        if self.path.name == NAME or self._seal.exists() or not os.path.lexists(self.path):
            return True
        try:
            if self.path.is_file() and not self.path.stat().st_size:
                return True
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
                db.execute("SELECT capture, fingerprint FROM captures LIMIT 0")
        except (sqlite3.Error, OSError):
            return False
        return True

    def _open(self, *, write: bool) -> Index:
        try:
            sealed = self._seal.read_text(encoding="ascii")
        except (OSError, ValueError):
            raise IndexDamaged(f"{self.path} has no seal") from None
        if sealed not in (self._broken, self._state()):
            raise IndexDamaged(f"{self.path} is not as its last writer left it")
        return (FileBatch if write else Index).open(self.path)

    def _state(self) -> str:
        try:
            state = os.stat(self.path)
        except OSError:
            return "missing\n"
        return f"{state.st_size} {state.st_mtime_ns}\n{self._owner}"

    def _write_seal(self, text: str) -> None:
        fresh = self._seal.with_name(f"{self._seal.name}.new")
        try:
            fresh.write_text(text, encoding="ascii")
            os.replace(fresh, self._seal)
        except OSError as error:
            raise StorageError.of(error, "seal the index", str(self.path)) from error


def _bytes(path: Path, end: str) -> int:
    try:
        return os.stat(f"{path}{end}").st_size
    except OSError:
        return 0


def no_more(seal: Path) -> None:
    """Take away the seal of an index in the other kind of place, which does not learn what is written to this one."""
    with suppress(OSError):
        if os.path.lexists(seal):
            seal.unlink()


def can_write(folder: Path) -> bool:
    """Tell whether files can be made in a folder, or in the one that it would have to be made in."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return os.access(existing, os.W_OK)


def _unlink(path: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
