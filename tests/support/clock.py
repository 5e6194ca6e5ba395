"""A clock that jumps: time passes only when a test says so."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any


def _nothing() -> None:
    pass


class VirtualTimer:
    """A call that is due at some virtual moment."""

    __slots__ = ("args", "callback", "cancelled", "due", "order")

    def __init__(
        self, due: float, order: int, callback: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self.due = due
        self.order = order
        self.callback = callback
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
        # As asyncio's timers: whom it would have called need not stay for it.
        self.callback, self.args = _nothing, ()

    def __lt__(self, other: VirtualTimer) -> bool:
        return (self.due, self.order) < (other.due, other.order)


class VirtualClock:
    """Implements `broker.clock.Clock`; `advance` runs what falls due, in order, synchronously."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = now_ms
        self._monotonic = 0.0
        self._timers: list[VirtualTimer] = []
        self._order = count()

    def monotonic(self) -> float:
        return self._monotonic

    def now_ms(self) -> int:
        # Rounded, not cut: 0.1 + 0.2 seconds are 300 milliseconds to a test.
        return self._start_ms + round(self._monotonic * 1000)

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> VirtualTimer:
        timer = VirtualTimer(self._monotonic + max(0.0, delay), next(self._order), callback, args)
        heapq.heappush(self._timers, timer)
        return timer

    @property
    def pending(self) -> int:
        """How many timers are set and not cancelled: a test that ends with some has a leak."""
        return sum(not timer.cancelled for timer in self._timers)

    def advance(self, seconds: float, between: Callable[[], object] | None = None) -> None:
        """Let `seconds` pass.

        Every callback sees the time it was due at, and those that callbacks set within the span
        run in the same call.  An exception of a callback goes to the test.  `between` is called
        after each callback, as the loop would do what it asked for.
        """
        end = self._monotonic + seconds
        # 1e-9: sums of decimal fractions may miss the due time by a hair.
        while self._timers and self._timers[0].due <= end + 1e-9:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self._monotonic = max(self._monotonic, timer.due)
                timer.callback(*timer.args)
                if between is not None:
                    between()
        self._monotonic = max(self._monotonic, end)
