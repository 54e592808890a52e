"""A small news site on loopback that changes, and a program that has it among its sources."""

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from program import Program
from web import Asked, Page, Web, answer

ANYWHERE = '["127.0.0.0/8"]'


class Story(NamedTuple):
    """An article of the site."""

    number: int
    text: str = ""
    guid: str | None = None
    link: str | None = None
    extra: str = ""

    def item(self) -> str:
        """Write it as an RSS item."""
        link = self.link or f"https://news.example/{self.number}"
        date = f"{1 + self.number % 28:02d} Nov 2025 12:00:00 GMT"
        return (
            f"<item><title>Story {self.number}</title><link>{escape(link)}</link>"
            f"<guid isPermaLink='false'>{self.guid or self.number}</guid><pubDate>{date}</pubDate>{self.extra}"
            f"<description>{escape(self.text or f'<p>What happened, part {self.number}.</p>')}</description></item>"
        )


def rss(stories: Iterable[Story], *, head: str = "") -> bytes:
    """Write stories as a feed, newest first."""
    items = "".join(story.item() for story in sorted(stories, reverse=True))
    channel = f"<channel><title>News</title><link>https://news.example/</link>{head}{items}</channel>"
    return f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">{channel}</rss>'.encode()


def stories(*numbers: int) -> list[Story]:
    """Make stories of these numbers."""
    return [Story(number) for number in numbers]


def live(site: dict[str, bytes]) -> Page:
    """Make a page that gives what `site` holds at the moment, with a validator."""

    def page(asked: Asked) -> bytes:
        body = site[asked.path]
        etag = f'"{hash(body):x}"'
        if asked.header.get("if-none-match") == etag:
            return answer(304, etag=etag)
        return answer(200, body, etag=etag, content_type="application/rss+xml")

    return page


def source(name: str, url: str, more: str = "", *, private: str = "true") -> str:
    """Write a [[source]] on loopback. `private`: its allow_private; ANYWHERE opens all of loopback."""
    return f'[[source]]\nid = "{name}"\nkind = "feed"\nurl = "{url}"\nallow_private = {private}\n{more}'


class Newsroom(Program):
    """A program that follows one feed of a site; what the feed says is `says`."""

    def __init__(self, folder, web: Web, more: str = "", host: str = "127.0.0.1", *, private: str = "true") -> None:
        self.site = {"/feed.xml": rss([])}
        self.web = web
        web.pages["/feed.xml"] = live(self.site)
        super().__init__(folder, source("news", web.url("/feed.xml", host), more, private=private))

    def says(self, *told: Story, head: str = "") -> None:
        """Change what the feed says."""
        self.site["/feed.xml"] = rss(told, head=head)

    def shown(self) -> dict:
        """Return what `sources` tells of the feed."""
        return self.told("sources")

    def titles(self) -> set[str]:
        """Return the titles of what is archived."""
        import json

        files = [path for path in (self.archive / "articles").rglob("*") if path.is_file()]
        return {json.loads(path.read_bytes())["title"] for path in files}

    def count(self, kind: str) -> int:
        """Count objects."""
        return sum(path.is_file() for path in (self.archive / kind).rglob("*"))
