"""`Waiting`: a method cannot go on before somebody else has answered.

Here: the interruption, and carrying on afterwards.  Not here: who is asked what (`access`).
"""

import asyncio
from collections.abc import Awaitable, Callable

# Questions that one method may ask, one after the other: a message may name many routing keys.
MAX_QUESTIONS = 1000

_asking: set[asyncio.Future[None]] = set()


class Waiting(Exception):
    """Raised before anything has been done, so that the same can be tried again.

    `ask` gets the answer and leaves it where it is found next time; it does not raise.
    """

    def __init__(self, ask: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.ask = ask

    def begin(self, then: Callable[[], None]) -> None:
        """Asks, and calls `then`; the loop goes on meanwhile."""
        asking = asyncio.ensure_future(self.ask())
        _asking.add(asking)

        def answered(done: asyncio.Future[None]) -> None:
            _asking.discard(done)
            if not done.cancelled():
                done.result()
                then()

        asking.add_done_callback(answered)
