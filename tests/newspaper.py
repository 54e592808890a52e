"""A small newspaper on loopback: articles with pages of their own, a feed of teasers, a listing page, a sitemap."""

import contextlib
import gzip
import io
from html import escape
from pathlib import Path
from typing import NamedTuple

from news import ANYWHERE, Newsroom
from program import Ran
from web import Asked, Page, Web, answer

from feedarchiver.__main__ import _status

_WORDS = "harbour bridge council river market winter ferry school museum orchard tunnel station".split()  # noqa: SIM905


def prose(number: int, count: int = 6) -> str:
    """Write paragraphs that nobody else has."""
    lines = []
    for part in range(count):
        words = " ".join(_WORDS[(number * 7 + part * 3 + at * (number + 1)) % len(_WORDS)] for at in range(24))
        lines.append(f"<p>Report {number}, part {part}: the {words}, as was said on the day.</p>")
    return "".join(lines)


class Report(NamedTuple):
    """An article of the newspaper. `encoding`: of its page; `declared`: what its header says of that."""

    number: int
    title: str = ""
    text: str = ""
    updated: str = ""
    encoding: str = "utf-8"
    declared: str | None = None

    @property
    def path(self) -> str:
        return f"/news/{self.number}.html"

    @property
    def headline(self) -> str:
        return self.title or f"What report {self.number} has to tell us today"

    @property
    def day(self) -> str:
        return f"2025-11-{1 + self.number % 28:02d}"

    def page(self) -> bytes:
        """Write its page."""
        menu = "".join(f"<li><a href='/section/{name}'>{name}</a></li>" for name in _WORDS)
        return (
            f"<!doctype html><html><head><title>{escape(self.headline)}</title></head><body><nav><ul>{menu}</ul></nav>"
            f"<article><h1>{escape(self.headline)}</h1><img src='/pictures/{self.number}.jpg'>"
            f"<div class='body'>{self.text or prose(self.number)}</div></article>"
            f"<footer>About us, our terms, and how to reach us</footer></body></html>"
        ).encode(self.encoding)


class Newspaper:
    """The site: change `reports`, and everything follows. `robots` is its robots.txt.

    Each report's page is on a host of its own, so that nobody has to wait between two; with `apart` of False it is not.
    """

    def __init__(self, web: Web, *, apart: bool = True) -> None:
        self.web, self.apart = web, apart
        self.reports: dict[int, Report] = {}
        self.robots: bytes | None = None
        for path in ("/feed.xml", "/news", "/sitemap.xml", "/index.xml", "/part.xml.gz", "/robots.txt"):
            web.pages[path] = self._answer(path)

    def has(self, *reports: Report | int) -> None:
        """Publish, or publish again."""
        for one in reports:
            report = Report(one) if isinstance(one, int) else one
            self.reports[report.number] = report
            self.web.pages[report.path] = self._report(report.number)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return self.web.url(path, host)

    def place(self, report: Report) -> str:
        return self.web.url(report.path, f"127.0.2.{report.number}" if self.apart else "127.0.0.1")

    def asked(self) -> list[str]:
        """List which reports' pages were asked for, and forget it."""
        paths = [path for path in self.web.paths() if path.startswith("/news/")]
        self.web.asked.clear()
        return paths

    def _report(self, number: int) -> Page:
        def page(asked: Asked) -> bytes:
            report = self.reports.get(number)
            if report is None:
                return answer(404)
            said = report.declared
            return answer(200, report.page(), content_type="text/html" + (f"; charset={said}" if said else ""))

        return page

    def _answer(self, path: str) -> Page:
        def page(asked: Asked) -> bytes:
            if path == "/robots.txt":
                return answer(404) if self.robots is None else answer(200, self.robots, content_type="text/plain")
            newest = sorted(self.reports.values(), reverse=True)
            return answer(200, {"/feed.xml": self._feed, "/news": self._listing, "/sitemap.xml": self._sitemap,
                                "/index.xml": self._index, "/part.xml.gz": self._part}[path](newest))  # fmt: skip

        return page

    def _feed(self, reports: list[Report]) -> bytes:
        entries = "".join(
            f"<entry><title>{escape(one.headline)}</title><link href='{self.place(one)}'/><id>{one.number}</id>"
            f"<published>{one.day}T08:00:00Z</published><updated>{one.updated or one.day}T08:00:00Z</updated>"
            f"<summary>A teaser of report {one.number}.</summary></entry>"
            for one in reports
        )
        return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Paper</title>{entries}</feed>".encode()

    def _listing(self, reports: list[Report]) -> bytes:
        items = "".join(
            f"<div class='item'><h2><a href='{self.place(one)}'>{escape(one.headline)}</a></h2>"
            f"<span class='when'>{one.day}</span><p>A teaser of report {one.number}.</p></div>"
            for one in reports
        )
        return f"<html><head><title>Paper</title></head><body><h1>Latest</h1>{items}</body></html>".encode()

    def _sitemap(self, reports: list[Report]) -> bytes:
        urls = "".join(
            f"<url><loc>{self.place(one)}</loc><lastmod>{one.updated or one.day}</lastmod></url>" for one in reports
        )
        return f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>".encode()

    def _index(self, reports: list[Report]) -> bytes:
        last = max((one.updated or one.day for one in reports), default="2025-01-01")
        named = f"<sitemap><loc>{self.url('/part.xml.gz')}</loc><lastmod>{last}</lastmod></sitemap>"
        return f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{named}</sitemapindex>".encode()

    def _part(self, reports: list[Report]) -> bytes:
        return gzip.compress(self._sitemap(reports), mtime=0)


SELECT = 'select = { items = ".item", date = ".when", zone = "UTC" }\n'


class Reader(Newsroom):
    """A program that follows the newspaper.

    Its commands run in this process, which has loaded what reads pages already: that takes most of the time otherwise.
    """

    def __init__(self, folder: Path, paper: Newspaper, kind: str, path: str, more: str = "") -> None:
        self.paper, self.web = paper, paper.web
        told = (
            f'[[source]]\nid = "paper"\nkind = "{kind}"\nurl = "{paper.url(path)}"\nallow_private = {ANYWHERE}\n{more}'
        )
        super(Newsroom, self).__init__(folder, told)

    def __call__(self, *arguments: str | Path, **environment: str) -> Ran:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = _status([*map(str, arguments)])
        for stream in (out, err):
            stream.seek(0)
        return Ran(status, out.read(), err.read())
