"""Noise: what stands in an article's markup and is not the article.

Share bars, newsletter and self-promotion boxes, adverts. They are told by where links lead, by words in class names and
attributes, and by labels; never by who published them. Whatever the words say, a block goes only if it holds no text to
speak of: an article about sharing, or one wrapped in `class="share"`, stays whole.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from feedarchiver.markup.survey import TELLING, Survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

_CUT = "data-feedarchiver-cut"
_SHARES = "data-feedarchiver-shares"

_SHARE_LINK = re.compile(  # in small letters: twice as fast
    r"(?:whatsapp|fb-messenger|viber|weixin|tg|line|threema|sms):"
    r"|mailto:(?:\?|%3f|[^@]*$)"
    r"|(?:https?:)?//(?:[\w-]+\.)*(?:"
    r"facebook\.com/(?:sharer|share\.php|dialog/(?:share|feed|send))|(?:twitter|x)\.com/(?:intent/(?:tweet|post)|share\b)"
    r"|whatsapp\.com/send|wa\.me/?\?|weibo\.com/share|sina\.com\.cn/share|line\.me/(?:r/|lineit/|ti/p/share)"
    r"|(?:t|telegram)\.me/share|linkedin\.com/(?:sharearticle|sharing|cws/share)|pinterest\.\w+/pin/create"
    r"|reddit\.com/(?:r/\w+/)?submit|tumblr\.com/(?:widgets/)?share|plus\.google\.com/share|getpocket\.com/(?:save|edit)"
    r"|vk\.com/share|connect\.qq\.com/widget|qzone\.qq\.com/cgi-bin|douban\.com/(?:share|recommend)|plurk\.com/\?"
    r"|hatena\.ne\.jp/(?:entry|add)|addtoany\.com/|addthis\.com/bookmark|buffer\.com/add|bufferapp\.com/add"
    r"|instapaper\.com/(?:hello2|edit)|ycombinator\.com/submitlink|bsky\.app/intent|threads\.net/intent"
    r"|threads\.com/intent|mixi\.jp/share|xing\.com/(?:spi/)?share)"
)
_LABEL_WORD = re.compile(
    r"分享|转发|轉發|推文|到|至|给|給|本文|此文|文章|新闻|新聞|微信|朋友圈|微博|新浪|脸书|臉書|脸谱|推特|电邮|電郵|邮件|郵件|电子|電子|复制|複製"
    r"|链接|連結|打印|列印|收藏|更多|好友|空间|シェア|ツイート|공유"
    r"|\b(?:share|sharing|shares|this|article|story|post|page|on|to|via|with|by|your|friends?|the|a|tweet|retweet|facebook"
    r"|twitter|x|whatsapp|telegram|wechat|weibo|line|linkedin|pinterest|reddit|tumblr|pocket|threads|bluesky|mastodon|qq"
    r"|messenger|plurk|flipboard|e-?mail|mail|print|copy|link|url|more|save|like|pin|it|opens|in|new|window|tab|click"
    r"|partager|sur|compartir|en|teilen|condividi|compartilhar|поделиться|bagikan|\d{1,6})\b",
    re.IGNORECASE,
)
_SHARE_WORD = re.compile(r"分享|转发|轉發|shar(?:e|ing)|tweet|partager|compartir|teilen|シェア|공유", re.IGNORECASE)
_LABEL_LENGTH = 120
_WORD = re.compile(r"\w")

_AD_LABEL = re.compile(
    r"(?:advertise?ments?|advert|ads?|sponsored|广告|廣告|publicité|werbung|anzeige|реклама|広告)[\s:：]*",
    re.IGNORECASE,
)
_AD_WORD = r"(?i:advertisement|广告|廣告|publicité|реклама|広告)"
_AD_PARAGRAPH = re.compile(rf"[^\S\xa0]*+{_AD_WORD}[^\S\xa0]*+")
_AD_DIVISION = re.compile(r"[^\S\xa0]*+(?i:advertisement)[^\S\xa0]*+")
# In markup as it comes, where a tag may stand within the word: cheaper than to look at each paragraph.
_MAYBE_LABELLED = re.compile(r">\s*+(?i:(?=[apр广廣広])[advertismnpublcéреклам广告廣広]++\s*+(?:[<&]|\Z)|&)")
_INVITATION = re.compile(
    r"subscribe|sign up|newsletter|mailing list|get our|download (?:the|our) app|follow us|your inbox|rss\b"
    r"|订阅|訂閱|电子报|電子報|新闻简报|每日邮件|下载应用|下載|关注我们|關注我們|abonne|inscri|application",
    re.IGNORECASE,
)

_SEPARATED = r"(?:^|[\s_-])(?:{})(?=$|[\s_-]|\d)"
# Kind of noise: what to look for, and what a value must match to be of that kind. All in small letters.
_Kinds = dict[str, tuple[tuple[str, ...], re.Pattern[str]]]
_KINDS: _Kinds = {
    "share bar": (
        ("share", "sharing", "social", "addtoany", "addthis", "a2a_", "jiathis"),
        re.compile(r"share|sharing|social|addtoany|addthis|a2a_|jiathis"),
    ),
    "advert": (
        ("advert", "adsbygoogle", "sponsor", "taboola", "outbrain", "ad-", "ad_", "-ad", "_ad", "ads", "广告", "廣告"),
        re.compile(
            _SEPARATED.format(
                r"adverts?|advertisements?|advertisment|adsbygoogle|adslots?|ads|sponsored|taboola|outbrain"
                r"|ad(?:[_-](?:slot|container|wrapper|wrap|unit|banner|box|block|placeholder|label|space|zone|area|mpu))"
                r"|(?:google|banner|dfp|gpt|inline|native)[_-]ads?|广告|廣告"
            )
        ),
    ),
    "newsletter": (
        ("newsletter", "subscri", "signup", "sign-up"),
        re.compile(r"newsletter|subscri(?:be|ption)|sign-?up"),
    ),
    "self-promotion": (
        ("promo",),
        re.compile(r"self-?promo|" + _SEPARATED.format("promos?|promotions?")),
    ),
}
_STRONG = re.compile(r"self-?promo", re.IGNORECASE)
_SAYING = re.compile(r"(?=[a-z0-9-]*(?:share|promo|newsletter|advert))[a-z0-9]+-[a-z0-9-]+")
_MEDIA = "figure, picture, video, audio, iframe, table, blockquote, pre"
_LONG_VALUE = 200  # characters: one as long is not likely to come again
_BOX = 300  # characters: a longer text is no box
_REACH = 6  # levels up from a share link
_TRAILER = 120  # characters after the last rule
_INLINE = frozenset(
    ("a", "abbr", "b", "cite", "code", "em", "i", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "u")
)


def clear(body: "LexborNode", survey: Survey, removed: dict[str, None]) -> None:
    """Take share bars, invitations and adverts out of `body`. `survey`: what there is in it, and perhaps more."""
    shared = any(map(_SHARE_LINK.match, map(str.lower, map(str.strip, survey.links)))) and _mark_share_links(body)
    boxed = _mark_boxes(body, survey)
    total = len(body.text()) if "hr" in survey.names else 0
    if shared or boxed:
        for node in reversed(body.css(f"[{_CUT}]")):  # what lies within first: decomposing frees it
            removed[node.attributes[_CUT] or "noise"] = None
            node.decompose()
    if total and _cut_trailer(body, total):
        removed["advert"] = None


def drop_labels(body: "LexborNode", html: str) -> None:
    """Drop paragraphs that say nothing but "advertisement". `html`: what `body` was read from."""
    if not _MAYBE_LABELLED.search(html):
        return
    body.merge_text_nodes()
    for node in body.css("p, div"):
        said = node.child
        if said is None or not said.is_text_node or said.next is not None:
            continue
        if (_AD_PARAGRAPH if node.tag == "p" else _AD_DIVISION).fullmatch(said.text()):
            node.decompose()


def _text(node: "LexborNode") -> str:
    return " ".join(node.text().split())


def _is_label(text: str) -> bool:
    """Tell whether `text` names ways of sharing and nothing else; nothing at all is a label, too."""
    return len(text) <= _LABEL_LENGTH and _names_sharing(text)


@lru_cache(1024)  # the same few words under every picture
def _names_sharing(text: str) -> bool:
    return not _WORD.search(_LABEL_WORD.sub(" ", text))


def _mark_share_links(body: "LexborNode") -> bool:
    """Mark links to share endpoints, each with the largest block round it that holds nothing else.

    Returns whether there are any.
    """
    links = [link for link in body.css("a[href]") if _shares(link.attributes.get("href") or "")]
    for link in links:
        link.attrs[_SHARES] = ""
    shells: dict[int, bool] = {body.mem_id: False}
    for link in links:
        label = _text(link)
        if not _is_label(label):
            continue
        bar = _bar(link, shells)
        if bar.mem_id == link.mem_id and label and _is_in_sentence(link):
            continue
        bar.attrs[_CUT] = "share bar"
        heading = _neighbour(bar, "prev")
        if heading is not None and heading.is_element_node and heading.css_first(f"img, {_MEDIA}") is None:
            words = _text(heading)
            if _is_label(words) and _SHARE_WORD.search(words):
                heading.attrs[_CUT] = "share bar"
    return bool(links)


def _shares(href: str) -> bool:
    return _SHARE_LINK.match(href.strip().lower()) is not None


def _bar(link: "LexborNode", shells: dict[int, bool]) -> "LexborNode":
    """Climb from `link` as long as nothing but sharing is round it. `shells` remembers the blocks judged."""
    node = link
    for _ in range(_REACH):
        parent = node.parent
        if parent is None:
            break
        if parent.mem_id not in shells:
            shells[parent.mem_id] = _is_share_shell(parent)
        if not shells[parent.mem_id]:
            break
        node = parent
    return node


def _is_share_shell(node: "LexborNode") -> bool:
    """Tell whether `node` holds labels of sharing, pictures within share links, and nothing else."""
    if not _is_label(_text(node)) or node.css_first(_MEDIA) is not None:
        return False
    return node.css_first(f"img:not([{_SHARES}] img)") is None


def _is_in_sentence(link: "LexborNode") -> bool:
    """Tell whether running text stands directly before or after `link`."""
    for direction in ("prev", "next"):
        node = _neighbour(link, direction)
        if node is None or (node.is_element_node and (node.tag not in _INLINE or _SHARES in node.attributes)):
            continue
        if not _is_label(_text(node)):
            return True
    return False


def _neighbour(node: "LexborNode", direction: str) -> "LexborNode | None":
    """Find the next sibling in a direction that is no white space."""
    other: LexborNode | None = getattr(node, direction)
    while other is not None and other.is_text_node and not other.text().strip():
        other = getattr(other, direction)
    return other


def _mark_boxes(body: "LexborNode", survey: Survey) -> bool:
    """Mark the blocks whose attributes or names say noise, and whose content agrees. Returns whether there may be."""
    names = {name for name in survey.names | survey.data if "-" in name and _SAYING.fullmatch(name)}
    values = {value.lower() for value in survey.values}
    suspects = {name: _kinds(name.removeprefix("data-")) for name in names}
    told = [_kinds(value) if len(value) <= _LONG_VALUE else _kinds.__wrapped__(value) for value in values]
    if not names and not any(told):
        return False
    total = None
    for kind in _KINDS:
        selectors = [_selector(name) for name in sorted(names) if kind in suspects[name]]
        words = set().union(*(kinds.get(kind, ()) for kinds in told))
        selectors += (f'[{name}*="{word}" i]' for word in sorted(words) for name in TELLING)
        for node in body.css(", ".join(selectors)) if selectors else ():
            said = " ".join([node.tag or "", *node.attributes, *(node.attributes.get(name) or "" for name in TELLING)])
            if _KINDS[kind][1].search(said.lower()):
                total = len(body.text()) if total is None else total
                if _is_box(kind, node, said, total):
                    node.attrs[_CUT] = kind
    return total is not None


@lru_cache(1024)  # a publisher's articles use the same names
def _kinds(value: str) -> dict[str, tuple[str, ...]]:
    """Tell what kinds of noise an attribute's value may name, and which of their words it holds."""
    return {
        kind: tuple(word for word in words if word in value)
        for kind, (words, pattern) in _KINDS.items()
        if pattern.search(value)
    }


def _selector(name: str) -> str:
    return f"[{name}]" if name.startswith("data-") else name


def _is_box(kind: str, node: "LexborNode", said: str, total: int) -> bool:
    """Tell whether the content of `node` is that of its kind of noise."""
    text = _text(node)
    size = len(text)
    if kind == "share bar":
        return _is_share_shell(node)
    strong = bool(_STRONG.search(said))
    if not text:
        return strong or kind == "advert" or node.css_first(f"img, {_MEDIA}") is None
    if size > _BOX or size * 3 > total:
        return False
    linked = sum(len(_text(link)) for link in node.css("a")) >= size * 0.6
    invites = bool(_INVITATION.search(text)) or node.css_first("input, button") is not None
    return {
        "advert": bool(_AD_LABEL.fullmatch(text)) or (linked and size <= _LABEL_LENGTH),
        "newsletter": invites,
        "self-promotion": strong or (linked and invites),
    }[kind]


def _cut_trailer(body: "LexborNode", total: int) -> bool:
    """Take out a last line below the last rule that only invites to subscribe elsewhere."""
    rule = body.css("hr")[-1:]
    after = list(_following(rule[0])) if rule else []
    text = " ".join(" ".join(node.text() for node in after).split())
    if not text or len(text) > _TRAILER or len(text) * 3 > total or not _INVITATION.search(text):
        return False
    links = [link for node in after if node.is_element_node for link in node.css("a[href]")]
    linked = sum(len(_text(link)) for link in links)
    if not links or linked * 3 < len(text):
        return False
    if any(node.is_element_node and node.css_first(f"img, {_MEDIA}") for node in after):
        return False
    for node in (*after, *rule):
        node.decompose()
    return True


def _following(node: "LexborNode") -> "Iterator[LexborNode]":
    other = node.next
    while other is not None:
        yield other
        other = other.next
