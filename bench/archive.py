"""What durability, verifying, reindexing and looking into a large index cost."""

import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bench.made import make
from bench.measure import cost, feedarchiver
from feedarchiver.archive import durable
from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.archive.index import Index
from feedarchiver.archive.objects import object_id

CONFIG = '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n'
_OBJECTS = 6_000
_BATCH = 2_000
_ROWS = 1_000_000


def main(count: int = 10_000) -> None:
    """Measure; `count` articles for verify and reindex."""
    with tempfile.TemporaryDirectory(prefix="feedarchiver-bench-", dir=".") as name:
        _keeping(Path(name), count)  # first: a child's peak memory counts what its parent had when it was born
        _durability(Path(name))
        _large_index(Path(name))


def _durability(folder: Path) -> None:
    """Write the same objects with and without making them outlast a power cut."""
    bodies = [f"{number} ".encode() * 2_000 for number in range(_OBJECTS)]

    def write(root: Path) -> float:
        root.mkdir()
        bucket = FolderBucket(root)
        started = time.perf_counter()
        for number, body in enumerate(bodies, start=1):
            bucket.put("raw", object_id(body), body)
            if number % _BATCH == 0:
                bucket.flush()
        return time.perf_counter() - started

    safe = min(write(folder / f"safe{turn}") for turn in range(3))
    real = durable.os.fsync, durable._sync_all  # noqa: SLF001 - what is measured is life without it
    durable.os.fsync, durable._sync_all = (lambda _: None), (lambda _: True)  # noqa: SLF001
    try:
        loose = min(write(folder / f"loose{turn}") for turn in range(3))
    finally:
        durable.os.fsync, durable._sync_all = real  # noqa: SLF001
    print(f"{_OBJECTS} objects: durable {safe:.2f} s, without {loose:.2f} s: {loose / safe:.2f} of the speed")


def _large_index(folder: Path) -> None:
    """Ask an index of a million rows for the latest hundred entries of a source."""
    path = folder / "million.db"
    Index.create(path).close()
    with closing(sqlite3.connect(path)) as db:
        rows = (
            (
                f"s{number % 1000}",
                1_700_000_000_000_000 + number // 50 * 10**6,
                number,
                f"{number:064x}",
                number,
                number,
                0,
            )
            for number in range(_ROWS)
        )
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        db.commit()
        query = (
            "SELECT article, entry, updated FROM events WHERE source = ? "
            "ORDER BY captured DESC, published DESC, article DESC LIMIT 100"
        )
        times = []
        for number in range(200):
            started = time.perf_counter()
            found = db.execute(query, (f"s{number * 5}",)).fetchall()
            times.append(time.perf_counter() - started)
            if len(found) != 100:
                raise RuntimeError("the index lost rows")
    print(f"latest 100 of a source among {_ROWS} rows: {statistics.median(times) * 1e3:.2f} ms (median)")


def _keeping(folder: Path, count: int) -> None:
    """Import, verify and reindex `count` articles."""
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    make(folder / "seeds", count)
    for words in (["import"], ["verify"], ["verify", "--quick"], ["reindex"]):
        print(f"{' '.join(words):15} {count} articles {cost(feedarchiver(*words), cwd=folder)}")
