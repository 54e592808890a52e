"""Object stores on loopback: moto's server, which knows S3's conditions, and nanio, which checks signatures.

Both are installed by `make stores` in an environment of their own. In front of one stands a way that can be disturbed.
"""

import http.client
import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest
from program import PROJECT

PYTHON = Path(os.environ.get("FEEDARCHIVER_STORES", PROJECT / ".venv-stores")) / "bin" / "python"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "a secret key", "AWS_REGION": "us-east-1"}
ENVIRONMENT = KEYS | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
ENVIRONMENT |= {"AWS_SHARED_CREDENTIALS_FILE": os.devnull}
_MOTO = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"
_START_S = 30


class Server:
    """A store in a process of its own, with a bucket called `bucket`."""

    def __init__(self, kind: str, folder: Path) -> None:
        if not PYTHON.exists():
            pytest.skip("no S3 server is installed: `make stores` does")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        (folder / "bucket").mkdir(parents=True, exist_ok=True)
        nanio = ["-m", "nanio", "serve", "--host", "127.0.0.1", "--port", str(self.port), "--no-access-log"]
        how = ["-c", _MOTO, str(self.port)] if kind == "moto" else [*nanio, "--data-dir", str(folder)]
        environment = {"NANIO_ACCESS_KEY": "key", "NANIO_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"]}
        self._process = subprocess.Popen(
            [PYTHON, *how], env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._await()
        if kind == "moto":
            self.make("bucket")

    def make(self, bucket: str) -> None:
        """Make a bucket, where nobody asks who wants it."""
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/{bucket}", method="PUT")).close()

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)

    def _await(self) -> None:
        until = time.monotonic() + _START_S
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            assert self._process.poll() is None, "the server did not start"
            assert time.monotonic() < until, "the server does not listen"
            time.sleep(0.05)


Disturb = Callable[[str, str], "str | None"]


class Way:
    """The way to a server, which counts what goes by. `disturb` tells what befalls a request, by method and key.

    busy: answered with SlowDown; skew: the clock is said to be wrong; cut: the answer breaks off in its middle;
    lost: it is done, and nobody is told; denied: it is refused.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.disturb: Disturb = lambda _method, _key: None
        self.asked: list[tuple[str, str]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"way": self}))
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def once(self, what: str, method: str, times: int = 1) -> None:
        """Let something befall the next requests of a method."""
        left = [what] * times

        def disturb(asked: str, _key: str) -> str | None:
            return left.pop() if asked == method and left else None

        self.disturb = disturb

    def put(self) -> list[str]:
        """Tell which documents were put into a bucket, in this order."""
        return [key.partition("/feeds/")[2] for method, key in self.asked if method == "PUT" and "/feeds/" in key]

    def count(self, method: str) -> int:
        """Tell how many requests of a method went by."""
        return sum(asked == method for asked, _ in self.asked)


class _Handler(BaseHTTPRequestHandler):
    way: Way
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.way.asked.append((self.command, self.path))
        fault = self.way.disturb(self.command, self.path)
        if fault in _REFUSED:
            status, code = _REFUSED[fault]
            self._send(status, {}, f"<Error><Code>{code}</Code></Error>".encode())
            return
        server = http.client.HTTPConnection("127.0.0.1", self.way._server.port)
        server.request(self.command, self.path, body, dict(self.headers.items()))
        answer = server.getresponse()
        data = answer.read()
        server.close()
        if fault == "lost":
            self.close_connection = True
            self.connection.close()
            return
        self._send(answer.status, dict(answer.getheaders()), data, cut=fault == "cut")

    def _send(self, status: int, headers: dict[str, str], data: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        length = headers.get("Content-Length", headers.get("content-length", str(len(data))))
        kept = {
            k: v for k, v in headers.items() if k.lower() not in {"content-length", "transfer-encoding", "connection"}
        }
        for name, value in (kept | {"Content-Length": length}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - so http.server calls them


_REFUSED = {
    "busy": (503, "SlowDown"),
    "skew": (403, "RequestTimeTooSkewed"),
    "denied": (403, "AccessDenied"),
}
