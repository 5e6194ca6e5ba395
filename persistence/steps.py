"""Work that is done a bit at a time, and asks for the database instead of reading it.

Here: what such work yields, and doing all of it at once.  Not here: doing it between the turns
of a running loop (broker/loading.py).

A start of the broker has nobody to wait for it; loading a virtual host while others are served
has.  Both are the same generator, driven in two ways.
"""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Ask(NamedTuple):
    """`job` is to be called with a connection; the generator is sent what it returns, and
    thrown what it raises.  It may be called in another thread, so it touches nothing that
    others see; only one that `writes` changes the database.
    """

    job: Callable[[Connection], Any]
    writes: bool = False


class Turn:
    """Others should have their turn now, however little time has passed."""


TURN = Turn()

Bit = Ask | Turn | None
"""What a bit of work ends with; None: others may have their turn."""

Steps = Generator[Bit, Any, T]
"""Work in bits, of about a millisecond at most; it returns its result."""

# So many small things (rows, messages) are one bit.
SOME = 50


def at_once(steps: Steps[T], connection: Connection) -> T:
    """All of the work, here and now; its result."""
    try:
        bit = next(steps)
        while True:
            if not isinstance(bit, Ask):
                bit = steps.send(None)
                continue
            try:
                answer = bit.job(connection)
            except Exception as error:
                bit = steps.throw(error)
            else:
                bit = steps.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def through(steps: Steps[T]) -> T:
    """All of work that asks for nothing, here and now; its result."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
