"""New settings for a queue that is in use, as policies bring them (spec 7.2, 10.4).

Here: what follows at once when a setting changes.  Not here: which settings a
queue has (vhosts/settings.py), and what they do to messages later.
"""

from typing import TYPE_CHECKING

from broker.ack_timeout import look_after
from broker.length_limits import Limits
from vhosts.settings import QueueSettings

if TYPE_CHECKING:
    from broker.queue import Queue

# How many messages a queue that became too long gives up before others have their turn.
SHORTENED_AT_ONCE = 200


def apply(queue: "Queue", settings: QueueSettings) -> None:
    """`queue` has these settings from now on.

    A new message TTL is for messages that come from now on; a new lease begins
    now; what is over a new limit goes, oldest first, a little in each turn.
    """
    before = queue.settings
    queue.settings = settings
    queue.message_ttl = settings.message_ttl
    # Of classic queues only those that a policy limits.
    queue.counts_returns = queue.quorum or settings.delivery_limit is not None
    if settings.expires != before.expires:
        queue.expiry.lease(settings.expires)
    if settings.consumer_timeout != before.consumer_timeout:
        for consumer in queue.consumers:
            look_after(consumer.channel, queue, consumer)
    queue.resize(settings)
    queue.turn.schedule()


def limit(queue: "Queue", limits: Limits | None) -> None:
    """These limits are for `queue` from now on; what is there already goes step by step."""
    if limits is None or limits.refuses or not limits.exceeded(queue):
        queue.limits = limits
        return
    # Who waits gets what is there before anything is dropped.
    queue.touch()
    _hold(queue, limits)


def _hold(queue: "Queue", limits: Limits) -> None:
    # Until it is short enough it gets no longer than it is now.
    held = queue.limits = Limits(len(queue.ready), None, "drop-head")

    def go_on() -> None:
        if queue.limits is held and not queue.deleted:
            _shorten(queue, limits)

    queue.turn.call_soon(go_on)


def _shorten(queue: "Queue", limits: Limits) -> None:
    for _ in range(SHORTENED_AT_ONCE):
        if not limits.exceeded(queue):
            queue.limits = limits
            break
        if queue.must_wait():
            _hold(queue, limits)
            break
        queue.drop_head()
    else:
        _hold(queue, limits)
    queue.turn.schedule()
