"""What a virtual host has done so far: counters by the names of management reference 1.7 and 5.2.

Here: the counters, which only grow, and what is left of them when a virtual host goes. Not here:
who counts (the engine), gauges, and what a number was a minute ago (mgmt_ui).
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Self

QUEUE_TYPES = ("classic", "quorum", "stream")
DEATHS = ("maxlen", "expired", "rejected", "delivery_limit")
"""Why a message leaves a queue unconsumed (spec 7.5)."""

SIZE_BOUNDS = (100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000, 100_000_000)
"""Upper ends of the classes of message sizes, in octets; there is one more class above them."""


class Deliveries:
    """What left queues of one type. `died` counts messages by cause that had nowhere to go,
    `dead_lettered` those that were published anew."""

    __slots__ = (
        "ack",
        "dead_lettered",
        "deliver",
        "deliver_no_ack",
        "died",
        "get",
        "get_empty",
        "get_no_ack",
        "redeliver",
    )

    def __init__(self) -> None:
        self.deliver = self.deliver_no_ack = self.redeliver = self.ack = 0
        self.get = self.get_no_ack = self.get_empty = 0
        self.died = dict.fromkeys(DEATHS, 0)
        self.dead_lettered = dict.fromkeys(DEATHS, 0)

    def add(self, other: "Deliveries") -> None:
        """Adds the counters of `other` to these."""
        _add_numbers(self, other, COUNTS)
        for reason in DEATHS:
            self.died[reason] += other.died[reason]
            self.dead_lettered[reason] += other.dead_lettered[reason]

    @property
    def deliver_get(self) -> int:
        """Messages that went out, in whatever way."""
        return self.deliver + self.deliver_no_ack + self.get + self.get_no_ack


COUNTS = ("deliver", "deliver_no_ack", "get", "get_no_ack", "get_empty", "redeliver", "ack")
"""The numbers of Deliveries, and of what is served on one channel (broker/served.py)."""


class Statistics:
    """The counters of one virtual host, or the sums of several.

    `confirmable` counts publishes on channels in confirm mode, `routed` how often a message
    entered a queue, `sizes` messages by size class, `recv_oct` and `send_oct` the octets of
    connections that have ended.
    """

    __slots__ = (
        "channel_closed",
        "channel_created",
        "confirm",
        "confirmable",
        "connection_closed",
        "connection_created",
        "deliveries",
        "disk_reads",
        "disk_writes",
        "drop_unroutable",
        "publish",
        "published_octets",
        "queue_created",
        "queue_declared",
        "queue_deleted",
        "recv_oct",
        "return_unroutable",
        "routed",
        "send_oct",
        "sizes",
    )

    def __init__(self) -> None:
        for name in NUMBERS:
            setattr(self, name, 0)
        self.sizes = [0] * (len(SIZE_BOUNDS) + 1)
        self.deliveries = {queue_type: Deliveries() for queue_type in QUEUE_TYPES}

    publish: int
    confirm: int
    confirmable: int
    return_unroutable: int
    drop_unroutable: int
    routed: int
    published_octets: int
    disk_reads: int
    disk_writes: int
    connection_created: int
    connection_closed: int
    channel_created: int
    channel_closed: int
    queue_declared: int
    queue_created: int
    queue_deleted: int
    recv_oct: int
    send_oct: int

    def add(self, other: "Statistics") -> None:
        """Adds the counters of `other` to these."""
        _add_numbers(self, other, NUMBERS)
        self.sizes = [mine + more for mine, more in zip(self.sizes, other.sizes, strict=True)]
        for queue_type, deliveries in self.deliveries.items():
            deliveries.add(other.deliveries[queue_type])

    @classmethod
    def sum(cls, parts: Iterable["Statistics"]) -> Self:
        """The sums of all parts."""
        total = cls()
        for part in parts:
            total.add(part)
        return total

    def count_sizes(self, octets: int, count: int) -> None:
        """`count` messages of so many octets each were published."""
        self.sizes[bisect_left(SIZE_BOUNDS, octets)] += count
        self.published_octets += octets * count

    def left(self) -> Deliveries:
        """What left queues of all types."""
        total = Deliveries()
        for deliveries in self.deliveries.values():
            total.add(deliveries)
        return total


NUMBERS = tuple(Statistics.__annotations__)


def _add_numbers(to: object, other: object, names: Iterable[str]) -> None:
    for name in names:
        setattr(to, name, getattr(to, name) + getattr(other, name))
