"""Quorum queues: how often a message came back, and how that is told to consumers (spec 8.1).

Here: the two counts in `QueuedMessage.returns` and the headers made of them.
Not here: which calls give a message back (channel.py), what becomes of one that
came back too often (queue.py).

Every return counts as acquired; only those that say that a consumer failed,
basic.reject and the loss of a channel, count as deliveries towards the limit.
A classic queue has the same counts and shows neither.
"""

from broker.amqp import properties
from broker.message import Message, QueuedMessage, headers_of

RETURNED = 1
# What a return adds to `QueuedMessage.returns` when it counts towards the delivery limit.
FAILED = 1 << 32 | RETURNED
_ACQUIRED = (1 << 32) - 1


def failures(entry: QueuedMessage) -> int:
    """How many returns counted towards the delivery limit."""
    return entry.returns >> 32


def counted(entry: QueuedMessage) -> Message:
    """The message of `entry`, once it was returned, as consumers see it: with its counts.

    Headers of the same names from the client are replaced.
    """
    message = entry.message
    headers = dict(headers_of(message.header))
    headers["x-delivery-count"] = ("l", failures(entry))
    headers["x-acquired-count"] = ("l", entry.returns & _ACQUIRED)
    return Message(message.route, properties.with_headers(message.header, headers), message.body)
