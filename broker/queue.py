"""A queue: ready messages, consumers, and the loop that joins them.

Here: enqueue, deliver, get, settle, requeue, purge, close.  Not here: the
order of ready messages (ready.py), time (expiry.py), where dead letters go
(dead_letter.py), who may do what (vhosts), bytes on disk (persistence).
"""

from typing import TYPE_CHECKING, Any

from broker import dead_letter, live_settings, queue_end, single_active
from broker.consumer import Available, Consumer, HeldBack
from broker.delayed_retry import Again, Retries
from broker.delivered_marks import DeliveredMarks
from broker.expiry import Expiry, message_deadline
from broker.length_limits import Limits
from broker.message import Message, QueuedMessage
from broker.priorities import Priorities
from broker.queue_counters import QueueCounters
from broker.ready import Fifo, Ready
from broker.returns import RETURNED, within_limit
from persistence.message_log import Log
from persistence.shares import Share
from vhosts import errors
from vhosts.argument_checks import Table
from vhosts.settings import QueueSettings

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.turn import Turn
    from vhosts.policies import Policy
    from vhosts.vhost import VirtualHost

# What one queue may deliver before others have their turn (docs/design.md, decision 4).
TURN_MESSAGES = 4000
TURN_BYTES = 1 << 20
# Publishers are slowed down once this much waits for sockets that are full.
CONGESTED_BYTES = 8 << 20
MESSAGE_OVERHEAD = 256
NO_DEFINITION: dict[str, Any] = {}


class Queue(QueueCounters):
    """A classic queue.  `owner` is the connection it is exclusive to, or None."""

    __slots__ = (
        *("active_consumer", "arguments", "auto_delete", "available", "congested_by", "consumers"),
        *("counts_returns", "creator", "deleted", "delivering", "durable", "effective_policy"),
        *("expiry", "id", "levels", "limits", "log", "marks", "message_ttl", "name"),
        *("next_position", "operator_policy", "owner", "policy", "quorum", "ready", "ready_bytes"),
        *("retiring", "retries", "settings", "stores_all", "touched", "turn", "unacked"),
    )

    # Whether what is routed here only waits to be routed (delayed.py).
    waits = False
    # Whether it may keep messages on the disk only (paging.py).
    pages = True

    def __init__(
        self,
        vhost: "VirtualHost[Queue]",
        turn: "Turn",
        name: str,
        *,
        durable: bool,
        owner: object | None,
        auto_delete: bool,
        arguments: Table,
        queue_id: int,
    ) -> None:
        self.turn = turn
        self.log: Log = vhost.log
        self.name = name
        self.durable = durable
        self.owner = owner
        self.auto_delete = auto_delete
        self.arguments = arguments
        self.id, self.creator = queue_id, ""
        self.policy: Policy | None = None
        self.operator_policy: Policy | None = None
        self.effective_policy = NO_DEFINITION
        self.settings = settings = QueueSettings.of(arguments)
        super().__init__(vhost, settings.queue_type, turn.clock.now_ms())
        self.message_ttl = settings.message_ttl
        self.quorum = settings.queue_type == "quorum"
        # Whether returns are limited, or at least kept and told to consumers.
        self.counts_returns = self.quorum
        # Quorum queues keep every message whatever its delivery-mode (spec 8.1).
        self.stores_all = self.quorum
        self.limits = Limits.of(settings)
        self.levels = 1 + (settings.max_priority or 0)
        self.ready: Ready = (
            Priorities(settings.max_priority)
            if settings.max_priority
            else Fifo(returned_last=self.quorum)
        )
        self.ready_bytes = 0
        self.unacked = 0
        self.retries: Retries | None = None
        self.next_position = 0
        self.consumers: list[Consumer] = []
        self.available = Available()
        self.active_consumer: Consumer | None = None
        # The active one gets nothing more: a higher priority waits for its unacked ones.
        self.retiring = False
        # The connection whose full socket was last in the way of a delivery.
        self.congested_by: Connection | None = None
        self.touched = False
        self.deleted = False
        self.delivering = False
        self.marks = DeliveredMarks(self) if durable else None
        self.expiry = Expiry(self, turn.clock, settings.expires)

    @property
    def consumer_count(self) -> int:
        """Consumers, whether they have room or not."""
        return len(self.consumers)

    @property
    def message_count(self) -> int:
        """Ready messages."""
        return len(self.ready)

    def stores(self, message: Message) -> bool:
        """Whether `message` survives a restart here."""
        return self.durable and (self.stores_all or message.header.persistent)

    def level_of(self, priority: int) -> int:
        """In which of its levels a message of this priority stands."""
        return min(priority, self.levels - 1)

    def need_level(self, level: int) -> None:
        """A message of this level is about to come: a classic queue has all it will ever have."""

    # -- in ------------------------------------------------------------------------------

    def publish(self, message: Message) -> None:
        """Enqueues a routed message at the tail; it is delivered at the end of the turn."""
        position = self.next_position
        self.next_position = position + 1
        entry = QueuedMessage(message, self, position)
        header = message.header
        if self.message_ttl is not None or header.expiration is not None:
            entry.deadline = message_deadline(self.turn.now(), self.message_ttl, header.expiration)
            self.expiry.expect(entry)
        if self.durable and (header.persistent or self.stores_all):
            self.log.append(entry)
        self.ready.append(entry)
        self.ready_bytes += header.body_size
        if not self.touched:
            self.touched = True
            self.turn.touched.append(self)

    def offer(self, message: Message) -> bool:
        """As `publish`, unless the queue is full and refuses; False then (spec 7.4)."""
        limits = self.limits
        if limits is not None and limits.refuses:
            if limits.full_for(message, self) and self.available and not self.delivering:
                self.deliver()  # who waits gets what is there before anything is refused
            if limits.full_for(message, self):
                if limits.refused_dead_letter:
                    self.dead_letter(QueuedMessage(message, self, -1), "maxlen")
                return False
        self.publish(message)
        return True

    def congested(self) -> bool:
        """Whether only sockets that were full a moment ago keep its messages here.

        Who publishes faster than they take it does well to wait a little.
        """
        connection = self.congested_by
        return (
            connection is not None
            and not self.available
            and self.ready_bytes + len(self.ready) * MESSAGE_OVERHEAD > CONGESTED_BYTES
            and connection.lately_full()
        )

    def restore(self, entry: QueuedMessage) -> None:
        """Takes back a message from the log at start, in order of position."""
        returned = entry.returns or (self.marks is not None and self.marks.covers(entry))
        self.next_position = max(self.next_position, entry.position + 1)
        if entry.deadline is not None:
            (self.expiry.expect_back if returned else self.expiry.expect)(entry)
        if returned:
            entry.returns = entry.returns or 1
            self.ready.requeue(entry)
        else:
            self.ready.append(entry)
        self.ready_bytes += entry.message.header.body_size

    def begin(self) -> bool:
        """All is restored, and time counts from now on; whether it has something to do at once."""
        if self.deleted:
            return False
        self.expiry.renew()
        limits = self.limits
        # What was unacked counts again.
        too_long = limits is not None and not limits.refuses and limits.exceeded(self)
        if too_long or self.expiry.watching:
            self.touch()
        return self.touched

    def touch(self) -> None:
        """Has the queue deliver at the end of the turn."""
        if not self.touched:
            self.touched = True
            self.turn.touched.append(self)

    # -- out -----------------------------------------------------------------------------

    def deliver(self) -> None:
        """Hands ready messages to consumers with room, within one turn's budget."""
        self.touched = False
        ready, available = self.ready, self.available
        budget, size = TURN_MESSAGES, TURN_BYTES
        if self.marks is not None and available and ready:
            budget = min(budget, self.marks.headroom())
        messages, no_ack = budget, 0
        self.delivering = True
        while available and (here := ready.at_hand()):
            consumer = available.first()
            room = consumer.room()
            if room <= 0:
                available.discard(consumer)
                consumer.parked = True
                if not consumer.channel.flowing:
                    self.congested_by = consumer.channel.connection
                continue
            if messages <= 0 or size <= 0:
                if budget == TURN_MESSAGES or size <= 0:
                    self.touched = True
                    self.turn.later(self)
                break  # else the marks touch it, once the disk has them
            count = min(room, here, messages) if available.alone(consumer) else 1
            taken, octets = consumer.take(ready, count, size)
            available.rotate(consumer)
            messages -= taken
            size -= octets
            self.ready_bytes -= octets
            if consumer.no_ack:
                no_ack += taken
            else:
                self.unacked += taken
        self.delivering = False
        if messages != budget:
            self.count_delivered(budget - messages, no_ack)
            if self.marks is not None:
                self.marks.reserve()
        if self.limits is not None and not self.limits.refuses:
            self._shorten(self.limits)
        if self.expiry.watching:
            self.expiry.sweep()
        if self.ready.paged:
            self.ready = self.ready.advance(demand=bool(available))

    def _shorten(self, limits: Limits) -> None:
        if self.expiry.watching and limits.exceeded(self):
            # What had expired before is in nobody's way; what came without any time is.
            self.expiry.sweep(spared_ms=1)
        while limits.exceeded(self) and not self.must_wait():
            self.drop_head()

    def drop_head(self) -> None:
        """The first message goes for want of room."""
        entry = self.ready.pop()
        self.ready_bytes -= entry.message.header.body_size
        self.dead_letter(entry, "maxlen")

    def overdue(self, entry: QueuedMessage) -> bool:
        """Drops or dead-letters a message, already taken from ready, that has expired."""
        assert entry.deadline is not None  # asked only of messages that have one
        if entry.deadline >= self.turn.now():
            return False
        self.ready_bytes -= entry.message.header.body_size
        self.dead_letter(entry, "expired")
        return True

    def must_wait(self) -> bool:
        """Whether it has messages, but the first is still to be read; asks for it then."""
        ready = self.ready
        if not ready.paged or ready.at_hand() or not len(ready):
            return False
        self.ready = ready.advance(demand=True)
        return True

    def catch_up(self) -> None:
        """Does now what the end of the turn would do, for who wants to see its effect."""
        if self.touched:
            self.deliver()
        elif self.expiry.watching:
            self.expiry.sweep()

    def get(self, *, no_ack: bool = False) -> QueuedMessage | None:
        """Takes the first message for basic.get; it counts as unacked until it is settled.

        With `no_ack` it is done with at once.
        """
        self.expiry.renew()
        self.catch_up()
        while self.ready.at_hand() and not self.paused:
            entry = self.ready.pop()
            if entry.deadline is not None and self.overdue(entry):
                continue
            self.ready_bytes -= entry.message.header.body_size
            self.unacked += 1
            self.count_got(no_ack)
            if self.marks is not None:
                self.marks.reserve()
            if self.expiry.watching or self.ready.paged:
                self.touch()  # another head, whose time may be over, or which is to be read
            if no_ack:
                self.settle(entry)
            return entry
        self.count_empty()
        return None

    # -- settlement ----------------------------------------------------------------------

    def settle(self, entry: QueuedMessage) -> None:
        """An unacked message is done with."""
        self.unacked -= 1
        if entry.batch is not None:
            self.log.settle(entry)

    def reject(self, entry: QueuedMessage) -> None:
        """An unacked message is dead-lettered or dropped (spec 5.7)."""
        self.unacked -= 1
        self.dead_letter(entry, "rejected")

    def requeue(self, entry: QueuedMessage, count: int = RETURNED) -> None:
        """An unacked message goes back to its original place (spec 7.6).

        `count` is returns.FAILED where it counts towards the delivery limit.
        """
        self.unacked -= 1
        if self.deleted:
            self._drop(entry)
            return
        entry.returns += count
        self.came_back(entry, count)

    def came_back(self, entry: QueuedMessage, count: int) -> None:
        """What becomes of a message that was returned, for what `count` says."""
        if not self.counts_returns or within_limit(self, entry):
            self.take_back(entry)

    def wait(self, entry: QueuedMessage, delay: int, again: Again) -> None:
        """A message counts as unacked for `delay` ms; then `again` is called with it."""
        self.unacked += 1
        self.retries = self.retries or Retries(self)
        self.retries.hold(entry, delay, again)

    def take_back(self, entry: QueuedMessage) -> None:
        """A returned message can be delivered again."""
        if entry.deadline is not None:
            self.expiry.expect_back(entry)
        self.ready.requeue(entry)
        self.ready_bytes += entry.message.header.body_size
        self.touch()

    def dead_letter(self, entry: QueuedMessage, reason: str) -> None:
        """Removes a message for `reason`: to the dead-letter exchange, where there is one."""
        if self.deleted or self.settings.dead_letter_exchange is None:
            self.totals.died[reason] += 1
            self._drop(entry)
        else:
            self.totals.dead_lettered[reason] += 1
            dead_letter.republish(self, entry, reason)

    def _drop(self, entry: QueuedMessage) -> None:
        if entry.batch is not None:
            self.log.settle(entry)

    # -- consumers -----------------------------------------------------------------------

    def add_consumer(self, consumer: Consumer) -> None:
        """Registers a consumer, without deliveries until `start`.

        Raises AccessRefused where an exclusive consumer is in the way.
        """
        in_the_way = self.consumers and (consumer.exclusive or self.consumers[0].exclusive)
        if in_the_way or (consumer.exclusive and self.settings.single_active_consumer):
            raise errors.exclusive_use(self.name, self.vhost.name)
        self.consumers.append(consumer)
        self.expiry.hold()
        if self.marks is not None:
            self.marks.reserve()

    def consumer_available(self, consumer: Consumer) -> None:
        """`consumer` has room again."""
        self.available.add(consumer)
        self.touch()

    def remove_consumer(self, consumer: Consumer) -> None:
        """A consumer leaves; the last one takes an auto-delete queue with it (spec 5.1.2)."""
        if not consumer.active:
            return
        consumer.active = False
        self.consumers.remove(consumer)
        self.available.discard(consumer)
        self.congested_by = None
        if consumer is self.active_consumer:
            single_active.promote(self)
        if self.consumers or self.deleted:
            return
        self.expiry.renew()
        if self.auto_delete:
            self.vhost.delete_queue(self)

    @property
    def paused(self) -> bool:
        """Whether nothing is delivered for the time being; publishing goes on (pausing.py)."""
        return self.available.held

    def hold(self) -> None:
        """It is paused, as the store knows."""
        self.available = self.available.become(HeldBack)

    # -- the queue as a whole ------------------------------------------------------------

    def come_under(
        self,
        policy: "Policy | None",
        operator_policy: "Policy | None",
        effective: dict[str, Any],
    ) -> None:
        """These policies are for the queue from now on; `effective` is what they come to."""
        self.policy, self.operator_policy = policy, operator_policy
        if effective != self.effective_policy:
            self.effective_policy = effective
            live_settings.apply(self, QueueSettings.shared(self.arguments, effective))

    def resize(self, settings: QueueSettings) -> None:
        """The limits in these settings are for the queue from now on."""
        live_settings.limit(self, Limits.of(settings))

    def purge(self) -> int:
        """Drops all ready messages; returns how many there were."""
        count = len(self.ready)
        for entry in self.ready:
            if entry.batch is not None:
                self.log.settle(entry)
        for share in self.ready.shares():
            self.log.settle_share(share)
        self.ready.clear()
        self.ready_bytes = 0
        return count

    def forget(self, share: Share) -> None:
        """Messages that are on the disk only have expired, all of them."""
        self.ready_bytes -= share.octets
        self.totals.died["expired"] += len(share.ordinals)
        self.log.settle_share(share)

    def close(self) -> None:
        """The queue is being deleted: its messages go, its consumers are told."""
        queue_end.close(self)

    def dismiss(self) -> None:
        """Its consumers are told that it is gone."""
        queue_end.dismiss(self)

    def suspend(self) -> None:
        """The virtual host is gone: nothing happens here any more, the disk stays as it is."""
        queue_end.suspend(self)

    def let_go(self) -> None:
        """It is gone: nothing that it has refers to it."""
        queue_end.let_go(self)

    def frontiers(self) -> list[int]:
        """Per level, the position from which on nothing was ever delivered."""
        return self.ready.frontiers(self.next_position)

    def save_frontiers(self) -> None:
        """Notes exactly what was delivered, for a clean stop."""
        if self.marks is not None:
            self.marks.save_exactly()

    def restore_marks(self, marks: list[int] | None) -> None:
        """The marks on disk at start (see delivered_marks.py); what follows waits for `begin`."""
        self.expiry.hold()
        if marks is None and self.marks is not None:
            self.marks.doubt()
        elif marks and self.marks is not None:
            self.marks.restore(marks)
            self.next_position = max(marks, default=0)
