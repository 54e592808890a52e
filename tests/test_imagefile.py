import struct
import time
from contextlib import suppress

import images
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver import imagefile
from feedarchiver.errors import ImageRefused

STARTS = [data[:40] for _, data in images.ALL.values()]


@pytest.mark.parametrize("name", images.ALL)
def test_kinds(name):
    """Each kind is known by its bytes, with its size."""
    media_type, data = images.ALL[name]
    assert imagefile.read(data) == (media_type, *images.SIZE)
    assert imagefile.sniffed(data) == media_type
    assert media_type in imagefile.ENDINGS


@pytest.mark.parametrize("name", images.ALL)
def test_cut_off(name):
    """Without its end, at whatever place it was lost, an image is refused."""
    _, data = images.ALL[name]
    shortest = 2 if name == "gif" else 1  # of a GIF whose last byte but one is lost as well, none is like its end
    for length in range(len(data) - shortest):
        with pytest.raises(ImageRefused):
            imagefile.read(data[:length])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(10))
def test_held_sideways(orientation, order):
    """A photograph held sideways is as wide as it is shown."""
    size = images.SIZE[::-1] if orientation in (5, 6, 7, 8) else images.SIZE
    assert imagefile.read(images.turned(images.JPEG, orientation, order)) == ("image/jpeg", *size)


def test_a_turned_avif():
    """So is an AVIF image that says that it is turned."""
    data = images.AVIF
    place = data.index(b"ipco")
    (size,) = struct.unpack_from(">I", data, place - 4)
    grown, turn = bytearray(data), struct.pack(">I4sB", 9, b"irot", 1)
    for box in (b"meta", b"iprp", b"ipco"):
        at = data.index(box) - 4
        struct.pack_into(">I", grown, at, struct.unpack_from(">I", data, at)[0] + len(turn))
    grown[place - 4 + size : place - 4 + size] = turn
    assert imagefile.read(bytes(grown)) == ("image/avif", *images.SIZE[::-1])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
        (b"\xef\xbb\xbf<svg onload='x'/>", "it is SVG, which may hold scripts"),
        (b"<!DOCTYPE html><title>Not found</title>", "it is a web page, not an image"),
        (b"%PDF-1.7", "it is no image in"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "it is no image in"),
        (b"II*\0" + bytes(40), "it is no image in"),
        (images.png(0, 5), "it has no size"),
        (images.saying(10_000, 10_001), "10,000 x 10,001 pixels, above the limit of 100,000,000"),
        (images.png()[:17] + b"\xff" + images.png()[18:], "it is broken"),
        (b"\xff\xd8\xff\xd9", "it has no picture in it"),
        (images.JPEG[:20] + b"???" + images.JPEG[20:], "it is"),
        (images.png() + bytes(imagefile.LIMIT_BYTES), "above the limit of 20,000,000"),
    ],
)
def test_refused(data, reason):
    """What is no image that can be shown everywhere is refused, and the reason said."""
    with pytest.raises(ImageRefused, match=reason):
        imagefile.read(data)


@pytest.mark.parametrize("name", images.ALL)
def test_something_behind_the_end(name):
    """What some programs leave behind the end of an image does not harm it."""
    media_type, data = images.ALL[name]
    assert imagefile.read(data + b"\0\0\r\n") == (media_type, *images.SIZE)


@given(st.sampled_from(STARTS), st.integers(0, 40), st.binary(max_size=200))
def test_anything_may_come(start, kept, rest):
    """Whatever bytes come, they are an image with a size, or refused."""
    with suppress(ImageRefused):
        found = imagefile.read(start[:kept] + rest)
        assert found.type in imagefile.ENDINGS
        assert 0 < found.width * found.height <= imagefile.LIMIT_PIXELS


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 1_000_000,
        b"\xff\xd8" + b"\xff" * 4_000_000,
        b"\0\0\0\x14ftypavif\0\0\0\0avif" + b"\0\0\0\x08free" * 500_000,
    ],
)
def test_made_to_cost_time(data):
    """Nothing that is built to be walked for ever is."""
    before = time.process_time()
    with pytest.raises(ImageRefused):
        imagefile.read(data)
    assert time.process_time() - before < 1
