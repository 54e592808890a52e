"""From an address that somebody has, to what can be asked there: a feed, a listing page, a sitemap.

The address itself is asked first; a page then leads on, to what it declares, links to, or may have at the usual places.
A feed is worth more than the page that lists the same articles, and a page more than a sitemap: it says what is new.
"""

from collections import deque
from collections.abc import Callable, Container, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from feedarchiver.gather import discovery
from feedarchiver.gather.discovery import Discovery, Kind, Lead
from feedarchiver.gather.refusing import Unreadable
from feedarchiver.gather.web.client import Client
from feedarchiver.gather.web.exchange import Answer, Failure, Request
from feedarchiver.gather.web.exchange import Kind as Trouble
from feedarchiver.gather.web.together import ask_all
from feedarchiver.urls import canonical

if TYPE_CHECKING:
    from feedarchiver.gather.select import Select

_MOST = 20  # requests
_SOURCES = {Kind.FEED: "feed", Kind.SITEMAP: "sitemap"}


class NotASource(Unreadable):
    """Nothing that can be asked for articles is at an address, or where it leads."""

    exit_status = 1


class Found(NamedTuple):
    """What can be asked, and how: the `kind` of a source, its address, and why it was chosen.

    `select`: selectors, guessed, of a listing page. `others`: further feeds that the page declares or links to;
    `passed`: those of them that are asked already, so that they were passed over.
    """

    kind: str
    url: str
    reason: str
    title: str | None = None
    language: str | None = None
    select: "Select | None" = None
    others: tuple[Lead, ...] = ()
    passed: tuple[Lead, ...] = ()


def find(  # noqa: PLR0913 - each is one thing that a caller knows
    client: Client,
    url: str,
    known: Container[str],
    *,
    allow_private: tuple[str, ...],
    gap_s: float = 1.0,
    beat: Callable[[], None] = lambda: None,
) -> Found:
    """Find out what `url` is good for. Raises NotASource.

    `known`: canonical addresses that are asked already; it is not followed to them. `allow_private`: the places at
    private addresses that `url` and its leads may be at. `gap_s` is the pause between two
    requests to one host. `beat` is called every second while answers are awaited.
    """
    search = _Search(url, known, allow_private)
    with closing(ask_all(client, search.requests(), workers=1, gap_s=gap_s, beat=beat)) as results:
        for request, result in results:
            if found := search.take(request, result):
                return found
    return search.fallback()


class _Search:
    """The requests of one search, and what has come of them."""

    def __init__(self, url: str, known: Container[str], allow_private: tuple[str, ...]) -> None:
        self._url, self._known, self._allow_private = url, known, allow_private
        self._page: tuple[str, Discovery] | None = None
        self._leads: deque[Lead] = deque()
        self._passed: tuple[Lead, ...] = ()
        self._ended = False
        self._sitemap: Found | None = None
        self._failure: Failure | None = None

    def requests(self) -> Iterator[Request | None]:
        """Give what to ask, one at a time."""
        yield self._request(self._url)
        for _ in range(_MOST):
            while not (self._leads or self._ended):
                yield None
            if not self._leads:
                return
            yield self._request(self._leads.popleft().url)

    def take(self, request: Request, result: Answer | Failure) -> Found | None:
        """Judge an answer; None: go on."""
        is_first = request.url == self._url
        found = None
        if isinstance(result, Failure):
            self._failure = result if is_first else self._failure
            if result.kind is Trouble.UNREACHABLE or is_first:
                self._leads.clear()
        else:
            told = discovery.discover(
                result.body or b"", url=result.url, media_type=result.media_type, charset=result.charset
            )
            found = self._judge(request, result, told)
            if is_first and found is None:
                self._passed = tuple(lead for lead in told.leads if canonical(lead.url) in self._known)
                told = told._replace(leads=tuple(lead for lead in told.leads if lead not in self._passed))
                self._page = result.url, told
                self._leads.extend(_in_order(told))
        self._ended = not self._leads
        return found

    def fallback(self) -> Found:
        """Say what is left when nothing better was found."""
        if self._page is None:
            reason = self._failure.reason if self._failure else "it was not answered"
            raise NotASource(f"{self._url}: {reason}; nothing was changed")
        url, told = self._page
        if told.kind is Kind.LISTING:
            guess = told.guesses[0]
            return Found("page", url, guess.reason, told.title, select=guess.select, passed=self._passed)
        if self._sitemap:
            return self._sitemap
        hint = "name a feed, a sitemap or a page that lists articles"
        raise NotASource(f"{self._url}: {told.reason}, and it leads to no further feed; {hint}; nothing was changed")

    def _request(self, url: str) -> Request:
        return Request(url, allow_private=self._allow_private)

    def _judge(self, request: Request, answer: Answer, told: Discovery) -> Found | None:
        """Take a source that can be used at once. A sitemap that a page leads to waits, for what is better."""
        kind = _SOURCES.get(told.kind)
        if kind is None:
            return None
        others: tuple[Lead, ...] = ()
        if self._page:
            others = tuple(lead for lead in self._page[1].leads if _is_named(lead) and lead.url != request.url)
        url = answer.moved or request.url
        found = Found(kind, url, told.reason, told.title, told.language, others=others, passed=self._passed)
        if kind == "sitemap" and self._page:
            self._sitemap = self._sitemap or found
            return None
        return found


def _in_order(told: Discovery) -> Iterator[Lead]:
    """Order the leads of a page: feeds, then sitemaps, unless it lists articles itself."""
    yield from (lead for lead in told.leads if lead.kind is Kind.FEED)
    if told.kind is not Kind.LISTING:
        yield from (lead for lead in told.leads if lead.kind is Kind.SITEMAP)


def _is_named(lead: Lead) -> bool:
    """Tell whether the page itself says that there is a feed."""
    return lead.kind is Kind.FEED and lead.reason != discovery.USUAL
