"""How long work lets go of the event loop, so that messages do not wait for who looks at them."""

import types
from collections.abc import Generator

from broker.clock import Clock

# Seconds of work after which others have their turn.
BUDGET = 0.002


@types.coroutine
def next_turn() -> Generator[None, None, None]:
    """Lets every other task and socket have its turn."""
    # A bare yield in a task comes back at the next turn of the loop.
    yield


class Breather:
    """Keeps the time of work that is done a bit at a time."""

    __slots__ = ("_budget", "_clock", "_due")

    def __init__(self, clock: Clock, budget: float = BUDGET) -> None:
        self._clock = clock
        self._budget = budget
        self._due = clock.monotonic() + budget

    async def breathe(self) -> None:
        """To be called after each bit: lets others have their turn once the time is over."""
        if self._clock.monotonic() >= self._due:
            await next_turn()
            self._due = self._clock.monotonic() + self._budget
