"""Addresses: identity, encoding, resolution, proxies."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedarchiver.urls import absolute, canonical, encoded, unproxied

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"

SEGMENT = st.text(alphabet="aB3-._~%2f5é中 /@:!'()+,;=&#?\\", max_size=12)
LINKS = st.builds(
    "{}://{}{}/{}?{}#{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["e.com", "E.com", "例子.测试", "user:p@e.com", "[::1]"]),
    st.sampled_from(["", ":80", ":443", ":8080", ":"]),
    SEGMENT,
    st.one_of(SEGMENT, st.sampled_from(["utm_source=x&id=2", "id=2&fbclid=1", "source=rss-1--2", "&&a=1&&"])),
    SEGMENT,
)

SAME = {
    "scheme": ("http://e.com/a", "https://e.com/a"),
    "case of scheme and host": ("HTTPS://E.Com/a", "https://e.com/a"),
    "default port": ("http://e.com:80/a", "https://e.com:443/a"),
    "empty port": ("https://e.com:/a", "https://e.com/a"),
    "no path": ("https://e.com", "https://e.com/"),
    "fragment": ("https://e.com/a#top", "https://e.com/a"),
    "double slash": ("http://www.e.fr//cn/a", "https://www.e.fr/cn/a"),
    "raw and encoded Chinese": ("https://e.com/中国/a", "https://e.com/%e4%b8%ad%E5%9B%BD/a"),
    "needless escape": ("https://e.com/%7Ea%2Db", "https://e.com/~a-b"),
    "space": ("https://e.com/a b", "https://e.com/a%20b"),
    "blanks round it": (" https://e.com/a\n", "https://e.com/a"),
    "campaign": ("https://e.com/a?utm_source=x&id=2&UTM_Medium=y", "https://e.com/a?id=2"),
    "click ids": ("https://e.com/a?fbclid=1&gclid=2&igshid=3", "https://e.com/a"),
    "Medium's source": ("https://e.com/a?source=rss-7e0de79fece------2", "https://e.com/a"),
    "feed's marks": ("https://e.com/a?partner=rss&emc=rss", "https://e.com/a"),
    "international host": ("https://例子.测试/a", "https://xn--fsqu00a.xn--0zwm56d/a"),
}

DIFFERENT = {
    "path": ("https://e.com/a", "https://e.com/b"),
    "case of the path": ("https://e.com/a", "https://e.com/A"),
    "trailing slash": ("https://e.com/a", "https://e.com/a/"),
    "query": ("https://e.com/?id=1", "https://e.com/?id=2"),
    "order of parameters": ("https://e.com/?a=1&b=2", "https://e.com/?b=2&a=1"),
    "a source that is no feed": ("https://e.com/a?source=reuters", "https://e.com/a"),
    "page in the fragment": ("https://e.com/#!/1", "https://e.com/#!/2"),
    "route in the fragment": ("https://e.com/#/post/1", "https://e.com/#/post/2"),
    "doubly encoded": ("https://e.com/%25E4%25B8%25AD", "https://e.com/%E4%B8%AD"),
    "encoded slash": ("https://e.com/a%2Fb", "https://e.com/a/b"),
    "port": ("https://e.com:8080/", "https://e.com/"),
    "host": ("https://www.e.com/", "https://e.com/"),
    "parameter that begins like a campaign": ("https://e.com/?utmost=1", "https://e.com/"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_same_identity(one, other):
    """Two spellings of one link are one identity."""
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_identity(one, other):
    """Links that may lead to two articles are two identities."""
    assert canonical(one) != canonical(other)


def test_double_encoding_is_never_decoded():
    """`%25` stays, so an address that was encoded twice is not taken for its half-decoded cousin."""
    assert canonical("https://e.com/@az/%25e6%25A5") == "https://e.com/@az/%25e6%25A5"


def test_no_address_is_its_own_identity():
    """A link that is no http(s) address is compared as it is."""
    assert canonical(" urn:uuid:1 ") == "urn:uuid:1"


@pytest.mark.parametrize("written", ["%{:02x}", "%{:02X}"])
def test_every_escape(written):
    """Of all escapes, those of unreserved characters are the characters, the others have capital digits."""
    for code in range(256):
        bare = chr(code) if re.fullmatch("[A-Za-z0-9._~-]", chr(code)) else f"%{code:02X}"
        assert canonical(f"https://e.com/a{written.format(code)}b?c={written.format(code)}") == (
            f"https://e.com/a{bare}b?c={bare}"
        )


@given(st.one_of(LINKS, st.text(max_size=40)))
@example("http://e.com:443/")
@example("http://e.com/%2E%2e//%2F")
def test_canonical_is_idempotent(link):
    """The identity of an identity is itself."""
    assert canonical(canonical(link)) == canonical(link)


ENCODED = {
    "valid stays": ("http://E.com:/a;b/%e4%25?x=(1)&y='#z", "http://E.com:/a;b/%e4%25?x=(1)&y='#z"),
    "Chinese": ("https://e.com/中?q=文#字", "https://e.com/%E4%B8%AD?q=%E6%96%87#%E5%AD%97"),
    "half encoded": ("https://e.com/%E4%B8%AD国", "https://e.com/%E4%B8%AD%E5%9B%BD"),
    "bare percent": ("https://e.com/100%", "https://e.com/100%25"),
    "percent without digits": ("https://e.com/%zz%4", "https://e.com/%25zz%254"),
    "brackets in a query": ("https://e.com/?a[]=1", "https://e.com/?a%5B%5D=1"),
    "what HTML and XML forbid": ('https://e.com/<a>"b"|c^d`{e}', "https://e.com/%3Ca%3E%22b%22%7Cc%5Ed%60%7Be%7D"),
    "second hash": ("https://e.com/#a#b", "https://e.com/#a%23b"),
    "blanks": ("\u3000 https://e.com/a b\t", "https://e.com/a%20b"),
    "line break within": ("https://e.com/a\n  b", "https://e.com/a%20%20b"),
    "backslashes": ("https://e.com\\a\\b?c\\d", "https://e.com/a/b?c%5Cd"),
    "host": ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
    "IPv6": ("http://[2001:db8::1]:8080/a b", "http://[2001:db8::1]:8080/a%20b"),
    "lone surrogate": ("https://e.com/\ud800", "https://e.com/%3F"),
    "control character": ("https://e.com/a\x0bb", "https://e.com/a%0Bb"),
}
REFUSED = (
    "", "/a", "//e.com/a", "www.e.com", "ftp://e.com/", "javascript:alert(1)", "data:image/png;base64,AA", "whatsapp://x",
    "mailto:a@e.com", "http://", "http:///a", "https://?q", "http://e.com:99999/", "http://e.com:x/", "http://a b/",
    f"http://e.com:{'9' * 5000}/",
    "http://[::1/", "http://<e>/", "http://é..e/", "undefined",
)  # fmt: skip


@pytest.mark.parametrize(("url", "result"), ENCODED.values(), ids=ENCODED)
def test_encoded(url, result):
    """An address is written in the characters RFC 3986 allows, and nothing is encoded twice."""
    assert encoded(url) == result


@pytest.mark.parametrize("url", REFUSED)
def test_refused(url):
    """What is no absolute http(s) address is None."""
    assert encoded(url) is None


@given(st.one_of(LINKS, st.text(max_size=30).map("https://e.com/{}".format)))
def test_encoded_is_ascii_and_stable(link):
    """An encoded address is ASCII without blanks, quotes or brackets, and encoding it again changes nothing."""
    url = encoded(link)
    if url is not None:
        assert url.isascii()
        assert url.isprintable()
        assert not set(url.partition("]")[2] or url) & set(' "<>\\^`{|}[]')
        assert encoded(url) == url


ABSOLUTE = {
    "absolute": ("https://o.org/x", "https://o.org/x"),
    "protocol-relative": ("//o.org/x.jpg", "https://o.org/x.jpg"),
    "root-relative": ("/x y.jpg", "https://e.com/x%20y.jpg"),
    "relative": ("x.jpg", "https://e.com/a/x.jpg"),
    "parent": ("../x.jpg", "https://e.com/x.jpg"),
    "query": ("?p=2", "https://e.com/a/b?p=2"),
    "fragment": ("#n1", "https://e.com/a/b#n1"),
    "Chinese": ("图.jpg", "https://e.com/a/%E5%9B%BE.jpg"),
    "empty": (" ", None),
    "script": ("javascript:void(0)", None),
    "broken": ("http://[x", None),
    "broken host": ("//[x", None),
}


@pytest.mark.parametrize(("url", "result"), ABSOLUTE.values(), ids=ABSOLUTE)
def test_absolute(url, result):
    """An address is resolved against its base and encoded."""
    assert absolute(url, "https://e.com/a/b") == result


def test_absolute_without_base():
    """Without a base only absolute addresses are usable."""
    assert absolute("https://e.com/a", None) == "https://e.com/a"
    assert absolute("//e.com/a", None) is None
    assert absolute("a", None) is None


PROXIED = {
    "slash": ("https://images.weserv.nl/?url=e.com/a.jpg", "https://e.com/a.jpg"),
    "no slash": ("https://images.weserv.nl?url=e.com/a.jpg&w=640", "https://e.com/a.jpg"),
    "with scheme": ("https://images.weserv.nl/?w=1&url=http%3A%2F%2Fe.com%2Fa%2520b.jpg", "http://e.com/a%20b.jpg"),
    "ssl:": ("https://images.weserv.nl/?url=ssl:e.com/a.jpg", "https://e.com/a.jpg"),
    "protocol-relative": ("https://wsrv.nl/?url=//e.com/a.jpg", "https://e.com/a.jpg"),
    "Photon": ("https://i2.wp.com/e.com/uploads/a.jpg?ssl=1", "https://e.com/uploads/a.jpg"),
    "search engine": ("https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fe.com%2Fa.jpg&f=1", "https://e.com/a.jpg"),
    "twice": ("https://wsrv.nl/?url=images.weserv.nl%2F%3Furl%3De.com%2Fa.jpg", "https://e.com/a.jpg"),
    "no target": ("https://images.weserv.nl/?url=", "https://images.weserv.nl/?url="),
    "no address in it": ("https://images.weserv.nl/?url=%20", "https://images.weserv.nl/?url=%20"),
    "no proxy": ("https://e.com/?url=o.org/a.jpg", "https://e.com/?url=o.org/a.jpg"),
}  # fmt: skip


@pytest.mark.parametrize(("url", "result"), PROXIED.values(), ids=PROXIED)
def test_unproxied(url, result):
    """A picture behind a well-known proxy is named by its own address."""
    assert unproxied(url) == result


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not part of the project")
def test_corpus_links_stay_apart():
    """Every link of the corpus is usable, its identity is stable, and no two links become one."""
    heads = (path.read_text("utf-8").split("\n------", 1)[0] for path in sorted(CORPUS.glob("*.txt")))
    links = {head[head.rindex("](") + 2 : head.rindex(")")] for head in heads}
    assert all(encoded(link) for link in links)
    assert len({canonical(link) for link in links}) == len(links) > 100
