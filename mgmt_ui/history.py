"""What the counters of one object were: rings of samples, coarser the older they are (spec 1.7).

Here: keeping samples and finding the one for a moment. When they are taken is rates.py.
"""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from mgmt_ui.counters import Values


class Tier(NamedTuple):
    """A sample for every `step` seconds, kept for `age` seconds."""

    age: int
    step: int


GLOBAL = (Tier(605, 5), Tier(3660, 60), Tier(29_400, 600), Tier(86_400, 1800))
BASIC = (Tier(605, 5), Tier(3600, 60))
DETAILED = (Tier(605, 5),)

POLICIES = {"global": [600, 3600, 28_800, 86_400], "basic": [600, 3600], "detailed": [600]}
"""What the overview says of them."""


class _Ring:
    """One tier: rows of a time in milliseconds and the values, oldest first, in one array."""

    __slots__ = ("_limit", "_rows", "_step", "_width")

    def __init__(self, tier: Tier, width: int) -> None:
        self._step = tier.step * 1000
        self._width = width + 1
        self._limit = -(-tier.age // tier.step) * self._width
        self._rows = array("q")

    def add(self, time: int, values: Values) -> None:
        rows, width = self._rows, self._width
        if rows and rows[-width] // self._step == time // self._step:
            if rows[-width] == time:
                rows[1 - width :] = array("q", values)
            return
        if len(rows) >= self._limit:
            del rows[:width]
        rows.append(time)
        rows.extend(values)

    def at(self, place: int, times: Sequence[int]) -> list[int]:
        stamps = self._rows[:: self._width]
        values = self._rows[place + 1 :: self._width]
        return pick(stamps, values, times)


class History:
    """The samples of one object."""

    __slots__ = ("_rings", "_tiers")

    def __init__(self, tiers: Sequence[Tier], width: int) -> None:
        self._tiers = tiers
        self._rings = [_Ring(tier, width) for tier in tiers]

    def add(self, time: int, values: Values) -> None:
        """A sample; `time` in ms is a multiple of the finest step and never falls."""
        for ring in self._rings:
            ring.add(time, values)

    def at(self, place: int, times: Sequence[int], age: int) -> list[int]:
        """The values of one counter at these times (ms, newest first), 0 where none is known.

        `age` in seconds says how far back they reach.
        """
        for tier, ring in zip(self._tiers, self._rings, strict=True):
            if tier.age >= age:
                return ring.at(place, times)
        return self._rings[-1].at(place, times)


def pick(stamps: Sequence[int], values: Sequence[int], times: Sequence[int]) -> list[int]:
    """For each of `times`, newest first, the value that was noted last by then, else 0."""
    at, found = len(stamps) - 1, []
    for time in times:
        while at >= 0 and stamps[at] > time:
            at -= 1
        found.append(values[at] if at >= 0 else 0)
    return found
