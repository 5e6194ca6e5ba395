"""Queues that are paused: deliveries stop, publishing goes on.

Here: pausing and resuming, and that a durable queue is still paused after a
restart.  Not here: delivering (queue.py), which asks for consumers with room
and is told that there are none.
"""

from typing import TYPE_CHECKING

from broker.consumer import Available
from vhosts.interfaces import PAUSED

if TYPE_CHECKING:
    from broker.queue import Queue


def pause(queue: "Queue") -> None:
    """Nothing is delivered any more, by basic.get neither; what is out stays out."""
    if not queue.paused:
        queue.hold()
        if queue.durable:
            queue.vhost.store.save_parameter(queue.vhost.name, PAUSED, queue.name, True)


def resume(queue: "Queue") -> None:
    """Deliveries go on."""
    if queue.paused:
        queue.available = queue.available.become(Available)
        queue.touch()
        queue.turn.schedule()
        if queue.durable:
            queue.vhost.store.delete_parameter(queue.vhost.name, PAUSED, queue.name)
