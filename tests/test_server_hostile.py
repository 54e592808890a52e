"""Clients that are broken, greedy or hostile, on plain sockets."""

import asyncio
import shutil
import socket
import time
from contextlib import ExitStack

import pytest
from living import living, within
from program import Program

SLOW = 150


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("hostile") / "home")
    program.write("a.txt", body="<p>Text.</p>" * 20_000)
    assert program("run").status == 0
    (program.feeds / "large.png").write_bytes(bytes(40_000_000))
    with living(program, "serve", "--port", "0") as started:
        yield started.serving()


def told(server, data, timeout_s=10):
    """Send bytes and return the first line of what comes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout_s) as sock:
        sock.sendall(data)
        return sock.makefile("rb").readline()


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b" folded: x\x00\r\n\r\n",
        HEAD + b"a\x00b: x\r\n\r\n",
        HEAD + b"a : x\r\n\r\n",
        HEAD + b"x: " + b"y" * 20_000,
        b"GET /" + b"y" * 20_000,
        HEAD + b"a: b\r\n" * 5_000,
    ],
)
def test_malformed(server, data):
    """What is no HTTP, or may be read in two ways, is refused, and the next client is answered."""
    assert told(server, data).startswith((b"HTTP/1.1 400", b"HTTP/1.1 501"))
    assert server.get("/").status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET ../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_other_targets(server, data):
    """A target that is no path of ours is not found."""
    assert told(server, data).startswith(b"HTTP/1.1 404")


def test_a_body_that_nobody_wants(server):
    """Who sends a body is answered without it being read to its end."""
    data = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    assert told(server, data).startswith(b"HTTP/1.1 405")


def test_pipelined(server):
    """Requests sent at once are answered one after the other."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall((HEAD + b"\r\n") * 20 + HEAD + b"Connection: close\r\n\r\n")
        received = sock.makefile("rb").read()
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 21


def test_slow_clients(server):
    """With many clients that say or take nothing, a good one is answered at once, and they are cut off."""
    with ExitStack() as stack:
        slow = []
        for number in range(SLOW):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(30)
            sock.connect(("127.0.0.1", server.port))
            started = (b"", HEAD, b"GET /large.png HTTP/1.1\r\nHost: x\r\n\r\n")[number % 3]
            sock.sendall(started)
            slow.append(sock)
        began = time.monotonic()
        for path in ("/all/rss.xml", "/", "/healthz"):
            assert server.get(path).status == 200
        assert time.monotonic() - began < 2
        silent, halting = slow[0], slow[1]
        halting.sendall(b"a: b\r\n")  # it goes on, too slowly
        assert silent.recv(1) == halting.recv(1) == b""  # within the 30 seconds of its timeout
    assert server.get("/").status == 200


@pytest.mark.skipif(not shutil.which("prlimit"), reason="util-linux is not installed")
def test_few_descriptors(tmp_path):
    """Where few files may be open, more connections than that are closed as they come, and nothing else fails."""
    program = Program(tmp_path / "home")
    program.write("a.txt")
    assert program("run").status == 0
    few = ("prlimit", "--nofile=100:100")
    with living(program, "daemon", "--port", "0", prefix=few) as server, ExitStack() as stack:
        server.serving()
        program.write("new.txt", title="New", link="https://example.org/new")
        for _ in range(200):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
        server.wait_for("1 new")
        stack.close()
        within(10, lambda: server.get("/").status == 200)
        assert server.end() == 0
        assert not [line for line in server.lines if "accept()" in line or "too many" in line.lower()]


def test_many_at_once(server):
    """A hundred readers that ask at the same instant for what nobody has asked for yet all get it."""

    async def ask():
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /all/atom.xml HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
        received = await reader.read()
        writer.close()
        await writer.wait_closed()
        return received.partition(b"\r\n\r\n")[2]

    async def ask_all():
        return await asyncio.wait_for(asyncio.gather(*(ask() for _ in range(100))), 20)

    bodies = set(asyncio.run(ask_all()))
    assert bodies == {server.get("/all/atom.xml", accept_encoding="gzip").body}
