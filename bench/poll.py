"""A poll of many feeds of full text, first all new, then all unchanged, beside lemon24's reader on the same server."""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Cost, cost, feedarchiver

HERE = Path(__file__).parent
WORKERS = 20  # what `update` uses
LATENCY_S = 0.1


def main(count: int = 1_000) -> None:
    server = [sys.executable, str(HERE / "feedserver.py")]
    with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            with tempfile.TemporaryDirectory(prefix="feedarchiver-bench-") as name:
                folder = Path(name)
                _measure(folder, count, int(process.stdout.readline()))
                process.stdin.write(f"{LATENCY_S}\n")
                process.stdin.flush()
                slow = cost(feedarchiver("update", "--all"), cwd=folder)
            least_s = count * LATENCY_S / WORKERS
            print(f"{f'{LATENCY_S * 1000:.0f} ms before each answer':22} feedarchiver {slow}")
            print(f"{'':22} wall clock / (feeds x latency / workers) = {slow.wall_s / least_s:.2f}")
        finally:
            process.terminate()


def _measure(folder: Path, count: int, port: int) -> None:
    urls = [f"http://127.{n // 62_500}.{n // 250 % 250}.{n % 250 + 1}:{port}/{n}" for n in range(count)]
    sources = (
        f'[[source]]\nid = "{n}"\nkind = "feed"\nurl = "{url}"\nallow_private = true\n' for n, url in enumerate(urls)
    )
    (folder / "config.toml").write_text("".join(sources), encoding="utf-8")
    other = [sys.executable, HERE / "other_reader.py"]
    subprocess.run([*other, "add", folder / "reader.db"], input="\n".join(urls), text=True, check=True)
    print(f"{count} feeds of 20 articles of full text, {WORKERS} workers")
    for name, words in (("first round, all new", ["update"]), ("second round, all 304", ["update", "--all"])):
        ours = cost(feedarchiver(*words), cwd=folder)
        theirs = cost([*other, "update", folder / "reader.db", str(WORKERS)])
        _tell(name, ours, theirs)


def _tell(name: str, ours: Cost, theirs: Cost) -> None:
    print(f"{name:22} feedarchiver {ours}")
    print(f"{'':22} reader       {theirs}")
    ratios = theirs.cpu_s / ours.cpu_s, theirs.peak_bytes / ours.peak_bytes
    print("{:22} reader costs {:.1f} times the CPU and {:.1f} times the memory".format("", *ratios))
