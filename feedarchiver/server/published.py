"""The published folder over HTTP: names in, documents out. Nothing can be written. Spec: RFC 9110.

Nothing that a client says (Host, forwarded addresses) stands in an answer; addresses come from the configuration, when
feeds are built, and the only redirect is relative.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from feedarchiver.publish.pages import TOPICS
from feedarchiver.publish.plan import address
from feedarchiver.server import asked
from feedarchiver.server.kinds import Kind, policy, told
from feedarchiver.server.shelf import Item, Shelf

Count = Callable[[Kind, int, bytes], None]
"""Called with each answer: of which kind, with which status, to which user agent."""

_Headers = list[tuple[bytes, bytes]]
_INDEX = "index.html"
_SAFE = (b"x-content-type-options", b"nosniff")
_FRESH = (b"cache-control", b"no-cache")  # kept by whoever likes, asked for again each time: that costs a 304
_HEADERS = frozenset({b"accept-encoding", b"if-modified-since", b"if-none-match", b"if-range", b"range", b"user-agent"})
_TRIES = 3
_CLOSE = (b"connection", b"close")  # with whatever else the client has to say
_FRAMES = {b"content-length", b"transfer-encoding"}  # RFC 9112 section 6.1


class Hub(NamedTuple):
    """The WebSub hub at `url` that is told of what is published below `base_url`."""

    url: str
    base_url: str

    def links(self, name: str) -> _Headers:
        """Link a document that readers poll to the hub, and to itself. Spec: WebSub, section 4."""
        if name.rpartition("/")[2] not in TOPICS or name.count("/") != 1:
            return []
        return [(b"link", f'<{self.url}>; rel="hub", <{address(self.base_url, name)}>; rel="self"'.encode())]


class Published:
    """The ASGI application that serves a published folder."""

    def __init__(self, root: Path, count: Count, hub: Hub | None = None) -> None:
        self._count = count
        self.show(root, hub)

    def show(self, root: Path, hub: Hub | None = None) -> None:
        """Serve another folder from now on, or with another hub."""
        self.shelf, self._hub = Shelf(root), hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Answer a request."""
        name = scope["path"].removeprefix("/")
        if not name or name.endswith("/"):
            name += _INDEX
        headers = _wanted(scope["headers"])
        links = self._hub.links(name) if self._hub else []
        status = await _Answer(self.shelf, name, headers, send, links, bodiless=scope["method"] == "HEAD").give(scope)
        self._count(told(name).kind, status, headers.get(b"user-agent", b""))


class _Answer:
    """One request for one name."""

    def __init__(  # noqa: PLR0913 - each is one thing that a caller knows
        self,
        shelf: Shelf,
        name: str,
        headers: Mapping[bytes, bytes],
        send: Send,
        links: _Headers,
        *,
        bodiless: bool,
    ) -> None:
        self._shelf, self._name, self._headers, self._send, self._bodiless = shelf, name, headers, send, bodiless
        self._links = links

    async def give(self, scope: Scope) -> int:
        """Answer, and return the status."""
        if scope["method"] not in ("GET", "HEAD"):
            return await self._say(405, b"only GET and HEAD\n", [(b"allow", b"GET, HEAD"), _CLOSE])
        if _FRAMES.issubset(name for name, _ in scope["headers"]):  # a proxy before us may have read it in another way
            return await self._say(400, b"two lengths of one body\n", [_CLOSE])
        for _ in range(_TRIES):
            item = await self._shelf.find(self._name)
            if item is None:
                break
            status = await self._give_item(item)
            if status:
                return status
        if await self._shelf.is_folder(self._name):
            place = quote(f"./{self._name.rpartition('/')[2]}/")  # wherever a proxy has put this server
            return await self._say(308, b"", [(b"location", place.encode())])
        return await self._say(404, b"not found\n", [])

    async def _give_item(self, item: Item) -> int | None:
        """Send what the client asks of an item. None, and nothing is sent, when it has been replaced meanwhile."""
        kind, media_type, _ = told(item.name)
        in_parts = kind is Kind.PICTURE and b"range" in self._headers
        packed = item.packs and not in_parts and asked.takes_gzip(self._headers.get(b"accept-encoding"))
        tag = item.tag + "-gzip" if packed else item.tag
        dated = item.modified_s < int(time.time())  # else another version might carry the same second
        headers: _Headers = [_FRESH, (b"etag", f'"{tag}"'.encode()), _SAFE]
        headers += [(b"last-modified", item.modified)] if dated else []
        headers += [(b"vary", b"accept-encoding")] if item.packs else []
        if self._has(item, tag):
            await self._start(304, headers)
            await self._send({"type": "http.response.body"})
            return 304
        headers += [(b"content-type", media_type), (b"content-security-policy", policy(kind)), *self._links]
        part = None
        if kind is Kind.PICTURE:
            headers.append((b"accept-ranges", b"bytes"))
            part = self._part(item, dated=dated)
        if part is not None and part.start == part.end:
            return await self._say(416, b"", [(b"content-range", b"bytes */%d" % item.size)])
        return await self._give_bytes(item, part, headers, packed=packed)

    def _has(self, item: Item, tag: str) -> bool:
        """Tell whether the client has this version already."""
        none_match, since = self._headers.get(b"if-none-match"), self._headers.get(b"if-modified-since")
        if none_match is not None:
            return asked.known_tag(none_match, (tag, item.tag, item.tag + "-gzip")) is not None
        return since is not None and not asked.is_newer(item.modified_s, since)

    def _part(self, item: Item, *, dated: bool) -> asked.Part | None:
        """Tell which part of a picture is asked for."""
        wanted, if_range = self._headers.get(b"range"), self._headers.get(b"if-range")
        if wanted is None or not asked.is_same(if_range, item.tag, item.modified_s if dated else None):
            return None
        return asked.part(wanted, item.size)

    async def _give_bytes(self, item: Item, part: asked.Part | None, headers: _Headers, *, packed: bool) -> int | None:
        """Send an item whole or in part. The server waits while the client does not read."""
        content = await self._shelf.content(item, packed=packed)
        if content is None:
            return None
        try:
            start, end = part or (0, content.size)
            headers += [(b"content-length", b"%d" % (end - start))]
            headers += [(b"content-encoding", b"gzip")] if packed else []
            headers += [(b"content-range", b"bytes %d-%d/%d" % (start, end - 1, content.size))] if part else []
            await self._start(206 if part else 200, headers)
            if not self._bodiless:
                async for piece in content.pieces(start, end):
                    await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await self._send({"type": "http.response.body"})
        finally:
            content.close()
        return 206 if part else 200

    async def _start(self, status: int, headers: _Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _say(self, status: int, body: bytes, headers: _Headers) -> int:
        """Say something that is in no file."""
        length = (b"content-length", b"%d" % len(body))
        await self._start(status, [length, (b"content-type", b"text/plain"), _SAFE, *headers])
        await self._send({"type": "http.response.body", "body": b"" if self._bodiless else body})
        return status


def _wanted(headers: _Headers) -> dict[bytes, bytes]:
    """Take the headers that matter; what comes twice is one list. Spec: RFC 9110 section 5.3."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _HEADERS:
            found[name] = found[name] + b", " + value if name in found else value
    return found
