"""What a build of feeds costs, beside feedgen given all entries at once, and beside `cat` of the same bytes."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from bench.made import make
from bench.measure import cost, feedarchiver
from feedarchiver.publish.rendered import Rendered, render

CONFIG = (
    "[publish]\npages = false\n"  # as feedgen: RSS and Atom, and JSON Feed beyond it
    '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n[[feed]]\nid = "all"\ntitle = "{title}"\n'
)
SIZE = 50
AT_ONCE = 10_000  # feedgen keeps every entry: more would fill the memory


def main(count: int = 10_000) -> None:
    with tempfile.TemporaryDirectory(prefix="feedarchiver-bench-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG.format(title="All"), encoding="utf-8")
        make(folder / "seeds", count)
        cost(feedarchiver("import"), cwd=folder)
        cold = cost(feedarchiver("build"), cwd=folder)
        documents = sorted(path for path in (folder / "feeds" / "all").rglob("*") if path.is_file())
        size_bytes = sum(path.stat().st_size for path in documents)
        print(f"{count} articles, {len(documents)} documents, {size_bytes / 1e6:.0f} MB")
        print(f"cold build                {cold}")
        told = {what: _alone(what, folder) for what in ("feedgen", "emission", "noop", "add", "retitle")}
        cat = min(
            cost(["/bin/sh", "-c", f"find feeds/all -type f | xargs cat > {folder}/cat"], cwd=folder).cpu_s
            for _ in "123"
        )
        feedgen = told["feedgen"] / min(count, AT_ONCE) * count
        for what, seconds in told.items():
            print(f"{what:26}{seconds * 1e3:10.1f} ms CPU {seconds / count * 1e6:8.1f} us an article")
        print(f"cat of the documents      {cat * 1e3:10.1f} ms CPU")
        print(f"feedgen / our emission of RSS and Atom        {feedgen / told['emission']:6.1f}")
        print(f"feedgen / RSS and Atom from kept pieces       {feedgen / told['retitle']:6.1f}")
        print(f"RSS and Atom from kept pieces / cat of them   {told['retitle'] / cat:6.1f}")
        print(f"feedgen of 10,000 / one added article         {feedgen / count * 10_000 / told['add']:6.1f}")


def _alone(what: str, folder: Path) -> float:
    """Measure in a process of its own; its last line is the CPU time in seconds."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "bench.publish", what, folder], check=True, capture_output=True, encoding="utf-8"
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def _timed(task: Callable[[], object]) -> float:
    started = time.process_time()
    task()
    return time.process_time() - started


def _built(folder: Path, title: str) -> float:
    """Build, everything that takes time to import being imported."""
    from feedarchiver import building
    from feedarchiver.archive.archive import Archive
    from feedarchiver.building import builder
    from feedarchiver.model import Feed

    assert builder
    target = building.Target(
        folder=folder / "feeds", base_url="http://127.0.0.1:8000/", title="All articles", size=SIZE, pages=False
    )
    with Archive.open(folder / "archive", folder / "archive" / "index.db") as archive:
        feeds = (Feed(id="all", title=title),)
        return _timed(lambda: building.build(archive, feeds, target, advance=lambda _: None))


def _retitled(folder: Path) -> float:
    """Put RSS and Atom together anew, as feedgen writes no others, out of pieces that are kept."""
    from feedarchiver.publish.build import FORMATS

    del FORMATS["json"]
    _built(folder, "A title")  # takes JSON Feed away, and imports what is still to be imported
    return min(_built(folder, title) for title in ("Another title", "A title", "Another title"))


def _entries(folder: Path) -> Iterator[Rendered]:
    """Read and clean the articles; no one's emission."""
    from feedarchiver.archive.archive import Archive

    with Archive.open(folder / "archive", folder / "archive" / "index.db") as archive:
        for _, line in archive.index.feeds.lines("all", 0, 1 << 40):
            yield render(*archive.entry(line))


def _emission(folder: Path) -> float:
    """Write RSS and Atom from clean entries, page by page."""
    from datetime import UTC, datetime

    from feedarchiver.model import Feed
    from feedarchiver.publish import atom, rss
    from feedarchiver.publish.build import assemble
    from feedarchiver.publish.folder import Folder
    from feedarchiver.publish.forms import Draft
    from feedarchiver.publish.pages import Page
    from feedarchiver.publish.plan import FeedDocument

    feed, out, taken, entries = Feed(id="all", title="All"), Folder(folder / "emitted"), 0.0, _entries(folder)
    number = 0
    while page := list(islice(entries, SIZE)):
        number += 1

        def write(page: list[Rendered] = page, number: int = number) -> None:
            drafts = [Draft(entry) for entry in page]
            head = FeedDocument(
                feed=feed, base_url="http://x/", page=Page(number, 0, 1, 9), updated=datetime(2024, 1, 1, tzinfo=UTC)
            )
            for format_ in (rss, atom):
                document = assemble(head, format_, [format_.entry_piece(draft) for draft in drafts])
                out.write_parts(document.path, document.parts)

        taken += _timed(write)
    return taken


def _feedgen(folder: Path) -> float:
    """Write RSS and Atom with feedgen alone, all entries at once."""
    from feedgen.feed import FeedGenerator

    entries = list(islice(_entries(folder), AT_ONCE))

    def write() -> None:
        feed = FeedGenerator()
        feed.id("http://127.0.0.1:8000/")
        feed.title("All")
        feed.link(href="http://127.0.0.1:8000/", rel="alternate")
        feed.description("All")
        for one in entries:
            entry = feed.add_entry(order="append")
            entry.id(one.id)
            entry.title(one.title)
            entry.link(href=one.link)
            entry.updated(one.updated)
            if one.published:
                entry.published(one.published)
            if one.summary:
                entry.summary(one.summary)
            if one.content:
                entry.content(one.content, type="html")
            if one.image:
                entry.enclosure(one.image.url, 0, one.image.type)
        feed.rss_file(str(folder / "feedgen.rss.xml"))
        feed.atom_file(str(folder / "feedgen.atom.xml"))

    return min(_timed(write) for _ in "123")


def _added(folder: Path) -> float:
    """Build after one more article has come."""
    import shutil

    made = folder / "more"
    make(made, 1)
    text = next(made.iterdir()).read_text(encoding="utf-8").replace("n=0", "n=more")
    (folder / "seeds" / "more.txt").write_text(text, encoding="utf-8")
    shutil.rmtree(made)
    cost(feedarchiver("import"), cwd=folder)
    return _built(folder, "All")


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2])
    print(
        {
            "emission": _emission,
            "feedgen": _feedgen,
            "noop": lambda folder: _built(folder, "All"),
            "retitle": _retitled,
            "add": _added,
        }[what](where)
    )
