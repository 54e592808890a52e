"""Keys and bytes in an object store, with time limits and retries; whatever goes wrong is one StorageError.

A request that fails for the moment (503 SlowDown, a connection that breaks) is repeated by obstore, at growing
intervals. A put that may only create is repeated, too: when the first one came through and only its answer was lost,
the second one finds the object there, which is what was wanted.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from feedarchiver.errors import StorageError, UsageError
from feedarchiver.s3.address import Address

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

_T = TypeVar("_T")
_R = TypeVar("_R")
_AT_ONCE = 16
_LARGE_BYTES = 16_000_000  # from here on in parts, each with a time limit of its own
_PART_BYTES = 8_000_000
_REMOVED_AT_ONCE = 1_000
_RETRIES = 8  # half a minute in all
_BROKEN_OFF, _BROKEN_OFF_TIMES = "response body", 3
_CODE = re.compile(r"<Code>(\w+)</Code>|status code: (\d{3})")
_REASONS = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidAccessKeyId": "the credentials are wrong",
    "SignatureDoesNotMatch": "the credentials are wrong",
    "ExpiredToken": "the credentials have expired",
    "AccessDenied": "these credentials may not do that",
    "RequestTimeTooSkewed": "the clock of this machine is wrong, the store says",
    "SlowDown": "the store is too busy",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION",
    "QuotaExceeded": "the quota is used up",
    "401": "the store wants credentials",
    "403": "these credentials may not do that, or the clock of this machine is wrong",
    "503": "the store is too busy",
}


class Listed(NamedTuple):
    """An object in a listing. `tag` changes with its bytes; where the store encrypts nothing, it is their MD5."""

    key: str
    length: int
    tag: str


class Remote:
    """The keys below an address. What is asked several at a time may be asked from several threads."""

    def __init__(self, store: "ObjectStore", place: str) -> None:
        self._store, self._place = store, place

    @classmethod
    def connect(cls, address: Address, retries: int = _RETRIES) -> Self:
        """Make ready to ask the store; nothing is asked yet. Raises UsageError."""
        try:
            from obstore.exceptions import BaseError
            from obstore.store import S3Store
        except ImportError:
            raise UsageError(f"{address} needs obstore: install feedarchiver[s3]; nothing was done") from None
        from feedarchiver import __version__
        from feedarchiver.s3.credentials import settings

        config = settings(os.environ, address.endpoint)
        client: ClientConfig = {
            "allow_http": config.get("aws_endpoint", "").startswith("http://"),
            "connect_timeout": "5s",
            "timeout": "2m",
            "user_agent": f"feedarchiver/{__version__}",
        }
        pauses = {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=10), "base": 2}
        retry: RetryConfig = {
            "max_retries": retries,
            "retry_timeout": timedelta(minutes=2),
            "backoff": pauses,  # type: ignore[typeddict-item]
        }
        try:
            store = S3Store(
                address.bucket,
                prefix=address.prefix or None,
                config=config,  # type: ignore[arg-type]
                client_options=client,
                retry_config=retry,
            )
        except (BaseError, ValueError) as error:
            raise UsageError(f"{address} cannot be used: {_first_line(error)}; nothing was done") from error
        return cls(store, str(address))

    def get(self, key: str) -> bytes | None:
        """Read an object. None: it is not there. Raises StorageError."""
        from obstore.exceptions import GenericError

        broken = 0
        with self._asking("read", key):
            while True:
                try:
                    return bytes(self._store.get(key).bytes())
                except FileNotFoundError as error:
                    self._check_bucket(error)
                    return None
                except GenericError as error:
                    broken += 1
                    _check_broken_off(error, broken)

    def length(self, key: str) -> int | None:
        """Tell how many bytes an object has. None: it is not there. Raises StorageError."""
        with self._asking("read", key):
            try:
                return self._store.head(key)["size"]
            except FileNotFoundError:
                return None

    def made(self, key: str) -> str | None:
        """Tell when an object was stored, by the store's own clock. None: it is not there. Raises StorageError."""
        with self._asking("read", key):
            try:
                return self._store.head(key)["last_modified"].isoformat()
            except FileNotFoundError:
                return None

    def create(self, key: str, data: bytes) -> bool:
        """Store an object unless there is one. Returns whether there was none. Raises StorageError.

        A store that does not know such a condition overwrites what is there.
        """
        from obstore.exceptions import AlreadyExistsError, GenericError

        if len(data) > _LARGE_BYTES:  # parts cannot be put on this condition
            if self.length(key) is not None:
                return False
            with self._asking("write", key):
                self._store.put(key, data, chunk_size=_PART_BYTES)
            return True
        with self._asking("write", key):
            try:
                self._store.put(key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
            except GenericError:  # nobody answered in time
                if not self._holds(key, len(data)):
                    raise
        return True

    def put(self, key: str, data: bytes, headers: dict[str, str]) -> str:
        """Store an object in the place of what may be there, to be served with `headers`. Returns its tag."""
        with self._asking("write", key):
            return self._store.put(key, data, attributes=headers, use_multipart=False)["e_tag"] or ""

    def remove(self, keys: Iterable[str]) -> None:
        """Take objects away, or see that they are not there. Raises StorageError."""
        left = list(keys)
        for first in range(0, len(left), _REMOVED_AT_ONCE):
            with self._asking("remove", left[first]):
                self._store.delete(left[first : first + _REMOVED_AT_ONCE])

    def list(self, folder: str | None = None, after: str | None = None) -> Iterator[Listed]:
        """List what lies below a folder, a page at a time, in the order of the keys. Raises StorageError.

        `after`: only keys behind that one.
        """
        from obstore.exceptions import GenericError

        last, broken = after, 0
        with self._asking("list", folder or ""):
            while True:
                try:
                    for page in self._store.list(folder, offset=last, chunk_size=1_000):
                        for meta in page:
                            last, broken = meta["path"], 0
                            yield Listed(last, meta["size"], meta["e_tag"] or "")
                except GenericError as error:
                    broken += 1
                    _check_broken_off(error, broken)
                else:
                    return

    def is_empty(self) -> bool:
        """Tell whether there is nothing at all. Raises StorageError."""
        return next(self.list(), None) is None

    def together(self, task: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
        """Do a task for each item, several at a time, and give what came of each in the order of the items."""
        from concurrent.futures import Future, ThreadPoolExecutor

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting: deque[Future[_R]] = deque()
            try:
                for item in items:
                    waiting.append(pool.submit(task, item))
                    if len(waiting) > 2 * _AT_ONCE:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    @contextmanager
    def _asking(self, what: str, key: str) -> Iterator[None]:
        """Say in one line what the store, or the way to it, has against a request."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise StorageError(what, f"{self._place}/{key}".rstrip("/"), _reason(error), _KEPT) from error

    def _holds(self, key: str, length: int) -> bool:
        """Tell whether an object is there after all, whose storing was not answered."""
        with suppress(StorageError):
            return self.length(key) == length
        return False

    def _check_bucket(self, error: FileNotFoundError) -> None:
        """Pass on that it is the bucket that is not there."""
        if "NoSuchBucket" in str(error):
            raise error


_KEPT = "nothing lost, run again when it is mended"


def _reason(error: Exception) -> str:
    """Find the reason in what obstore says: the store's own code for it, else that nobody answers."""
    said = str(error)
    if "/latest/" in said:  # where machines in Amazon's cloud ask for theirs
        return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    codes = [code for found in _CODE.findall(said) for code in found if code]
    codes.sort(key=str.isdigit)
    for code in codes:
        if code in _REASONS:
            return f"{_REASONS[code]} ({code})"
    if codes:
        return f"the store answers {codes[0]}"
    if _BROKEN_OFF in said:
        return "the store's answer breaks off"
    if "error sending request" in said or "error decoding response" in said:
        return "the store does not answer"
    return _first_line(error)


def _check_broken_off(error: Exception, times: int) -> None:
    """Pass an error on, but for an answer that broke off: only of those does obstore not ask again by itself."""
    if _BROKEN_OFF not in str(error) or times > _BROKEN_OFF_TIMES:
        raise error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip()
