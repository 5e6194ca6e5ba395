"""Where the messages of a delayed exchange wait until they are routed (spec 6.5).

Here: the store of waiting messages, in memory and in the message log, and what
is done when their time comes.  Not here: which messages wait, and for how long
(exchanges/delayed.py).

A room stands among the queues that a message is routed to, so what is true of
queues is true of it: a message enters it with the confirm, the transaction or
the dead-lettering that it is part of.  It leaves in one commit with its arrival
in queues, so the disk never holds it twice or not at all.
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from broker.amqp import content, properties
from broker.clock import DueTimer
from broker.message import Message, QueuedMessage, Routable, Route, headers_of
from exchanges import routing
from exchanges.base import Exchange
from exchanges.delayed import DelayedExchange, delay_ms, negated
from persistence.message_log import UNPLUGGED, Log
from vhosts import naming

if TYPE_CHECKING:
    from broker.queue import Queue
    from broker.turn import Turn
    from vhosts.vhost import VirtualHost

# What leaves a room before others have their turn (docs/design.md, decision 4).
RELEASED_AT_ONCE = 200
# What a cancelled message keeps in memory.
_EMPTY = content.parse(properties.encode(properties.BasicProperties(), 0))
NOTHING = Message(Route("", ""), _EMPTY, b"")


class Room:
    """The waiting messages of one exchange, in order of their due time, then of arrival.

    `id` is what the message log knows it by.
    """

    __slots__ = (
        "_cancelled",
        "_exchange",
        "_timer",
        "_turn",
        "_vhost",
        "_waiting",
        "deleted",
        "durable",
        "id",
        "log",
        "name",
        "next_position",
    )

    # A mandatory message that waits counts as not routed.
    waits = True
    # As of Queue.
    pages = False
    levels = 1

    def __init__(
        self, vhost: "VirtualHost[Queue]", turn: "Turn", exchange: Exchange, room_id: int
    ) -> None:
        self._vhost = vhost
        self._turn = turn
        self._exchange = exchange
        self.log: Log = vhost.log
        self.name = naming.ROOM_PREFIX + exchange.name
        self.durable = exchange.durable
        self.deleted = False
        self.id = room_id
        self.next_position = 0
        self._waiting: list[tuple[int, int, QueuedMessage]] = []
        # How many in the heap were cancelled: those without a deadline.
        self._cancelled = 0
        self._timer = DueTimer(turn.clock, self._release_due)

    def __len__(self) -> int:
        return len(self._waiting) - self._cancelled

    def sample(self, limit: int) -> list[QueuedMessage]:
        """About `limit` of those that wait, or all; evenly from the whole."""
        return [each[2] for each in self._waiting[:: max(1, len(self._waiting) // limit)]]

    # -- in, as a queue ------------------------------------------------------------------

    def offer(self, message: Message) -> bool:
        """Keeps a message until it is due; always takes it."""
        entry = QueuedMessage(message, self, self.next_position)  # type: ignore[arg-type]
        self.next_position += 1
        entry.deadline = self._turn.now() + delay_ms(headers_of(message.header))
        if self.durable:
            self.log.append(entry)
        self._keep(entry, entry.deadline)
        return True

    def stores(self, message: Message) -> bool:
        """Whether it survives a restart here, whatever its delivery-mode."""
        return self.durable

    def restore(self, entry: QueuedMessage) -> None:
        """Takes back a message from the log at start; nothing goes before `begin`."""
        assert entry.deadline is not None  # `offer` sees to it
        self.next_position = max(self.next_position, entry.position + 1)
        heappush(self._waiting, (entry.deadline, entry.position, entry))

    def begin(self) -> None:
        """All is restored: what is overdue goes at once."""
        if self._waiting and not self.deleted:
            self._timer.arm(self._waiting[0][0])

    def _keep(self, entry: QueuedMessage, due: int) -> None:
        heappush(self._waiting, (due, entry.position, entry))
        self._timer.arm(self._waiting[0][0])

    # -- out -----------------------------------------------------------------------------

    def _release_due(self) -> None:
        if not self._vhost.running:
            return  # it is being unloaded
        now = self._turn.clock.now_ms()
        waiting = self._waiting
        for _ in range(RELEASED_AT_ONCE):
            if not waiting or waiting[0][0] > now:
                break
            entry = heappop(waiting)[2]
            if entry.deadline is None:
                self._cancelled -= 1
            else:
                self._release(entry)
        if waiting:
            self._timer.arm(waiting[0][0])
        self._turn.schedule()

    def _release(self, entry: QueuedMessage) -> None:
        # Routed by the bindings that exist now; dropped where there are none.
        entry.deadline = None
        waited = entry.message
        route = waited.route
        headers = negated(headers_of(waited.header))
        header = properties.with_headers(waited.header, headers)
        header.died = waited.header.died
        tag, copies = headers.get("CC", ("V", None))
        keys = [route.routing_key, *route.hidden_keys]
        if tag == "A":
            keys[1:1] = [value for kind, value in copies if kind == "S"]
        message = Message(route, header, waited.body)
        routable = Routable(tuple(dict.fromkeys(keys)), header, message)
        targets, _ = routing.find(self._exchange, routable, self._vhost.exchanges.get)
        for target in targets:
            target.offer(message)
        if entry.batch is not None:
            self.log.settle_with_commit(entry)

    # -- looking and cancelling ----------------------------------------------------------

    def waiting(self) -> list[tuple[int, int, QueuedMessage]]:
        """All that wait, each behind its due time and position, in no order.

        Some have been cancelled or sent since: they have no deadline.
        """
        return list(self._waiting)

    def next_due(self, count: int) -> list[QueuedMessage]:
        """The first `count` that are due, in order."""
        heap = self._waiting
        found: list[QueuedMessage] = []
        # The heap is walked down from its top, so that the rest of it costs nothing.
        near = [(heap[0], 0)] if heap else []
        while near and len(found) < count:
            (_, _, entry), at = heappop(near)
            if entry.deadline is not None:
                found.append(entry)
            for below in (2 * at + 1, 2 * at + 2):
                if below < len(heap):
                    heappush(near, (heap[below], below))
        return found

    def cancel(self, entries: Iterable[QueuedMessage]) -> int:
        """Drops messages, with the next commit; how many of them were still waiting."""
        dropped = 0
        for entry in entries:
            if entry.deadline is None:
                continue
            entry.deadline = None
            # It leaves the heap when it is due, but its content need not wait for that.
            entry.message = NOTHING
            if entry.batch is not None:
                self.log.settle_with_commit(entry)
            dropped += 1
        self._cancelled += dropped
        if self._cancelled == len(self._waiting):
            self._waiting, self._cancelled = [], 0
        self._turn.schedule()
        return dropped

    def close(self) -> None:
        """The exchange is deleted: what waits is dropped."""
        self.deleted = True
        self._timer.end()
        waiting, self._waiting = self._waiting, []
        self._cancelled = 0
        for _, _, entry in waiting:
            if entry.batch is not None:
                # With the deletion, lest they wait for the next that gets this id.
                self.log.settle_with_commit(entry)

    def suspend(self) -> None:
        """The virtual host is unloaded: what waits stays on the disk."""
        self._timer.end()
        self.deleted = True
        self.log = UNPLUGGED
        self._waiting = []


def furnish(
    vhost: "VirtualHost[Queue]", turn: "Turn", exchange: Exchange, room_id: int | None
) -> None:
    """Gives a new exchange its waiting room, if it is one that delays."""
    if isinstance(exchange, DelayedExchange):
        room_id = vhost.store.next_queue_id() if room_id is None else room_id
        exchange.room = Room(vhost, turn, exchange, room_id)


def durable_rooms(vhost: "VirtualHost[Queue]") -> dict[int, Room]:
    """The rooms in `vhost` that the message log may hold messages of, by id."""
    rooms = [exchange.room for exchange in vhost.exchanges.values()]
    return {room.id: room for room in rooms if isinstance(room, Room) and room.durable}
