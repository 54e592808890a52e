"""A WebSub hub and a subscriber on loopback, after the letter of the Recommendation (sections 4 to 8)."""

import hashlib
import hmac
import queue
import re
import secrets
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlencode, urlsplit

_PATIENCE_S = 10.0


class _Host:
    """An HTTP server of its own; what comes goes to `get` and `post`, which return a status, a body and headers."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, path, header):
        return 404, b"", {}

    def post(self, path, header, body):
        return 404, b"", {}

    def _handler(self):
        host = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _PATIENCE_S

            def do_GET(self):
                self._answer(*host.get(self.path, self.headers))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(*host.post(self.path, self.headers, body))

            def _answer(self, status, body, headers):
                self.send_response(status)
                for name, value in ({"Content-Length": len(body)} | headers).items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


class _Subscription(NamedTuple):
    callback: str
    secret: str


class Hub(_Host):
    """A hub. `published`: the topics that it was told of; `answers`: what it says to these instead, one for each."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[str] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.subscriptions: dict[str, _Subscription] = {}
        self.refuses: set[str] = set()

    def post(self, path, header, body):
        assert header["Content-Type"] == "application/x-www-form-urlencoded"
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        if form["hub.mode"] == "subscribe":
            threading.Thread(target=self._verify, args=(form,), daemon=True).start()
            return 202, b"", {}
        assert form == {"hub.mode": "publish", "hub.url": form["hub.topic"], "hub.topic": form["hub.topic"]}
        topic = form["hub.topic"]
        self.published.append(topic)
        if self.answers:
            status, headers = self.answers.pop(0)
            return status, b"", headers
        if topic in self.refuses:
            return 403, b"", {}
        if topic in self.subscriptions:
            threading.Thread(target=self._distribute, args=(topic,), daemon=True).start()
        return 204, b"", {}

    def _verify(self, form):
        """Ask whether the subscriber meant it (section 5.3)."""
        challenge = secrets.token_hex()
        query = {"hub.mode": "subscribe", "hub.topic": form["hub.topic"], "hub.challenge": challenge}
        asked = form["hub.callback"] + "?" + urlencode(query | {"hub.lease_seconds": 864000})
        with urllib.request.urlopen(asked, timeout=_PATIENCE_S) as answer:
            if answer.read().decode() == challenge:
                self.subscriptions[form["hub.topic"]] = _Subscription(form["hub.callback"], form["hub.secret"])

    def _distribute(self, topic):
        """Fetch the topic and hand it to the subscriber (sections 7 and 8)."""
        subscription = self.subscriptions[topic]
        with urllib.request.urlopen(topic, timeout=_PATIENCE_S) as answer:
            body, media_type = answer.read(), answer.headers["Content-Type"]
        signature = hmac.new(subscription.secret.encode(), body, hashlib.sha256).hexdigest()
        header = {"Content-Type": media_type, "X-Hub-Signature": f"sha256={signature}"}
        header["Link"] = f'<{self.url}>; rel="hub", <{topic}>; rel="self"'
        urllib.request.urlopen(
            urllib.request.Request(subscription.callback, body, header, method="POST"), timeout=_PATIENCE_S
        ).close()


class Subscriber(_Host):
    """Whoever wants to be told. What it was sent is in `content`."""

    def __init__(self) -> None:
        super().__init__()
        self.content: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.wanted = ""
        self.secret = secrets.token_hex()
        self.verified = threading.Event()

    def subscribe(self, document: str) -> None:
        """Find hub and topic in the headers of a document (section 4), and subscribe (section 5.1)."""
        with urllib.request.urlopen(document, timeout=_PATIENCE_S) as answer:
            links = {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["Link"])}
        self.wanted = links["self"]
        form = {"hub.mode": "subscribe", "hub.topic": links["self"], "hub.callback": self.url}
        form |= {"hub.secret": self.secret}
        urllib.request.urlopen(links["hub"], urlencode(form).encode(), timeout=_PATIENCE_S).close()
        assert self.verified.wait(_PATIENCE_S)

    def get(self, path, header):
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if (query["hub.mode"], query["hub.topic"]) != ("subscribe", self.wanted):
            return 404, b"", {}
        self.verified.set()
        return 200, query["hub.challenge"].encode(), {}

    def post(self, path, header, body):
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        if header["X-Hub-Signature"] == f"sha256={signature}":
            self.content.put(body)
        return 204, b"", {}
