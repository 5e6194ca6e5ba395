"""Queues that take no message twice (spec 6.8).

Here: what such a queue does with a message.  Not here: how messages are told
to be the same (exchanges/deduplication.py).
"""

from typing import Any

from broker.message import Message, headers_of
from broker.queue import Queue
from exchanges.deduplication import Seen


class Deduplicating(Queue):
    """A queue that drops what came before, whether that is still in it or not.

    For the publisher it is as if the message had been enqueued.  What was in
    the queue before a start of the broker is not remembered.  Mixed into a type
    of queue by `deduplicating`.
    """

    __slots__ = ()

    _seen: Seen

    def __init__(self, *positional: Any, **properties: Any) -> None:
        super().__init__(*positional, **properties)
        # The slot is in the types that this is mixed into.
        self._seen = Seen.of(self.arguments)

    def publish(self, message: Message) -> None:
        if not self._seen.repeats(headers_of(message.header), self.turn.now()):
            super().publish(message)
        elif self.stores(message):
            # The publisher waits for the next commit all the same, with what came first.
            self.vhost.commit.kick_needed = True


_made: dict[type[Queue], type[Queue]] = {}


def deduplicating(base: type[Queue]) -> type[Queue]:
    """The type that is as `base`, but for what came before."""
    if base not in _made:
        name = f"Deduplicating{base.__name__}"
        _made[base] = type(name, (Deduplicating, base), {"__slots__": ("_seen",)})
    return _made[base]
