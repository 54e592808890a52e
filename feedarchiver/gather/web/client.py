"""The client: one request to one address, from the name to the last byte, as an Answer or a Failure.

It goes hop by hop, because the hops of a redirect are requests to other hosts, to which the same politeness is owed:
`start` and `go` are for whoever does many at once (together.py), `ask` is for one.
"""

import time
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import NamedTuple, Self

from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from feedarchiver import __version__
from feedarchiver.gather.web import bodies, headers, wire
from feedarchiver.gather.web.adapter import Adapter, Get
from feedarchiver.gather.web.exchange import Answer, Failure, Kind, Request, Stopped, Target, target
from feedarchiver.gather.web.robots import AGENT, Robots, RobotsFile
from feedarchiver.urls import absolute

_ROBOTS_S = 15.0
_MOST_REDIRECTS = 10
_ROBOTS_REDIRECTS = 5  # RFC 9309 section 2.3.1.2
_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
_WHOLE = (200, 203)


class Journey(NamedTuple):
    """A request on its way: where it goes next, where it has been, how long it may still take.

    `moved` is where the permanent redirects at the beginning of the way led; `settled` ends that beginning.
    `came_bytes` is what came over the wire on the way.
    """

    request: Request
    url: str
    target: Target
    left_s: float
    seen: tuple[str, ...] = ()
    moved: str | None = None
    settled: bool = False
    came_bytes: int = 0


Turn = Callable[[str, float], AbstractContextManager[object]]
"""The turn of a host, in which nobody else asks it: by its site, and for how many seconds it wants a pause then."""


class Client:
    """Asks the web. Made for one run, which begins at `now`; threads may share it.

    `contact`: the address or mail address of who runs this, for those who are asked. `robots` may be kept from run to
    run. `proxy` and `ca_file` take the place of a direct connection and of the usual certificates. `turn`: whoever else
    asks the same hosts; each hop is made in its host's turn.
    """

    def __init__(  # noqa: PLR0913 - each is one thing that a caller knows
        self,
        *,
        now: datetime,
        contact: str | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
        robots: MutableMapping[str, RobotsFile] | None = None,
        resolve: wire.Resolve = wire.resolve,
        turn: "Turn | None" = None,
    ) -> None:
        self._agent = f"{AGENT}/{__version__}" + (f" (+{contact})" if contact else "")
        self._adapter = Adapter(proxy=proxy, ca_file=ca_file)
        self._robots = Robots({} if robots is None else robots, now)
        self._resolve, self._turn = resolve, turn

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._adapter.close()

    def ask(self, request: Request) -> Answer | Failure:
        """Ask one address, without regard to whoever else asks that host; many go through `together.ask_all`."""
        at: Journey | Answer | Failure = self.start(request)
        while isinstance(at, Journey):
            at = self.go(at)
        return at

    def start(self, request: Request) -> Journey | Failure:
        """Check an address and set out."""
        try:
            return Journey(request, request.url, target(request.url), request.timeout_s)
        except Stopped as stopped:
            return stopped.failure(request.url, request.url)

    def go(self, journey: Journey) -> Journey | Answer | Failure:
        """Make the next hop: to an answer, a failure, or a redirect to go on from."""
        deadline = time.monotonic() + journey.left_s
        errand = wire.Errand(deadline, self._resolve, allow_private=journey.request.allow_private)
        try:
            if journey.request.crawl:
                self._robots.check(journey.target, partial(self._robots_file, journey, errand))
            with self._turn(journey.target.site, self.delay_s(journey)) if self._turn else nullcontext():
                if self._turn:
                    errand.deadline = time.monotonic() + journey.left_s  # the time of waiting is not the host's
                with wire.on(errand):
                    at: Journey | Answer | Failure = self._hop(journey, errand)
        except Stopped as stopped:
            at = stopped.failure(journey.request.url, journey.url)
        return at._replace(came_bytes=journey.came_bytes + errand.came_bytes)

    def delay_s(self, journey: Journey) -> float:
        """Return how many seconds the site of `journey` wants between two requests."""
        return self._robots.delay_s(journey.target)

    def _hop(self, journey: Journey, errand: wire.Errand) -> Journey | Answer:
        request = journey.request
        raw = self._response(journey, errand)
        status, header = raw.status, raw.headers
        if request.form is not None:
            raw.close()
            return _heard(request, status, header.get("Location"), header.get("Retry-After"))
        if status in _REDIRECTS:
            raw.close()
            return _redirected(journey, status, header.get("Location"), errand)
        etag, modified = headers.validator(header.get("ETag")), headers.validator(header.get("Last-Modified"))
        if status == HTTPStatus.NOT_MODIFIED and (request.etag or request.modified):
            bodies.read(raw, None, 0)
            etag, modified = etag or request.etag, modified or request.modified
            return Answer(journey.url, None, etag=etag, modified=modified, moved=journey.moved)
        if status not in _WHOLE:
            raw.close()
            raise _refusal(status, header.get("Retry-After"))
        errand.allow_body(request.limit_bytes)
        said = header.get("Content-Type")
        return Answer(
            journey.url,
            bodies.read(raw, header.get("Content-Encoding"), request.limit_bytes, prefix=request.prefix),
            media_type=headers.media_type(said),
            charset=headers.charset(said),
            etag=etag,
            modified=modified,
            moved=journey.moved,
        )

    def _response(self, journey: Journey, errand: wire.Errand) -> BaseHTTPResponse:
        """Send a request; once more if the connection had been kept and the other side has just closed it."""
        request = journey.request
        at_home = not journey.seen or journey.target.origin == target(request.url).origin
        header = headers.sent(request, self._agent, at_home=at_home)
        get = Get(journey.target, header, allow_private=request.allow_private, form=request.form)
        try:
            return self._adapter.get(get)
        except (RequestException, HTTPError) as error:
            if errand.dialled:
                raise _broken(error) from error
        try:
            return self._adapter.get(get)
        except (RequestException, HTTPError) as error:
            raise _broken(error) from error

    def _robots_file(self, journey: Journey, errand: wire.Errand, url: str, limit_bytes: int) -> Answer | Failure:
        """Fetch a robots.txt for a journey, in a part of its time, at the expense of its errand."""
        request = Request(
            url,
            allow_private=journey.request.allow_private,
            timeout_s=min(journey.left_s, _ROBOTS_S),
            limit_bytes=limit_bytes,
            prefix=True,
        )
        at: Journey | Answer | Failure = self.start(request)
        while isinstance(at, Journey):
            if len(at.seen) > _ROBOTS_REDIRECTS:
                return Failure(url, Kind.REDIRECTED, "redirected too often")
            at = self.go(at)
        errand.came_bytes += at.came_bytes
        return at


def _heard(request: Request, status: int, location: str | None, retry_after: str | None) -> Answer:
    """Tell whether what was said was taken. Nothing said leads anywhere but where it was to go."""
    if status in _REDIRECTS:
        where = headers.location(location) or "nowhere"
        raise Stopped(Kind.REDIRECTED, f"redirects ({status}) to {where}, and is not followed")
    if status not in range(200, 300):
        raise _refusal(status, retry_after)
    return Answer(request.url, None)


def _redirected(journey: Journey, status: int, location: str | None, errand: wire.Errand) -> Journey:
    """Find the next hop. Raises Stopped when there is none that may be made."""
    said = headers.location(location)
    url = absolute(said, journey.url) if said else None
    if url is None:
        where = f"to {said}, which is no http or https address" if said else "to nowhere"
        raise Stopped(Kind.REDIRECTED, f"redirects ({status}) {where}")
    url = url.partition("#")[0]
    seen = (*journey.seen, journey.url)
    if url in seen:
        raise Stopped(Kind.REDIRECTED, f"redirects in a circle, by way of {url}")
    if len(seen) > _MOST_REDIRECTS:
        raise Stopped(Kind.REDIRECTED, f"redirects more than {_MOST_REDIRECTS} times")
    place = target(url)
    if journey.target.scheme == "https" and place.scheme == "http":
        raise Stopped(Kind.REDIRECTED, f"redirects from https to {url}, which anybody on the way could forge")
    settled = journey.settled or status not in _PERMANENT
    moved = journey.moved if settled else url
    return Journey(journey.request, url, place, errand.left_s(), seen, moved, settled)


def _refusal(status: int, retry_after: str | None) -> Stopped:
    """Say what a status means that brings no body."""
    if status == HTTPStatus.GONE:
        kind = Kind.GONE
    elif status in _BUSY:
        kind = Kind.BUSY
    elif status in range(400, 500):
        kind = Kind.REFUSED
    else:
        kind = Kind.FAULTY if status in range(500, 600) else Kind.MALFORMED
    try:
        phrase = f" {HTTPStatus(status).phrase.lower()}"
    except ValueError:
        phrase = ""
    return Stopped(kind, f"answers {status}{phrase}", status, retry_after)


def _broken(error: Exception) -> Stopped:
    """Say what went wrong before there was an answer."""
    root: BaseException = error
    while root.__context__ is not None:
        root = root.__context__
    if isinstance(root, OSError):  # RemoteDisconnected is one
        return Stopped(Kind.CUT, "the connection ended before an answer came")
    return Stopped(Kind.MALFORMED, f"the answer is no HTTP: {str(root).strip() or type(root).__name__}")
