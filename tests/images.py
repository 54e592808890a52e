"""Images of our own making, 12 pixels wide and 8 high where nothing else is said; what was encoded is kept as text."""

import base64
import struct
import zlib

SIZE = 12, 8


def png(width: int = 12, height: int = 8, shade: int = 0) -> bytes:
    """Write a grey image."""
    return _png(width, height, bytes([0, *[shade] * width]) * height)


def saying(width: int, height: int) -> bytes:
    """Write an image that says how large it is, and has nothing in it."""
    return _png(width, height, b"")


def _png(width: int, height: int, lines: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")


def gif(width: int = 12, height: int = 8) -> bytes:
    """Write an image of one colour, by the bare rules of LZW: every pixel between two clear codes."""
    codes = [4, 0] * (width * height) + [5]
    bits = sum(code << 3 * place for place, code in enumerate(codes))
    data = bits.to_bytes(len(codes) * 3 // 8 + 1, "little")
    blocks = b"".join(bytes([len(part)]) + part for part in (data[n : n + 255] for n in range(0, len(data), 255)))
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x91, 0, 0) + bytes(range(12))
    return head + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02" + blocks + b"\0;"


def bmp(width: int = 12, height: int = 8) -> bytes:
    """Write a black image; a negative height says that its lines begin at the top."""
    lines = bytes((width * 24 + 31) // 32 * 4 * abs(height))
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(lines), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(lines), 0, 0, 54) + head + lines


def turned(jpeg: bytes, orientation: int, order: str = ">") -> bytes:
    """Say in Exif how a JPEG was held."""
    mark = {">": b"MM", "<": b"II"}[order]
    exif = mark + struct.pack(f"{order}HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + exif
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _kept(*lines: str) -> bytes:
    return base64.b64decode("".join(lines))


JPEG = _kept(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////////////",
    "////////////wAALCAAIAAwBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQR",
    "BRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4",
    "eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEB",
    "AAA/AExS4r//2Q==",
)
PROGRESSIVE = _kept(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////////////",
    "////////////wgALCAAIAAwBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAf/aAAgBAQAAAAEf/8QAFBABAAAAAAAAAAAAAAAAAAAAEP/aAAgB",
    "AQABBQI//8QAFBABAAAAAAAAAAAAAAAAAAAAEP/aAAgBAQAGPwI//8QAFBABAAAAAAAAAAAAAAAAAAAAEP/aAAgBAQABPyE//9oACAEBAAAA",
    "EL//xAAVEAEBAAAAAAAAAAAAAAAAAAAAEf/aAAgBAQABPxCI/9k=",
)
WEBP = _kept(
    "UklGRjgAAABXRUJQVlA4ICwAAADQAQCdASoMAAgAB0CWJbACdADcDMTSAAD+zXw9ClOMCXYbE+2Z0718PXFQAA==",
)
WEBP_LOSSLESS = _kept(
    "UklGRiwAAABXRUJQVlA4TB8AAAAvC8ABALmM6H/sIqL/ASEBYYn/SyUDhmLGYgKQqiwBAA==",
)
WEBP_ANIMATED = _kept(
    "UklGRroAAABXRUJQVlA4WAoAAAASAAAACwAABwAAQU5JTQYAAAAAAAAAAABBTk1GTAAAAAAAAAAAAAsAAAcAAAAAAANWUDggNAAAAFABAJ0B",
    "KgwACAAHQJYlsAAFjAAA/pM7d+a/5D9rP+q3Uy7kN5+BtnvtKP9LW22sR7IUAABBTk1GOgAAAAAAAAAAAAAAAAAAAAAAAABBTFBIAgAAAAAA",
    "VlA4IBgAAAA0AQCdASoBAAEAAACWJaQAA3AA/u+5AAA=",
)
AVIF = _kept(
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAO",
    "cGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAKAAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAA",
    "AABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAADAAAAAgAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAG",
    "gAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAMG1kYXQSAAoIGAyvtEBDQaEyGh7Hh4VZ3///4ssAALCaoDUjvoHIcnuqUMhA",
)

ALL = {
    "jpeg": ("image/jpeg", JPEG),
    "progressive jpeg": ("image/jpeg", PROGRESSIVE),
    "png": ("image/png", png()),
    "gif": ("image/gif", gif()),
    "bmp": ("image/bmp", bmp()),
    "bmp from the top": ("image/bmp", bmp(12, -8)),
    "webp": ("image/webp", WEBP),
    "lossless webp": ("image/webp", WEBP_LOSSLESS),
    "animated webp": ("image/webp", WEBP_ANIMATED),
    "avif": ("image/avif", AVIF),
}
