"""Counters in JSON: the number, and beside it `..._details` with rate and samples (spec 1.7).

Here: the sampling parameters of a request, and the shape of details and `message_stats`. Where
the numbers come from is counters.py and rates.py.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mgmt_ui.counters import (
    CHURN,
    DELIVERING,
    LENGTHS,
    OCTETS,
    PUBLISHING,
    ROUTING,
    STORING,
)
from mgmt_ui.errors import ApiError

if TYPE_CHECKING:
    from mgmt_ui.rates import Rates

Row = dict[str, Any]
MOST_SAMPLES = 500
# Counter -> the parameters that ask for its samples, `<family>_age` and `<family>_incr`.
FAMILIES: dict[str, str] = (
    dict.fromkeys(LENGTHS, "lengths")
    | dict.fromkeys((*PUBLISHING, *DELIVERING, *STORING, *ROUTING, *CHURN), "msg_rates")
    | dict.fromkeys((*OCTETS, "reductions"), "data_rates")
)
NODE_FAMILY = "node_stats"


class Window(NamedTuple):
    """The samples that are asked for: every `incr` seconds, back to `age` seconds ago."""

    age: int
    incr: int

    def times(self, now_ms: int) -> list[int]:
        """Their times in milliseconds, newest first, on multiples of `incr`."""
        step = self.incr * 1000
        newest = now_ms // step * step
        return [newest - number * step for number in range(self.age // self.incr + 1)]


class Windows:
    """The sampling parameters of one request; ApiError 400 for those that ask for too much."""

    __slots__ = ("_by_family",)

    def __init__(self, query: Mapping[str, str]) -> None:
        self._by_family: dict[str, Window] = {}
        for family in ("lengths", "msg_rates", "data_rates", NODE_FAMILY):
            age, incr = query.get(f"{family}_age"), query.get(f"{family}_incr")
            if age is not None and incr is not None and _is_integer(age) and _is_integer(incr):
                self._by_family[family] = _window(int(age), int(incr))

    def of(self, family: str) -> Window | None:
        """What is asked for; None where only the rate is."""
        return self._by_family.get(family)


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,15}", text) is not None


def _window(age: int, incr: int) -> Window:
    if incr <= 0 or age < 0 or age // incr > MOST_SAMPLES:
        reason = f"Invalid range parameters: age {age}, incr {incr}"
        raise ApiError(400, "invalid_range_parameters", reason)
    return Window(age, incr)


class Details:
    """Puts details beside counters, as one request wants them."""

    __slots__ = ("_now_ms", "_rates", "_windows")

    def __init__(self, rates: "Rates", query: Mapping[str, str], now_ms: int) -> None:
        self._rates = rates
        self._windows = Windows(query)
        self._now_ms = now_ms

    def add(
        self,
        row: Row,
        things: Sequence[object],
        names: Iterable[str],
        family: str | None = None,
    ) -> None:
        """`..._details` for each counter of these names that `row` has.

        With several `things` they are of their sum. A counter with samples is the newest sample.
        """
        rates = [self._rates.of(thing) for thing in things]
        for name in names:
            if name not in row:
                continue
            details: Row = {"rate": float(sum(rate(name) for rate in rates))}
            window = self._windows.of(family or FAMILIES[name])
            if window is not None:
                row[name] = self._add_samples(details, row[name], things, name, window)
            row[f"{name}_details"] = details

    def _add_samples(
        self, details: Row, value: int, things: Sequence[object], name: str, window: Window
    ) -> int:
        times = window.times(self._now_ms)
        each = [
            self._rates.at(thing, name, times, window.age)
            for thing in things
            if self._rates.knows(thing)
        ]
        values: list[int] = [sum(column) for column in zip([0] * len(times), *each, strict=True)]
        if not each:
            values[0] = value  # younger than a sample
        details["samples"] = [
            {"sample": value, "timestamp": time} for value, time in zip(values, times, strict=True)
        ]
        elapsed = (len(values) - 1) * window.incr
        details["avg_rate"] = (values[0] - values[-1]) / elapsed if elapsed else 0.0
        details["avg"] = sum(values) / len(values)
        return values[0]

    def message_stats(self, values: Row, things: Sequence[object]) -> Row:
        """`message_stats` of `values`; empty where nothing has happened yet.

        Members come in groups: publishing and delivering, once there was any of it.
        """
        row: Row = {}
        for group in (PUBLISHING, ROUTING, DELIVERING):
            found = {name: values[name] for name in group if name in values}
            if any(found.values()):
                row |= found
        if row:
            row |= {name: values[name] for name in STORING if name in values}
        self.add(row, things, list(row))
        return row
