"""The server: the published folder, /status, /healthz and /metrics, over Starlette on uvicorn. It only reads.

    names.py       what is there, as whole names
    shelf.py       each file's hash, the bytes most asked for
    kinds.py       media types and policies
    asked.py       what a request asks of a file (pure)
    published.py   requests -> answers
    connection.py  clients that are slow
    knowing.py     what is known of archive, sources and runs
    metrics.py     what is counted
    status.py      the page of all that, for people

Served are the folder's own names, at the root. Behind a proxy that adds a path, the proxy takes it away again.
"""

import asyncio
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from feedarchiver.errors import UsageError
from feedarchiver.server.connection import MOST, Connection, descriptors
from feedarchiver.server.knowing import Knowledge, Known
from feedarchiver.server.metrics import MEDIA_TYPE, Metrics, seen
from feedarchiver.server.published import Hub, Published

__all__ = ["Hub", "Known", "Server", "listen"]

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

_BACKLOG = 2_048
_IN_FLIGHT = 128 * 1024  # what the system holds for a client that does not read; else it may be megabytes
_HEAD = 16 * 1024
_IDLE_S = 5
_GRACE_S = 4


class Server(uvicorn.Server):
    """A server of the folder `root`. `ill` says why it should not be called healthy, or None."""

    def __init__(
        self,
        root: Path,
        find_out: Callable[[], Known],
        ill: Callable[[], str | None],
        lifespan: Lifespan | None = None,
        hub: Hub | None = None,
    ) -> None:
        self._metrics = Metrics()
        self._knowledge, self._ill = Knowledge(find_out), ill
        self._counted: tuple[Known | None, int] = None, 0
        self.published = Published(root, self._metrics.count, hub)
        routes = [
            Route("/healthz", self._healthz),
            Route("/metrics", self._metrics_page),
            Route("/status", self._status_page),
            Route("/status.css", self._status_style),
            Mount("/", self.published),
        ]
        super().__init__(
            uvicorn.Config(
                Starlette(routes=routes, lifespan=lifespan),
                http=Connection,
                backlog=min(_BACKLOG, descriptors() // 16),  # some times as many are accepted before one can be closed
                ws="none",
                loop="asyncio",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_IDLE_S,
                timeout_graceful_shutdown=_GRACE_S,
                h11_max_incomplete_event_size=_HEAD,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve. What asyncio accepts at a time is not as many as may wait."""
        await super().startup(sockets)
        for sock in sockets or ():
            sock.listen(_BACKLOG)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program: uvicorn would end it by the signal that stopped the server."""
        yield

    async def _healthz(self, _: Request) -> Response:
        ill = self._ill()
        return PlainTextResponse(f"{ill or 'ok'}\n", status_code=503 if ill else 200)

    async def _metrics_page(self, _: Request) -> Response:
        known = await self._knowledge.now()
        facts = {**known.facts, **(seen(known.overview) if known.overview else {})}
        if self._counted[0] is not known:
            self._counted = known, await self.published.shelf.count()
        facts["documents"] = self._counted[1]
        return Response(self._metrics.page(facts), media_type=MEDIA_TYPE)

    async def _status_page(self, _: Request) -> Response:
        from feedarchiver.server import status  # feeds are served without the templates

        known = await self._knowledge.now()
        pages = await self.published.shelf.find("index.html") is not None
        html = await asyncio.to_thread(status.page, known, pages=pages)
        return HTMLResponse(html, headers=status.HEADERS)

    async def _status_style(self, _: Request) -> Response:
        from feedarchiver.server import status

        return Response(status.style(), media_type="text/css", headers=status.HEADERS)


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to serve on. Raises UsageError."""
    _have_descriptors()
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise UsageError(f"cannot listen on {host[:100]}, port {port}: no name of a host; nothing was done") from error
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        sock = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        number = error.errno or 0  # negative: what the resolver says
        reason = (os.strerror(number) if number > 0 else error.strerror or str(error)).lower()
        raise UsageError(f"cannot listen on {host}, port {port}: {reason}; nothing was done") from None
    # Connections inherit both. Without the second, each answer's body waits for the client to confirm its head: 40 ms.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _IN_FLIGHT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _have_descriptors() -> None:
    """Ask the system for as many open files as there may be connections, as far as it lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST if hard == resource.RLIM_INFINITY else min(hard, 2 * MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
