"""`python -m bench [NAME [COUNT]]`: measure, beside what people use instead, and print figures and ratios."""

import sys
from importlib import import_module

NAMES = ("seeds", "archive", "publish", "search", "web", "poll", "serve", "cluster", "hugo")

if __name__ == "__main__":
    chosen = sys.argv[1:2] or NAMES
    for name in chosen:
        import_module(f"bench.{name}").main(*map(int, sys.argv[2:]))
