"""Workers and daemons on one database, over a web that notices when a host is asked twice at the same time."""

import json
from collections import Counter
from contextlib import closing
from threading import Lock

from living import within
from news import ANYWHERE, rss, source, stories
from program import Program
from web import Asked, answer

from feedarchiver.archive.archive import Archive
from feedarchiver.commands import asking, pictures
from feedarchiver.config import load
from feedarchiver.working.queue import Queue
from feedarchiver.working.tick import Tick

OBJECTS = ("raw", "articles", "captures", "images", "image-captures")


class Hosts:
    """Pages that take a while, and what is under way on each host while they do."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.takes_s = takes_s
        self.asked: Counter[str] = Counter()
        self.now: Counter[str] = Counter()
        self.overlaps: list[str] = []
        self._lock = Lock()

    def page(self, body: bytes):
        """Make a page."""

        def page(asked: Asked) -> bytes:
            host = asked.header["host"]
            with self._lock:
                self.asked[host] += 1
                self.now[host] += 1
                if self.now[host] > 1:
                    self.overlaps.append(host)
            asked.closing.wait(self.takes_s)
            with self._lock:
                self.now[host] -= 1
            return body

        return page

    @property
    def is_quiet(self) -> bool:
        """Tell whether nobody is being asked."""
        return not +self.now


class Farm(Program):
    """A program whose sources are feeds, each on a host of its own, and whose index and jobs are in one database.

    `store`: what config.toml says of where the objects lie, if not in a folder.
    """

    def __init__(self, folder, address: str, sources: str, store: str = "[archive]\n") -> None:
        self.address = address
        super().__init__(folder, f'{store}index = "{address}"\n[workers]\nengine = "{address}"\n{sources}')

    def archive_(self, now):
        """Open the archive."""
        config = self.config
        return Archive.create(config.store, config.index, now=now)

    @property
    def config(self):
        """Read the configuration."""
        return load(self.folder / "config.toml")

    def tick(self, **more):
        """Make what makes jobs."""
        config = self.config
        webs = [asking.web(source) for source in config.sources if source.asking]
        return Tick(webs, pictures.illustrated(config), **more)

    def queue(self, archive):
        """Connect to the jobs."""
        return closing(Queue(self.config.engine, archive.format))

    def settle(self, ticks, now):
        """Tick at an instant, by several in turn, until there is nothing to do any more. Returns how often."""
        rounds = 0
        with self.archive_(now) as archive, self.queue(archive) as queue:
            while sum(tick.go(archive, queue, now) for tick in ticks):
                rounds += 1
                within(30, lambda: not queue.taken())
        return rounds


def feeds(web, hosts: Hosts, count: int, each: int, more: str = "") -> str:
    """Serve feeds, each on a host of its own, and write them as sources."""
    told = []
    for n in range(count):
        web.pages[f"/{n}.xml"] = hosts.page(
            answer(200, rss(stories(*range(n * each, (n + 1) * each))), content_type="application/rss+xml")
        )
        told.append(
            source(f"s{n}", web.url(f"/{n}.xml", f"127.0.{1 + n // 250}.{n % 250 + 1}"), more, private=ANYWHERE)
        )
    return "".join(told)


def objects(program: Program) -> set[str]:
    """Name every object."""
    return {str(path.relative_to(program.archive)) for kind in OBJECTS for path in program.archive.glob(f"{kind}/*/*")}


def titles(program: Program) -> list[str]:
    """Return the title of each article that was captured, as often as it was."""
    captures = [json.loads(path.read_bytes()) for path in program.archive.glob("captures/*/*")]
    articles = {path.parent.name + path.name: path for path in program.archive.glob("articles/*/*")}
    return sorted(json.loads(articles[capture["article"]].read_bytes())["title"] for capture in captures)


def silence(cluster, address: str) -> None:
    """Have every worker taken for silent that is not heard of again."""
    database = address.partition("@/")[2].partition("?")[0]
    cluster.run(
        database, "UPDATE feedarchiver_jobs.procrastinate_workers SET last_heartbeat = now() - interval '100 s'"
    )
