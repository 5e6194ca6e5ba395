"""The end of a queue: it is deleted, or its virtual host goes with all that is in it.

Here: what becomes of its messages and consumers, and that nothing of it stays in memory.  Not
here: how its virtual host forgets it (vhosts/vhost.py, vhosts/lifecycle.py).
"""

from typing import TYPE_CHECKING

from broker.expiry import STOPPED
from broker.ready import Fifo
from persistence.message_log import UNPLUGGED

if TYPE_CHECKING:
    from broker.queue import Queue


def close(queue: "Queue") -> None:
    """`queue` is being deleted: its messages go, its consumers are told."""
    queue.deleted = True
    queue.purge()
    for entry in queue.retries.cancel() if queue.retries else ():
        if entry.batch is not None:
            queue.log.settle(entry)
    queue.dismiss()
    queue.let_go()


def dismiss(queue: "Queue") -> None:
    """Its consumers are told that it is gone."""
    consumers, queue.consumers = queue.consumers, []
    for consumer in consumers:
        consumer.active = False
        queue.available.discard(consumer)
        consumer.channel.consumer_lost(consumer)


def suspend(queue: "Queue") -> None:
    """Nothing happens in it any more, and the disk stays as it is."""
    queue.deleted = True
    queue.log = UNPLUGGED
    queue.let_go()


def let_go(queue: "Queue") -> None:
    """Nothing that it has refers to it any more, so it needs no garbage collector."""
    queue.turn.forget(queue)
    queue.expiry.cancel()
    if queue.retries:
        queue.retries.cancel()
    queue.marks = queue.retries = queue.active_consumer = queue.congested_by = None
    queue.expiry, queue.ready = STOPPED, Fifo()
    # Whether it was paused is still asked.
    queue.available = type(queue.available)()
