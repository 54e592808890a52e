"""The adapter of requests: its HTTPAdapter, on sockets of our own.

A requests.Session is not used: what it adds are cookies, .netrc, proxies of the environment and redirects, and none of
these is wanted here. Connections are kept for the next request to the same host, for the last few hosts.
"""

from collections import OrderedDict
from ssl import SSLContext
from threading import Lock
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, Timeout
from urllib3.response import BaseHTTPResponse

from feedarchiver.gather.web import wire
from feedarchiver.gather.web.allowed import Places
from feedarchiver.gather.web.exchange import Target

_KEPT_HOSTS = 64
_PATIENCE = Timeout(3600.0)  # the limit that counts is the errand's


class Get(PreparedRequest):
    """A GET of an address that has been taken apart already; with a `form`, a POST."""

    def __init__(
        self, target: Target, headers: dict[str, str], *, allow_private: Places, form: bytes | None = None
    ) -> None:
        super().__init__()
        self.method, self.url, self.body = "GET" if form is None else "POST", target.origin + target.path, form
        self.headers = headers  # type: ignore[assignment]  # no name is in it twice
        self.target, self.allow_private = target, allow_private


class Adapter(HTTPAdapter):
    """Sends a Get. Threads may share one; each must be on an errand.

    `proxy`: the address of one that everything goes through. It resolves the names, so what it may reach is its matter.
    """

    def __init__(self, *, proxy: str | None = None, ca_file: str | None = None) -> None:
        super().__init__()
        self._proxies = {"http": proxy, "https": proxy} if proxy else None
        self._proxy, self._ca_file = proxy, ca_file or DEFAULT_CA_BUNDLE_PATH
        self._context: SSLContext | None = None
        self._pools: OrderedDict[tuple[object, ...], HTTPConnectionPool] = OrderedDict()
        self._lock = Lock()

    def get(self, get: Get) -> BaseHTTPResponse:
        """Send `get` and return the response, its body unread. Raises what requests raises, and Stopped."""
        raw: BaseHTTPResponse = self.send(
            get,
            stream=True,
            timeout=_PATIENCE,  # type: ignore[arg-type]  # which its documentation allows
            proxies=self._proxies,
        ).raw
        return raw

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:  # noqa: ARG002 - who asked does not matter
        """Hand on what came, and take no cookies out of it."""
        response = Response()
        response.raw = resp
        return response

    def close(self) -> None:
        """Close the connections that are kept."""
        super().close()
        with self._lock:
            while self._pools:
                self._pools.popitem()[1].close()

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: Any,  # noqa: ARG002 - the adapter's own settings count
        proxies: Any = None,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
    ) -> HTTPConnectionPool:
        """Find or make the connections to the host of `request`. What a source may reach is shared with no other."""
        assert isinstance(request, Get)  # noqa: S101 - for the types
        scheme, host, port, _ = request.target
        if self._proxy is not None:
            return self._through(self._proxy, request)
        key = (scheme, host, port, request.allow_private)
        with self._lock:
            pool = self._pools.get(key)
            if pool is None:
                secure = scheme == "https"
                pool = wire.SecurePool(host, port, ssl_context=self._secure()) if secure else wire.Pool(host, port)
                self._pools[key] = pool
            self._pools.move_to_end(key)
            old = self._pools.popitem(last=False)[1] if len(self._pools) > _KEPT_HOSTS else None
        if old is not None:
            old.close()
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: the context verifies, and there is no way to ask it not to."""

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """Name what is asked for, as the next machine must hear it."""
        assert isinstance(request, Get)  # noqa: S101 - for the types
        target = request.target
        return f"{target.origin}{target.path}" if proxies and target.scheme == "http" else target.path

    def _through(self, proxy: str, request: Get) -> HTTPConnectionPool:
        """Find the connections to the proxy. An address in the URL itself is judged here; names, by the proxy."""
        scheme, host, port, _ = request.target
        if wire.is_literal(host):
            wire.judge(host, port, wire.resolve(host, port), allow_private=request.allow_private)
        with self._lock:
            manager = self.proxy_manager_for(proxy, ssl_context=self._secure())
            manager.pool_classes_by_scheme = {"http": wire.Pool, "https": wire.SecurePool}
            pool: HTTPConnectionPool = manager.connection_from_host(host, port, scheme)
            return pool

    def _secure(self) -> SSLContext:
        """Read the certificates when they are needed first."""
        if self._context is None:
            self._context = wire.secure_context(self._ca_file)
        return self._context
