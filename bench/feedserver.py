"""Feeds for bench/poll.py: `/7` is the seventh, 20 articles of full text, on every address of loopback.

Prints its port and serves until it is ended. A line on its standard input is how long, in seconds, it is to wait before
each answer from then on.
"""

import random
import socket
import sys
import time
from functools import partial
from html import escape
from threading import Thread

from made import originals

ENTRIES = 20
NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n\r\n'
HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: "1"\r\nContent-Length: {}\r\n\r\n'


def document(texts: list[tuple[str, str]], number: int) -> bytes:
    """Write a feed; the same number gives the same bytes."""
    chance = random.Random(number)
    items = []
    for place in range(ENTRIES):
        title, body = texts[(number * ENTRIES + place) % len(texts)]
        words = " ".join(f"{chance.randrange(16**8):x}" for _ in range(5))
        link = f"https://news{number}.example/{place}"
        items.append(
            f"<item><title>{escape(title)} {number}</title><link>{link}</link><guid>{link}</guid>"
            f"<pubDate>Sat, {place + 1:02d} Nov 2025 12:00:00 GMT</pubDate><description>{words}</description>"
            f"<content:encoded>{escape(f'<p>{words}</p>{body}')}</content:encoded></item>"
        )
    head = f"<channel><title>News {number}</title><link>https://news{number}.example/</link>"
    module = "http://purl.org/rss/1.0/modules/content/"
    return f'<rss version="2.0" xmlns:content="{module}">{head}{"".join(items)}</channel></rss>'.encode()


def serve(texts: list[tuple[str, str]], delay_s: list[float], connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    asked = b""
    while piece := connection.recv(65_536):
        asked += piece
        if asked.endswith(b"\r\n\r\n"):
            time.sleep(delay_s[-1])
            if b"\r\nif-none-match:" in asked.lower():
                connection.sendall(NOT_MODIFIED)
            else:
                body = document(texts, int(asked.split(b" ", 2)[1][1:]))
                connection.sendall(HEAD.format(len(body)).encode() + body)
            asked = b""
    connection.close()


def hear(delay_s: list[float]) -> None:
    delay_s.extend(map(float, sys.stdin))


if __name__ == "__main__":
    delays_s = [0.0]
    Thread(target=hear, args=[delays_s], daemon=True).start()
    given = [(title, body) for _, title, _, body in originals()]
    listening = socket.create_server(("", 0), backlog=500)
    print(listening.getsockname()[1])
    sys.stdout.flush()
    while True:
        Thread(target=partial(serve, given, delays_s, listening.accept()[0]), daemon=True).start()
