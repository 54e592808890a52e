"""CPU of a request to each of many hosts, beside bare requests; wall clock of many at once with latency."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import requests

from feedarchiver.gather.web.client import Client
from feedarchiver.gather.web.exchange import Answer, Request
from feedarchiver.gather.web.together import ask_all

WORKERS = 20
LATENCY_MS = 100
ETAG = '"1"'


def main(count: int = 1_000) -> None:
    server = [sys.executable, str(Path(__file__).with_name("webserver.py"))]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as process:
        try:
            _measure(count, int(process.stdout.readline()))
        finally:
            process.terminate()


def _measure(count: int, port: int) -> None:
    urls = [
        f"http://127.{number // 62_500}.{number // 250 % 250}.{number % 250 + 1}:{port}/" for number in range(count)
    ]
    print(f"{count} hosts, one request each, us CPU a request (one after the other; {WORKERS} workers)")
    for name, etag in (("200, 20 kB", None), ("304", ETAG)):
        bare, alone, many = (cost / count * 1e6 for cost in _costs(urls, etag))
        text = f"{name:10}  requests {bare:6.0f}   client {alone:6.0f}   ask_all {many:6.0f}"
        print(f"{text}   {bare / alone:.2f} and {bare / many:.2f} times less")
    now = datetime.now(UTC)
    with Client(now=now) as client:
        began = time.monotonic()
        _all(client, (Request(f"{url}{LATENCY_MS}", allow_private=("127.0.0.0/8",)) for url in urls), count)
        wall, ideal = time.monotonic() - began, count * LATENCY_MS / 1000 / WORKERS
    print(f"with {LATENCY_MS} ms of latency: {wall:.2f} s wall, {wall / ideal:.2f} times hosts * latency / workers")


def _costs(urls: list[str], etag: str | None) -> tuple[float, float, float]:
    """Measure bare requests, our client, and our client with workers, in one run."""
    asked = [Request(url, etag=etag, allow_private=("127.0.0.0/8",)) for url in urls]
    header = {"If-None-Match": etag} if etag else {}
    now = datetime.now(UTC)
    with requests.Session() as session, Client(now=now) as client, Client(now=now) as other:
        bare = _cpu(lambda: [session.get(url, headers=header, timeout=45).content for url in urls])
        alone = _cpu(lambda: [client.ask(request) for request in asked])
        return bare, alone, _cpu(lambda: _all(other, iter(asked), len(urls)))


def _all(client: Client, asked: Iterator[Request], count: int) -> None:
    answers = sum(isinstance(result, Answer) for _, result in ask_all(client, asked, workers=WORKERS))
    if answers != count:
        raise RuntimeError(f"{answers} answers to {count} requests")


def _cpu(task: Callable[[], object]) -> float:
    began = time.process_time()
    task()
    return time.process_time() - began
