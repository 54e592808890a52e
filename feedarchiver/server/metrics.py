"""What an operator watches: /metrics, in the words of Prometheus.

Every label has few values: a client decides which of ours it counts under, and never makes a new one.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from feedarchiver.server.kinds import Kind

MEDIA_TYPE = CONTENT_TYPE_LATEST

_FACTS = {
    "articles": "Articles in the archive.",
    "versions": "Versions of articles in the archive.",
    "documents": "Published files.",
    "run_seconds": "How long the last run took.",
    "run_timestamp_seconds": "When the last run ended, in seconds since 1970.",
    "run_failed": "1 if the last run failed, else 0.",
}
# The first that the name of a user agent holds, in lower case.
_READERS = (
    *("newsboat", "netnewswire", "miniflux", "freshrss", "thunderbird", "feedly", "inoreader", "newsblur", "feedbin"),
    *("tiny tiny rss", "theoldreader", "liferea", "akregator", "elfeed", "rss2email", "rssguard", "sfeed", "yarr"),
    *("commafeed", "reeder", "python-reader", "feedparser", "feedarchiver", "curl", "wget", "mozilla"),
)
_AS = {"mozilla": "browser", "tiny tiny rss": "tt-rss"}


class Metrics:
    """What has been counted since the start, and what is known now."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "feedarchiver_requests", "Answered requests.", ["kind", "status"], registry=self._registry
        )
        self._feeds = Counter(
            "feedarchiver_feed_requests", "Answered requests for feeds.", ["reader"], registry=self._registry
        )

    def count(self, kind: Kind, status: int, agent: bytes) -> None:
        """Count an answer."""
        self._requests.labels(kind.value, str(status)).inc()
        if kind is Kind.FEED:
            self._feeds.labels(reader(agent[:200])).inc()

    def page(self, facts: Mapping[str, float]) -> bytes:
        """Write everything. `facts`: by the names above, those that are known."""
        now = CollectorRegistry()
        now.register(_Facts(facts))
        return generate_latest(self._registry) + generate_latest(now)


class _Facts(Collector):
    """What is known now."""

    def __init__(self, facts: Mapping[str, float]) -> None:
        self._facts = facts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, text in _FACTS.items():
            if name in self._facts:
                yield GaugeMetricFamily(f"feedarchiver_{name}", text, value=self._facts[name])


@lru_cache(maxsize=1000)
def reader(agent: bytes) -> str:
    """Name the program behind a user agent, as far as it is one of those that are known."""
    if not agent:
        return "unnamed"
    text = agent.decode("latin-1").lower()
    found = next((name for name in _READERS if name in text), "other")
    return _AS.get(found, found)
