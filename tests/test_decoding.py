"""feedarchiver.gather.decoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.gather.decoding import decode

CHINESE = "<a>镕基与囍，中文正文。</a>"


def declared(encoding, text=CHINESE):
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'


@pytest.mark.parametrize(
    ("data", "charset", "text", "encoding"),
    [
        (CHINESE.encode(), None, CHINESE, "utf-8"),
        (CHINESE.encode(), "gb2312", CHINESE, "utf-8"),
        (b"\xef\xbb\xbf" + CHINESE.encode(), "latin-1", CHINESE, "utf-8"),
        (declared("gb2312").encode("gb18030"), None, declared("gb2312"), "gb18030"),
        (CHINESE.encode("gb18030"), "GB2312", CHINESE, "gb18030"),
        (declared("GBK").encode("gb18030"), "utf-8", declared("GBK"), "gb18030"),
        (declared("big5", "<a>許功蓋</a>").encode("big5"), None, declared("big5", "<a>許功蓋</a>"), "big5hkscs"),
        (declared("Shift_JIS", "<a>表示</a>").encode("shift_jis"), None, declared("Shift_JIS", "<a>表示</a>"), "cp932"),
        (
            declared("iso-2022-jp", "<a>表示</a>").encode("iso-2022-jp"),
            None,
            declared("iso-2022-jp", "<a>表示</a>"),
            "iso2022_jp",
        ),
        (CHINESE.encode("utf-16"), None, CHINESE, "utf-16-le"),
        (declared("utf-16").encode("utf-16-be"), None, declared("utf-16"), "utf-16-be"),
        (declared("utf-16").encode("utf-16-le"), "utf-8", declared("utf-16"), "utf-16-le"),
        ("<a>café “x”</a>".encode("cp1252"), None, "<a>café “x”</a>", "cp1252"),
        (declared("iso-8859-1", "<a>“é”</a>").encode("cp1252"), None, declared("iso-8859-1", "<a>“é”</a>"), "cp1252"),
        (declared("koi8-r", "<a>Привет</a>").encode("koi8-r"), None, declared("koi8-r", "<a>Привет</a>"), "koi8-r"),
    ],
)
def test_encodings(data, charset, text, encoding):
    """UTF-8 decides for itself; after it a mark, the transport and the document are asked."""
    assert decode(data, charset) == (text, encoding, 0)


@pytest.mark.parametrize("charset", [None, "iso-8859-1", "gb2312", "utf-8"])
def test_damaged_utf8_stays_utf8(charset):
    """One character cut in half does not turn a document into another encoding; it is counted."""
    decoded = decode(declared("utf-8").encode()[:-8] + b"</a>", charset)
    assert decoded.encoding == "utf-8"
    assert decoded.unreadable == 1
    assert "镕基与囍" in decoded.text


@pytest.mark.parametrize("name", ["zlib", "hex", "punycode", "idna", "unicode_escape", "rot13", "utf-7", "no-such"])
def test_what_is_no_charset_is_not_believed(name):
    """Codecs that are no encodings of the web are passed over, in the header and in the document."""
    assert decode(declared(name, "<a>\xe9</a>").encode("cp1252"), name).encoding == "cp1252"


@given(st.binary(max_size=60), st.one_of(st.none(), st.text(max_size=10)))
def test_any_bytes_decode(data, charset):
    """Whatever arrives becomes text that can be written as UTF-8."""
    decode(data, charset).text.encode()
