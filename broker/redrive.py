"""Dead letters go back to where they died.

Here: what the x-death header says of that, and the message as it was before.
Not here: going through a queue (bulk.py), writing that header (dead_letter.py).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from broker.amqp import properties
from broker.amqp.content import ContentHeader
from broker.amqp.tables import Table
from broker.bulk import STEP, Asked, Permits, Plan, Skip, asked_of, routed
from broker.message import Message, QueuedMessage, Route, headers_of
from broker.message_filter import last_death
from broker.yielding import next_turn

if TYPE_CHECKING:
    from broker.queue import Queue
    from vhosts.vhost import VirtualHost

# What dead-lettering writes into the headers.
WRITTEN = (
    "x-death",
    *(f"x-{which}-death-{what}" for which in ("first", "last")
      for what in ("reason", "queue", "exchange")),
)  # fmt: skip


Place = tuple[str, str, str]
"""Queue, exchange and routing key."""


class BackToQueue:
    """To the queue in which they died last, with the exchange and routing key they had there."""

    def __init__(self, vhost: "VirtualHost[Queue]", source: "Queue", permits: Permits) -> None:
        self._vhost = vhost
        self._source = source
        self._permits = permits
        self._prepared: dict[QueuedMessage, tuple[Place, Message]] = {}

    async def prepare(self, entries: Sequence[QueuedMessage]) -> None:
        """Asks whether the user may write there, and takes the headers to pieces."""
        self._prepared = {}
        for number, entry in enumerate(entries, 1):
            headers = headers_of(entry.message.header)
            if (place := _last_place(entry.message, headers)) is not None:
                self._prepared[entry] = place, cleaned(entry.message, headers, *place[1:])
                await self._permits.ask((self._asked(*place),))
            if number % STEP == 0:
                await next_turn()

    def plan(self, entry: QueuedMessage) -> Plan:
        if entry not in self._prepared:
            raise Skip("no_death")
        place, message = self._prepared[entry]
        self._permits.check(self._asked(*place))
        return self._way(message, *place)

    def _asked(self, queue: str, exchange: str, key: str) -> Asked:
        return "queue", queue, None

    def _way(self, message: Message, queue: str, exchange: str, key: str) -> Plan:
        target = self._vhost.queues.get(queue)
        if target is None or target.owner is not None:
            raise Skip("no_queue")
        if target is self._source:
            raise Skip("same_queue")
        return message, (target,)


class BackToExchange(BackToQueue):
    """To the exchange by which they had come there, with the routing key of that time."""

    def _asked(self, queue: str, exchange: str, key: str) -> Asked:
        return asked_of(self._vhost, exchange, key)

    def _way(self, message: Message, queue: str, exchange: str, key: str) -> Plan:
        return routed(self._vhost, exchange, key, message)


def _last_place(message: Message, headers: Table) -> Place | None:
    # Of the last death; None where the broker knows of none.
    death = last_death(message, headers)
    if death is None:
        return None
    keys = [value for tag, value in death["routing-keys"][1] if tag == "S"]
    return death["queue"][1], death["exchange"][1], keys[0] if keys else ""


def cleaned(message: Message, headers: Table, exchange: str, key: str) -> Message:
    """The message as it was published, without what its deaths have left in its headers.

    Only its expiration, which dead-lettering took away, does not come back.
    """
    left = {name: value for name, value in headers.items() if name not in WRITTEN}
    header: ContentHeader = properties.with_headers(message.header, left or None)
    return Message(Route(exchange, key), header, message.body)
