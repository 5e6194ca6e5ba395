"""The only clock: where every timer and every timestamp of Leveret comes from.

`Clock` is what the rest of the house sees, `SystemClock` what the daemon uses; tests use
`tests.support.clock.VirtualClock`, which jumps.  Nothing else reads the time or sets a timer
(docs/design.md, decision 9; a lint rule sees to it), and nothing but time lives here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol


class TimerHandle(Protocol):
    """What `Clock.call_later` gives back."""

    def cancel(self) -> None:
        """Forget the call; nothing happens if it ran or was cancelled before."""


class Clock(Protocol):
    """Time and timers, injected into whatever needs them."""

    def monotonic(self) -> float:
        """Seconds since some fixed point in the past; never goes back."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch; never goes back, whatever happens to the wall clock."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        """Call `callback(*args)` once on the loop after `delay` seconds (0 or less: next turn)."""


async def wait(clock: Clock, event: asyncio.Event, seconds: float) -> None:
    """Returns when `event` is set; the clock sets it after `seconds`."""
    timer = clock.call_later(seconds, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()


async def pause(clock: Clock, seconds: float) -> None:
    """Returns after `seconds`; at once where there are none."""
    if seconds > 0:
        await wait(clock, asyncio.Event(), seconds)


class DueTimer:
    """One timer for many things that are due at some time: it is set for the first of them."""

    __slots__ = ("_armed_for", "_callback", "_clock", "_timer")

    def __init__(self, clock: Clock, callback: Callable[[], object]) -> None:
        self._clock = clock
        self._callback = callback
        self._timer: TimerHandle | None = None
        self._armed_for = 0

    def arm(self, due: int) -> None:
        """Calls back at `due` (clock ms), or before: who is called looks at what is due then."""
        if self._timer is not None:
            if self._armed_for <= due:
                return
            self._timer.cancel()
        self._armed_for = due
        self._timer = self._clock.call_later((due - self._clock.now_ms()) / 1000, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._callback()

    def cancel(self) -> None:
        """Does not call back unless it is armed again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """Never calls back again, and refers to nobody."""
        self.cancel()
        self._callback = _nothing


def _nothing() -> None:
    pass


class SystemClock:
    """The clock of the machine, with timers on the running event loop.

    Made anywhere, also before the loop runs; `call_later` needs the running loop and raises
    RuntimeError without one.
    """

    __slots__ = ("_offset_ms", "monotonic")

    def __init__(self) -> None:
        # The function itself, not a method around it: it is called on the way of a message.
        self.monotonic: Callable[[], float] = time.monotonic
        # Wall time is read once.  A message's expiry must not move when an operator or NTP sets
        # the wall clock, and two timestamps must compare in the order in which they were taken.
        self._offset_ms = time.time() * 1000.0 - time.monotonic() * 1000.0

    def now_ms(self) -> int:
        """Milliseconds since the epoch: the wall clock at start plus the monotonic time since."""
        return int(self._offset_ms + time.monotonic() * 1000.0)

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        """Call `callback(*args)` on the running loop after `delay` seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, delay), callback, *args)
