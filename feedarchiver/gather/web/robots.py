"""robots.txt, RFC 9309: what a site wants crawlers to leave alone, and how long it wants them to wait.

Its failure rules: without one (4xx), or when it redirects without end, everything may be fetched; when it cannot be
had (5xx, no answer), the last one known holds, or else nothing may be fetched. It is asked for at most once a day, and
while it cannot be had once for each Robots.
"""

import re
from collections.abc import Callable, MutableMapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Stopped, Target

if TYPE_CHECKING:
    from protego import Protego

AGENT = "feedarchiver"

_LIMIT_BYTES = 500 * 1024  # what lies beyond is not read (section 2.5)
_GOOD_FOR = timedelta(hours=24)
_LONGEST_DELAY_S = 30.0
_HAVE_NONE = (Kind.REFUSED, Kind.GONE, Kind.REDIRECTED)
_USER_AGENT = re.compile(r"(?im)^([ \t]*user[- ]?agent[ \t]*:?[ \t]*)([^#\r\n]*)")


class RobotsFile(NamedTuple):
    """A robots.txt as it was on a day. It may be kept for the next run."""

    fetched: datetime
    text: str


Fetch = Callable[[str, int], Answer | Failure]
"""Get a robots.txt, of which at most so many bytes."""


class Robots:
    """The robots.txt of every origin met. `known` is the caller's: what it holds is used, what is fetched is added.

    Threads may share one, as long as each origin is one thread's at a time.
    """

    def __init__(self, known: MutableMapping[str, RobotsFile], now: datetime) -> None:
        self._known, self._now = known, now
        self._rules: dict[str, Protego | Stopped] = {}

    def check(self, target: Target, fetch: Fetch) -> None:
        """Raise Stopped if `target` is not to be crawled."""
        rules = self._rules.get(target.origin)
        if rules is None:
            rules = self._rules[target.origin] = self._learn(target, fetch)
        if isinstance(rules, Stopped):
            raise Stopped(*rules.args)
        if not rules.can_fetch(target.path, AGENT):
            raise Stopped(Kind.ROBOTS, "its robots.txt asks crawlers not to fetch it")

    def delay_s(self, target: Target) -> float:
        """Return the seconds that the site wants between two requests, as far as its robots.txt is known."""
        rules = self._rules.get(target.origin)
        delay = None if rules is None or isinstance(rules, Stopped) else rules.crawl_delay(AGENT)
        return min(max(delay or 0.0, 0.0), _LONGEST_DELAY_S)

    def _learn(self, target: Target, fetch: Fetch) -> "Protego | Stopped":
        known = self._known.get(target.origin)
        if known is not None and timedelta(0) <= self._now - known.fetched < _GOOD_FOR:
            return _parsed(known.text)
        found = fetch(f"{target.origin}/robots.txt", _LIMIT_BYTES)
        if isinstance(found, Failure) and found.kind not in _HAVE_NONE:
            return _parsed(known.text) if known is not None else _forbidding(found)
        text = (found.body or b"").decode("utf-8-sig", "replace") if isinstance(found, Answer) else ""
        self._known[target.origin] = RobotsFile(self._now, text)
        return _parsed(text)


def _forbidding(failure: Failure) -> Stopped:
    """Say why nothing may be fetched; what concerns the whole host is no matter of robots.txt."""
    if failure.kind in (Kind.UNREACHABLE, Kind.TLS, Kind.FORBIDDEN):
        return Stopped(failure.kind, failure.reason)
    kind = Kind.BUSY if failure.kind is Kind.BUSY else Kind.ROBOTS
    reason = f"its robots.txt cannot be had ({failure.reason}), and until then nothing is fetched"
    return Stopped(kind, reason, failure.status, failure.retry_after)


def _parsed(text: str) -> "Protego":
    from protego import Protego

    return Protego.parse(_USER_AGENT.sub(_without_strangers, text))


def _without_strangers(line: re.Match[str]) -> str:
    """Give all agents that are not us one name: thousands of them would cost their number times that of the rules."""
    name = line[2].strip().lower().replace("*", "")
    return line[0] if name in AGENT else f"{line[1]}-"
