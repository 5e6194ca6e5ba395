"""One channel: publish, settlement of deliveries, confirm and tx state.

Here: the state of a channel and the two things it does per message.  Not
here: the other AMQP methods (handlers/), resolving a publish (publishing.py),
transactions (transaction.py), frames of a delivery (consumer.py).
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING

from pamqp import commands

from broker import publishing
from broker.amqp import cold, hot
from broker.amqp.content import ContentHeader
from broker.amqp.errors import cannot_decode
from broker.confirms import Confirms
from broker.consumer import Consumer
from broker.message import Body, Message, QueuedMessage, encode_name
from broker.publishing import Target
from broker.returns import FAILED, RETURNED
from broker.served import Pairs
from broker.transaction import Transaction
from broker.unacked import Unacked
from vhosts import errors

if TYPE_CHECKING:
    from broker.ack_timeout import AckWatch
    from broker.connection import Connection
    from broker.served import Flow
    from exchanges.base import Exchange

_REMEMBERED_TARGETS = 1024
_served_to = attrgetter("served_to")


class Channel:
    """A channel of an open connection.

    `flowing` is False while the connection's socket takes no more;
    `prefetch` is for consumers to come, `prefetch_limit` the one shared by all
    consumers (0: none, spec 5.3); `last_queue` the most recently declared queue.
    """

    __slots__ = (
        "_limited_since",
        "_targets",
        "_topology",
        "ack_watch",
        "closing",
        "confirms",
        "connection",
        "consumers",
        "flowing",
        "last_queue",
        "limited",
        "next_tag",
        "number",
        "out",
        "outstanding_gets",
        "pairs",
        "prefetch",
        "prefetch_limit",
        "reply_consumer",
        "reply_name",
        "tally",
        "transaction",
        "turn",
        "unacked",
        "vhost",
    )

    def __init__(self, connection: "Connection", number: int) -> None:
        self.connection = connection
        self.number = number
        self.vhost = connection.vhost
        self.turn = connection.context.turn
        self.out = connection.out
        self.unacked = Unacked()
        self.next_tag = 1
        self.consumers: dict[str, Consumer] = {}
        self.prefetch = 0
        self.prefetch_limit = self.limited = self._limited_since = 0
        self.flowing = connection.writable
        self.confirms: Confirms | None = None
        self.transaction: Transaction | None = None
        # Only where a queue or a consumer has a timeout for acknowledgements.
        self.ack_watch: AckWatch | None = None
        self.closing = False
        self.last_queue: str | None = None
        # Of basic.get, to be acknowledged.
        self.outstanding_gets = 0
        self.tally = connection.context.tally
        self.pairs = Pairs(self)
        self.reply_name: str | None = None
        self.reply_consumer: str | None = None
        self._targets: dict[bytes, Target] = {}
        self._topology = -1

    # -- publish -------------------------------------------------------------------------

    def publish(self, arguments: bytes, header: ContentHeader, bodies: list[Body | None]) -> None:
        """Messages in a row that say the same of themselves (spec 5.5)."""
        vhost = self.vhost
        if self._topology != vhost.topology:
            self._targets.clear()
            self._topology = vhost.topology
        if bodies[0] is None:
            publishing.check_size(self, arguments, header)
        target = self._targets.get(arguments) or self._resolve(arguments)
        if not header.plain or not target.fixed or target.limited or self.transaction is not None:
            self._publish_with_care(target, header, bodies)
            return
        count, key = len(bodies), header.key
        if key in target.counts:
            target.counts[key] += count
        else:
            self.tally.note(target, key, count)
        route, queues = target.route, target.queues
        if len(queues) == 1:
            enqueue = queues[0].publish
            for body in bodies:
                enqueue(Message(route, header, body))  # type: ignore[arg-type]
            if queues[0].congested_by is not None and queues[0].congested():
                self.connection.slow_down()
        elif queues:
            for body in bodies:
                message = Message(route, header, body)  # type: ignore[arg-type]
                for queue in queues:
                    queue.publish(message)
        elif target.mandatory:
            for body in bodies:
                publishing.send_return(self, Message(route, header, body))  # type: ignore[arg-type]
        if self.confirms is not None:
            stored = target.durable and (header.persistent or target.stores_all)
            self.confirms.add(count, vhost.commit.mark() if stored else 0, target.flow)

    def _resolve(self, arguments: bytes) -> Target:
        target = publishing.resolve(self, arguments)
        if len(self._targets) >= _REMEMBERED_TARGETS:
            self._targets.clear()
        self._targets[arguments] = target
        if target.durable or not target.fixed:
            self.connection.stores = True
        return target

    def _publish_with_care(
        self, target: Target, header: ContentHeader, bodies: list[Body | None]
    ) -> None:
        if self.transaction is not None or publishing.may_name_keys(header):
            target = target.by_message()
        for body in bodies:
            assert body is not None  # a body that was too large stands alone
            taken, commit = publishing.publish(self, target, header, body)
            if self.confirms is None:
                continue
            if taken:
                self.confirms.add(1, commit, target.flow)
            else:
                self.confirms.refuse(commit, target.flow)
        if self.transaction is None:
            count, key = len(bodies), header.key
            if key in target.counts:
                target.counts[key] += count
            else:
                self.tally.note(target, key, count)

    def flow(self, exchange: "Exchange") -> "Flow":
        """Where publishes to an exchange are counted."""
        return self.pairs.flow(exchange, self)

    def forget_targets(self) -> None:
        """Permissions are checked anew, as when the topology changes."""
        self._targets.clear()

    def decode_publish(self, arguments: bytes) -> tuple[str, str, int]:
        """Exchange, routing key and bits of a basic.publish; raises ProtocolViolation."""
        try:
            return publishing.parse_arguments(arguments)
        except IndexError:
            raise cannot_decode(arguments, hot.BASIC_PUBLISH) from None

    # -- settlement ----------------------------------------------------------------------

    def ack(self, first: int, last: int) -> None:
        """Single acks of the tags from `first` to `last`; raises PreconditionFailed (spec 5.7)."""
        pop = self.unacked.pop
        if first == last:
            entry = pop(first, None)
            if entry is None:
                raise _unknown_tag(first)
            self._acked([entry])
            return
        entries: list[QueuedMessage] = []
        for tag in range(first, last + 1):
            entry = pop(tag, None)
            if entry is None:
                self._acked(entries)
                raise _unknown_tag(tag)
            entries.append(entry)
        self._acked(entries)

    def ack_multiple(self, tag: int) -> None:
        """Acks all up to `tag`, 0 for all there are."""
        self._acked(self.take(tag, multiple=True))

    def take(self, tag: int, *, multiple: bool) -> list[QueuedMessage]:
        """Removes deliveries from the ledger; raises PreconditionFailed for an unknown tag."""
        if not multiple:
            entry = self.unacked.pop(tag, None)
            if entry is None:
                raise _unknown_tag(tag)
            return [entry]
        if tag == 0:
            return self.unacked.take_all()
        if tag not in self.unacked:
            raise _unknown_tag(tag)
        return self.unacked.take_through(tag)

    def _acked(self, entries: list[QueuedMessage]) -> None:
        if self.transaction is not None:
            self.transaction.settle(entries, Transaction.ACK)
            return
        self.acked(entries)

    def nack(self, entries: list[QueuedMessage], kind: int) -> None:
        """Requeues or dead-letters what `take` gave (spec 5.7); `kind` as of Transaction."""
        if self.transaction is not None:
            self.transaction.settle(entries, kind)
            return
        self.give_back(entries, kind)

    def give_back(self, entries: list[QueuedMessage], kind: int) -> None:
        """As `nack`, transaction or not."""
        count = FAILED if kind == Transaction.FAIL else RETURNED
        for entry in entries:
            if kind == Transaction.REJECT:
                entry.queue.reject(entry)
            else:
                entry.queue.requeue(entry, count)
        self._release(entries, 0)

    def acked(self, entries: list[QueuedMessage]) -> None:
        """Settles acked deliveries, transaction or not."""
        for entry in entries:
            entry.queue.settle(entry)
        self._release(entries, 1)

    def _release(self, entries: list[QueuedMessage], acked: int) -> None:
        # Room for as many new deliveries; neighbours mostly belong to the same consumer.
        consumer: Consumer | None = None
        run = 0
        for entry in entries:
            if entry.consumer is consumer:
                run += 1
            else:
                if consumer is not None:
                    self._free(consumer, run, run * acked)
                consumer, run = entry.consumer, 1
        if consumer is not None:
            self._free(consumer, run, run * acked)
        if self.outstanding_gets:
            self._count_gets(entries, acked)
        if self.prefetch_limit:
            since = self._limited_since
            self.limited -= sum(e.consumer is not None or e.tag < since for e in entries)
            self.unpark_all()

    def limit(self, prefetch: int) -> None:
        """Sets the prefetch shared by all consumers, 0 for none (spec 5.3).

        What is outstanding now counts, basic.get included; later gets do not.
        """
        self.prefetch_limit = prefetch
        self.limited = len(self.unacked)
        if self.transaction is not None:
            self.limited += self.transaction.held
        self._limited_since = self.next_tag
        self.unpark_all()

    def _free(self, consumer: Consumer, count: int, acked: int) -> None:
        consumer.credit += count
        consumer.settled += count
        if acked:
            consumer.served.ack += acked
            consumer.queue.count_acks(acked)
        if consumer.parked:
            consumer.unpark()

    def _count_gets(self, entries: list[QueuedMessage], acked: int) -> None:
        for entry in entries:
            if entry.consumer is None:
                self.outstanding_gets -= 1
                if acked:
                    self.pairs.served(entry.queue).ack += 1
                    entry.queue.count_acks(1)

    def unpark_all(self) -> None:
        """Lets every consumer that has room again take part, who waits longest first."""
        parked = [consumer for consumer in self.consumers.values() if consumer.parked]
        if self.prefetch_limit and len(parked) > 1:
            parked.sort(key=_served_to)
        for consumer in parked:
            consumer.unpark()

    # -- out -----------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Puts a frame into the connection's output."""
        self.out.append(data)
        self.connection.wrote(0)

    def send_content(self, message: Message) -> None:
        """Header and body frames of a message, behind its method."""
        self.out.extend(self.content_frames(message))
        self.connection.wrote(message.header.body_size)

    def content_frames(self, message: Message) -> Iterator[bytes]:
        """Header and body frames of a message."""
        yield hot.header_frame(self.number, message.header.payload)
        yield from hot.body_frames(self.number, message.body, self.connection.frame_max)

    def after_reply(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once the reply of the method now handled is in the output."""
        self.connection.after_reply.append(callback)

    def consumer_lost(self, consumer: Consumer) -> None:
        """The queue of `consumer` is gone; clients that want to know are told (spec 5.2)."""
        self.forget_consumer(consumer)
        if not self.closing and self.connection.wants_cancel_notify:
            cancel = cold.build(commands.Basic.Cancel, consumer_tag=consumer.tag, nowait=True)
            frame = cold.method_frame(self.number, cancel)
            self.connection.when_replied(lambda: self.send(frame))

    def forget_consumer(self, consumer: Consumer) -> None:
        """It is no consumer any more; what it got still counts."""
        if self.consumers.pop(consumer.tag, None) is not None:
            self.pairs.served(consumer.queue).end(consumer)

    def deliver_reply(self, message: Message) -> None:
        """A reply for the direct reply-to consumer of this channel (spec 7.9)."""
        if self.reply_consumer is None:
            return
        prefix = hot.deliver_prefix(
            self.number, encode_name(self.reply_consumer), message.route.raw
        )
        tag, self.next_tag = self.next_tag, self.next_tag + 1
        self.out.append(prefix + hot.pack_tag(tag, 0) + message.route.raw + hot.FRAME_END)
        self.send_content(message)

    # -- end -----------------------------------------------------------------------------

    def close(self) -> None:
        """Ends consumers, requeues what is unacked, drops what was not committed (spec 3.1)."""
        self.closing = True
        self.drop_reply_consumer()
        if self.ack_watch is not None:
            self.ack_watch.stop()
        if self.confirms is not None:
            self.confirms.forget()
        consumers = list(self.consumers.values())
        self.consumers.clear()
        entries = self.unacked.take_all()
        if self.transaction is not None:
            entries = self.transaction.abandon(entries)
        for entry in entries:
            entry.queue.requeue(entry, FAILED)
        for consumer in consumers:
            consumer.queue.remove_consumer(consumer)
        self._let_go()

    def _let_go(self) -> None:
        # What it has refers to it no more, and needs no garbage collector (as Queue.let_go).
        if self._targets:
            self.tally.share_out()
            self._targets.clear()
        self.pairs.end()
        self.ack_watch = self.confirms = self.transaction = None

    def drop_reply_consumer(self) -> None:
        """No more direct replies to this channel."""
        if self.reply_name is not None:
            self.connection.context.reply_channels.pop(self.reply_name, None)
            self.reply_name = self.reply_consumer = None


def _unknown_tag(tag: int) -> errors.PreconditionFailed:
    return errors.PreconditionFailed(f"unknown delivery tag {tag}")
