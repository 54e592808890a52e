"""What an operator watches: /metrics, in the words of Prometheus.

Every label has few values: a client decides which of ours it counts under, and never makes a new one.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from feedarchiver.server.kinds import Kind
from feedarchiver.server.knowing import Facts
from feedarchiver.watching.overview import Overview

MEDIA_TYPE = CONTENT_TYPE_LATEST

_FACTS = {
    "articles": "Articles in the archive.",
    "versions": "Versions of articles in the archive.",
    "archive_bytes": "What the archive takes on the disk.",
    "disk_free_bytes": "What is left on the disk that something lies on.",
    "sources": "Sources by state.",
    "incidents": "What a feed of health has told of and is still so.",
    "verified_timestamp_seconds": "When the archive was last verified, in seconds since 1970.",
    "verified_faults": "What that found.",
    "fetches_total": "Sources asked, by result.",
    "fetched_articles_total": "Articles that sources gave, by what they were.",
    "jobs": "Jobs of workers, by state.",
    "workers": "Workers that have been heard of lately.",
    "documents": "Published files.",
    "build_seconds": "How long the last build took.",
    "run_seconds": "How long the last run took.",
    "run_timestamp_seconds": "When the last run ended, in seconds since 1970.",
    "run_failed": "1 if the last run failed, else 0.",
}
_LABELS = {
    "sources": "state",
    "disk_free_bytes": "of",
    "fetches_total": "result",
    "fetched_articles_total": "outcome",
    "jobs": "state",
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

    def page(self, facts: Facts) -> bytes:
        """Write everything. `facts`: by the names above, those that are known."""
        now = CollectorRegistry()
        now.register(_Facts(facts))
        return generate_latest(self._registry) + generate_latest(now)


class _Facts(Collector):
    """What is known now."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        for name, text in _FACTS.items():
            if name in self._facts:
                value = self._facts[name]
                family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
                known = family(f"feedarchiver_{name}", text, labels=[_LABELS[name]] if name in _LABELS else [])
                for label, number in value.items() if isinstance(value, Mapping) else [(None, value)]:
                    known.add_metric([] if label is None else [label], number)
                yield known


def seen(overview: Overview) -> Facts:
    """Write an overview in the words above."""
    totals, last = overview.totals, overview.verified
    facts: dict[str, float | Mapping[str, float]] = {
        "articles": totals.articles,
        "versions": totals.versions,
        "archive_bytes": totals.size.on_disk + totals.index_bytes,
        "disk_free_bytes": {room.name: room.free_bytes for room in overview.rooms},
        "sources": {state.value: count for state, count in overview.states().items()},
        "incidents": len(overview.incidents),
    }
    if last:
        facts |= {"verified_timestamp_seconds": last.at.timestamp(), "verified_faults": last.faults}
    return facts


@lru_cache(maxsize=1000)
def reader(agent: bytes) -> str:
    """Name the program behind a user agent, as far as it is one of those that are known."""
    if not agent:
        return "unnamed"
    text = agent.decode("latin-1").lower()
    found = next((name for name in _READERS if name in text), "other")
    return _AS.get(found, found)
