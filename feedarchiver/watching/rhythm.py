"""When a source is silent longer than usual for it: measured in days, against the days on which it had something.

Days even out nights; the longest pause among many of them has seen weekends and holidays.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

LOOKED_AT = 30
"""So many days with something new tell a rhythm."""
_LEAST = 7


class Silence(NamedTuple):
    """For how many days a source has had nothing new, and the longest that this was so before."""

    days: int
    usual: int

    @property
    def is_unusual(self) -> bool:
        """Tell whether it is more than twice as long as ever lately, and a day."""
        return self.days > 2 * self.usual + 1


def silence(days: Sequence[int], today: int) -> Silence | None:
    """Measure a silence. `days`: those with something new, the last one first, none twice. None: there is no rhythm."""
    if len(days) < _LEAST:
        return None
    usual = max(later - earlier for later, earlier in pairwise(days))
    return Silence(max(0, today - days[0]), usual)
