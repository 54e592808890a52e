"""A web for bench/web.py: every address of loopback is a host, every page a feed; it waits as long as the path says.

Prints its port and serves until it is ended.
"""

import socket
import sys
import time
from threading import Thread

NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n\r\n'
BODY = b"<rss>" + b"<item>text</item>" * 1_200
WHOLE = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n' % len(BODY)
    + BODY
)


def serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    asked = b""
    while piece := connection.recv(65_536):
        asked += piece
        if asked.endswith(b"\r\n\r\n"):
            time.sleep(int(asked.split(b" ", 2)[1][1:] or b"0") / 1000)
            connection.sendall(NOT_MODIFIED if b"\r\nif-none-match:" in asked.lower() else WHOLE)
            asked = b""
    connection.close()


if __name__ == "__main__":
    listening = socket.create_server(("", 0), backlog=500)
    print(listening.getsockname()[1])
    sys.stdout.flush()
    while True:
        Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
