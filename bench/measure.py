"""Running a program and saying what it cost: CPU, wall clock, peak memory. Only figures of one run compare."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """CPU and wall clock in seconds, peak resident memory in bytes."""

    cpu_s: float
    wall_s: float
    peak_bytes: int

    def __str__(self) -> str:
        return f"{self.cpu_s:8.2f} s CPU {self.wall_s:8.2f} s wall {self.peak_bytes / 1e6:7.1f} MB"


def cost(arguments: Sequence[str | Path], *, cwd: Path | None = None) -> Cost:
    """Run a program to its end. Raises RuntimeError with its output when it fails."""
    started = time.monotonic()
    with subprocess.Popen(
        [os.fspath(argument) for argument in arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}: {output.decode(errors='replace')[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss * 1024)


def median_cpu(arguments: Sequence[str | Path], *, cwd: Path | None = None, times: int = 15) -> float:
    """Run a program several times and return the middle CPU time in seconds."""
    return sorted(cost(arguments, cwd=cwd).cpu_s for _ in range(times))[times // 2]


def feedarchiver(*arguments: str | Path) -> list[str | Path]:
    """Name the command of this project, run by this Python."""
    return [sys.executable, "-m", "feedarchiver", *arguments]
