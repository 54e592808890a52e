"""serve and daemon as a user has them: a process of its own on a free port of loopback, ended by its id."""

import http.client
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import NamedTuple

from program import PROJECT


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Living:
    """A program that stays. Its log is in `lines`, as far as it has been waited for."""

    def __init__(self, program, *arguments, prefix=()):
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "feedarchiver", *arguments],
            cwd=program.folder,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.lines, self._queue = [], queue.Queue()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        self.port = 0

    def _read(self):
        for line in self.process.stdout:
            self._queue.put(line)

    def wait_for(self, pattern, timeout_s=20.0):
        """Wait for a line of the log that matches, and return the match."""
        until = time.monotonic() + timeout_s
        while True:
            try:
                line = self._queue.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line with {pattern!r} came: {self.lines}") from None
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found

    def serving(self):
        """Wait until it serves."""
        self.port = int(self.wait_for(r"http://127\.0\.0\.1:(\d+)/")[1])
        return self

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}/"

    def get(self, path="/", method="GET", **headers):
        """Ask on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def counted(self, name):
        """Read a metric."""
        lines = self.get("/metrics").body.decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)}

    def end(self, number=signal.SIGTERM, timeout_s=20.0):
        """Send a signal, wait for the end, and return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(timeout_s)
        self._reading.join(timeout_s)
        while not self._queue.empty():
            self.lines.append(self._queue.get())
        return status

    def events(self):
        """Read the log, written as JSON."""
        return [json.loads(line) for line in self.lines]


@contextmanager
def living(program, *arguments, prefix=()):
    """Start a program that stays; it is killed at the end if it has not ended. `prefix`: a command that starts it."""
    started = Living(program, *arguments, prefix=prefix)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
        started.process.wait(20)
        started._reading.join(20)
        started.process.stdout.close()
    text = "".join(started.lines)
    assert "Traceback" not in text, text


def within(seconds, is_so):
    """Ask again and again until something is so."""
    until = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < until, "it did not come to be so in time"
        time.sleep(0.05)
    return found
