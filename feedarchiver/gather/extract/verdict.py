"""Whether what was found in a page is an article's text: not a paywall's teaser, not a page that keeps robots out."""

import re

_FEW = 2_500
_TEASER = re.compile(
    r"subscri(?:be|bers?|ption)\b[^.]{0,60}\b(?:to (?:continue|read|keep|unlock|access)|only|required)"
    r"|(?:to (?:continue|keep) reading|to read (?:the (?:full|rest)|this (?:article|story)|more))\b[^.]{0,60}\b"
    r"(?:subscri|sign|log|register|become)"
    r"|(?:subscribe|sign in|log in|register|become a member)[^.]{0,40}"
    r"(?:to (?:continue|keep) reading|for full access|to read (?:on|the))"
    r"|already a (?:subscriber|member)\?|you have reached your (?:article )?limit"
    r"|this (?:article|content|story) is (?:for|only for|reserved for|available (?:only )?to)[^.]{0,30}"
    r"(?:subscribers|members)|réservée? aux abonné|il vous reste \d+ ?% de cet article"
    r"|weiterlesen mit|nur für abonnenten|para seguir leyendo"
    r"|(?:订阅|訂閱|登录|登入|付费|付費|购买|購買|成为会员|成為會員|加入会员|加入會員|开通会员|開通會員)[^。！？]{0,15}"
    r"(?:后|後|即可|才能|以)?[^。！？]{0,6}(?:阅读|閱讀|查看|浏览|解锁|解鎖)(?:全文|更多|剩余|完整|本文)?"
    r"|(?:剩余|剩餘)\s?\d+\s?%|(?:本文|全文)(?:为|為)?(?:付费|付費|会员|會員|订阅|訂閱)|(?:试读|試讀)(?:结束|結束|已)"
    r"|この記事は(?:有料|会員)|有料会員(?:限定|になると)|残り\s?[\d,]+\s?(?:文字|字)|続きを読むには",
    re.IGNORECASE,
)
_END = 700
_WALL = re.compile(
    r"""(?:class|id)\s*=\s*["'][^"'>]{0,300}?(?:pay-?wall|reg-?wall|subscribers?-only|premium-(?:wall|gate)|pay-?(?:tip|read|mask)"""
    r"|vip-?(?:tip|mask)|locked-content)",
    re.IGNORECASE,
)
_LITTLE = 1_500
_BARRED = re.compile(
    r"enable javascript|javascript is (?:disabled|required)|verify (?:that )?you are (?:a )?human|checking your browser"
    r"|are you a robot|unusual traffic|access (?:to this page has been )?denied|request (?:was )?blocked"
    r"|please (?:enable|allow) cookies|captcha|安全验证|安全驗證|访问过于频繁|訪問過於頻繁|请输入验证码|請輸入驗證碼"
    r"|人机验证|启用\s?javascript|開啟\s?javascript",
    re.IGNORECASE,
)
_NOTICE = 900


def has_wall(markup: str) -> bool:
    """Tell whether a page has the box that stands before a text that costs."""
    return _WALL.search(markup) is not None


def teased(text: str, weight: int, *, free: bool | None, wall: bool) -> str | None:
    """Say why `text` is only the beginning of an article that costs; None if it is not.

    `weight` is its length in Latin letters; `free` is what the page's data says, `wall` what its markup shows.
    """
    if free or weight > _FEW * (2 if free is False else 1):
        return None
    if found := _TEASER.search(text[-_END:]):
        return f'the page stops at "{found[0][:60]}"'
    if free is False:
        return "the page says that reading costs, and shows little"
    return "the page has a paywall, and shows little" if wall and weight <= _LITTLE else None


def barred(text: str, weight: int) -> str | None:
    """Say why `text` is a notice to robots and not an article; None if it is not."""
    found = _BARRED.search(text) if weight <= _NOTICE else None
    return f'the page is no article but a notice ("{found[0]}")' if found else None
