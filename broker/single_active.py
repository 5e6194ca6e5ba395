"""Single active consumers: which of a queue's consumers gets messages (spec 5.4).

Here: who becomes active, and when.  Not here: deliveries (queue.py), credit
(consumer.py).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.consumer import Consumer
    from broker.queue import Queue


def start(queue: "Queue", consumer: "Consumer") -> None:
    """Deliveries to `consumer` begin (its consume-ok is on the way)."""
    consumer.started = True
    active = queue.active_consumer
    if queue.settings.single_active_consumer:
        if active is None:
            queue.active_consumer = consumer
        elif queue.quorum and consumer.priority > active.priority:
            _retire(queue, active)
    consumer.unpark()


def admits(queue: "Queue", consumer: "Consumer") -> bool:
    """Whether it may get messages at all: with a single active consumer, only that one."""
    if not queue.settings.single_active_consumer:
        return True
    if queue.retiring and consumer is queue.active_consumer:
        _retire(queue, consumer)
    return consumer is queue.active_consumer and not queue.retiring


def _retire(queue: "Queue", active: "Consumer") -> None:
    # What it has is settled first, and then it is the turn of the next (quorum, spec 5.4).
    queue.retiring = True
    queue.available.discard(active)
    active.parked = True
    if not active.outstanding:
        promote(queue)


def promote(queue: "Queue") -> None:
    """The next one becomes active: by priority, then by age."""
    queue.retiring = False
    started = [consumer for consumer in queue.consumers if consumer.started]
    queue.active_consumer = max(started, key=lambda each: each.priority, default=None)
    if queue.active_consumer is not None:
        queue.active_consumer.unpark()
