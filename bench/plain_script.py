"""What people write instead: beautifulsoup4 (html.parser) and feedgen over a folder of seeds, all entries at once."""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from bs4 import BeautifulSoup
from feedgen.feed import FeedGenerator

SEED = re.compile(r"<!--(.*?)-->\n\[(.*)\]\((.*)\)\s*\n------\n\n?(.*)", re.DOTALL)


def main(seeds: Path, feeds: Path) -> None:
    feed = FeedGenerator()
    feed.id("http://127.0.0.1:8000/")
    feed.title("All articles")
    feed.link(href="http://127.0.0.1:8000/", rel="alternate")
    feed.description("All articles")
    for path in sorted(seeds.glob("*.txt")):
        stamp, title, link, body = SEED.match(path.read_text(encoding="utf-8")).groups()
        soup = BeautifulSoup(body, "html.parser")
        for tag in soup(["script", "style", "iframe"]):
            tag.decompose()
        entry = feed.add_entry(order="append")
        entry.id(link)
        entry.title(title)
        entry.link(href=link)
        published = datetime.fromtimestamp(int(stamp) / 1000, UTC)
        entry.published(published)
        entry.updated(published)
        entry.summary(soup.get_text(" ", strip=True)[:280])
        image = soup.find("img", src=re.compile("^https?:"))
        if image:
            entry.enclosure(image["src"], 0, "image/jpeg")
        entry.content("".join(c for c in str(soup) if c >= " " or c in "\n\t"), type="CDATA")
    feed.rss_file(str(feeds / "rss.xml"))
    feed.atom_file(str(feeds / "atom.xml"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
