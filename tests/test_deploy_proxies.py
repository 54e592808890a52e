"""nginx and Caddy in front of the daemon, or in the place of it, by the examples under deploy/."""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from contextlib import contextmanager

import pytest
from living import Answer, living, within
from program import PROJECT, Program
from web import CERTIFICATE

DEPLOY = PROJECT / "deploy"


@pytest.fixture
def home(tmp_path):
    program = Program(tmp_path / "home")
    program.write("a.txt", title="一个题目", body="<p>" + 500 * "Text. " + "</p>")
    assert program("run").status == 0
    (program.feeds / ".hidden").write_text("secret")
    return program


@pytest.fixture
def server(home):
    with living(home, "serve", "--port", "0") as started:
        yield started.serving()


def free():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class Front:
    """A proxy that listens on loopback."""

    def __init__(self, port, context=None):
        self._port, self._context = port, context

    def get(self, path, method="GET", **header):
        if self._context:
            connection = http.client.HTTPSConnection("localhost", self._port, timeout=10, context=self._context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): said for name, said in header.items()})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


@contextmanager
def running(command, front, **environ):
    """Run a proxy until the end of the block, when it is ended by its id."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ | environ) as process:
        try:

            def answers():
                assert process.poll() is None, process.stderr.read()
                try:
                    return front.get("/healthz")
                except OSError:
                    return None

            within(20, answers)
            yield front
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def nginx(folder, text, front):
    """Run nginx with a server block."""
    user = "user root;" if os.geteuid() == 0 else ""
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{paths}{text}}}\n"
    )
    command = [shutil.which("nginx"), "-p", str(folder), "-e", "stderr", "-c", str(config)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=20, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    with running(command, front) as started:
        yield started


needs_nginx = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx (Debian package nginx) is not installed")


def as_served(front, server):
    """See that what the daemon says comes through as it is, and what is the operator's does not."""
    path = "/all/rss.xml"
    within(20, lambda: server.get(path).headers["last-modified"])  # not within the second in which it was written
    for header in ({}, {"accept_encoding": "gzip"}):
        ours, theirs = server.get(path, **header), front.get(path, **header)
        assert (theirs.status, theirs.body) == (200, ours.body)
        for name in ("etag", "last-modified", "content-type", "content-encoding", "content-security-policy", "vary"):
            assert theirs.headers[name] == ours.headers[name], name
        assert front.get(path, if_none_match=ours.headers["etag"], **header).status == 304
    assert front.get("/all", "HEAD").headers["location"].endswith("all/")
    assert front.get("/healthz").body == b"ok\n"
    assert front.get("/metrics").status == 403
    assert front.get("/.hidden").status == 404


@needs_nginx
def test_nginx_in_front(tmp_path, server):
    """Behind nginx, with TLS, readers get what the daemon says: tags, 304, gzip only for those who ask for it."""
    port = free()
    text = (DEPLOY / "nginx.conf").read_text()
    text = re.sub(r"/etc/letsencrypt/\S+\.pem", str(CERTIFICATE), text)
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("    listen [::]:443 ssl;\n", "")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    context = ssl.create_default_context(cafile=CERTIFICATE)
    with nginx(tmp_path, text, Front(port, context)) as front:
        as_served(front, server)


@needs_nginx
def test_nginx_alone(tmp_path, home):
    """By what the example says of a folder without a daemon, nginx serves it with the right types, and no dot file."""
    port = free()
    text = (DEPLOY / "nginx.conf").read_text()
    static = text[text.index("#     root") :].replace("/home/me/news/feeds", str(home.feeds))
    block = re.sub(r"^# {0,5}", "", static, flags=re.MULTILINE)
    with nginx(tmp_path, f"server {{ listen 127.0.0.1:{port};\n{block}}}", Front(port)) as front:
        for path, media_type in (
            ("all/rss.xml", "application/xml"),
            ("all/feed.json", "application/feed+json"),
            ("index.html", "text/html"),
            ("feeds.opml", "text/x-opml"),
            ("assets/site.css", "text/css"),
        ):
            answer = front.get(f"/{path}")
            assert (answer.status, answer.body) == (200, (home.feeds / path).read_bytes())
            assert answer.headers["content-type"] == media_type
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert front.get(f"/{path}", if_modified_since=answer.headers["last-modified"]).status == 304
        assert front.get("/").status == 200
        assert front.get("/all/rss.xml", accept_encoding="gzip").headers["content-encoding"] == "gzip"
        assert front.get("/.hidden").status == 403
        (home.feeds / "link.xml").symlink_to("/etc/passwd")
        assert front.get("/link.xml").status == 403


@pytest.mark.skipif(not shutil.which("caddy"), reason="Caddy (Debian package caddy) is not installed")
def test_caddy(tmp_path, server):
    """Behind Caddy readers get what the daemon says."""
    port = free()
    environ = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    text = (DEPLOY / "Caddyfile").read_text()
    config = tmp_path / "Caddyfile"
    config.write_text(text)
    command = ["caddy", "validate", "--adapter", "caddyfile", "--config", config]
    subprocess.run(command, env=os.environ | environ, capture_output=True, timeout=30, check=True)
    text = text.replace("feeds.example.org {", f"http://127.0.0.1:{port} {{").replace("8000", str(server.port))
    config.write_text(f"{{\nadmin off\n}}\n{text}")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", config]
    with running(command, Front(port), **environ) as front:
        as_served(front, server)
