"""Import and build of many seeds, beside a plain script over the same files; start-up and no-op runs."""

import sys
import tempfile
from pathlib import Path

from bench.made import CORPUS, make
from bench.measure import cost, feedarchiver, median_cpu

CONFIG = '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n[[feed]]\nid = "all"\n'
# What the script makes, too: no pages for people.
FEEDS_ONLY = f"[publish]\npages = false\n{CONFIG}"


def main(count: int = 10_000) -> None:
    with tempfile.TemporaryDirectory(prefix="feedarchiver-bench-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(FEEDS_ONLY, encoding="utf-8")
        size_bytes = make(folder / "seeds", count)
        print(f"{count} articles, {size_bytes / 1e6:.0f} MB, made from {CORPUS if CORPUS.is_dir() else 'seeds/'}")
        ours = cost(feedarchiver("run"), cwd=folder)
        print(f"feedarchiver run          {ours}")
        (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
        print(f"the pages for people      {cost(feedarchiver('build'), cwd=folder)}")
        plain = folder / "plain"
        plain.mkdir()
        script = cost([sys.executable, Path(__file__).with_name("plain_script.py"), folder / "seeds", plain])
        print(f"plain script              {script}")
        ratios = script.cpu_s / ours.cpu_s, script.peak_bytes / ours.peak_bytes
        print("the script costs {:.1f} times the CPU and {:.1f} times the memory".format(*ratios))
        _start_up(folder, count)
    with tempfile.TemporaryDirectory(prefix="feedarchiver-bench-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
        make(folder / "seeds", 154)
        cost(feedarchiver("run"), cwd=folder)
        _start_up(folder, 154)


def _start_up(folder: Path, count: int) -> None:
    bare = median_cpu([sys.executable, "-c", "pass"])
    print(f"python -c pass            {bare * 1000:8.1f} ms CPU")
    for words in (["--help"], ["run"]):
        taken = median_cpu(feedarchiver(*words), cwd=folder)
        beyond = f", {(taken - 8 * bare) / count * 1e6:+.1f} us a seed beyond 8 times" if words == ["run"] else ""
        said = f"{taken * 1000:8.1f} ms CPU = {taken / bare:.1f} times"
        print(f"feedarchiver {' '.join(words):13}{said}{beyond} ({count} articles)")
