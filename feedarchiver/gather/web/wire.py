"""Sockets: the one place where a connection is made, and every byte of it is counted against one errand.

A name is resolved when it is dialled, every address that comes out is judged, and the judged address itself is
connected to: the name is not asked again in between, and is asked again for the next connection. A timeout of a socket
starts anew with each byte; so each read here is given what is left of the errand's time, and of its bytes.

requests and urllib3 lie between the client and these sockets and hand nothing through, so the errand that a thread is
on stands in the thread.
"""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Thread, local
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from feedarchiver.gather.web.addresses import forbidden
from feedarchiver.gather.web.allowed import Places, covers
from feedarchiver.gather.web.exchange import Kind, Stopped

Found = list[tuple[Any, ...]]
"""What socket.getaddrinfo returns."""
Resolve = Callable[[str, int], Found]

_HEADERS_BYTES = 65_536
_CONNECT_S = 10.0  # for each address of a name: the next one may answer


class Errand:
    """What one exchange may still cost, and where it may go."""

    __slots__ = ("allow_private", "came_bytes", "deadline", "dialled", "in_head", "left_bytes", "resolve", "too_much")

    def __init__(self, deadline: float, resolve: Resolve, *, allow_private: Places) -> None:
        self.deadline = deadline  # by time.monotonic
        self.resolve = resolve
        self.allow_private = allow_private
        self.dialled = False
        self.came_bytes = 0
        self.in_head = True
        self.left_bytes, self.too_much = _HEADERS_BYTES, f"headers above {_HEADERS_BYTES:,} bytes"

    def allow_body(self, limit_bytes: int) -> None:
        """Allow a body after the headers, with room for its chunks' own lines."""
        self.in_head = False
        self.left_bytes, self.too_much = 2 * limit_bytes + _HEADERS_BYTES, f"a body above {limit_bytes:,} bytes"

    def left_s(self) -> float:
        """Return the seconds that are left. Raises Stopped when none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Stopped(Kind.TIMEOUT, "took too long")
        return left

    def spend(self, count: int) -> None:
        """Take note of bytes received."""
        self.came_bytes += count
        self.left_bytes -= count
        if self.left_bytes < 0:
            raise Stopped(Kind.TOO_LARGE, self.too_much)


_thread = local()


@contextmanager
def on(errand: Errand) -> Iterator[None]:
    """Send this thread on an errand: all its connections are made and read for that one."""
    _thread.errand = errand
    try:
        yield
    finally:
        del _thread.errand


def _errand() -> Errand:
    found = getattr(_thread, "errand", None)
    if not isinstance(found, Errand):
        raise RuntimeError("a connection outside of an errand")  # noqa: TRY004 - a bug of ours
    return found


def resolve(host: str, port: int) -> Found:
    """Ask the system's resolver."""
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class _Socket(socket.socket):
    """A connection in the clear, read for the errand of its thread."""

    def settimeout(self, value: float | None) -> None:
        """Do nothing: the time that counts is the errand's, and each setting is a turn given to other threads."""

    def recv_into(self, *arguments: Any) -> int:
        return _counted(self, super().recv_into, arguments)


class _SecureSocket(ssl.SSLSocket):
    """The same inside TLS, whose end must be said: without close_notify a body without a length may be cut."""

    def recv_into(self, *arguments: Any) -> int:
        self.suppress_ragged_eofs = False
        return _counted(self, super().recv_into, arguments)


def _counted(sock: socket.socket, receive: Callable[..., int], arguments: tuple[Any, ...]) -> int:
    errand = _errand()
    socket.socket.settimeout(sock, errand.left_s())
    try:
        count = receive(*arguments)
    except TimeoutError:
        raise Stopped(Kind.TIMEOUT, "took too long") from None
    if not count and errand.in_head:
        raise ConnectionAbortedError("closed inside the head")  # http.client would take it for the end of the head
    errand.spend(count)
    return count


@lru_cache(maxsize=4)  # reading all certificates takes longer than many a request
def secure_context(ca_file: str) -> ssl.SSLContext:
    """Make the one context for TLS: certificates and names are verified, always."""
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = _SecureSocket
    return context


class _Dialled(HTTPConnection):
    """A connection that is made by `dial`."""

    def _new_conn(self) -> socket.socket:
        return dial(self.host, self.port, _errand(), judged=self.proxy is None)


class _DialledSecure(HTTPSConnection):
    """The same with TLS."""

    def _new_conn(self) -> socket.socket:
        return dial(self.host, self.port, _errand(), judged=self.proxy is None)

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError as error:
            raise Stopped(Kind.TLS, f"its certificate is not to be trusted: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise Stopped(Kind.TLS, f"no secure connection: {_said(error)}") from error
        except TimeoutError as error:
            raise Stopped(Kind.TIMEOUT, "took too long to agree on a secure connection") from error
        except OSError as error:
            raise Stopped(Kind.TLS, f"no secure connection: {_said(error)}") from error


class Pool(HTTPConnectionPool):
    """Connections to one host."""

    ConnectionCls = _Dialled


class SecurePool(HTTPSConnectionPool):
    """Connections to one host, with TLS."""

    ConnectionCls = _DialledSecure


def dial(host: str, port: int, errand: Errand, *, judged: bool) -> socket.socket:
    """Connect to an address of `host`; all of them must be allowed. Raises Stopped.

    Not `judged` is only the proxy that the configuration names.
    """
    errand.dialled = True
    found = _looked_up(host, port, errand)
    if judged:
        judge(host, port, found, allow_private=errand.allow_private)
    failed = Stopped(Kind.UNREACHABLE, f"{host} has no address")
    for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
        try:
            return _connected(family, address, errand)
        except TimeoutError:
            failed = Stopped(Kind.UNREACHABLE, f"{host} does not answer")
        except OSError as error:
            failed = Stopped(Kind.UNREACHABLE, f"no connection to {host}: {_said(error)}")
    raise failed


def judge(host: str, port: int, found: Found, *, allow_private: Places) -> None:
    """Raise Stopped unless every address that `host` resolves to may be connected to at `port`."""
    for *_, address in found:
        verdict = forbidden(address[0])
        if verdict is None or (verdict.allowable and covers(allow_private, host, port, address[0])):
            continue
        what = f"{host} is" if address[0] == host else f"{host} resolves to {address[0]},"
        named = f"[{host}]" if ":" in host else host
        places = json.dumps([*allow_private, f"{named}:{port}"])  # all, as whoever takes the advice writes these alone
        hint = f"; allow it with allow_private = {places}" if verdict.allowable else ""
        raise Stopped(Kind.FORBIDDEN, f"{what} {verdict.reason}, not a public one{hint}")


def _connected(family: int, address: tuple[Any, ...], errand: Errand) -> socket.socket:
    sock = _Socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        socket.socket.settimeout(sock, min(errand.left_s(), _CONNECT_S))
        sock.connect(address)
        socket.socket.settimeout(sock, errand.left_s())  # for the handshake, which is timed as a whole
    except BaseException:
        sock.close()
        raise
    return sock


def _looked_up(host: str, port: int, errand: Errand) -> Found:
    """Resolve a name within the errand's time. Raises Stopped."""
    try:
        if is_literal(host):
            return errand.resolve(host, port)
        # The resolver cannot be interrupted. Its thread is left behind if it takes too long; it ends by itself.
        answers: SimpleQueue[Found | Exception] = SimpleQueue()
        Thread(target=_look_up, args=(errand.resolve, host, port, answers), daemon=True).start()
        answer = answers.get(timeout=errand.left_s())
    except Empty:
        raise Stopped(Kind.UNREACHABLE, f"the name {host} was not resolved in time") from None
    except (OSError, UnicodeError) as error:
        answer = error
    if isinstance(answer, (OSError, UnicodeError)):
        raise Stopped(Kind.UNREACHABLE, f"the name {host} cannot be resolved: {_said(answer)}") from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


def _look_up(resolve: Resolve, host: str, port: int, answers: SimpleQueue[Found | Exception]) -> None:
    try:
        answers.put(resolve(host, port))
    except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
        answers.put(error)


def is_literal(host: str) -> bool:
    """Tell what is resolved without asking anybody: an IP address in any spelling that the system takes."""
    if ":" in host:
        return True
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:1].lower() + text[1:]
