"""Markup: cleaning, text, the lead image, titles and summaries."""

# ruff: noqa: E501, SIM905 - markup is read in one piece

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.markup import parse, plain, summary, xml_text
from feedarchiver.markup.pictures import candidates
from feedarchiver.model import Image

DATA = Path(__file__).parent / "data" / "markup"
BASE = "https://news.example.org/world/a"
VOID = {"area", "br", "col", "hr", "img", "source", "wbr"}


class Outline(HTMLParser):
    """The elements and attributes of clean HTML, and how deep they nest."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.depth, self.open = set(), [], 0, []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, *attr) for attr in attrs]
        if tag not in VOID:
            self.open.append(tag)
            self.depth = max(self.depth, len(self.open))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def clean(html):
    return parse(html, base=BASE).html()


def text(html):
    return parse(html, base=BASE).text


def image(html):
    found = parse(html, base=BASE).image
    return found and found.url


# ---- whole bodies, one of the shape of each source

IMAGES = {
    "bbc2020": Image(url="https://pictures.example.org/news/800/port_1.jpg", width=800, height=450, alt="港口的货船"),
    "cdt2021": Image(url="https://media.example.net/uploads/2021/05/poster.png", width=800, height=600),
    "cdt2025": Image(url="https://media.example.net/uploads/2025/02/1738482865184.png", width=1080, height=720),
    "dw": Image(url="https://static.example.de/image/60957000_303.jpg"),
    "nyt": Image(url="https://static01.example.com/images/2025/01/24/cover/master1050.jpg"),
    "player": None,
    "reuters": None,
    "rfa": Image(url="https://news.example.org/mandarin/a/@@images/0d3e-4a.jpeg", width=622, height=415, alt="村口"),
    "rfi": Image(url="https://s.example.fr/media/display/aa/w:1280/p:16x9/CITY%20HALL_1.JPG"),
    "voa": Image(url="https://gdb.example.com/01000000-0aff-0242_w650.jpg"),
}
REMOVED = {
    "bbc2020": ("advert", "spacer"),
    "cdt2021": ("share bar",),
    "cdt2025": ("hidden block",),
    "rfa": ("icon",),
    "rfi": ("share bar", "self-promotion", "advert"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_body(name):
    """A body of this source's shape comes out as the file beside it, with its picture and what was taken out."""
    body = parse((DATA / f"{name}.html").read_text("utf-8"), base=BASE)
    assert body.html() + "\n" == (DATA / f"{name}.clean.html").read_text("utf-8")
    assert body.image == IMAGES[name]
    assert body.removed == REMOVED.get(name, ())


def test_every_body_is_tested():
    """No input lies there without its expectation."""
    assert {path.name.partition(".")[0] for path in DATA.glob("*.html")} == set(IMAGES)


# ---- what never reaches a feed

ACTIVE = {
    "script": "<p>a</p><script>alert(1)</script>",
    "handler": '<p onclick="alert(1)">a</p><img src="/i.jpg" onerror="alert(1)">',
    "script link": '<a href=" java\tscript:alert(1)">a</a>',
    "data link": '<a href="data:text/html,x">a</a>',
    "style": '<style>p{position:fixed}</style><p style="position:absolute">a</p>',
    "frame": '<iframe srcdoc="<script>alert(1)</script>"></iframe><p>a</p>',
    "object": '<object data="/x.swf"><embed src="/x.swf"></object><p>a</p>',
    "form": '<form action="/s"><input name="q"><button>Go</button></form><p>a</p>',
    "svg": '<svg><script>alert(1)</script><a xlink:href="javascript:alert(1)">b</a></svg><p>a</p>',
    "math": '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)"></style></mglyph></table></mtext></math>a',
    "meta": '<meta http-equiv="refresh" content="0;url=//e.com"><base href="//e.com/"><link rel=stylesheet href=x><p>a</p>',
    "template": "<template><script>alert(1)</script></template><p>a</p>",
    "comment": "<!--[if IE]><script>alert(1)</script><![endif]--><p>a</p>",
    "raw text": "<xmp><script>alert(1)</script></xmp><p>a</p>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">b</noscript><p>a</p>',
    "custom element": '<x-widget onload="alert(1)"><p>a</p></x-widget>',
}  # fmt: skip


@pytest.mark.parametrize("html", ACTIVE.values(), ids=ACTIVE)
def test_active_content_goes(html):
    """Nothing that runs, loads or positions itself is left, and the text is."""
    outline = Outline(clean(html))
    assert not outline.tags & {
        "script",
        "style",
        "iframe",
        "object",
        "embed",
        "form",
        "input",
        "svg",
        "math",
        "template",
    }
    assert not [name for _, name, _ in outline.attributes if name.startswith(("on", "style", "srcdoc", "xlink"))]
    assert all(value.startswith("https://") for _, name, value in outline.attributes if name in ("href", "src"))
    assert "a" in text(html)


def test_structure_stays():
    """Headings, lists, tables, quotes, code, pictures with captions, language and direction stay as they are."""
    html = (
        '<h2>h</h2><ol start="3"><li value="4">l</li></ol><dl><dt>t</dt><dd>d</dd></dl><table><thead><tr><th scope="col">'
        'h</th></tr></thead><tbody><tr><td colspan="2">d</td></tr></tbody></table><blockquote><p lang="fr">q</p></blockquote>'
        '<pre><code>if a &lt; b:\n    c</code></pre><p dir="rtl">x<sup>2</sup> <ruby>漢<rt>han</rt></ruby></p>'
        '<figure><img src="https://e.com/a.jpg" alt="b"><figcaption>c</figcaption></figure><hr>'
        '<p><a href="https://e.com/">e</a></p>'
    )
    assert clean(html) == html


def test_links_and_pictures_are_absolute():
    """Addresses are resolved and percent-encoded; a link that leads nowhere leaves its text."""
    html = '<a href="/中">a</a><a href="#n">b</a><a href="javascript:x">c</a><a>d</a><a href="mailto:x@e.com">e</a>'
    assert clean(html + '<img src="//e.com/图 1.jpg">') == (
        '<a href="https://news.example.org/%E4%B8%AD">a</a><a href="https://news.example.org/world/a#n">b</a>cd'
        '<a href="mailto:x@e.com">e</a><img src="https://e.com/%E5%9B%BE%201.jpg">'
    )


def test_without_base():
    """Without a base, relative links lose their address and relative pictures go."""
    body = parse('<p><a href="/x">a</a><img src="x.jpg"><img src="https://e.com/y.jpg"></p>', base=None)
    assert body.html() == '<p>a<img src="https://e.com/y.jpg"></p>'


def test_empty_shells_go():
    """Elements left without text or picture go, also within one another; white space between words stays."""
    html = "<div><p> </p><div><span></span><p>&nbsp;<br></p></div></div><p>a<b> </b>b<i></i>c</p><ul><li></li></ul><br><br>"
    assert clean(html) == "<p>a bc</p>"


def test_xml_illegal_characters_go():
    """Characters XML forbids go, raw or as references, from HTML and text alike."""
    body = parse("<p title='\x0b'>a\x00b\x0bc&#11;d\ufffee\ud800f&#xfdd0;g</p>", base=None)
    assert body.html() == "<p>abcdefg</p>"
    assert body.text == "abcdefg"


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("\t\n\x0b\x1f\ufdd0\ufdef\ufffe\U0002ffff中é")))
def test_xml_text_is_what_xml_allows(said):
    """Of any text what remains is what XML 1.0 allows, without noncharacters."""
    ranges = range(0x20, 0xD800), range(0xE000, 0xFDD0), range(0xFDF0, 0x110000)
    kept = [x for x in said if x in "\t\n\r" or (any(ord(x) in r for r in ranges) and ord(x) & 0xFFFF < 0xFFFE)]
    assert xml_text(said) == "".join(kept)


# ---- noise, and what only looks like it

BARS = {
    "label before": '<p>Share this:</p><div><a href="https://www.facebook.com/sharer.php?u=x">Facebook</a></div>',
    "list": '<ul class="x"><li><a href="https://twitter.com/share?u=x">Tweet</a></li><li><a href="https://t.me/share/url?u=x">'
    "Telegram</a></li></ul>",
    "labels within": '<p>分享到：<a href="https://service.weibo.com/share/share.php?u=x">微博</a> | <a href="mailto:?body=x">邮件</a></p>',
    "icons": '<div><a href="https://social-plugins.line.me/lineit/share?url=x"><img src="/i/line.png" width="32"></a></div>',
    "bare links": '<a href="https://wa.me/?text=x">WhatsApp</a> <a href="https://x.com/intent/post?text=x">X</a>',
    "class word": '<div class="post-share-tools"><span class="st_facebook_large"></span></div>',
    "custom element": '<social-share-button url="x"></social-share-button>',
    "data attribute": "<div data-share-bar><span>分享</span></div>",
    "newsletter": '<aside class="newsletter-signup"><h3>Our newsletter</h3><form><input type="email"></form></aside>',
    "self-promotion": '<div data-selfpromo-app><a href="/app">Download the app</a></div>',
    "advert by class": '<div class="ad-slot"><a href="https://e.com/buy"><img src="/buy.jpg"></a></div>',
    "advert by label": "<section aria-label='advertisement'><p>广告</p></section>",
    "advert paragraph": "<p>Advertisement</p>",
    "advert paragraph in pieces": "<p>adv<script>x</script><font>ertise</font>ment</p>",
}  # fmt: skip
ARTICLE = "<p>The harbour was quiet on Monday, and the ferries did not sail because of the storm.</p>"


@pytest.mark.parametrize("bar", BARS.values(), ids=BARS)
def test_noise_goes(bar):
    """The block goes whole, label and all, and the article stays."""
    body = parse(ARTICLE + bar + ARTICLE, base=BASE)
    assert body.html().replace("</p> <p>", "</p><p>") == ARTICLE + ARTICLE
    assert body.image is None


KEPT = {
    "wrapper named share": f'<div class="share">{ARTICLE}</div>',
    "share prices": '<div class="share-table"><p>Shares rose by 3 % to 41.20 euros.</p></div>',
    "sentence with a share link": '<p>Readers may <a href="https://twitter.com/intent/tweet?text=x">share</a> their memories.</p>',
    "share link with words of its own": '<p><a href="https://t.me/share/url?u=x">A plea by the mayor</a></p>',
    "paragraph about sharing": "<p>分享是一种美德，作者在文中说。</p>",
    "advertising": '<div class="advertising-history"><p>Adverts filled the front page until 1966.</p></div>',
    "long text in an advert's class": f'<div class="ads">{ARTICLE}</div>',
    "picture in a promotion's class": '<div class="promo-image"><img src="https://e.com/a.jpg"></div>',
    "tweet quoted": '<div class="social-embed"><blockquote><p>The ferry is late.</p></blockquote></div>',
    "picture beside share links": '<div><img src="https://e.com/a.jpg"><a href="https://e.com/b">b</a></div>',
    "link to a newsletter": '<p class="newsletter-mention">She wrote it in her weekly letter.</p>',
    "last line below a rule": "<hr><p>Jane Doe reports from the coast.</p>",
    "advert as a heading": "<h2>广告</h2><p>报纸的收入。</p>",
    "hyphenated ad": '<p class="ad-hoc">An ad hoc group met.</p>',
}  # fmt: skip


@pytest.mark.parametrize("html", KEPT.values(), ids=KEPT)
def test_article_stays(html):
    """What only looks like noise keeps every word and picture."""
    raw = parse(
        html.replace("class=", "x-class=").replace("https://twitter", "https://t").replace("t.me", "e.me"), base=BASE
    )
    body = parse(html + ARTICLE * 3, base=BASE)
    assert body.text == f"{raw.text} {text(ARTICLE * 3)}".strip()
    assert body.image == raw.image
    assert body.removed == ()


def test_hidden_blocks():
    """What the page hides goes, unless it is the article itself, waiting for a script."""
    assert text(ARTICLE + '<p style="display: none">x</p><p hidden>y</p>') == text(ARTICLE)
    assert text(f'<p>a</p><div style="display:none">{ARTICLE}</div>') == "a " + text(ARTICLE)


# ---- pictures

PICTURES = {
    "plain": ('<img src="https://e.com/a.jpg">', "https://e.com/a.jpg"),
    "pixel by size": ('<img src="https://e.com/p" width="1" height="1"><img src="/a.jpg">', "https://news.example.org/a.jpg"),
    "pixel by address": ('<img src="https://e.com/_/stat?event=x&id=1">', None),
    "pixel by style": ('<img src="https://e.com/x" style="width:1px; height:1px">', None),
    "spacer": ('<img src="/img/spacer.gif">', None),
    "data": ('<img src="data:image/png;base64,AAAA">', None),
    "icon": ('<img src="/icons/mail.svg"><img src="/a.jpg" width="620">', "https://news.example.org/a.jpg"),
    "small": ('<img src="/face.jpg" width="48" height="48">', None),
    "avatar": ('<img class="author avatar" src="/face.jpg">', None),
    "pop icon": ('<img src="/pop-icon.jpg">', "https://news.example.org/pop-icon.jpg"),
    "data-src": ('<img src="data:," data-src="/a.jpg">', "https://news.example.org/a.jpg"),
    "data-original": ('<img data-original="/a.jpg" src="/img/blank.gif">', "https://news.example.org/a.jpg"),
    "lazy beats a preview": ('<img src="/tiny.jpg" data-lazy-src="/a.jpg">', "https://news.example.org/a.jpg"),
    "srcset": ('<img src="/s.jpg" srcset="/s.jpg 300w, /l.jpg 1200w, /xxl.jpg 8000w">', "https://news.example.org/l.jpg"),
    "camelCase srcSet": ('<img srcSet="/s.jpg 500w,/l.jpg 900w">', "https://news.example.org/l.jpg"),
    "srcset without sizes": ('<img src="/full.jpg" srcset="/540w/full.jpg">', "https://news.example.org/full.jpg"),
    "srcset of thumbnails": ('<img src="/full.jpg" srcset="/t.jpg 150w">', "https://news.example.org/full.jpg"),
    "only srcset": ('<img srcset="/a.jpg, /b.jpg 2x">', "https://news.example.org/b.jpg"),
    "commas in an address": ('<img srcset="/w_1456,c_limit/a.jpg 1456w, /w_424/a.jpg 424w">',
                             "https://news.example.org/w_1456,c_limit/a.jpg"),
    "picture": ('<picture><source srcset="/a.webp 900w"><img src="data:,"></picture>', "https://news.example.org/a.webp"),
    "picture with src": ('<picture><source srcset="/a.webp"><img src="/a.jpg"></picture>', "https://news.example.org/a.jpg"),
    "noscript only": ('<div class="lazy"></div><noscript><img src="/a.jpg"></noscript>', "https://news.example.org/a.jpg"),
    "protocol-relative": ('<img src="//e.com/a.jpg">', "https://e.com/a.jpg"),
    "proxied": ('<img src="https://images.weserv.nl?url=e.com/a.jpg">', "https://e.com/a.jpg"),
    "advert first": ('<div class="advertisement"><img src="/ad.jpg"></div><img src="/a.jpg">', "https://news.example.org/a.jpg"),
    "no address": ("<img><img src=''><img src='/a.jpg'>", "https://news.example.org/a.jpg"),
}  # fmt: skip


@pytest.mark.parametrize(("html", "url"), PICTURES.values(), ids=PICTURES)
def test_lead_image(html, url):
    """The lead image is the first picture a person would name, at its real address."""
    assert image(f"{ARTICLE}{html}") == url


def test_lazy_picture_and_its_stand_in_are_one():
    """A lazy picture and its noscript twin come out once, whichever stands first."""
    lazy, real = '<img src="data:," data-src="/a-300x200.jpg">', '<noscript><img src="/a.jpg"></noscript>'
    assert clean(lazy + real).count("<img") == clean(real + lazy).count("<img") == 1
    assert clean(lazy + real + '<noscript><img src="/b.jpg"></noscript>').count("<img") == 2


def test_emoji_become_characters():
    """An emoji drawn as a picture is text, and no lead image."""
    assert text('<p>鹿<img class="emoji" alt="🦌" src="https://e.com/1f98c.svg"></p>') == "鹿🦌"


def test_srcset_candidates():
    """A srcset is read with or without blanks after commas."""
    found = [
        (one.address, one.width, one.density) for one in candidates("a.jpg 1x,b.jpg 2x, c.jpg 640w,d.jpg , e.jpg 7q")
    ]
    assert found == [("a.jpg", None, 1), ("b.jpg", None, 2), ("c.jpg", 640, 1), ("d.jpg", None, 1), ("e.jpg", None, 1)]


# ---- text

NOISELESS = {
    "lazy loading": '<p>一<b>二</b>三 <img src="data:," data-src="/a.jpg"></p><p>四</p>',
    "noscript": '<p>一<b>二</b>三 <noscript><img src="/a.jpg"></noscript></p><p>四</p>',
    "attributes": '<p id=x class="y">一<b style="color:red">二</b>三 <img alt="" src="/a.jpg"></p><p>四</p>',
    "white space": "<p>\n 一<b>二</b>三\n\n<img src=/a.jpg></p> \u3000 <p>四\u00a0</p><p> </p>",
    "share bar": '<p>一<b>二</b>三 <img src="/a.jpg"></p><p>四</p><p>分享 : <a href="https://t.me/share?u=x">Telegram</a></p>',
    "tracking": '<p>一<b>二</b>三 <img src="/a.jpg"></p><p>四<a href="https://e.com/t"><img src="https://e.com/p" width=1></a></p>',
    "comment and script": "<p>一<!-- x --><b>二</b>三 <img src=/a.jpg></p><script>x</script><p>四</p>",
    "instruction": "<p>一<?x y?><b>二</b>三 <img src=/a.jpg></p><?xml version='1.0'?><p>四</p>",
    "inline in inline": '<p>一<a href="/x"><i></i><b>二</b></a>三 <img src=/a.jpg></p><p><b><i>四</i></b></p>',
    "other blocks": '<div>一<strong>二</strong>三 <img src="/a.jpg"><div>四</div></div>',
}  # fmt: skip


@pytest.mark.parametrize("html", NOISELESS.values(), ids=NOISELESS)
def test_markup_noise_changes_no_text(html):
    """Text and picture are the same whatever noise the markup makes."""
    body = parse(html, base=BASE)
    assert body.text == "一二三 四"
    assert body.image == Image(url="https://news.example.org/a.jpg")


@pytest.mark.parametrize("html", NOISELESS.values(), ids=NOISELESS)
def test_text_alone_is_the_same_text(html):
    """Who asks for no HTML gets the same text and picture, and none that could be published by mistake."""
    body, whole = parse(html, base=BASE, text_only=True), parse(html, base=BASE)
    assert body == whole._replace(settled=None)
    with pytest.raises(ValueError, match="only the text"):
        body.html()


def test_players_are_links_but_no_text():
    """A player becomes a link, whose words are ours and so no part of the text."""
    body = parse('<p>a</p><iframe src="//v.example/1"></iframe><p>b</p>', base=BASE)
    assert body.html() == '<p>a</p><p><a href="https://v.example/1">▶ v.example</a></p><p>b</p>'
    assert body.text == "a b"
    assert parse('<a href="/x"><iframe src="//v.example/1"></iframe>c</a>', base=BASE).text == "c"


@pytest.mark.parametrize("end", ["<!", "<!-", "<!--", "<!--b", "<?", "<?b", "</"])
def test_a_tag_cut_off_doubles_no_text(end):
    """Where an article ends within a tag, what came before is shown once."""
    body = parse(f"<p>a</p>--> c{end}", base=BASE)
    assert body.html().startswith("<p>a</p>--&gt; c")
    assert (body.html().count("c"), body.text.count("c")) == (1, 1)


def test_character_references_are_resolved_once():
    """Text shows what a reader of the page sees."""
    assert text("<p>a &lt;b&gt; &amp;amp; R&D</p>") == "a <b> &amp; R&D"


def test_broken_attributes_leak_no_text():
    """Attributes with quotes in their names leave nothing in the text."""
    assert text('<p><a data-x="{"title":"a > b","c":""}" href="/">d</a></p>') == 'b","c":""}" href="/">d'


# ---- depth

DEEP = {
    "div": "<div>{}</div>",
    "span": "<span>{}</span>",
    "unclosed b": "<b>{}",
    "quote": "<blockquote>{}</blockquote>",
    "list": "<ul><li>{}</li></ul>",
    "table": "<table><tr><td>{}</td></tr></table>",
    "custom": "<x-y>{}</x-y>",
    "misnested": "<b><div></b>{}</div>",
    "hidden in a comment": '<!--<a x="--><div>{}</div><!--">-->',
    "hidden in a style": '<style><a x="</style><div>{}</div><style>"></style>',
}


@pytest.mark.parametrize("unit", DEEP.values(), ids=DEEP)
def test_deep_nesting(unit):
    """50,000 nested elements lose no text and come out at most 100 deep."""
    before, after = unit.split("{}")
    count = 50_000 // before.count("<")
    body = parse("开头" + f"{before}甲" * count + "底" + f"乙{after}" * count + "结尾", base=BASE)
    assert body.text.count("甲") == body.text.count("乙") == count
    assert body.text.startswith("开头")
    assert body.text.endswith("结尾")
    assert Outline(body.html()).depth <= 100


@pytest.mark.parametrize("before", ["", "甲", "<!--a-->", "<?a?>", "<i></i>"], ids=repr)
def test_fewer_levels_are_bounded_too(before):
    """Nesting is bounded where there is too little markup to take long, whatever stands before each element."""
    body = parse(f"{before}<div>" * 1_000 + "底", base=BASE)
    assert Outline(body.html()).depth <= 100
    assert body.text.endswith("底")


def test_nesting_below_the_bound_is_kept():
    """Markup that nests as deep as real pages do is not touched, however long it is."""
    html = "<div>" * 60 + "<p>a</p>" * 2_000 + "</div>" * 60
    assert clean(html) == html


@pytest.mark.parametrize("attribute", [' a{}="1"', " a{}", ' a{}=">"', ' a{}="<"'])
def test_many_attributes(attribute):
    """20,000 attributes on one element cost the attributes, not the text."""
    many = "".join(attribute.format(number) for number in range(20_000))
    assert clean(f'<p>a</p><p lang="fr"{many}>b</p>') == '<p>a</p><p lang="fr">b</p>'


# ---- properties

SOUP = st.lists(
    st.sampled_from(
        '<p> </p> <div class="share"> <div> </div> <b> </b> <a href="/x"> <a href="https://t.me/share"> </a> <table> <td> </table>'
        ' <img> <img src="a.jpg"> <noscript> </noscript> <iframe src="//e.com"> </iframe> <svg> </svg> <script> </script> <!--'
        ' --> <xmp> </xmp> <li> <ul> </ul> <video src="/v"> </video> <button> </button> <p hidden> <style> </style> <select>'
        ' <math> <mtext> <template> <plaintext> <form> <input> &amp; &lt; &#11; \x0b \ud800 分享 字 word " \' > < = / <a b="'
        " <!DOCTYPE> <?x ]]> <x-share> </x-share> <details> <summary> <ruby> <rt> <frameset> <body> </body> </html>".split(
            " "
        )
    ),
    max_size=40,
).map("".join)


@given(SOUP)
def test_any_markup_comes_out_safe(html):
    """Whatever goes in, what comes out is well-formed, allowed, XML's characters only, and cleaning it again is safe."""
    body = parse(html, base=BASE)
    assert body == parse(html, base=BASE)
    outline = Outline(body.html())
    assert not outline.open
    assert not outline.tags & {"script", "style", "iframe", "object", "svg", "math", "form", "input", "template", "xmp"}
    for _, name, value in outline.attributes:
        assert not name.startswith("on")
        if name in ("href", "src", "poster"):
            assert urlsplit(value).scheme in ("http", "https")
            assert value.isascii()
    assert xml_text(body.html()) == body.html()
    assert body.text == " ".join(xml_text(body.text).split())
    if "▶" not in body.html():
        assert parse(body.html(), base=BASE).text == body.text


# ---- titles, summaries

TITLES = {
    "plain": ("土耳其宣布召回驻以色列大使", "土耳其宣布召回驻以色列大使"),
    "less than": ("a < b", "a < b"),
    "markup and reference": ("<b>x</b> &amp; y", "x & y"),
    "generic type": ("List<String> explained", "List<String> explained"),
    "tag's name in a sentence": ("when <b and c> fail", "when <b and c> fail"),
    "escaped markup": ("How to use &lt;b&gt;", "How to use <b>"),
    "ampersands": ("AT&T, R&D &copy 2020", "AT&T, R&D &copy 2020"),
    "numeric reference": ("It&#8217;s", "It’s"),
    "once only": ("&amp;lt;", "&lt;"),
    "attributes": ('<a href="https://e.com/">x</a><br/>y', "x y"),
    "blocks": ("<p>a</p><p>b</p>", "a b"),
    "control characters": ("a\x00b\x0bc\x85d\u200d\ud800\ufffe&#11;e\n f\u3000g", "abc d\u200de f g"),
    "backslash and quote": ("他说\\“好”", "他说\\“好”"),
}


@pytest.mark.parametrize(("title", "shown"), TITLES.values(), ids=TITLES)
def test_plain(title, shown):
    """A title shows what its author meant a person to see."""
    assert plain(title) == shown


@given(st.text())
def test_plain_is_one_line_for_xml(title):
    """A plain title is one line of characters XML allows."""
    shown = plain(title)
    assert xml_text(shown) == shown
    assert " ".join(shown.split()) == shown


SUMMARIES = {
    "sentence": (
        "First comes this one. Second comes that, which is long.",
        40,
        "First comes this one. Second comes that…",
    ),
    "sentence end": ("It rained all day on Monday. Then the sun came out again.", 40, "It rained all day on Monday.…"),
    "Chinese sentence": ("第一句话说完了。第二句话还没有说完就被切断了", 12, "第一句话说完了。…"),
    "Chinese without an end": ("这句话没有标点符号所以只能在任意一个字后面切断", 10, "这句话没有标点符号…"),
    "no place to cut": ("x" * 50, 20, "x" * 19 + "…"),
    "emoji in one piece": ("字" * 8 + "👨‍👩‍👧" + "字" * 20, 11, "字" * 8 + "…"),
}


@pytest.mark.parametrize(("whole", "limit", "beginning"), SUMMARIES.values(), ids=SUMMARIES)
def test_summary(whole, limit, beginning):
    """A summary ends with a sentence or else a word, and an ellipsis."""
    assert summary(whole, limit) == beginning


@given(st.text(max_size=400).map(lambda text: " ".join(text.split())), st.integers(2, 300))
def test_summary_is_shorter(whole, limit):
    """A summary is shorter than its text and within the limit, or there is none."""
    beginning = summary(whole, limit)
    if beginning is None:
        assert len(whole) <= limit
    else:
        assert len(beginning) <= limit < len(whole)
        assert whole.startswith(beginning[:-1])
