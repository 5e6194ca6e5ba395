"""How long a queue may get: `x-max-length`, `x-max-length-bytes`, `x-overflow` (spec 7.4).

Here: when a queue is too long.  Not here: what is dropped or refused then (queue.py).
"""

from typing import TYPE_CHECKING

from broker.message import Message
from vhosts.settings import QueueSettings

if TYPE_CHECKING:
    from broker.queue import Queue

NEVER = 1 << 62


class Limits:
    """The limits of one queue; only ready messages and the octets of their bodies count.

    `refuses`: new messages are refused, else the oldest are dropped.
    `refused_dead_letter`: what is refused goes to the dead-letter exchange.
    """

    __slots__ = ("max_bytes", "max_messages", "refused_dead_letter", "refuses")

    def __init__(self, max_messages: int | None, max_bytes: int | None, overflow: str) -> None:
        self.max_messages = NEVER if max_messages is None else max_messages
        self.max_bytes = NEVER if max_bytes is None else max_bytes
        self.refuses = overflow.startswith("reject-publish")
        self.refused_dead_letter = overflow == "reject-publish-dlx"

    @classmethod
    def of(cls, settings: QueueSettings) -> "Limits | None":
        """The limits in the settings of a queue, None where it has none."""
        if settings.max_length is None and settings.max_length_bytes is None:
            return None
        return cls(settings.max_length, settings.max_length_bytes, settings.overflow)

    def exceeded(self, queue: "Queue") -> bool:
        """Whether something has to go."""
        return len(queue.ready) > self.max_messages or queue.ready_bytes > self.max_bytes

    def full_for(self, message: Message, queue: "Queue") -> bool:
        """Whether `message` would exceed a limit."""
        # Dead letters that wait are among what a queue must not have too many of (spec 7.5.3).
        waiting = queue.retries
        if waiting is not None and not queue.settings.dead_letters_at_least_once:
            waiting = None
        return (
            len(queue.ready) + len(waiting or ()) >= self.max_messages
            or queue.ready_bytes + message.header.body_size > self.max_bytes
        )
