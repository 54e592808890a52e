"""Surveys: the same done for every object of some kinds, by one machine or by several.

Where others help, an object is looked at in a partition: all of a kind whose names begin alike. What they say is taken
for those names only that are here, and only where they found nothing amiss: all else is looked at once more by who
asked. So what is reported, and in which order, is what one machine alone would say.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from feedarchiver.archive.bucket import KINDS, Store, is_hexadecimal
from feedarchiver.archive.spread import ENOUGH

_Named = tuple[str, str]
Each = Callable[[str, Iterable[str]], Generator[tuple[str, Any]]]
"""Has a work done by its name, for each part of it, and gives what came of each."""
Surveyor = Callable[["Survey", Sequence[str]], Iterator[Any]]
"""Makes a survey of all objects of some kinds, and gives what came of each object, in the order of their names."""

_SPAN = 1.6  # so many times what was said are in a partition at most, and a tenth at least
_SAMPLE = 2_000
_SAMPLED, _DIGITS = "8", 12


class Survey(NamedTuple):
    """What is done for each object, given kind and name; what comes of it is small. `name`: for other machines.

    `told` says it in plain values, None when whoever asked had better look himself; `heard` understands that.
    """

    name: str
    look: Callable[[Store, _Named], Any]
    told: Callable[[Any], Any]
    heard: Callable[[_Named, Any], Any]


def alone(store: Store) -> Surveyor:
    """Make surveys with what this machine has."""
    return partial(_alone, store)


def _alone(store: Store, survey: Survey, kinds: Sequence[str]) -> Iterator[Any]:
    named = ((kind, name) for kind in kinds for name in store.names(kind))
    return store.spread(partial(survey.look, store), named)


def surveyed(store: Store, survey: Survey, part: str) -> dict[str, Any]:
    """Look at one partition, for another machine. Raises ValueError where there is no such thing."""
    kind, prefix = part.split()
    if kind not in KINDS or not is_hexadecimal(prefix):
        raise ValueError(f"{part} is no part of an archive")
    names = [*store.names(kind, prefix)]
    found = store.together(partial(survey.look, store), ((kind, name) for name in names))
    return dict(zip(names, map(survey.told, found), strict=True))


class Helped:
    """Makes surveys with the help of others, where there is enough to do: `size` objects are about a partition.

    `others` gives what they do, None when there is nobody; it is called when somebody is needed. `failed` hears why
    what they said was of no use.
    """

    def __init__(
        self, store: Store, others: Callable[[], Each | None], failed: Callable[[str], None], size: int = ENOUGH
    ) -> None:
        self._store, self._others, self._failed, self._size = store, others, failed, size

    def __call__(self, survey: Survey, kinds: Sequence[str]) -> Iterator[Any]:
        """Make a survey: a `Surveyor`."""
        for kind in kinds:
            digits = _digits(_count(self._store, kind), self._size)
            each = self._others() if digits else None
            if each is None:
                yield from _alone(self._store, survey, [kind])
            else:
                yield from self._parted(survey, kind, digits, each)

    def _parted(self, survey: Survey, kind: str, digits: int, each: Each) -> Iterator[Any]:
        """Go through the names, and through the partitions beside them."""
        prefixes = (f"{number:0{digits}x}" for number in range(16**digits))
        with closing(each(survey.name, (f"{kind} {prefix}" for prefix in prefixes))) as found:
            begun, said, is_blind = "", dict[str, Any](), False
            for name in self._store.names(kind):
                if is_hexadecimal(name):
                    while begun < name[:digits]:
                        part, said = next(found)
                        begun = part.split()[1]
                        is_blind = not said
                    if is_blind:
                        self._failed(f"nothing of {part} was seen by who was to look at it")
                        is_blind = False
                told = said.pop(name, None)
                yield survey.look(self._store, (kind, name)) if told is None else survey.heard((kind, name), told)


def _count(store: Store, kind: str) -> int:
    """Estimate how many objects of a kind there are: hashes are spread evenly."""
    some = [*islice(store.names(kind, _SAMPLED), _SAMPLE)]
    share = 1 / 16
    if len(some) == _SAMPLE:
        share = int(some[-1][:_DIGITS], 16) / 16**_DIGITS - int(_SAMPLED, 16) / 16
    return int(len(some) / share)


def _digits(count: int, size: int) -> int:
    """Say by how many digits of their names so many objects are parted. 0: they are done together."""
    if count < 2 * size:
        return 0
    return next(digits for digits in range(1, _DIGITS) if count <= _SPAN * size * 16**digits)
