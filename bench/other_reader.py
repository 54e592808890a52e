"""What bench/poll.py is measured beside: lemon24's reader. `add FILE URL...` and `update FILE WORKERS`."""

import sys

from reader import make_reader

if __name__ == "__main__":
    what, path, *words = sys.argv[1:]
    reader = make_reader(path)
    if what == "add":
        for url in sys.stdin.read().split():
            reader.add_feed(url)
    else:
        reader.update_feeds(workers=int(words[0]), scheduled=False)
        broken = list(reader.get_feeds(broken=True))
        if broken:
            raise RuntimeError(f"{len(broken)} feeds failed: {broken[0].last_exception}")
        print(reader.get_entry_counts().total)
