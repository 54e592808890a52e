"""A day with many sources on a loopback web, in minutes: all are asked in time, and nothing grows."""

import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from day import START
from news import rss, stories
from program import PROJECT, SOAK, Program
from web import Web, answer

HOUR = timedelta(hours=1)
KINDS = [(HOUR, HOUR), (timedelta(minutes=15), timedelta(days=1)), (timedelta(minutes=30), timedelta(hours=6))]


class Site:
    """A feed that has a story more every now and then, and knows when it was asked, and whether twice at once."""

    def __init__(self, number):
        self.every = timedelta(hours=1 + number % 11)
        self.bounds = KINDS[number % len(KINDS)]
        self.first = 1_000_000 * number
        self.asked, self.under_way, self.overlaps = [], threading.Lock(), 0
        self.shown = set()

    def __call__(self, asked):
        if not self.under_way.acquire(blocking=False):
            self.overlaps += 1
            return answer(500)
        try:
            now = datetime.fromisoformat(re.search(r"\(\+(.*)\)", asked.header["user-agent"])[1])
            self.asked.append(now)
            last = self.first + int((now - START) / self.every)
            etag = f'"{last}"'
            if asked.header.get("if-none-match") == etag:
                return answer(304, etag=etag)
            numbers = range(max(self.first, last - 9), last + 1)
            self.shown.update(numbers)
            return answer(200, rss(stories(*numbers)), etag=etag, content_type="application/rss+xml")
        finally:
            self.under_way.release()

    def configured(self, name, url):
        shortest, longest = (f"{int(length.total_seconds())} s" for length in self.bounds)
        how = f'interval = ["{shortest}", "{longest}"]\nallow_private = true\n'
        return f'[[source]]\nid = "{name}"\nkind = "feed"\nurl = "{url}"\n{how}'


def day(folder, *, sources, hours, tick_s):
    """Live through some hours, and return the sites, what the program had of the machine each hour, and the archive."""
    sites = [Site(number) for number in range(sources)]
    with Web({f"/{number}": site for number, site in enumerate(sites)}, address="0.0.0.0") as web:
        hosts = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(sources)]
        text = "".join(
            site.configured(f"s{number}", web.url(f"/{number}", hosts[number])) for number, site in enumerate(sites)
        )
        home = Program(folder, text)
        each = 3600 // tick_s
        done = subprocess.run(
            [sys.executable, PROJECT / "tests" / "day.py", home.folder, str(tick_s), str(hours * each), str(each)],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            timeout=3600 if SOAK else 120,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    states = [json.loads(line) for line in done.stdout.splitlines() if "kilobytes" in line]
    assert len(states) == hours
    return sites, states, home


def asked_in_time(sites, hours, tick_s):
    """See that each source was asked as often as its interval says, and none twice at once."""
    tick = timedelta(seconds=tick_s)
    for site in sites:
        shortest, longest = site.bounds
        pauses = [later - earlier for earlier, later in zip(site.asked, site.asked[1:], strict=False)]
        assert site.asked[0] == START
        assert all(0.9 * shortest <= pause <= longest + tick for pause in pauses), (site.bounds, pauses)
        assert START + hours * HOUR - site.asked[-1] <= longest + tick
        if shortest == longest:
            assert hours - 1 <= len(site.asked) <= hours / 0.9 + 1
        assert site.overlaps == 0


def all_is_there(sites, home):
    """See that everything that was shown is archived and published, once."""
    found = Counter(
        json.loads(path.read_bytes())["title"] for path in (home.archive / "articles").rglob("*") if path.is_file()
    )
    assert found == Counter(f"Story {number}" for site in sites for number in site.shown)
    for number in (0, len(sites) - 1):
        published = (home.feeds / f"s{number}" / "rss.xml").read_text()
        assert set(map(int, re.findall(r"Story (\d+)", published))) == sites[number].shown
    assert home("verify", "-q").status == 0


def test_some_hours(tmp_path):
    """A few sources, a few hours: each is asked in time, none twice at once, and all that they show is published."""
    sites, states, home = day(tmp_path / "home", sources=6, hours=3, tick_s=300)
    asked_in_time(sites, 3, 300)
    all_is_there(sites, home)
    assert len({(state["threads"], state["files"]) for state in states[1:]}) == 1


@pytest.mark.skipif(not SOAK, reason="takes minutes; set FEEDARCHIVER_SOAK=1")
def test_a_day(tmp_path):
    """24 hours with 500 sources: asked in time, none twice at once; memory, threads and open files stay as they are."""
    sites, states, home = day(tmp_path / "home", sources=500, hours=24, tick_s=30)
    figures = {"requests": sum(len(site.asked) for site in sites), "articles": sum(len(site.shown) for site in sites)}
    (tmp_path / "figures.json").write_text(json.dumps([figures, *states]))  # for whoever wants to know
    asked_in_time(sites, 24, 30)
    all_is_there(sites, home)
    settled = states[6]
    assert max(state["kilobytes"] for state in states[7:]) < 1.05 * settled["kilobytes"]
    assert len({(state["threads"], state["files"]) for state in states[6:]}) == 1
