"""access.request, which old clients still send."""

from broker.amqp import cold
from broker.channel import Channel


def request(channel: Channel, command: cold.AccessRequest) -> cold.Method:
    """Always granted, with ticket 1 (spec 3.1)."""
    return cold.AccessRequestOk()
