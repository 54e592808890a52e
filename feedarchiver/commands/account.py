"""What a daemon has done since it began, for its metrics and its status page."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedarchiver.updating import Updated

_RESULTS = ("news", "unchanged", "failed")
_OUTCOMES = ("new", "versions", "noise", "known", "excluded")


class Account:
    """Counts of two threads, each of which writes its own."""

    def __init__(self) -> None:
        self._results, self._outcomes = Counter(dict.fromkeys(_RESULTS, 0)), Counter(dict.fromkeys(_OUTCOMES, 0))
        self._build_s: float | None = None
        self._troubles: dict[str, str] = {}

    def asked(self, updated: "Updated") -> None:
        """Count what an update came to."""
        failed = min(updated.asked, len(updated.failures))  # on the way back through an archive more may fail
        self._results.update(
            unchanged=updated.unchanged, failed=failed, news=max(0, updated.asked - updated.unchanged - failed)
        )
        self._outcomes.update({name: getattr(updated, name) for name in _OUTCOMES})

    @contextmanager
    def building(self) -> Iterator[None]:
        """Measure a build."""
        began = time.monotonic()
        yield
        self._build_s = time.monotonic() - began

    def failed(self, what: str, why: str) -> None:
        """Remember what went wrong."""
        self._troubles[what] = why

    def worked(self, what: str) -> None:
        """Forget what went wrong."""
        self._troubles.pop(what, None)

    def troubles(self) -> list[str]:
        """Say what went wrong the last time that it was tried."""
        return [f"The last run failed: {why}" for why in [*self._troubles.values()]]

    def facts(self) -> Mapping[str, float | Mapping[str, float]]:
        """Tell it in the words of the metrics."""
        built = {} if self._build_s is None else {"build_seconds": self._build_s}
        return {"fetches_total": dict(self._results), "fetched_articles_total": dict(self._outcomes), **built}
