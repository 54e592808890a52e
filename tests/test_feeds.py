"""feedarchiver.gather.feeds: documents beside what they say, and the fast reader beside feedparser."""

import json
import pickle
import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from feedarchiver import dates
from feedarchiver.archive import objects
from feedarchiver.gather import feeds
from feedarchiver.gather.feeds import entry, fast, loose
from feedarchiver.gather.feeds.parsed import Problems
from feedarchiver.markup.text import plain, visible

DATA = Path(__file__).parent / "data" / "feeds"
DOCUMENTS = sorted(path for path in DATA.iterdir() if path.suffix != ".json")
URL = "https://feeds.example/all.xml"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:a="http://www.w3.org/2005/Atom"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:dcterms="http://purl.org/dc/terms/"'
)


def rss(*items, head=""):
    inner = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0" {NAMESPACES}><channel><title>T</title>{head}{inner}</channel></rss>'.encode()


def atom(*entries, head="", attributes=""):
    inner = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>T</title>{head}{inner}</feed>'.encode()


def article(inner, **options):
    """Read the one entry of an RSS feed that holds `inner`."""
    (found,) = feeds.parse(rss(f'<guid isPermaLink="false">g</guid>{inner}'), url=URL, **options).entries
    return found.article


def told(data):
    """Everything a document says, as JSON."""
    parsed = feeds.parse(data, url=URL)
    return {
        "title": parsed.title,
        "link": parsed.link,
        "language": parsed.language,
        "ttl_s": parsed.ttl and parsed.ttl.total_seconds(),
        "links": [list(link) for link in parsed.links],
        "problems": list(parsed.problems),
        "entries": [json.loads(objects.encode_article(found.article)) for found in parsed.entries],
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_file_beside_its_expected_file(path):
    """Each document in tests/data/feeds says what the JSON beside it says."""
    assert told(path.read_bytes()) == json.loads(path.with_suffix(".json").read_bytes())


# What is no feed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty document"),
        (b" \n\xef\xbb\xbf\0", "an empty document"),
        (b"Not Found", "not a feed: no markup in it, sent as text/plain"),
        (b"<!DOCTYPE html><!-- x --><html><body><p>Hello</p></body></html>", "an HTML page, not a feed"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'><head/></html>", "an HTML page, not a feed"),
        (b"<opml version='2.0'><body/></opml>", "not a feed"),
        (b'{"a": 1}', "JSON, but no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}', "JSON, but no JSON Feed"),
        (b'{"version": ', "not readable as JSON"),
        (b'{"a":' + b"[" * 100_000, "not readable as JSON: nested too deeply"),
        (b'{"a":' + b"1" * 10_000 + b"}", "not readable as JSON"),
        (b"x" * 1001, "1,001 bytes long, above the limit of 1,000"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_what_is_no_feed_is_refused_with_a_reason(data, reason):
    """A page, a text or broken JSON is refused in one line; the refusal survives pickling."""
    limit = 1000 if data[:1] == b"x" else 1_000_000
    with pytest.raises(feeds.NotAFeed) as caught:
        feeds.parse(data, media_type="text/plain", limit_bytes=limit)
    assert str(caught.value).startswith(reason)
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_feed_without_entries_is_a_feed():
    """An empty feed has a title and no entries."""
    assert feeds.parse(rss()) == feeds.ParsedFeed(title="T")


# Limits and hostile documents


@pytest.mark.parametrize("tail", [b"", b"<unclosed>"], ids=["well-formed", "ill-formed"])
def test_more_entries_than_wanted(tail):
    """Of too many entries the first are read, and a problem says that there are more."""
    data = rss(*(f"<link>https://x.example/{number}</link>" for number in range(30)))
    parsed = feeds.parse(data.replace(b"</channel>", tail + b"</channel>"), limit_entries=10)
    assert [found.article.link for found in parsed.entries] == [f"https://x.example/{number}" for number in range(10)]
    assert "only the first 10 " in parsed.problems[0]


@pytest.mark.parametrize(
    "inner",
    [
        "<a>" * 300_000,
        "<a/>" * 600_000,
        f"<a {'b= ' * 600_000}/>",
        "<![CDATA[x]]>" * 600_000,
    ],
    ids=["deep", "wide", "attributes", "cdata"],
)
def test_more_markup_than_memory_is_meant_for(inner):
    """Half a million tags, attributes or sections are refused before a parser sees them."""
    with pytest.raises(feeds.NotAFeed, match=r"tags or attributes|more markup"):
        feeds.parse(rss(inner))


def test_much_markup_in_cdata_is_no_markup():
    """A long archive of articles in CDATA is read, however many tags its articles have."""
    assert article(f"<description><![CDATA[{'<br>' * 600_000}]]></description>").content == "<br>" * 600_000


@pytest.mark.parametrize(
    "hostile",
    ["<b " + " ".join(f"a{number}='>'" for number in range(1000)) + ">", "<b>" * 250_000, "<b>" + "x" * 5_000_000],
    ids=["attributes", "tags", "text"],
)
def test_costly_markup_in_an_ill_formed_document(hostile):
    """What would take feedparser minutes is cut off; the entries before it are read."""
    parsed = feeds.parse(rss("<link>https://x.example/1</link>", hostile))
    assert [found.article.link for found in parsed.entries] == ["https://x.example/1"]
    assert "more markup" in parsed.problems[0]


def test_no_entity_of_a_document_type_is_followed(tmp_path):
    """Neither a file nor a bomb comes out of a DTD."""
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    laughs = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    doctype = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">{laughs}]>'
    data = doctype.encode() + rss("<link>https://x.example/</link><description>&x;&i;</description>")
    (found,) = feeds.parse(data).entries
    assert "secret" not in (found.article.content or "")
    assert len(found.article.content or "") < 1000


@pytest.mark.parametrize(
    "data",
    [
        '<!DOCTYPE rss><rss xmlns:a="a\u3000b"><a:x/></rss>'.encode(),
        b'<rss><item><p:pos xmlns:p="http://www.opengis.net/gml">1 2</p:pos><x></rss>',
    ],
    ids=["blank in a namespace", "place of no entry"],
)
def test_what_feedparser_stumbles_over(data):
    """A document on which feedparser itself fails is refused, and ends nothing else."""
    with pytest.raises(feeds.NotAFeed, match="feedparser cannot read it"):
        feeds.parse(data)


@given(st.binary(max_size=300))
@example(b'<?xml version="1.0" encoding="punycode"?><rss>\xff</rss>')
@example(b"<rss><channel><item><guid>http://[</guid><link>http://[</link></item></channel></rss>")
@example(b"{\xff")
def test_any_bytes(data):
    """Whatever arrives is read or refused."""
    with suppress(feeds.NotAFeed):
        assert isinstance(feeds.parse(data), feeds.ParsedFeed)


@given(
    path=st.sampled_from(DOCUMENTS),
    at=st.floats(0, 1),
    drop=st.integers(0, 40),
    put=st.one_of(
        st.binary(max_size=6), st.sampled_from([b"<", b"&", b"]]>", b"<item>", b"</item>", b"\0", b'"', b"\x1b"])
    ),
)
def test_damaged_documents(path, at, drop, put):
    """A document with a hole or a splinter gives articles that the archive can hold, or a refusal."""
    data = path.read_bytes()
    start = int(at * len(data))
    try:
        parsed = feeds.parse(data[:start] + put + data[start + drop :], url=URL)
    except feeds.NotAFeed:
        return
    for found in parsed.entries:
        assert objects.decode_article(objects.encode_article(found.article)) == found.article
        assert found.article.link or found.article.guid
        assert found.raw.decode()
    assert pickle.loads(pickle.dumps(parsed)) == parsed


@given(st.binary(min_size=1, max_size=4))
@example(b"\xc0\xbc")
@example(b"\xe0\x80\xbc")
@example(b"\xed\xa0\x80")
@example(b"\xf0\x80\x80\xbc")
@example(b"\xf4\x90\x80\x80")
@example(b"\xff")
def test_the_quick_reader_takes_nothing_but_utf8(text):
    """What need not be decoded first is UTF-8 to the letter: no overlong form, no half of a pair, no lone byte."""
    for inner in (text, b"<![CDATA[" + text + b"]]>"):
        document = b"<rss><channel><item><guid>1</guid><title>" + inner + b"</title></item></channel></rss>"
        if fast.read(document, None, Problems(), 1):
            document.decode()


# The bytes of an entry


def test_an_entry_is_kept_as_it_was_written():
    """An entry's bytes are its own element and nothing else: CDATA as CDATA, the namespaces it uses declared."""
    (found,) = feeds.parse(rss("<guid>1</guid><dc:creator><![CDATA[A & b]]></dc:creator><title>中</title>")).entries
    assert found.raw.decode() == (
        '<item xmlns:dc="http://purl.org/dc/elements/1.1/"><guid>1</guid>'
        "<dc:creator><![CDATA[A & b]]></dc:creator><title>中</title></item>"
    )
    assert etree.fromstring(found.raw).tag == "item"


def test_an_entry_s_bytes_do_not_depend_on_the_rest_of_its_feed():
    """What else a feed says or declares changes no entry's bytes."""
    one = feeds.parse(rss("<guid>1</guid>", "<guid>2</guid>", head="<ttl>5</ttl>"))
    other = feeds.parse(b'<rss version="2.0"><channel>\n<item><guid>2</guid></item>\n\n</channel></rss>')
    assert one.entries[1].raw == other.entries[0].raw


def test_an_entry_of_an_ill_formed_document_keeps_its_own_text():
    """Where a document is ill-formed, each entry's bytes are its text as received."""
    items = ["<item><guid>1</guid><title>R&D &nbsp; <b></title></item>", "<item><guid>2</guid></item>"]
    data = f"<rss version='2.0'><channel>{items[0]}\n{items[1]}</rss>".encode()
    assert [found.raw.decode() for found in feeds.parse(data).entries] == items


def test_where_an_entry_s_text_is_not_certain_its_values_are_kept():
    """Where entries cannot be told apart in the text, the bytes are what was read, as JSON."""
    data = b"<rss version='2.0'><channel><x:item xmlns:x='urn:x'>&</x:item><item><guid>urn:1</guid></item></rss>"
    (found,) = feeds.parse(data).entries
    assert json.loads(found.raw)["id"] == "urn:1"


# Texts


@given(st.text(st.sampled_from("ab <>&;/=\"'#x1中\n"), max_size=30))
def test_a_plain_title_of_atom_is_shown_as_written(text):
    """Whatever an Atom title of type text says, the published title says the same, line breaks as spaces."""
    (found,) = feeds.parse(atom(f"<id>1</id><title>{escape(text)}</title>")).entries
    assert plain(found.article.title) == " ".join(text.split())


@given(st.text(st.sampled_from("ab <>&;/=\"'#x1中\n"), max_size=30))
def test_a_settled_title_is_settled(text):
    """A title that was read once reads the same ever after."""
    title = plain(text)
    assert plain(entry.settled(title)) == title


@pytest.mark.parametrize(
    ("inner", "content", "summary"),
    [
        ("<description>Long text</description>", "Long text", None),
        ("<description>Short</description><content:encoded>Longer text</content:encoded>", "Longer text", "Short"),
        ("<content:encoded>Short</content:encoded><description>Longer text</description>", "Longer text", None),
        ("<content:encoded>Same</content:encoded><description>Same</description>", "Same", None),
        (
            "<content:encoded>&lt;img src='a-very-long-address.png'></content:encoded><description>Words</description>",
            "Words",
            None,
        ),
        ("<media:group><media:description>1 &lt; 2</media:description></media:group>", "1 &lt; 2", None),
        ("<itunes:summary>Podcast, and longer</itunes:summary><description>Text</description>", "Text", None),
        ("<description> </description>", None, None),
        ("<description>a <b xmlns=''>bold</b> b</description>", "a <b>bold</b> b", None),
        ("<body xmlns='http://www.w3.org/1999/xhtml'><p>a &lt; <br/></p></body>", "<p>a &lt; <br></p>", None),
        ("<content type='text/plain'>In no format</content>", "In no format", None),
    ],
)
def test_the_fullest_text_is_the_content(inner, content, summary):
    """Of several texts the one with the most words is the content, another that says less the summary."""
    found = article(inner)
    assert (found.content, found.summary) == (content, summary)


@pytest.mark.parametrize(
    "escape_at", ["<!-- {} -->{}", "<?x {}?>{}", "<rss a='{}'>{}</rss>", "{}{}", "<rss>{}{}</rss>"]
)
@pytest.mark.parametrize("inner", ["", "<title>表示</title>", "<description><![CDATA[表示]]></description>"])
def test_what_is_utf8_to_the_letter_only_is_read_as_what_it_declares(escape_at, inner):
    """ISO-2022-JP is ASCII with escapes, which XML forbids: wherever one stands, no parser takes the feed for UTF-8."""
    data = rss(f"<guid>g</guid>{inner}").decode()
    assert fast.read(escape_at.format("\x1b", data).encode(), URL, Problems(), 10) is None
    declared = '<?xml version="1.0" encoding="iso-2022-jp"?>' + data
    assert told(declared.encode("iso-2022-jp"))["entries"] == told(data.encode())["entries"]


PIECES = st.lists(st.sampled_from(["<p>", "<a href='x'>", "word ", "<", ">", " " * 20, "long" * 10, "</p>" * 30]))


@given(PIECES.map("".join), PIECES.map("".join))
@example("<p>" * 50 + "abcd", "abc")
@example("<p>" * 50 + "abcd" + "<p>" * 50, "abc")
@example("abc", "<p>" * 50 + "ab")
@example("a<" * 20 + ">" * 8, "b")
def test_how_full_a_text_is(content, summary):
    """How much a text says is what is left of it without tags, however long it is beside the other."""
    content, summary = content.strip(), summary.strip()
    found = article(f"<content:encoded>{escape(content)}</content:encoded><description>{escape(summary)}</description>")
    words, other = (len(re.sub("<[^<>]*>", "", text).strip()) for text in (content, summary))
    if words >= other and content:
        assert (found.content, found.summary) == (content, summary if 0 < other < words else None)
    else:
        assert (found.content, found.summary) == (summary or None, None)


@pytest.mark.parametrize(
    ("said", "content"),
    [
        ("<content type='html'>&lt;p>x&lt;/p></content>", "<p>x</p>"),
        ("<content type='text'>&lt;p>x</content>", "&lt;p&gt;x"),
        ("<content>&lt;p>x</content>", "&lt;p&gt;x"),
        ("<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a<b>c</b></div></content>", "a<b>c</b>"),
        (
            "<content type='xhtml' xmlns:h='http://www.w3.org/1999/xhtml'><h:div><h:p>c</h:p></h:div></content>",
            "<p>c</p>",
        ),
        ("<content type='image/png'>iVBORw0KGgo=</content>", None),
        ("<content type='text/html'>&lt;p>x</content>", "<p>x"),
        ("<content type='html' src='https://x.example/'/>", None),
    ],
)
def test_atom_content_by_its_type(said, content):
    """Each type of Atom content becomes HTML; what is no text is left alone."""
    assert feeds.parse(atom(f"<id>1</id>{said}")).entries[0].article.content == content


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="b">', '<a href="https://x.example/d/b">'),
        ("<a href='/b?x=1&amp;y=2'>", '<a href="https://x.example/b?x=1&amp;y=2">'),
        ("<img alt='src=x' src=c.png>", "<img alt='src=x' src=\"https://x.example/d/c.png\">"),
        ('<a href="https://y.example/">', '<a href="https://y.example/">'),
        ('<a href="mailto:a@b">', '<a href="mailto:a@b">'),
        ('<a href="#note">', '<a href="#note">'),
        ("href=b", "href=b"),
    ],
)
def test_relative_addresses_under_an_xml_base(html, expected):
    """Addresses relative to an xml:base are resolved, since nobody will know it later; everything else stays."""
    data = atom(
        f"<id>1</id><content type='html'>{escape(html)}</content>", attributes="xml:base='https://x.example/d/'"
    )
    assert feeds.parse(data).entries[0].article.content == expected


# Links, dates, names, pictures


@pytest.mark.parametrize(
    ("inner", "link"),
    [
        ("<link>https://x.example/%7Ea?b=c&amp;d=e#f</link>", "https://x.example/%7Ea?b=c&d=e#f"),
        ("<link>http://x.example/哈 马斯</link>", "http://x.example/%E5%93%88%20%E9%A9%AC%E6%96%AF"),
        ("<link>http://x.example/哈</link>", "http://x.example/哈"),
        ("<link>a/b</link>", "https://feeds.example/a/b"),
        ("<link/><a:link href='https://x.example/2'/>", "https://x.example/2"),
        ("<link>javascript:alert(1)</link>", None),
        ("<link>https://</link><a:link rel='alternate' href='https://x.example/3'/>", "https://x.example/3"),
        ("<a:link rel='related' href='https://x.example/4'/>", None),
        ("<link href='https://x.example/5'/>", "https://x.example/5"),
        (
            (
                "<link>https://proxy.example/1</link>"
                "<o:origLink xmlns:o='http://rssnamespace.org/feedburner/ext/1.0'>https://x.example/6</o:origLink>"
            ),
            "https://x.example/6",
        ),
    ],
)
def test_links(inner, link):
    """An absolute link stays byte for byte; a relative one is resolved; what is no web address is none."""
    assert article(inner).link == link


@pytest.mark.parametrize(
    ("attribute", "guid", "link"),
    [
        ("", "https://x.example/1", "https://x.example/1"),
        ('isPermaLink="true"', "https://x.example/1", "https://x.example/1"),
        ('isPermaLink="false"', "https://x.example/1", None),
        ("", "abc", None),
        ("", "tag:x.example,2023:1", None),
    ],
)
@pytest.mark.parametrize("tail", ["", "<unclosed>"], ids=["well-formed", "ill-formed"])
def test_a_guid_as_link(attribute, guid, link, tail):
    """A guid stands in for a missing link where it is an address and does not say that it is none."""
    (found,) = feeds.parse(rss(f"<guid {attribute}>{guid}</guid>{tail}"), url=URL).entries
    assert (found.article.guid, found.article.link) == (guid, link)


@pytest.mark.parametrize(
    ("inner", "published", "updated"),
    [
        ("<pubDate>Sat, 04 Nov 2023 22:45:01 GMT</pubDate>", "2023-11-04T22:45:01Z", None),
        ("<pubdate>Sat, 04 Nov 2023 17:45:01 EST</pubdate>", "2023-11-04T22:45:01Z", None),
        ("<dc:date>2023-11-04</dc:date>", "2023-11-04T00:00:00Z", None),
        ("<dc:date>2023-11-04</dc:date><pubDate>2023-11-05T00:00:00Z</pubDate>", "2023-11-05T00:00:00Z", None),
        ("<pubDate>soon</pubDate><dc:date>2023-11-04</dc:date>", "2023-11-04T00:00:00Z", None),
        ("<dcterms:modified>2023-11-04T01:00:00Z</dcterms:modified>", None, "2023-11-04T01:00:00Z"),
        ("<a:updated>2023-11-04T01:00:00Z</a:updated>", None, "2023-11-04T01:00:00Z"),
        ("<pubDate>0</pubDate>", None, None),
    ],
)
def test_dates(inner, published, updated):
    """Dates of every kind are found; nothing becomes 1970 or now."""
    found = article(inner)
    assert found.published == (dates.parse(published) if published else None)
    assert found.published_from == ("feed" if published else None)
    assert found.updated == (dates.parse(updated) if updated else None)


def test_a_date_without_a_zone_is_read_as_utc_and_told():
    """A feed's date without a zone is in UTC, and a problem says so."""
    parsed = feeds.parse(rss("<guid>1</guid><pubDate>4 Nov 2023 22:45</pubDate>"))
    assert parsed.entries[0].article.published == datetime(2023, 11, 4, 22, 45, tzinfo=UTC)
    assert "without a zone" in parsed.problems[0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a@b.example (Ann Bee)", "Ann Bee"),
        ("Ann Bee <a@b.example>", "Ann Bee"),
        ("Ann Bee (a@b.example)", "Ann Bee"),
        ("a@b.example", "a@b.example"),
        (" Ann (Bee) ", "Ann (Bee)"),
        ("记者 @ 北京", "记者 @ 北京"),
    ],
)
def test_names(text, name):
    """An author's name is taken out of what mail programs write."""
    assert entry.name(text) == name


@pytest.mark.parametrize(
    ("inner", "url"),
    [
        ("<media:content url='/a.jpg' medium='image'/>", "https://feeds.example/a.jpg"),
        ("<media:content url='https://x.example/a' type='image/jpeg'/>", "https://x.example/a"),
        ("<media:content url='https://x.example/a.mp4' type='video/mp4'/>", None),
        (
            "<media:content url='https://x.example/v.mp4' medium='video'><media:thumbnail url='/t'/></media:content>",
            "https://feeds.example/t",
        ),
        ("<enclosure url='https://x.example/a.PNG?x' length='1'/>", "https://x.example/a.PNG?x"),
        ("<enclosure url='https://x.example/a.mp3' type='audio/mpeg'/>", None),
        ("<itunes:image href='https://x.example/a'/>", "https://x.example/a"),
        (
            "<itunes:image href='https://x.example/1'/><enclosure url='https://x.example/2.jpg' type='image/jpeg'/>",
            "https://x.example/2.jpg",
        ),
        (
            "<media:thumbnail url='/1' width='50'/><media:thumbnail url='/2' width='90'/>",
            "https://feeds.example/2",
        ),
        ("<media:content url='https://x.example/p.gif' medium='image' width='1' height='1'/>", None),
        ("<media:content url='data:image/png;base64,AA' medium='image'/>", None),
        (
            (
                "<media:content url='https://0.gravatar.com/avatar/x' medium='image'/>"
                "<media:content url='https://x.example/1.jpg' medium='image'/>"
            ),
            "https://x.example/1.jpg",
        ),
        (
            "<media:content url='https://images.weserv.nl/?url=x.example/1.jpg' medium='image'/>",
            "https://x.example/1.jpg",
        ),
    ],
)
@pytest.mark.parametrize("tail", ["", "<unclosed>"], ids=["well-formed", "ill-formed"])
def test_the_picture_beside_the_content(inner, url, tail):
    """The best picture named is chosen: the largest of media:content, else an enclosure, a thumbnail, a cover."""
    found = article(inner + tail).image
    assert (found and found.url) == url


@pytest.mark.parametrize(
    ("head", "ttl"),
    [
        ("<ttl>60</ttl>", timedelta(hours=1)),
        ("<ttl>soon</ttl>", None),
        ("<ttl>99999999</ttl>", None),
        (
            (
                "<s:updatePeriod xmlns:s='http://purl.org/rss/1.0/modules/syndication/'>daily</s:updatePeriod>"
                "<s:updateFrequency xmlns:s='http://purl.org/rss/1.0/modules/syndication/'>4</s:updateFrequency>"
            ),
            timedelta(hours=6),
        ),
    ],
)
def test_how_long_a_document_may_be_kept(head, ttl):
    """RSS's ttl and the syndication module's period are read; nonsense is not."""
    assert feeds.parse(rss("<guid>1</guid>", head=head)).ttl == ttl


def test_the_feeds_own_links():
    """What a feed points to is found by its relation."""
    parsed = feeds.parse(atom("<id>1</id>", head='<link rel="self" href="/f"/><link rel="next" href="?p=2"/>'), url=URL)
    assert parsed.address("next") == "https://feeds.example/all.xml?p=2"
    assert parsed.address("self") == "https://feeds.example/f"
    assert parsed.address("hub") is None


def test_problems_are_counted_by_kind():
    """A thousand odd entries are one line, with the first as the example."""
    assert feeds.parse(rss(*["<title>Nameless</title>"] * 1000)).problems == (
        'skipped, with neither link nor guid: entry 1 "Nameless" and 999 more',
    )


# The fast reader beside feedparser

# Its alphabet leaves out what feedparser reads otherwise: it takes some pairs of latin letters for broken UTF-8.
TEXT = st.text(st.sampled_from("ab 中é<>&;'\"\n."), min_size=1, max_size=30).filter(str.strip)
ADDRESS = st.from_regex(r"https?://[a-z]{1,5}\.example/[a-z0-9/~%-]{0,8}(\?[a-z]=[a-z0-9]{1,3})?", fullmatch=True)
DATE = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def _text(tag, attributes=""):
    return TEXT.map(lambda text: f"<{tag}{attributes}>{escape(text)}</{tag}>")


def _cdata(tag):
    return TEXT.map(lambda text: f"<{tag}><![CDATA[{text}]]></{tag}>")


def _once(*elements):
    return st.tuples(*(st.one_of(st.just(""), element) for element in elements)).map("".join)


RSS_ITEM = st.tuples(
    ADDRESS.map(lambda url: f"<link>{escape(url)}</link>"),
    _once(
        _text("title"),
        TEXT.map(lambda text: f'<guid isPermaLink="false">{escape(text)}</guid>'),
        DATE.map(lambda when: f"<pubDate>{dates.rfc822(when)}</pubDate>"),
        st.one_of(_text("description"), _cdata("description")),
        st.one_of(_text("content:encoded"), _cdata("content:encoded")),
        _text("dc:creator"),
        ADDRESS.map(lambda url: f'<enclosure url="{escape(url)}" type="image/png" length="5"/>'),
        ADDRESS.map(lambda url: f'<media:content url="{escape(url)}" medium="image" width="90"/>'),
        ADDRESS.map(lambda url: f'<media:thumbnail url="{escape(url)}"/>'),
    ),
    st.lists(_text("category"), max_size=3).map("".join),
).map("".join)
ATOM_ENTRY = st.tuples(
    TEXT.map(lambda text: f"<id>urn:{escape(text)}</id>"),
    _once(
        st.one_of(_text("title"), _text("title", ' type="html"')),
        ADDRESS.map(lambda url: f'<link href="{escape(url)}"/>'),
        DATE.map(lambda when: f"<published>{dates.rfc3339(when)}</published>"),
        DATE.map(lambda when: f"<updated>{dates.rfc3339(when)}</updated>"),
        st.one_of(_text("summary"), _text("summary", ' type="html"')),
        st.one_of(_text("content"), _text("content", ' type="html"')),
        TEXT.map(lambda text: f"<author><name>{escape(text)}</name></author>"),
        ADDRESS.map(lambda url: f'<link rel="enclosure" type="image/png" length="5" href="{escape(url)}"/>'),
    ),
    st.lists(TEXT.map(lambda text: f'<category term="{escape(text)}"/>'), max_size=3).map("".join),
).map("".join)


def _comparable(found):
    read = found.article
    return {
        "title": plain(read.title),
        "content": visible(read.content or ""),
        "summary": visible(read.summary or ""),
        **{
            name: getattr(read, name)
            for name in ("link", "guid", "published", "updated", "authors", "language", "image")
        },
        "categories": [" ".join(text.split()) for text in read.categories],
    }


def _both(data):
    quick = fast.read(data, URL, Problems(), 100)
    slow = loose.read(data.decode(), URL, Problems(), 100)
    assert quick is not None
    assert (quick.title, quick.link, quick.language) == (slow.title, slow.link, slow.language)
    for one, other in zip(quick.entries, slow.entries, strict=True):
        assert _comparable(one) == _comparable(other)


@given(st.lists(RSS_ITEM, min_size=1, max_size=3))
def test_rss_is_read_as_feedparser_reads_it(items):
    """Whatever an RSS feed is made of, both readers say the same of every entry."""
    _both(rss(*items, head="<link>https://x.example/</link><language>zh-CN</language>"))


@given(st.lists(ATOM_ENTRY, min_size=1, max_size=3))
def test_atom_is_read_as_feedparser_reads_it(entries):
    """Whatever an Atom feed is made of, both readers say the same of every entry."""
    head = '<link href="https://x.example/"/><author><name>Feed</name></author>'
    _both(atom(*entries, head=head, attributes='xml:lang="en"'))


@pytest.mark.parametrize("name", ["rss20.xml", "atom10.xml"])
def test_the_documents_are_read_as_feedparser_reads_them(name):
    """The two readers agree on the documents of this suite, on title, link, id, dates and language."""
    data = (DATA / name).read_bytes()
    quick, slow = fast.read(data, URL, Problems(), 100), loose.read(data.decode(), URL, Problems(), 100)
    for one, other in zip(quick.entries, slow.entries, strict=True):
        fields = ("link", "guid", "published", "updated")
        assert [getattr(one.article, name) for name in fields] == [getattr(other.article, name) for name in fields]
        assert plain(one.article.title) == plain(other.article.title)


# No é or ©: feedparser takes some pairs of latin letters for broken UTF-8.
WRITTEN = (
    *(("a ", "a "), ("中", "中"), ("R&D ", "R&D "), ("& ", "& "), ("&amp;", "&"), ("&nbsp;", " "), ("&Omega;", "Ω")),
    *(("&#937;", "Ω"), ("&#x1;", ""), ("\x0b", ""), ("&unknown;", "&unknown;"), ("&lt; ", "< "), ("&hellip;", "…")),
)


@given(st.lists(st.sampled_from(WRITTEN), max_size=8))
def test_references_in_an_ill_formed_document(pieces):
    """What an ill-formed document writes as a reference, and what it only seems to, comes out as meant."""
    title = "".join(written for written, _ in pieces)
    (found,) = feeds.parse(f"<rss><channel><item><guid>1</guid><title>{title}</title><b></item>".encode()).entries
    assert plain(found.article.title) == " ".join("".join(meant for _, meant in pieces).split())


def test_open_brackets_take_no_time():
    """Weighing texts full of brackets that nothing closes takes no time by the square of their length."""
    text = "&lt;" * 200_000
    begin = time.process_time()
    article(f"<description>{text}</description><content:encoded>{text}x</content:encoded>")
    assert time.process_time() - begin < 3
