"""What a queue counts of the messages that pass through it (management reference 1.7).

Here: the counters, kept for the queue and for all queues of its type in the virtual host.  Not
here: its lengths, which are what they are (queue.py), and rates (mgmt_ui).
"""

from typing import TYPE_CHECKING

from broker.ages import Ages

if TYPE_CHECKING:
    from broker.queue import Queue
    from vhosts.vhost import VirtualHost

# Beyond so many, counters of exchanges that are gone are dropped.
MANY_EXCHANGES = 64


class Inflow:
    """What came to one queue by way of one exchange: a pair, as those of served.py."""

    __slots__ = ("publish",)

    def __init__(self) -> None:
        self.publish = 0


class QueueCounters:
    """The counters of one queue; those that end in no_ack are parts of the others.

    `incoming` has the publishes by name of the exchange, once there are some; `totals` are those
    of the virtual host. `ages` knows how old the messages are that are still here.
    """

    __slots__ = (
        "acked",
        "ages",
        "delivered",
        "delivered_no_ack",
        "disk_reads",
        "disk_writes",
        "get_empty",
        "got",
        "got_no_ack",
        "incoming",
        "published",
        "redelivered",
        "totals",
        "vhost",
    )

    def __init__(self, vhost: "VirtualHost[Queue]", queue_type: str, now: int) -> None:
        self.vhost = vhost
        self.ages = Ages(now)
        self.totals = vhost.statistics.deliveries[queue_type]
        self.published = self.delivered = self.delivered_no_ack = self.redelivered = 0
        self.acked = self.got = self.got_no_ack = self.get_empty = 0
        self.disk_reads = self.disk_writes = 0
        self.incoming: dict[str, Inflow] | None = None

    def count_in(self, exchange: str, count: int) -> None:
        """So many were published here by way of an exchange."""
        self.published += count
        incoming = self.incoming
        if incoming is None:
            incoming = self.incoming = {}
        inflow = incoming.get(exchange)
        if inflow is None:
            if len(incoming) > MANY_EXCHANGES:
                for name in incoming.keys() - self.vhost.exchanges.keys():
                    del incoming[name]
            inflow = incoming[exchange] = Inflow()
        inflow.publish += count

    def count_delivered(self, count: int, no_ack: int) -> None:
        """So many went to consumers, `no_ack` of them to such as do not acknowledge."""
        self.delivered += count
        self.delivered_no_ack += no_ack
        self.totals.deliver += count - no_ack
        self.totals.deliver_no_ack += no_ack

    def count_redelivered(self, count: int) -> None:
        """So many of those that went out were out before."""
        self.redelivered += count
        self.totals.redeliver += count

    def count_acks(self, count: int) -> None:
        """So many were acknowledged."""
        self.acked += count
        self.totals.ack += count

    def count_empty(self) -> None:
        """Somebody asked, and nothing was there."""
        self.get_empty += 1
        self.totals.get_empty += 1

    def count_got(self, no_ack: bool) -> None:
        """One was taken by basic.get."""
        self.got += 1
        if no_ack:
            self.got_no_ack += 1
            self.totals.get_no_ack += 1
        else:
            self.totals.get += 1
