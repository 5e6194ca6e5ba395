"""A client without a socket: publish, and take messages, for a user of the management API.

Here: what a channel would do for one message, through the same functions.  Not here: routing and
checks (publishing.py), what messages look like outside (mgmt_ui).
"""

import asyncio
from typing import TYPE_CHECKING, Any

from broker import publishing
from broker.amqp import content, properties
from broker.amqp.hot import short_string
from broker.message import Message, QueuedMessage, encode_name
from broker.served import Flow
from vhosts import errors
from vhosts.permissions import Authorise

if TYPE_CHECKING:
    from broker.context import Context
    from broker.queue import Queue
    from exchanges.base import Exchange
    from vhosts.users import User
    from vhosts.vhost import VirtualHost

# Of the flags of basic.publish.
_MANDATORY = b"\1"


class LocalClient:
    """Stands where publishing expects a channel and its connection.

    `returned` says whether the last mandatory message found no queue.
    """

    transaction = None
    confirms = None
    number = 0
    # What traces call the connection that it has none of.
    name = "management API"
    reply_name: str | None = None

    def __init__(
        self,
        context: "Context",
        vhost: "VirtualHost[Queue]",
        user: "User",
        authorise: Authorise,
    ) -> None:
        self.context = context
        self.vhost = vhost
        self.user = user
        self.authorise = authorise
        self.returned = False

    @property
    def connection(self) -> "LocalClient":
        """What a channel's connection is asked for, this is as well."""
        return self

    def decode_publish(self, arguments: bytes) -> tuple[str, str, int]:
        """As Channel.decode_publish."""
        return publishing.parse_arguments(arguments)

    def flow(self, exchange: "Exchange") -> Flow:
        """Where publishes to an exchange are counted."""
        return Flow(exchange, self.vhost.statistics)

    def send(self, data: bytes) -> None:
        """All that is ever sent here is a basic.return."""
        self.returned = True

    def send_content(self, message: Message) -> None:
        """The content of what is returned: the caller has it."""

    def publish(
        self, exchange: str, routing_key: str, given: properties.BasicProperties, body: bytes
    ) -> tuple[bool, bool]:
        """A mandatory publish (spec 5.5): whether it was routed, and taken by all its queues.

        It is as safe as a confirm says once all that was changed so far is on the disk. Raises
        what a publish on a channel raises, and ResourceError where a channel would have to wait for
        the limits of the virtual host.
        """
        header = content.parse(properties.encode(given, len(body)))
        arguments = (
            b"\0\0"
            + short_string(encode_name(exchange))
            + short_string(encode_name(routing_key))
            + _MANDATORY
        )
        channel: Any = self
        self.returned = False
        target = publishing.resolve(channel, arguments)
        quota = self.context.roster.quota(self.vhost)
        if quota is not None:
            quota.check(header.body_size)
        if header.body_size > self.context.max_message_size:
            publishing.check_size(channel, arguments, header)
        if publishing.may_name_keys(header):
            target = target.by_message()
        taken, _ = publishing.publish(channel, target, header, body)
        self.context.tally.note(target, header.key, 1)
        self.context.turn.schedule()
        return not self.returned, taken

    async def wait_for(self, queue: "Queue") -> None:
        """Returns once `take` finds the first message in memory, if there is one."""
        while queue.must_wait():
            read = asyncio.Event()
            self.context.turn.pager.when_read(queue, read.set)
            await read.wait()

    def take(self, queue: "Queue", count: int, octets: int) -> list[tuple[QueuedMessage, int]]:
        """Up to `count` messages from the head, each with how many were left behind it.

        None is taken once there are `octets` in the bodies. They count as unacked until
        `give_back` or `settle` has them.
        """
        if queue.quorum and queue.settings.single_active_consumer:
            raise errors.no_get_beside_single_active_consumer(queue.name, self.vhost.name)
        taken: list[tuple[QueuedMessage, int]] = []
        while len(taken) < count and octets > 0 and (entry := queue.get()) is not None:
            entry.consumer, entry.tag = None, 0
            taken.append((entry, queue.message_count))
            octets -= entry.message.header.body_size
        self.context.turn.schedule()
        return taken

    def give_back(self, entries: list[QueuedMessage], failed: int) -> None:
        """Each goes to its old place; `failed` as the count of Queue.requeue."""
        for entry in entries:
            entry.queue.requeue(entry, failed)
        self.context.turn.schedule()

    def settle(self, entries: list[QueuedMessage], *, reject: bool) -> None:
        """They are done with; rejected ones are dead-lettered."""
        for entry in entries:
            if reject:
                entry.queue.reject(entry)
            else:
                entry.queue.settle(entry)
                entry.queue.count_acks(1)
        self.context.turn.schedule()

    def drop(self, queue: "Queue", count: int) -> int:
        """Up to `count` ready messages go, from the head and without dead-lettering; how many.

        Raises NotImplementedByBroker for streams.
        """
        ready = queue.ready
        if queue.settings.queue_type == "stream":
            resource = errors.queue_text(queue.name, self.vhost.name)
            raise errors.not_for_streams("queue.purge", resource)
        queue.catch_up()
        count = min(count, len(ready))
        for _ in range(count):
            entry = ready.pop()
            queue.ready_bytes -= entry.message.header.body_size
            if entry.batch is not None:
                queue.log.settle(entry)
        self.context.turn.schedule()
        return count
