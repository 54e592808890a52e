"""The body of a response: decoded while it comes, within a limit, and whole or an error.

zlib is driven here rather than by urllib3, which takes gzip that ends too early for complete.
"""

import zlib
from collections.abc import Iterable, Iterator
from io import SEEK_END, BytesIO

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from feedarchiver.gather.web.exchange import Kind, Stopped

ENCODINGS = "gzip, deflate"

_PIECE = 1_048_576  # most bodies whole: each piece costs calls, system calls and a copy
_OUTPUT = 262_144
_GZIP, _ZLIB, _BARE = 31, 15, -15  # what zlib calls them
_DEFLATED = 8


def read(raw: BaseHTTPResponse, encoding: str | None, limit_bytes: int, *, prefix: bool = False) -> bytes:
    """Read a body to its end; of one above the limit only a `prefix`, or nothing. Raises Stopped."""
    try:
        pieces = iter(_decoded(_received(raw), encoding))
        body = BytesIO(next(pieces, b""))  # takes the first piece and hands out what it holds without another copy
        size_bytes = body.seek(0, SEEK_END)
        while size_bytes <= limit_bytes and (piece := next(pieces, b"")):
            size_bytes += body.write(piece)
        if size_bytes > limit_bytes:
            if prefix:
                return body.getvalue()[:limit_bytes]
            raise Stopped(Kind.TOO_LARGE, f"a body above {limit_bytes:,} bytes")
    finally:
        raw.close()  # what has been read to its end is back in its pool already
    return body.getvalue()


def _received(raw: BaseHTTPResponse) -> Iterator[bytes]:
    try:
        while piece := raw.read(_PIECE, decode_content=False):
            yield piece
    except HTTPError as error:  # also IncompleteRead: a short Content-Length, a chunk that breaks off
        raise Stopped(Kind.CUT, "the connection ended before the body did") from error


def _decoded(pieces: Iterator[bytes], encoding: str | None) -> Iterable[bytes]:
    name = (encoding or "identity").strip().lower()
    if name in {"identity", ""}:
        return pieces
    if name in {"gzip", "x-gzip"}:
        return _inflated(pieces, _GZIP)
    if name == "deflate":
        return _inflated(pieces, None)
    raise Stopped(Kind.MALFORMED, f"an encoding that was not asked for: {name}")


def _inflated(pieces: Iterator[bytes], window: int | None) -> Iterator[bytes]:
    """Inflate a stream of any number of members, a bounded piece at a time; None: deflate, with or without header."""
    engine = None
    for received in pieces:
        piece = received
        while piece:
            if engine is None or engine.eof:
                if engine is not None and not piece.startswith(b"\x1f"):
                    return  # what follows the end is padding
                engine = zlib.decompressobj(window or _window(piece))
            yield from _output(engine, piece)
            piece = engine.unused_data
    if engine is not None and not engine.eof:
        raise Stopped(Kind.CUT, "the compressed body ends too early")


def _output(engine: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    """Inflate `piece` as far as it goes."""
    try:
        while output := engine.decompress(piece, _OUTPUT):
            yield output
            piece = engine.unconsumed_tail
    except zlib.error as error:
        raise Stopped(Kind.MALFORMED, "a compressed body that is damaged") from error


def _window(piece: bytes) -> int:
    """Tell deflate with its header from the bare one that some servers send (RFC 1950 section 2.2)."""
    return _ZLIB if piece[0] & 0x0F == _DEFLATED and piece[0] >> 4 < _DEFLATED else _BARE
