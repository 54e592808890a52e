"""The first search, which indexes every article, and searches for Chinese words of two characters after it."""

import random
import re
import tempfile
import time
from itertools import islice
from pathlib import Path

from bench.made import CORPUS, make
from bench.measure import cost, feedarchiver
from feedarchiver.archive.archive import Archive
from feedarchiver.archive.telling import telling
from feedarchiver.model import ObjectId

CONFIG = '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n'
PAIR = re.compile("[\u4e00-\u9fff]{2}")
WORDS = 200
SAMPLE = 2_000


def main(count: int = 10_000) -> None:
    with tempfile.TemporaryDirectory(prefix="feedarchiver-bench-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
        make(folder / "seeds", count)
        print(f"{count} articles, made from {CORPUS if CORPUS.is_dir() else 'seeds/'}")
        print(f"import                    {cost(feedarchiver('import'), cwd=folder)}")
        first = cost(feedarchiver("search", "新闻"), cwd=folder)
        print(f"first search              {first}, {first.cpu_s / count * 1000:.2f} ms an article")
        print(f"second search             {cost(feedarchiver('search', '新闻'), cwd=folder)}")
        with Archive.open(folder / "archive", folder / "archive" / "index.db") as archive:
            _ask(archive, count)


def _ask(archive: Archive, count: int) -> None:
    with archive.searching() as search:
        names = islice(archive.bucket.names("articles"), SAMPLE)
        texts = [_text(archive, ObjectId(name)) for name in names]
        size_bytes = sum(len(text.encode()) for text in texts) / len(texts) * count
        file_bytes = archive.index_at.with_name("search.db").stat().st_size
        print(f"search.db                 {file_bytes / 1e6:.1f} MB, {file_bytes / size_bytes:.2f} times the text")
        chance = random.Random(20231104)
        pairs = [chance.choice(found) for text in texts if (found := PAIR.findall(text))]
        words = chance.sample(pairs, min(WORDS, len(pairs)))
        for what, options in (("best first", {}), ("newest first", {"newest": True})):
            times = sorted(_time(lambda word=word, options=options: search.find(word, **options)) for word in words)
            _say(f"2 characters, {what}", times)
        _say("1 character", sorted(_time(lambda word=word: search.find(word[0])) for word in words[:20]))
        _say("4 and more characters", sorted(_time(lambda text=text: search.find(text)) for text in _long(texts)))


def _long(texts: list[str]) -> list[str]:
    return [found[0] for text in texts[:WORDS] if (found := re.search("[\u4e00-\u9fff]{4,7}", text))]


def _text(archive: Archive, object_id: ObjectId) -> str:
    return telling(archive.article(object_id)).text


def _time(task) -> float:  # noqa: ANN001
    started = time.process_time()
    task()
    return (time.process_time() - started) * 1000


def _say(what: str, times_ms: list[float]) -> None:
    middle, late = times_ms[len(times_ms) // 2], times_ms[len(times_ms) * 9 // 10]
    print(f"{what:26}{middle:8.1f} ms CPU median {late:8.1f} ms for 9 in 10 {times_ms[-1]:8.1f} ms at most")
