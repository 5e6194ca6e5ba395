"""How often a message came back: counted, limited, told to consumers (spec 8.1).

Here: the two counts in `QueuedMessage.returns`, the headers made of them, the
delivery limit.  Not here: which calls give a message back (channel.py), where it
goes then (queue.py).

Every return counts as acquired; only those that say that a consumer failed,
basic.reject and the loss of a channel, count as deliveries towards the limit.
A classic queue has the same counts; it shows and keeps them only while a policy limits them.
"""

from typing import TYPE_CHECKING

from broker.amqp import properties
from broker.message import Message, QueuedMessage, headers_of

if TYPE_CHECKING:
    from broker.queue import Queue

RETURNED = 1
# What a return adds to `QueuedMessage.returns` when it counts towards the delivery limit.
FAILED = 1 << 32 | RETURNED
_ACQUIRED = (1 << 32) - 1


def failures(entry: QueuedMessage) -> int:
    """How many returns counted towards the delivery limit."""
    return entry.returns >> 32


def within_limit(queue: "Queue", entry: QueuedMessage) -> bool:
    """Stores how often a message came back; False where that was too often, and it is dead."""
    limit = queue.settings.delivery_limit
    if limit is not None and failures(entry) > limit:
        queue.dead_letter(entry, "delivery_limit")
        return False
    if entry.batch is not None:
        queue.log.returned(entry)
    return True


def counted(entry: QueuedMessage) -> Message:
    """The message of `entry`, once it was returned, as consumers see it: with its counts.

    Headers of the same names from the client are replaced.
    """
    message = entry.message
    headers = dict(headers_of(message.header))
    headers["x-delivery-count"] = ("l", failures(entry))
    headers["x-acquired-count"] = ("l", entry.returns & _ACQUIRED)
    return Message(message.route, properties.with_headers(message.header, headers), message.body)
