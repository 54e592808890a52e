"""Seeds in, feeds and pages for people out, beside Hugo given the same articles: RSS, list pages, a page for each."""

import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.made import make
from bench.measure import cost, feedarchiver
from bench.plain_script import SEED

CONFIG = '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n[[feed]]\nid = "all"\n'
_HUGO = (
    'baseURL = "http://127.0.0.1:8000/"\ntitle = "All"\npaginate = 50\ndisableKinds = ["taxonomy", "term", "sitemap"]\n'
)
_HEAD = '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{{ .Title }}</title></head><body>\n'
_LAYOUTS = {
    "_default/single.html": _HEAD + "<h1>{{ .Title }}</h1><p>{{ .Date }}</p>{{ .Content }}</body></html>\n",
    "_default/list.html": _HEAD + "{{ range .Paginator.Pages }}<article><h2><a href='{{ .RelPermalink }}'>{{ .Title }}"
    '</a></h2>{{ .Content }}</article>{{ end }}{{ template "_internal/pagination.html" . }}</body></html>\n',
    "_default/rss.xml": '{{ printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}\n<rss version="2.0">'
    "<channel><title>{{ .Title }}</title><link>{{ .Permalink }}</link><description>All</description>\n"
    "{{ range .Site.RegularPages }}<item><title>{{ .Title }}</title><link>{{ .Params.link }}</link>"
    '<guid>{{ .Params.link }}</guid><pubDate>{{ .Date.Format "Mon, 02 Jan 2006 15:04:05 -0700" | safeHTML }}</pubDate>'
    "<description>{{ .Content | html }}</description></item>\n{{ end }}</channel></rss>\n",
}


def main(count: int = 10_000) -> None:
    if shutil.which("hugo") is None:
        print("Hugo is not installed (Debian: hugo): nothing to measure beside")
        return
    with tempfile.TemporaryDirectory(prefix="feedarchiver-bench-") as name:
        folder = Path(name)
        make(folder / "seeds", count)
        (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
        ours = cost(feedarchiver("run"), cwd=folder)
        print(f"feedarchiver run, {count}    {ours}")
        _site(folder / "seeds", folder / "site")
        theirs = cost(["hugo", "--quiet", "--source", folder / "site"], cwd=folder)
        print(f"hugo, {count}                {theirs}")
        ratios = ours.cpu_s / theirs.cpu_s, ours.peak_bytes / theirs.peak_bytes
        print("feedarchiver / hugo: {:.2f} times the CPU, {:.3f} times the memory".format(*ratios))


def _site(seeds: Path, site: Path) -> None:
    for place, text in _LAYOUTS.items():
        (site / "layouts" / place).parent.mkdir(parents=True, exist_ok=True)
        (site / "layouts" / place).write_text(text, encoding="utf-8")
    (site / "config.toml").write_text(_HUGO, encoding="utf-8")
    (site / "content" / "posts").mkdir(parents=True)
    for path in seeds.glob("*.txt"):
        stamp, title, link, body = SEED.match(path.read_text(encoding="utf-8")).groups()
        date = datetime.fromtimestamp(int(stamp) / 1000, UTC).isoformat()
        head = json.dumps({"title": title, "date": date, "link": link}, ensure_ascii=False)
        (site / "content" / "posts" / f"{path.stem}.html").write_text(f"{head}\n{body}", encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
