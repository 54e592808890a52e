"""What the bytes of an image say: its real type and its size in pixels, whatever it was called.

Headers are read, nothing is decoded. Known are the kinds that browsers and readers show: AVIF, BMP, GIF, JPEG, PNG and
WebP. Refused is everything else (SVG, which may hold scripts, among it), what is cut off, and what is too large. An
image that a camera held sideways is as wide as it is shown.
Specs: ISO 10918-1 annex B, PNG 3rd edition, GIF89a, RFC 9649 (WebP), ISO 14496-12 and 23008-12 (AVIF), Exif 2.32.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from feedarchiver.errors import ImageRefused

LIMIT_BYTES = 20_000_000
LIMIT_PIXELS = 100_000_000

ENDINGS = {
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
}
"""How files of the known types are called."""

_CUT_OFF = "it is cut off"
_BROKEN = "it is broken"
_MANY_PARTS = 10_000
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # JPEG's frame headers
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # JPEG's markers without a length
_END, _SCAN, _APP1 = 0xD9, 0xDA, 0xE1
_ORIENTATION, _SIDEWAYS = 0x0112, range(5, 9)
_BMP_CORE = 12
_BMP_HEADERS = frozenset(bytes((size, 0, 0, 0)) for size in (_BMP_CORE, 40, 52, 56, 64, 108, 124))
_BOX = 8
_SNIFFED = 1024


class ImageFile(NamedTuple):
    """A media type, and a width and height in pixels."""

    type: str
    width: int
    height: int


def read(data: bytes) -> ImageFile:
    """Tell what `data` is. Raises ImageRefused."""
    if len(data) > LIMIT_BYTES:
        raise ImageRefused(f"{len(data):,} bytes long, above the limit of {LIMIT_BYTES:,}")
    media_type = sniffed(data)
    if media_type is None:
        raise ImageRefused(_no_image(data))
    try:
        width, height = _READERS[media_type](data)
    except (struct.error, IndexError):
        raise ImageRefused(_CUT_OFF) from None
    if not width or not height:
        raise ImageRefused("it has no size")
    if width * height > LIMIT_PIXELS:
        raise ImageRefused(f"{width:,} x {height:,} pixels, above the limit of {LIMIT_PIXELS:,}")
    return ImageFile(media_type, width, height)


def sniffed(data: bytes) -> str | None:
    """Tell the media type that `data` begins like. None: of no kind that is known."""
    brands = data[8 : min(data[3], 64)] if data[4:8] == b"ftyp" else b""
    signs = {
        "image/jpeg": data.startswith(b"\xff\xd8\xff"),
        "image/png": data.startswith(_PNG),
        "image/gif": data.startswith((b"GIF87a", b"GIF89a")),
        "image/webp": data[:4] == b"RIFF" and data[8:12] == b"WEBP",
        "image/avif": b"avif" in brands or b"avis" in brands,
        "image/bmp": data[:2] == b"BM" and data[14:18] in _BMP_HEADERS,
    }
    return next((media_type for media_type, is_so in signs.items() if is_so), None)


def _no_image(data: bytes) -> str:
    """Say what stands there instead of an image."""
    if not data.strip():
        return "it is empty"
    start = data[:_SNIFFED].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<"):
        return "it is SVG, which may hold scripts" if b"<svg" in start else "it is a web page, not an image"
    return "it is no image in AVIF, BMP, GIF, JPEG, PNG or WebP"


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments up to the first scan, behind which the end must come."""
    place, size, sideways = 2, None, False
    for _ in range(_MANY_PARTS):
        if data[place] != 0xFF:  # noqa: PLR2004 - every marker begins with it
            raise ImageRefused(_BROKEN)
        while data[place] == 0xFF:  # noqa: PLR2004 - and any number of them may stand before it
            place += 1
        marker, place = data[place], place + 1
        if marker in _ALONE:
            continue
        if marker == _END:
            raise ImageRefused("it has no picture in it")
        (length,) = struct.unpack_from(">H", data, place)
        if marker in _SIZES:
            size = struct.unpack_from(">HH", data, place + 3)
        elif marker == _APP1 and data[place + 2 : place + 8] == b"Exif\0\0":
            sideways = _is_sideways(data[place + 8 : place + length])
        elif marker == _SCAN and size:
            if data.find(b"\xff\xd9", place) < 0:
                raise ImageRefused(_CUT_OFF)
            height, width = size
            return (height, width) if sideways else (width, height)
        place += length
    raise ImageRefused(_BROKEN)


def _is_sideways(exif: bytes) -> bool:
    """Tell whether Exif turns an image by a quarter. What makes no sense turns nothing."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return False
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for number in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * number)
            if tag == _ORIENTATION:
                return value in _SIDEWAYS
    except struct.error:
        return False
    return False


def _png(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR" or struct.unpack_from(">I", data, 29) != (zlib.crc32(data[12:29]),):
        raise ImageRefused(_BROKEN)
    if data.find(_PNG_END, 33) < 0:
        raise ImageRefused(_CUT_OFF)
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    if not data.rstrip(b"\0\r\n").endswith(b";"):
        raise ImageRefused(_CUT_OFF)
    return width, height


def _webp(data: bytes) -> tuple[int, int]:
    """Read the canvas, or else the one frame."""
    (length,) = struct.unpack_from("<I", data, 4)
    if len(data) < length + 7:  # some leave the last padding out
        raise ImageRefused(_CUT_OFF)
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and data[20] == 0x2F:  # noqa: PLR2004 - its signature
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ImageRefused(_BROKEN)


def _avif(data: bytes) -> tuple[int, int]:
    """Take the largest extent of meta/iprp/ipco: tiles and thumbnails have smaller ones. The pixels are in mdat."""
    found: dict[bytes, tuple[int, int]] = {}
    boxes: list[tuple[bytes, int, int]] = []
    for kind, inner, stop in _boxes(data, 0, len(data)):
        found[kind] = inner, stop
        if found.keys() >= {b"meta", b"mdat"}:
            break
    else:
        raise ImageRefused(_CUT_OFF)
    for kind, skipped in ((b"meta", 4), (b"iprp", 0), (b"ipco", 0)):
        if kind not in found:
            raise ImageRefused(_BROKEN)
        start, end = found[kind]
        boxes = list(_boxes(data, start + skipped, end))
        found = {name: (inner, stop) for name, inner, stop in boxes}
    sizes = [struct.unpack_from(">II", data, inner + 4) for name, inner, _ in boxes if name == b"ispe"]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    turned = any(name == b"irot" and data[inner] & 1 for name, inner, _ in boxes)
    return (height, width) if turned else (width, height)


def _boxes(data: bytes, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """List the boxes from `place` to `end`: kind, where what it holds begins, where it ends."""
    for _ in range(_MANY_PARTS):
        if place >= end:
            return
        size, kind, head = *struct.unpack_from(">I4s", data, place), _BOX
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + _BOX), 2 * _BOX
        stop = end if size == 0 else place + size
        if stop > end:
            raise ImageRefused(_CUT_OFF)
        if stop < place + head:
            raise ImageRefused(_BROKEN)
        yield kind, place + head, stop
        place = stop
    raise ImageRefused(_BROKEN)


def _bmp(data: bytes) -> tuple[int, int]:
    """Read the size; a negative height says that the lines begin at the top."""
    (start,), header = struct.unpack_from("<I", data, 10), data[14]
    if header == _BMP_CORE:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packed = 0
    else:
        width, height, _, bits, packed = struct.unpack_from("<iiHHI", data, 18)
    width, height = max(width, 0), abs(height)
    if packed in {0, 3} and len(data) < start + (width * bits + 31) // 32 * 4 * height:
        raise ImageRefused(_CUT_OFF)
    return width, height


_READERS: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "image/avif": _avif,
    "image/bmp": _bmp,
    "image/gif": _gif,
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
}
