"""Waiting in commands that run until something ends them: time, an event, Ctrl-C."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from broker.clock import Clock

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs it on the fastest loop there is."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # not needed by commands that do not wait
    except ImportError:  # Windows, PyPy
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def either(event: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Returns when the event is set or the time has passed."""
    over = asyncio.get_running_loop().create_future()
    timer = clock.call_later(seconds, _finish, over)
    waiter = asyncio.ensure_future(event.wait())
    waiter.add_done_callback(lambda _: _finish(over))
    try:
        await over
    finally:
        timer.cancel()
        waiter.cancel()


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class Interrupts:
    """Ctrl-C sets an event, once: the run ends and reports. The next one is meant."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> None:
        with suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends it
            self._loop.add_signal_handler(signal.SIGINT, self._interrupted)

    def _interrupted(self) -> None:
        self._event.set()
        self._loop.remove_signal_handler(signal.SIGINT)

    def __exit__(self, *_: object) -> None:
        with suppress(NotImplementedError):
            self._loop.remove_signal_handler(signal.SIGINT)
