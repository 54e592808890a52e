"""Articles for measuring: a corpus repeated with another stamp, title, link and a few other words in each copy."""

import random
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parent.parent / "shared" / "corpus"
SEEDS = HERE.parent / "seeds"
_SEED = re.compile(r"<!--(.*?)-->\n\[(.*)\]\((.*)\)\s*\n------\n\n?(.*)", re.DOTALL)
_FIRST_STAMP_MS = 1_400_000_000_000


def originals() -> list[tuple[str, ...]]:
    """Return the stamp, title, link and body of each article of the corpus."""
    paths = sorted((CORPUS if CORPUS.is_dir() else SEEDS).glob("*.txt"))
    return [match.groups() for path in paths if (match := _SEED.match(path.read_text(encoding="utf-8")))]


def make(folder: Path, count: int) -> int:
    """Write `count` seed files into `folder` and return their size in bytes. The same count gives the same bytes."""
    parsed = originals()
    chance = random.Random(20231104)
    folder.mkdir(parents=True)
    size_bytes = 0
    for number in range(count):
        _, title, link, body = parsed[number % len(parsed)]
        stamp_ms = _FIRST_STAMP_MS + number * 3_600_000 + chance.randrange(3_600) * 1000
        words = " ".join(f"{chance.randrange(16**8):x}" for _ in range(5))
        text = f"<!--{stamp_ms}-->\n[{title} {number}]({link}{'&' if '?' in link else '?'}n={number})\n------\n\n"
        data = f"{text}<p>{words}</p>{body}".encode()
        (folder / f"{number:06d}.txt").write_bytes(data)
        size_bytes += len(data)
    return size_bytes
