"""One consumer: its room for deliveries and the frames of a delivery.

Here: credit (prefetch), and the encoding of basic.deliver from pieces kept
between deliveries.  Not here: choosing the consumer (queue.py) and the ledger
of what is unacked (unacked.py).
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from broker.amqp import hot
from broker.message import Message, QueuedMessage, Route, encode_name
from broker.returns import counted
from broker.single_active import admits
from vhosts.argument_checks import Table

if TYPE_CHECKING:
    from broker.amqp.content import ContentHeader
    from broker.channel import Channel
    from broker.queue import Queue
    from broker.ready import Ready

UNLIMITED = 1 << 62
# A turn may fill a connection's output this far before it is handed to the socket.
FLUSH_BYTES = 1 << 20

_PACK = hot.pack_tag
_END = hot.FRAME_END


class Consumer:
    """A subscription of a channel to a queue (spec 5.4).

    `credit` is how many more deliveries its own prefetch allows; `settled` how
    many came back, acknowledged or not; `parked` says
    that the queue does not look at it until it is unparked, `started` that its
    consume-ok is on the way.
    """

    __slots__ = (
        "_end",
        "_header",
        "_middle",
        "_prefix",
        "_route",
        "_single_frame",
        "active",
        "arguments",
        "channel",
        "credit",
        "exclusive",
        "given_prefetch",
        "no_ack",
        "parked",
        "prefetch",
        "priority",
        "queue",
        "served",
        "served_to",
        "settled",
        "started",
        "tag",
    )

    def __init__(
        self,
        channel: "Channel",
        queue: "Queue",
        tag: str,
        *,
        no_ack: bool,
        exclusive: bool = False,
        prefetch: int = 0,
        priority: int = 0,
        arguments: Table | None = None,
    ) -> None:
        self.channel = channel
        self.queue = queue
        self.tag = tag
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.given_prefetch = prefetch  # what is told of it; without acks it limits nothing
        self.prefetch = 0 if no_ack else prefetch
        self.priority = priority
        self.arguments: Table = arguments or {}
        self.credit = self.prefetch or UNLIMITED
        self.settled = 0
        self.served = channel.pairs.served(queue)
        # The delivery tag that followed its last delivery under a prefetch shared by the channel.
        self.served_to = 0
        self.parked = True
        self.started = False
        self.active = True
        self._route: Route | None = None
        self._header: ContentHeader | None = None
        self._prefix = self._middle = self._end = b""
        self._single_frame = True

    @property
    def outstanding(self) -> int:
        """How many deliveries are not settled; 0 where none needs to be."""
        return 0 if self.no_ack else (self.prefetch or UNLIMITED) - self.credit

    @property
    def delivered(self) -> int:
        """How many deliveries it got, ever."""
        return (self.prefetch or UNLIMITED) - self.credit + self.settled

    def room(self) -> int:
        """How many deliveries it may get now; none while its channel or socket is full.

        Less than none where it has more than its prefetch, which was made less.
        """
        channel = self.channel
        if not channel.flowing:
            return 0
        if channel.prefetch_limit:
            left = channel.prefetch_limit - channel.limited
            return min(left, self.credit) if left > 0 else 0
        return self.credit

    def unpark(self) -> None:
        """Comes back into the queue's choice if it has room again."""
        queue = self.queue
        wants = self.parked and self.started and self.active
        if wants and admits(queue, self) and self.room() > 0:
            self.parked = False
            queue.consumer_available(self)

    def limit(self, prefetch: int) -> None:
        """Its prefetch from now on, 0 for none; what it has already counts."""
        outstanding = self.outstanding
        self.given_prefetch = prefetch
        if not self.no_ack:
            self.prefetch = prefetch
            self.credit = (prefetch or UNLIMITED) - outstanding
            self.unpark()

    def take(  # noqa: PLR0915 -- a call for each message would be a quarter of its cost
        self, ready: "Ready", count: int, budget: int
    ) -> tuple[int, int]:
        """Delivers up to `count` ready messages; stops once `budget` body octets are exceeded.

        Returns the number of messages and of body octets.
        """
        channel, queue = self.channel, self.queue
        out = channel.out
        pop = self._traced(ready.pop) if queue.vhost.tracing else ready.pop
        tag = first = channel.next_tag
        no_ack = self.no_ack
        unacked = channel.unacked
        log = queue.log
        size = redelivered = 0
        while count and size < budget:
            count -= 1
            entry = pop()
            if entry.deadline is not None:
                # Its dead letter may be delivered on this very channel.
                channel.next_tag = tag
                if queue.overdue(entry):
                    first += channel.next_tag - tag
                    tag = channel.next_tag
                    continue
            returned = entry.returns
            if returned:
                redelivered += 1
                message = counted(entry) if queue.counts_returns else entry.message
            else:
                message = entry.message
            header = message.header
            if header is not self._header or message.route is not self._route:
                self._prepare(message)
            body = message.body
            if self._single_frame and body.__class__ is bytes:
                out += (self._prefix, _PACK(tag, returned > 0), self._middle, body, _END)
            else:
                self._long_body(message, tag, returned > 0)
            size += header.body_size
            if no_ack:
                if entry.batch is not None:
                    log.settle(entry)
            else:
                entry.consumer = self
                entry.tag = tag
                unacked[tag] = entry
            tag += 1
        taken = tag - first
        channel.next_tag = tag
        self.credit -= taken  # without acknowledgements it never runs out
        if channel.prefetch_limit:
            self.served_to = tag
            if not no_ack:
                channel.limited += taken
        if redelivered:
            self.served.redeliver += redelivered
            queue.count_redelivered(redelivered)
        channel.connection.wrote(size)
        return taken, size

    def _traced(self, pop: Callable[[], QueuedMessage]) -> Callable[[], QueuedMessage]:
        from broker import firehose  # only for who traces

        return firehose.tap(pop, self.channel, self.queue)

    def _prepare(self, message: Message) -> None:
        number, payload = self.channel.number, message.header.payload
        frame_max = self.channel.connection.frame_max
        size = message.header.body_size
        if message.route is not self._route:
            self._prefix = hot.deliver_prefix(number, encode_name(self.tag), message.route.raw)
        start = message.route.raw + _END + hot.header_frame(number, payload)
        self._single_frame = 0 < size <= frame_max - 8 or (not frame_max and size > 0)
        if self._single_frame:
            start += hot.body_frame_start(number, size)
        self._middle = start
        self._route, self._header = message.route, message.header

    def _long_body(self, message: Message, tag: int, redelivered: bool) -> None:
        out = self.channel.out
        out += (self._prefix, _PACK(tag, redelivered), self._middle)
        if self._single_frame:
            out += message.body  # type: ignore[arg-type]  # chunks, as they came
            out.append(_END)
        else:
            frame_max = self.channel.connection.frame_max
            out += hot.body_frames(self.channel.number, message.body, frame_max)


class Available:
    """The consumers of a queue that may have room, next in turn first (spec 5.4).

    Round-robin among equals; a higher `x-priority` goes before all lower ones.
    """

    __slots__ = ("_levels", "_single")

    # Whether the queue is paused.
    held = False

    def __init__(self) -> None:
        self._levels: dict[int, deque[Consumer]] = {}
        self._single: deque[Consumer] | None = None

    def become(self, kind: "type[Available]") -> "Available":
        """The same consumers in the same order, as another kind."""
        other = kind()
        other._levels, other._single = self._levels, self._single
        return other

    def __bool__(self) -> bool:
        return bool(self._levels)

    def first(self) -> Consumer:
        """The next in turn; KeyError or ValueError where there is none."""
        if self._single is not None:
            return self._single[0]
        return self._levels[max(self._levels)][0]

    def rotate(self, consumer: Consumer) -> None:
        """`consumer`, the first of its level, goes behind its equals."""
        self._levels[consumer.priority].rotate(-1)

    def alone(self, consumer: Consumer) -> bool:
        """Whether it has no equal waiting."""
        return len(self._levels[consumer.priority]) == 1

    def add(self, consumer: Consumer) -> None:
        """It joins the back of its priority class."""
        self._levels.setdefault(consumer.priority, deque()).append(consumer)
        self._refresh()

    def discard(self, consumer: Consumer) -> None:
        """It leaves, if it is there."""
        level = self._levels.get(consumer.priority)
        if level is not None and consumer in level:
            level.remove(consumer)
            if not level:
                del self._levels[consumer.priority]
            self._refresh()

    def _refresh(self) -> None:
        levels = self._levels
        self._single = next(iter(levels.values())) if len(levels) == 1 else None


class HeldBack(Available):
    """The consumers of a paused queue: as far as it can see, none of them has room."""

    __slots__ = ()

    held = True

    def __bool__(self) -> bool:
        return False
