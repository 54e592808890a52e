"""robots.txt, RFC 9309: what a site wants crawlers to leave alone, and how long it wants them to wait.

Its failure rules: without one (4xx), or when it redirects without end, everything may be fetched; when it cannot be
had (5xx, no answer), the last one known holds, or else nothing may be fetched. It is asked for at most once a day, and
while it cannot be had once for each Robots.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Stopped, Target

if TYPE_CHECKING:
    from protego import Protego

AGENT = "feedarchiver"

LONGEST = 50_000
"""A longer text is not kept: whoever names hosts must fill neither memory nor disk with them."""

_LIMIT_BYTES = 500 * 1024  # what lies beyond is not read (section 2.5)
_MOST_PARSED, _LEAST_PARSED = 500 * 1024, 500  # of all rules at hand; parsed they take a hundred times as much
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
        self._rules: OrderedDict[str, tuple[Protego | Stopped, int]] = OrderedDict()  # with the length of their text
        self._length = 0
        self._delays: dict[str, float] = {}
        self._lock = Lock()

    def check(self, target: Target, fetch: Fetch) -> None:
        """Raise Stopped if `target` is not to be crawled."""
        rules = self._at_hand(target.origin) or self._learn(target, fetch)
        if isinstance(rules, Stopped):
            raise Stopped(*rules.args)
        if not rules.can_fetch(target.path, AGENT):
            raise Stopped(Kind.ROBOTS, "its robots.txt asks crawlers not to fetch it")

    def delay_s(self, target: Target) -> float:
        """Return the seconds that the site wants between two requests, as far as its robots.txt is known."""
        return self._delays.get(target.origin, 0.0)

    def _at_hand(self, origin: str) -> "Protego | Stopped | None":
        with self._lock:
            if origin not in self._rules:
                return None
            self._rules.move_to_end(origin)
            return self._rules[origin][0]

    def _learn(self, target: Target, fetch: Fetch) -> "Protego | Stopped":
        origin, known = target.origin, self._known.get(target.origin)
        if known is not None and timedelta(0) <= self._now - known.fetched < _GOOD_FOR:
            return self._keep(origin, known.text)
        found = fetch(f"{origin}/robots.txt", _LIMIT_BYTES)
        if isinstance(found, Failure) and found.kind not in _HAVE_NONE:
            return self._keep(origin, known.text if known is not None else _forbidding(found))
        text = (found.body or b"").decode("utf-8-sig", "replace") if isinstance(found, Answer) else ""
        if len(text) <= LONGEST:
            self._known[origin] = RobotsFile(self._now, text)
        return self._keep(origin, text)

    def _keep(self, origin: str, said: "str | Stopped") -> "Protego | Stopped":
        """Have the rules of an origin at hand, and not much else; one text at a time is parsed."""
        with self._lock:
            rules = said if isinstance(said, Stopped) else _parsed(said)
            delay = None if isinstance(rules, Stopped) else rules.crawl_delay(AGENT)
            if delay:
                self._delays[origin] = min(max(delay, 0.0), _LONGEST_DELAY_S)
            self._rules[origin] = rules, _LEAST_PARSED + (0 if isinstance(said, Stopped) else len(said))
            self._length += self._rules[origin][1]
            while self._length > _MOST_PARSED and len(self._rules) > 1:
                self._length -= self._rules.popitem(last=False)[1][1]
        return rules


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
