"""Queues that deliver nothing for a while."""

from broker import pausing
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.call import Call


async def pause(call: Call) -> Answer:
    """PUT /queues/:vhost/:name/pause: deliveries stop, publishing goes on.

    What is with consumers stays there. A durable queue is still paused after a restart.
    """
    call.authorise("configure", "queue", call.queue.name)
    pausing.pause(call.vhost.queue(call.queue.name))
    await call.stored()
    return DONE


async def resume(call: Call) -> Answer:
    """PUT /queues/:vhost/:name/resume: deliveries go on."""
    call.authorise("configure", "queue", call.queue.name)
    pausing.resume(call.vhost.queue(call.queue.name))
    await call.stored()
    return DONE
