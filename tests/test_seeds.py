"""feedarchiver.gather.seeds and the front matter before a seed."""

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedarchiver import dates
from feedarchiver.errors import SeedRefused
from feedarchiver.gather import folder, seeds
from feedarchiver.gather.files import received

ROOT = Path(__file__).parent.parent
DATA = Path(__file__).parent / "data" / "seeds"
AT_22_45 = datetime(2023, 11, 4, 22, 45, 1, tzinfo=UTC)
BODY = "<p>Text.</p>\n"


def written(
    *, stamp="1699137901000", title="A title", link="https://x.example/a", body=BODY, separator="------", front=""
):
    return f"{front}<!--{stamp}-->\n[{title}]({link})\n{separator}\n\n{body}".encode()


@pytest.mark.parametrize(
    "path", sorted(path for path in DATA.iterdir() if path.suffix != ".json"), ids=lambda path: path.name
)
def test_file_beside_its_expected_file(path):
    """Each file in tests/data/seeds reads as the JSON beside it says."""
    article, warnings = seeds.parse(path.read_bytes())
    assert json.loads(path.with_suffix(".json").read_bytes()) == {
        "title": article.title,
        "link": article.link,
        "published": article.published and dates.rfc3339(article.published),
        "published_from": article.published_from,
        "authors": list(article.authors),
        "categories": list(article.categories),
        "content": article.content,
        "warnings": list(warnings),
    }


@pytest.mark.parametrize(
    ("name", "title", "instant", "slug"),
    [
        (
            "000_90ee567b7de85cf0.txt",
            "土耳其宣布召回驻以色列大使",
            "2023-11-04T22:45:01Z",
            (
                "https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/20231104-%E5%9C%9F%E8%80%B3%E5%85%B6%E5%AE%A3%E5%B8%83%E5%8F%AC%E5%9B%9E"
                "%E9%A9%BB%E4%BB%A5%E8%89%B2%E5%88%97%E5%A4%A7%E4%BD%BF"
            ),
        ),
        (
            "001_941c8ff9d9d3703d.txt",
            "哈马斯政治领导人访土耳其举行官方会谈",
            "2024-01-21T18:15:02Z",
            (
                "https://www.rfi.fr/cn/%E5%9B%BD%E9%99%85/20240121-%E5%93%88%E9%A9%AC%E6%96%AF%E6%94%BF%E6%B2%BB%E9%A2%86%E5%AF%BC"
                "%E4%BA%BA%E8%AE%BF%E5%9C%9F%E8%80%B3%E5%85%B6%E4%B8%BE%E8%A1%8C%E5%AE%98%E6%96%B9%E4%BC%9A%E8%B0%88"
            ),
        ),
    ],
)
def test_the_two_seeds(name, title, instant, slug):
    """The project's own seeds: title, link byte for byte, the header's instant, and nothing odd."""
    data = (ROOT / "seeds" / name).read_bytes()
    article, warnings = seeds.parse(data)
    assert (article.title, article.link) == (title, slug)
    assert (dates.rfc3339(article.published), article.published_from) == (instant, "stamp")
    assert article.content.startswith("<div>")
    assert data.endswith(article.content.encode())
    assert warnings == ()


# Forms that are legal


@pytest.mark.parametrize(
    "data",
    [
        written(),
        b"\xef\xbb\xbf" + written(),
        written(separator="---"),
        written(separator="-" * 100),
        written(separator="------ \t"),
        written(body=BODY).replace(b"\n\n", b"\n"),
        written(stamp=" 1699137901000 "),
        b"\n" + written(),
        b"---\n---\n" + written(),
    ],
)
def test_same_article_in_every_legal_form(data):
    """A BOM, a longer separator, a missing or additional blank line and empty front matter change nothing."""
    assert seeds.parse(data) == seeds.parse(written())


def test_crlf():
    """CRLF ends lines as LF does; the body keeps its own."""
    article, warnings = seeds.parse(written(title="Two\nlines", body="<p>a</p>\n<p>b</p>\n").replace(b"\n", b"\r\n"))
    assert (article.title, article.link, article.published) == ("Two lines", "https://x.example/a", AT_22_45)
    assert article.content == "<p>a</p>\r\n<p>b</p>\r\n"
    assert warnings == ()


@pytest.mark.parametrize(
    "title",
    [
        "a](b",
        "](",
        "[sic]",
        "a) b",
        "[](",
        "\\“x\\”",
        "a_------_b",
        "  \u3000x ",
        "<b>&amp;",
        "x\0\x0b\ufffe",
        "🦌",
        "]",
    ],
)
def test_title_as_it_stands(title):
    """The title may hold brackets, `](`, backslashes, control characters: it is kept as it stands."""
    assert seeds.parse(written(title=title))[0].title == title


@pytest.mark.parametrize(
    ("title", "read"), [("a\nb", "a b"), ("a \n\n  b\n", "a b"), ("土耳\n其", "土耳 其"), ("\n", "")]
)
def test_title_over_line_breaks(title, read):
    """Line breaks in a title become one space each, so that no words are glued."""
    assert seeds.parse(written(title=title))[0].title == read


@pytest.mark.parametrize(
    "link",
    [
        "http://www.rfi.fr//cn/%e4%b8%ad/?a=1&amp;b=2&c",
        "https://x.example/a_(b)",
        "https://x.example/a)(b",
        "https://medium.example/p?source=rss-f1------2",
        "https://x.example/------",
        "https://x.example/%25E5%25",
        "HTTPS://X.example/中文?q=“x”#[1]",
        "https://x.example/a b\0",
        "https://x.example",
    ],
)
def test_link_byte_for_byte(link):
    """The link is kept byte for byte: brackets, hyphens, escapes, raw characters."""
    assert seeds.parse(written(link=link))[0].link == link


@pytest.mark.parametrize("body", ["", "undefined", " \n", "undefined\n\n"])
def test_no_body(body):
    """An empty or `undefined` body is no content."""
    assert seeds.parse(written(body=body))[0].content is None


@pytest.mark.parametrize(
    "body", ["<p>a\0b\x0c\ufffe</p>", "------\n", "x\n---\ny", "\n\nx", "<p>undefined</p>", "[a](b)\n------\nc"]
)
def test_body_as_received(body):
    """The body is kept as it stands: separators, blank lines, NUL and what XML forbids included."""
    assert seeds.parse(written(body=body))[0].content == body


def test_no_last_line_break():
    """A file may end with its separator."""
    assert seeds.parse(written().partition(b"\n\n")[0])[0].content is None


# Dates


@pytest.mark.parametrize(
    ("stamp", "link", "body", "instant", "provenance"),
    [
        ("NaN", "https://x.example/2023/11/04/", "<p>", "2023-11-04T00:00:00Z", "link"),
        ("NaN", "https://x.example/2023/11/04/", '<time datetime="2023-11-03">', "2023-11-03T00:00:00Z", "markup"),
        ("0", "https://x.example/2023/11/04/", '<time datetime="2023-11-03">', "1970-01-01T00:00:00Z", "stamp"),
        ("-86400000", "https://x.example/a", "", "1969-12-31T00:00:00Z", "stamp"),
        ("253402300799000", "https://x.example/a", "", "9999-12-31T23:59:59Z", "stamp"),
        ("NaN", "https://x.example/a", "<div>04/11/2023 - 22:49</div>", None, None),
    ],
)
def test_where_the_date_is_from(stamp, link, body, instant, provenance):
    """A numeric stamp decides; else the body's markup, else the link, else there is no date. All without a warning."""
    article, warnings = seeds.parse(written(stamp=stamp, link=link, body=body))
    assert (article.published and dates.rfc3339(article.published), article.published_from) == (instant, provenance)
    assert warnings == ()


@pytest.mark.parametrize("stamp", ["", "undefined", "253402300800000", "2023-11-04", "1e12"])
def test_unusable_stamp_is_undated_with_a_warning(stamp):
    """A stamp that is no usable number leaves the article undated, and says so."""
    article, warnings = seeds.parse(written(stamp=stamp))
    assert (article.published, article.published_from) == (None, None)
    assert warnings == (f"the stamp {stamp!r} is no usable number of milliseconds",)


@pytest.mark.parametrize("first", ["", "hello\n", "<!-- 1699137901000\n"])
def test_missing_stamp_is_undated_with_a_warning(first):
    """A seed whose first line holds no comment is undated, and says so."""
    article, warnings = seeds.parse(first.encode() + written().partition(b"\n")[2])
    assert (article.title, article.published) == ("A title", None)
    assert warnings == ("no stamp in line 1",)


def test_missing_title_warns():
    """A title of nothing is told of."""
    article, warnings = seeds.parse(written(title=" "))
    assert (article.title, warnings) == (" ", ("no title",))


# Front matter


def front(lines):
    return seeds.parse(written(stamp="NaN", front=f"---\n{lines}\n---\n"))


@pytest.mark.parametrize(
    ("lines", "authors", "categories"),
    [
        ("author: Ann Bee", ("Ann Bee",), ()),
        ("Author : 'Ann ''Bee'''  # she", ("Ann 'Bee'",), ()),
        ('authors: ["Ann, Bee" , Cee,]', ("Ann, Bee", "Cee"), ()),
        ("authors:\n- Ann\n# no\n- Bee\nauthor: Ann", ("Ann", "Bee"), ()),
        ("tags: one two\ncategories: [two, three]", (), ("two", "three", "one")),
        ("tags: one thing, another", (), ("one thing", "another")),
        ("tags: C# x#y", (), ("C#", "x#y")),
        ("tags:\ncategories: ~\nauthor: null\nauthors: []", (), ()),
        ("nested:\n  author: Ann\nlist:\n- author\ntitle: {a: [b", (), ()),
        ("author: Ann\r", ("Ann",), ()),
    ],
)
def test_front_matter(lines, authors, categories):
    """Authors, categories and tags are read as Jekyll's authors write them; other keys are passed over."""
    article, warnings = front(lines)
    assert (article.authors, article.categories) == (authors, categories)
    assert warnings == ()


@pytest.mark.parametrize(
    ("line", "instant"),
    [
        ("date: 2023-11-04", "2023-11-04T00:00:00Z"),
        ("date: 2023-11-04 22:45:01", "2023-11-04T22:45:01Z"),
        ("date: '2023-11-05T06:45:01+08:00'", "2023-11-04T22:45:01Z"),
    ],
)
def test_front_matter_date(line, instant):
    """The date of front matter holds where the stamp is no number; without a zone it is in UTC, as YAML says."""
    article, warnings = front(line)
    assert (dates.rfc3339(article.published), article.published_from) == (instant, "front-matter")
    assert warnings == ()
    stamped, _ = seeds.parse(written(front=f"---\n{line}\n---\n"))
    assert (stamped.published, stamped.published_from) == (AT_22_45, "stamp")


def test_front_matter_instead_of_a_stamp():
    """A dated Jekyll post needs no stamp."""
    article, warnings = seeds.parse(b"---\ndate: 2023-11-04\n---\n\n[t](https://x.example/a)\n---\n" + BODY.encode())
    assert (article.title, article.published_from, article.content) == ("t", "front-matter", BODY)
    assert warnings == ()


@pytest.mark.parametrize(
    ("lines", "odd"),
    [
        ("date: tomorrow", "date"),
        ("date: [2023", "date"),
        ("author: {name: Ann}", "author"),
        ("author:\n  name: Ann", "author"),
        ("author: *anchor", "author"),
        ('author: "\\u0041"', "author"),
        ("authors:\n- name: Ann", "authors"),
        ("tags: [a, [b]]", "tags"),
        ("tags: ['a]", "tags"),
        ("tags: [a" + " " * 100_000 + "\n", "tags"),
        ("what is this", "a line without a key"),
        ("???\n" * 1000, "a line without a key"),
    ],
)
def test_front_matter_not_understood(lines, odd):
    """What is not understood is ignored with one warning; the article is taken."""
    article, warnings = front(lines)
    assert (article.title, article.published, article.authors, article.categories) == ("A title", None, (), ())
    assert warnings == (f"front matter: {odd} is not understood",)


# Refusals


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"\xef\xbb\xbf", "empty file"),
        (b" \r\n\n", "empty file"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"\xef\xbb\xbf<!--1-->\xff", "not UTF-8 at byte 11"),
        (written(body="<p>\xe9").decode().encode("latin-1"), f"not UTF-8 at byte {len(written(body='<p>'))}"),
        (b"<!--1-->\n\xed\xa0\x80", "not UTF-8 at byte 9"),
        (b"<!--1-->\n\xe4\xb8", "not UTF-8 at byte 9"),
        ("<!--1-->\n[题](http://x)\n------\n".encode("gb18030"), "not UTF-8 at byte 10"),
        ("<!--1-->\n[t](http://x)\n------\n".encode("utf-16"), "not UTF-8 at byte 0"),
        (b"# A readme\n", "no separator, a line of three or more hyphens"),
        (written(separator="--"), "no separator, a line of three or more hyphens"),
        (written(separator="------x"), "no separator, a line of three or more hyphens"),
        (written(separator=" ------"), "no separator, a line of three or more hyphens"),
        (b"<!--1-->\n------\n[t](http://x)", "no [title](link) before the separator"),
        (b"<!--1-->\nt](http://x)\n------\n", "no [title](link) before the separator"),
        (b"<!--1-->\n[t] (http://x)\n------\n", "no [title](link) before the separator"),
        (b"<!--1-->\n[t](http://x\n------\n)", "no [title](link) before the separator"),
        (b"---\ntitle: never closed\n" + written(), "no [title](link) before the separator"),
        (written(link=""), "no http(s) link"),
        (written(link="http://"), "no http(s) link"),
        (written(link="/cn/a"), "no http(s) link"),
        (written(link="//x.example/a"), "no http(s) link"),
        (written(link="ftp://x.example/a"), "no http(s) link"),
        (written(link="javascript:alert(1)//http://x"), "no http(s) link"),
        (written(link="file:///etc/passwd"), "no http(s) link"),
        (written(link="http://x.example/a\nb"), "a line break in the link"),
    ],
)
def test_refused_with_a_reason(data, reason):
    """What is no seed is refused, and the reason says what is missing or which byte is wrong."""
    with pytest.raises(SeedRefused) as refused:
        seeds.parse(data)
    assert refused.value.reason == reason


# Properties

lines = st.sampled_from(
    [
        "---\n",
        "<!--",
        "-->",
        "NaN",
        "1699137901",
        "\n",
        "\r\n",
        "[",
        "](",
        "]",
        "https://x",
        ")",
        "------\n",
        "tags: ",
        "- a\n",
    ]
)


@given(
    st.one_of(
        st.binary(), st.text().map(str.encode), st.lists(lines, max_size=20).map(lambda parts: "".join(parts).encode())
    )
)
@example(written())
def test_any_bytes(data):
    """Any bytes are an article with an http(s) link, or refused."""
    try:
        article, warnings = seeds.parse(data)
    except SeedRefused:
        return
    assert article.link.lower().startswith("http")
    assert (article.published is None) == (article.published_from is None)
    assert all("\n" not in warning for warning in warnings)


plain = st.text(st.characters(codec="utf-8"))


@given(
    milliseconds=st.integers(-62135596800000, 253402300799999).filter(lambda number: len(str(abs(number))) != 10),
    title=plain.filter(lambda text: "\n" not in text),
    link=plain.filter(lambda text: not {"\n", "\r", "\t", " "} & set(text)).filter(lambda text: "](" not in text),
    body=plain.filter(lambda text: text.strip() not in {"", "undefined"}),
)
def test_parse_of_written(milliseconds, title, link, body):
    """What is written in the format is read back: title, link, instant and body."""
    article, _ = seeds.parse(written(stamp=milliseconds, title=title, link="https://x" + link, body=body))
    assert (article.title, article.link, article.content) == (title, "https://x" + link, body)
    assert dates.from_stamp(str(milliseconds)) == (article.published, article.published_from)


def test_received():
    """A seed's bytes travel with the article, its source, its name and what was odd."""
    seed = folder.SeedFile(path="/s/rfi/x", source="rfi", folder="/s", name="rfi/x", size_bytes=1, stamp="1 1 1 1")
    data = written(stamp="1699137901")
    (one,) = received(data, source=seed.source, name=seed.name)
    assert (one.source, one.url, one.raw) == ("rfi", "rfi/x", data)
    assert one.article.published == AT_22_45
    assert one.warnings == ("the stamp 1699137901 has ten digits: read as seconds",)
    assert pickle.loads(pickle.dumps(one)) == one
