"""The server beside Starlette's bare static files: the same folder, loop and load, in turns, in one run.

Requests a second over 16 kept connections, for a feed as it is, packed by gzip, and not modified; then how long good
requests take while a thousand clients say and take nothing.
"""

import re
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from bench.made import make
from bench.measure import feedarchiver

_CONNECTIONS, _SECONDS, _ROUNDS, _SLOW = 16, 0.7, 7, 1_000
_BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
app = Starlette(routes=[Mount("/", StaticFiles(directory=sys.argv[1]))])
uvicorn.run(app, port=int(sys.argv[2]), http="h11", loop="asyncio", log_level="error", access_log=False)
"""


def main(count: int = 100) -> None:
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "config.toml").write_text('[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n')
        make(home / "seeds", count)
        subprocess.run(feedarchiver("run", "-q"), cwd=home, check=True)
        size = (home / "feeds" / "all" / "rss.xml").stat().st_size
        print(f"a feed of {size:,} bytes, {_CONNECTIONS} connections, the middle of {_ROUNDS} turns")
        with _ours(home) as ours, _bare(home) as bare:
            for name, headers in _asked(ours).items():
                theirs = _asked(bare)[name]
                turns = [(_rate(ours, headers), _rate(bare, theirs)) for _ in range(_ROUNDS)]
                rate, other = (sorted(rates)[_ROUNDS // 2] for rates in zip(*turns, strict=True))
                ratio = sorted(one / two for one, two in turns)[_ROUNDS // 2]
                print(f"{name:13} {rate:7,.0f}/s, bare static files {other:7,.0f}/s, ratio {ratio:.2f}")
            _slow_clients(ours)


def _asked(port: int) -> dict[str, str]:
    tag = _head(port).partition("etag: ")[2].partition("\r\n")[0]
    return {"whole": "", "gzip": "Accept-Encoding: gzip\r\n", "not modified": f"If-None-Match: {tag}\r\n"}


def _request(headers: str = "", method: str = "GET") -> bytes:
    return f"{method} /all/rss.xml HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


def _head(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(_request(method="HEAD"))
        return sock.recv(65_536).decode()


def _rate(port: int, headers: str) -> float:
    """Ask again and again on every connection; count the answers of a second."""
    request, length = _request(headers), _length(port, _request(headers))
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for _ in range(_CONNECTIONS):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            sock.sendall(request)
            selector.register(sock, selectors.EVENT_READ, [length])
        answers, began = 0, time.perf_counter()
        while time.perf_counter() - began < _SECONDS:
            for key, _ in selector.select(1):
                key.data[0] -= len(key.fileobj.recv(1 << 20))
                if key.data[0] <= 0:
                    answers += 1
                    key.data[0] = length
                    key.fileobj.sendall(request)
        return answers / (time.perf_counter() - began)


def _length(port: int, request: bytes) -> int:
    """Tell how many bytes an answer has."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = b"".join(iter(lambda: sock.recv(1 << 20), b""))
    return len(re.sub(rb"(?i)\r\nconnection: close\r\n", b"\r\n", received, count=1))


def _slow_clients(port: int) -> None:
    """Measure good requests while others begin one and say no more, or ask and do not read."""
    with ExitStack() as stack:
        for number in range(_SLOW):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", port))
            sock.sendall(_request() if number % 2 else _request()[:-2])
        took = []
        for _ in range(50):
            began = time.perf_counter()
            _length(port, _request())
            took.append(time.perf_counter() - began)
        middle, most = sorted(took)[25] * 1000, max(took) * 1000
        print(f"{_SLOW} slow clients: good requests take {middle:.1f} ms, at most {most:.1f} ms")


@contextmanager
def _started(arguments: list[str], home: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, *arguments, str(port)], cwd=home, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                _head(port)
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _bare(home: Path) -> AbstractContextManager[int]:
    return _started(["-c", _BARE, str(home / "feeds")], home)


def _ours(home: Path) -> AbstractContextManager[int]:
    return _started(["-m", "feedarchiver", "serve", "--port"], home)
