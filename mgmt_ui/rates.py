"""Rates: what changed per second between the last two samples, taken every five seconds (spec 1.7).

Counters stay where they are counted, in queues, exchanges and connections; `counters.py` says
which they are. Lengths, totals and existence are read live, only rates come from here.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mgmt_ui import counters

if TYPE_CHECKING:
    from broker.clock import TimerHandle
    from mgmt_ui.server import Server

INTERVAL = 5.0
# How many objects are sampled before others have their turn on the loop.
SLICE = 500

Sample = dict[int, tuple[object, counters.Values]]
"""Identity -> the object, kept so that its identity is not given to another, and its values."""

TOTALS = object()
"""Stands for the whole broker among the sampled objects."""


class Rates:
    """The rates of one broker. Objects younger than two samples have rates of 0.0."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._timer: TimerHandle | None = None
        self._newest: Sample = {}
        self._previous: Sample = {}
        self._newest_at = self._previous_at = 0.0

    def start(self) -> None:
        """The first sample is taken at the next turn of the loop."""
        self._timer = self._server.clock.call_later(0, self._begin)

    def stop(self) -> None:
        """No more samples."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def of(self, thing: object) -> Callable[[str], float]:
        """A function from the name of a counter of `thing` to its rate per second."""
        newest, previous = self._newest.get(id(thing)), self._previous.get(id(thing))
        elapsed = self._newest_at - self._previous_at
        late = self._server.clock.monotonic() - self._newest_at > 2 * INTERVAL
        if newest is None or previous is None or elapsed <= 0 or late:
            return lambda name: 0.0
        now, before = newest[1], previous[1]

        def rate(name: str) -> float:
            return (now.get(name, 0) - before.get(name, 0)) / elapsed

        return rate

    def add_details(self, row: dict[str, Any], thing: object, names: tuple[str, ...]) -> None:
        """Puts a `..._details` object beside each counter of these names that `row` has."""
        rate = self.of(thing)
        for name in names:
            if name in row:
                row[name + "_details"] = {"rate": rate(name)}

    def _begin(self) -> None:
        self._gather({}, counters.everything(self._server), self._server.clock.monotonic())

    def _gather(
        self, sample: Sample, things: Iterator[tuple[object, counters.Values]], began: float
    ) -> None:
        for _ in range(SLICE):
            found = next(things, None)
            if found is None:
                self._finish(sample, began)
                return
            sample[id(found[0])] = found
        self._timer = self._server.clock.call_later(0, self._gather, sample, things, began)

    def _finish(self, sample: Sample, began: float) -> None:
        totals: counters.Values = {}
        for _, values in sample.values():
            for name, value in values.items():
                totals[name] = totals.get(name, 0) + value
        sample[id(TOTALS)] = (TOTALS, totals)
        self._previous, self._previous_at = self._newest, self._newest_at
        self._newest, self._newest_at = sample, began
        self._timer = self._server.clock.call_later(INTERVAL, self._begin)
