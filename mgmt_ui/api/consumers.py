"""Consumers as JSON, and cancelled (spec 2.5, 3.5)."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from mgmt_ui.answer import DONE, Answer
from mgmt_ui.auth import Tag, has_tag
from mgmt_ui.call import Call
from mgmt_ui.errors import not_authorised, not_found
from mgmt_ui.fields import plain
from mgmt_ui.paging import Listing, Row
from mgmt_ui.references import channel_details, name_of
from mgmt_ui.sorting import Key, Path

if TYPE_CHECKING:
    from broker.consumer import Consumer
    from broker.queue import Queue
    from vhosts.vhost import VirtualHost

PLACE = ("connection", "channel", "tag")
"""The segments of a path that name a consumer."""


def index(call: Call) -> "Listing[Consumer]":
    """GET /consumers: all to monitoring users, to others those of their own connections."""
    vhosts = call.known_vhosts()
    return _listing(call, [vhost for vhost in vhosts if call.wants(vhost.name)])


def index_of_vhost(call: Call) -> "Listing[Consumer]":
    """GET /consumers/:vhost: monitoring users need no permission there."""
    return _listing(call, [call.any_vhost if call.monitoring else call.vhost])


def _listing(call: Call, vhosts: "list[VirtualHost[Queue]]") -> "Listing[Consumer]":
    found = list(_consumers(call, vhosts))
    return Listing(
        found, lambda consumer: consumer.queue.name, partial(describe, call), key=_SORTED_BY.get
    )


def _consumers(call: Call, vhosts: "list[VirtualHost[Queue]]") -> "Iterator[Consumer]":
    for vhost in vhosts:
        for queue in vhost.queues.values():
            for consumer in queue.consumers:
                if call.monitoring or consumer.channel.connection.user.name == call.user.name:
                    yield consumer


def cancel(call: Call) -> Answer:
    """DELETE /consumers/:vhost/:connection/:channel/:tag: its client gets basic.cancel.

    For its owner and for administrators; others get ApiError 401.
    """
    for queue in call.vhost.queues.values():
        for consumer in queue.consumers:
            if _place(consumer) == tuple(call.path[part] for part in PLACE):
                user = consumer.channel.connection.user
                if user is not call.user and not has_tag(call.user, Tag.ADMINISTRATOR):
                    raise not_authorised("User not authorised to access object")
                consumer.channel.consumer_lost(consumer)
                queue.remove_consumer(consumer)
                call.server.context.turn.schedule()
                return DONE
    raise not_found()


def _place(consumer: "Consumer") -> tuple[str, str, str]:
    channel = consumer.channel
    return channel.connection.name, str(channel.number), consumer.tag


def describe(call: Call, consumer: "Consumer") -> Row:
    """The consumer object."""
    queue = consumer.queue
    single = queue.settings.single_active_consumer
    active = not single or consumer is queue.active_consumer
    return {
        "consumer_tag": consumer.tag,
        "queue": {"name": queue.name, "vhost": queue.vhost.name},
        "channel_details": channel_details(call, consumer.channel),
        "ack_required": not consumer.no_ack,
        "exclusive": consumer.exclusive,
        "active": active,
        "activity_status": "up" if not single else "single_active" if active else "waiting",
        "prefetch_count": consumer.given_prefetch,
        "messages_unacknowledged": consumer.outstanding,
        "arguments": plain(consumer.arguments),
        "consumer_timeout": queue.settings.consumer_timeout or 0,
    }


# Members of the consumer object that lists are often sorted by.
_SORTED_BY: dict[Path, Key] = {
    ("queue", "name"): lambda consumer: consumer.queue.name,
    ("queue", "vhost"): lambda consumer: consumer.queue.vhost.name,
    ("channel_details", "name"): lambda consumer: name_of(consumer.channel),
    ("channel_details", "user"): lambda consumer: consumer.channel.connection.user.name,
    ("consumer_tag",): lambda consumer: consumer.tag,
    ("ack_required",): lambda consumer: not consumer.no_ack,
    ("exclusive",): lambda consumer: consumer.exclusive,
    ("prefetch_count",): lambda consumer: consumer.given_prefetch,
}
