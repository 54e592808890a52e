"""A small web on loopback, for tests: pages that answer as they are told, with every fault that the real one has.

A page is a function of what was asked, or a whole response; it gives bytes as they go over the wire, all at once (then
the connection is kept) or piece by piece (then it is closed behind them). All of it ends with the `with`.
"""

import gzip
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Lock, Thread
from typing import NamedTuple, Self

CERTIFICATE = Path(__file__).parent / "data" / "web" / "localhost.pem"  # valid for localhost, signed by itself

LOOPBACK = ("127.0.0.0/8", "::1")  # what a source may be allowed, to whom each address there is a site of its own

_PATIENCE_S = 20.0


class Asked(NamedTuple):
    """A request as it came; names of header fields in small letters."""

    path: str
    header: dict[str, str]
    peer: int
    closing: Event


Page = bytes | Callable[[Asked], bytes | Iterator[bytes]]


class Web:
    """A server on loopback. `pages` may be changed while it runs; what is not there is 404."""

    def __init__(self, pages: dict[str, Page] | None = None, *, address: str = "127.0.0.1", tls: bool = False) -> None:
        self.pages = pages or {}
        self.asked: list[Asked] = []
        self.connections = 0
        self.most_at_once = 0
        self._now = 0
        self._lock = Lock()
        self._closing = Event()
        self._listening = socket.create_server((address, 0), backlog=200)
        self._address, self.port = self._listening.getsockname()[:2]
        self._scheme = "https" if tls else "http"
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._context:
            self._context.load_cert_chain(CERTIFICATE)

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def url(self, path: str = "/", host: str | None = None) -> str:
        """Write the address of a page, by another name of this host if wanted."""
        return f"{self._scheme}://{host or self._address}:{self.port}{path}"

    def paths(self) -> list[str]:
        """List what was asked for, in order."""
        return [asked.path for asked in self.asked]

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, peer = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            Thread(target=self._serve, args=(connection, peer[1]), daemon=True).start()

    def _serve(self, connection: socket.socket, peer: int) -> None:
        connection.settimeout(_PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                while asked := _read(connection, peer, self._closing):
                    self.asked.append(asked)
                    if not self._answer(connection, asked):
                        return
        except OSError:  # the client has gone, as it should
            connection.close()

    def _answer(self, connection: socket.socket, asked: Asked) -> bool:
        page = self.pages.get(asked.path, answer(404))
        said = self._made(page, asked) if callable(page) else page
        for piece in iter([said]) if isinstance(said, bytes) else said:
            if self._closing.is_set():
                return False
            connection.sendall(piece)
        return isinstance(said, bytes) and b"\r\nConnection: close\r\n" not in said

    def _made(self, page: Callable[[Asked], bytes | Iterator[bytes]], asked: Asked) -> bytes | Iterator[bytes]:
        """Have a page made: nobody has its answer yet, so these are the requests that are certainly open."""
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            return page(asked)
        finally:
            with self._lock:
                self._now -= 1


def _read(connection: socket.socket, peer: int, closing: Event) -> Asked | None:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    first, *lines = data.decode("latin-1").split("\r\n")
    header = dict(line.split(": ", 1) for line in lines if line)
    return Asked(first.split(" ")[1], {name.lower(): value for name, value in header.items()}, peer, closing)


def head(status: int = 200, **header: object) -> bytes:
    """Write the head of a response; `content_type="text/html"` is Content-Type."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in header.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(status: int = 200, body: bytes = b"", **header: object) -> bytes:
    """Write a whole response with its length."""
    return head(status, content_length=len(body), **header) + (b"" if status == 304 else body)


def redirect(location: str, status: int = 301) -> bytes:
    """Write a redirect."""
    return answer(status, location=location)


def validated(body: bytes, etag: str, **header: object) -> Page:
    """Make a page that answers 304 to whoever has it."""

    def page(asked: Asked) -> bytes:
        known = asked.header.get("if-none-match") == etag
        return answer(304, etag=etag) if known else answer(200, body, etag=etag, **header)

    return page


def drip(data: bytes, *, each_s: float = 0.02) -> Page:
    """Bytes that come one at a time."""

    def page(asked: Asked) -> Iterator[bytes]:
        for number in range(len(data)):
            yield data[number : number + 1]
            asked.closing.wait(each_s)

    return page


def late(data: bytes, *, after_s: float = 0.02) -> Page:
    """Make a response that takes a while to be made."""

    def page(asked: Asked) -> bytes:
        asked.closing.wait(after_s)
        return data

    return page


def silence(asked: Asked) -> Iterator[bytes]:
    """Nothing, for as long as anybody waits."""
    asked.closing.wait(_PATIENCE_S)
    yield from ()


def endless(start: bytes, piece: bytes) -> Page:
    """Make a response that never ends."""

    def page(asked: Asked) -> Iterator[bytes]:
        yield start
        while True:
            yield piece

    return page


def pieces(*parts: bytes) -> Page:
    """Bytes, and then the end of the connection."""
    return lambda asked: iter(parts)


def chunked(*parts: bytes, end: bool = True) -> bytes:
    """Write a body in chunks, with or without the last, empty one."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + (b"0\r\n\r\n" if end else b"")


def bomb(encoding: str, size_bytes: int) -> bytes:
    """Zeros, compressed."""
    if encoding == "gzip":
        return gzip.compress(bytes(size_bytes), 1)
    data = zlib.compress(bytes(size_bytes), 1)
    return data[2:-4] if encoding == "bare" else data
