"""A day of the daemon's work in minutes: its own `run` and `ask`, under a clock that is set forward from tick to tick.

Called with a folder, the seconds of a tick, how many ticks there are, and after how many it tells about itself. The
time is told to those who are asked as the contact, so that they can say when they were asked.
"""

import json
import os
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedarchiver.commands.log import Log
from feedarchiver.commands.rounds import Rounds
from feedarchiver.config import load
from feedarchiver.daemon import Came

START = datetime(2026, 3, 1, tzinfo=UTC)
_PATIENCE_S = 5


def live(folder: Path, tick_s: int, ticks: int, each: int) -> None:
    """Do what the daemon does at each tick: ask what is due, and publish when there is news."""
    now = START
    config = load(folder / "config.toml")
    work = Rounds(Log(folder / "config.toml", -1, json=True, now=lambda: now), config)
    for tick in range(ticks):
        now = START + timedelta(seconds=tick * tick_s)
        work.config = replace(config, contact=now.isoformat())
        if work.ask(lambda: None) is Came.SOON or tick == 0:
            assert work.run(lambda: None) is Came.DONE
        if (tick + 1) % each == 0:
            sys.stdout.write(json.dumps(state()) + "\n")
            sys.stdout.flush()


def state() -> dict[str, int]:
    """Tell what this process has of the machine.

    A thread that has ended for Python may not have for the system yet: that is waited for, a while.
    """
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        if int(said["Threads"]) <= threading.active_count() or time.monotonic() > until_s:
            break
    open_files = len(os.listdir("/proc/self/fd"))
    return {"kilobytes": int(said["VmRSS"].split()[0]), "threads": int(said["Threads"]), "files": open_files}


if __name__ == "__main__":
    live(Path(sys.argv[1]), *map(int, sys.argv[2:]))
