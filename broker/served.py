"""What one channel publishes to one exchange, and what it takes from one queue: the pairs that
management shows in channels, queues and exchanges (management reference 1.7).

Here: the counters of such pairs, and how many of them a channel keeps.  Not here: when they are
counted (tally.py, channel.py, consumer.py).
"""

from typing import TYPE_CHECKING

from vhosts.statistics import COUNTS, Statistics

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.confirms import Confirms
    from broker.consumer import Consumer
    from broker.queue import Queue
    from exchanges.base import Exchange

# Beyond so many, pairs whose queue or exchange is gone are joined into one.
MANY = 64


class Flow:
    """What a channel (None: the management API) has published to one exchange."""

    __slots__ = (
        "channel",
        "confirm",
        "drop_unroutable",
        "exchange",
        "publish",
        "return_unroutable",
        "statistics",
    )

    def __init__(
        self, exchange: "Exchange", statistics: Statistics, channel: "Channel | None" = None
    ) -> None:
        self.exchange = exchange
        self.statistics = statistics
        self.channel = channel
        self.publish = self.confirm = self.return_unroutable = self.drop_unroutable = 0

    @property
    def confirms(self) -> "Confirms | None":
        """The confirm mode of the channel, if it is in it."""
        return None if self.channel is None else self.channel.confirms

    def confirmed(self, count: int) -> None:
        """So many publishes were confirmed."""
        self.confirm += count
        self.exchange.confirmed += count
        self.statistics.confirm += count


class Served:
    """What a channel has taken from one queue, or from several; names as in 1.7."""

    __slots__ = COUNTS

    deliver: int
    deliver_no_ack: int
    get: int
    get_no_ack: int
    get_empty: int
    redeliver: int
    ack: int

    def __init__(self) -> None:
        for name in COUNTS:
            setattr(self, name, 0)

    def add(self, other: "Served") -> None:
        """Adds the counters of `other` to these."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def end(self, consumer: "Consumer") -> None:
        """`consumer` gets nothing more: what it got is kept here."""
        if consumer.no_ack:
            self.deliver_no_ack += consumer.delivered
        else:
            self.deliver += consumer.delivered

    @property
    def deliver_get(self) -> int:
        """Messages that went out, in whatever way."""
        return self.deliver + self.deliver_no_ack + self.get + self.get_no_ack


class Pairs:
    """The pairs of one channel."""

    __slots__ = ("_consumers", "_flows", "_past", "_past_flow", "_served", "_tally", "_vhost")

    def __init__(self, channel: "Channel") -> None:
        self._vhost = channel.vhost
        self._tally = channel.tally
        self._consumers = channel.consumers
        self._flows: dict[Exchange, Flow] = {}
        self._served: dict[Queue, Served] = {}
        self._past: Served | None = None
        self._past_flow: Flow | None = None

    def flow(self, exchange: "Exchange", channel: "Channel") -> Flow:
        """The pair of their channel with an exchange, made if need be."""
        found = self._flows.get(exchange)
        if found is None:
            if len(self._flows) >= MANY:
                self._forget_exchanges()
            found = self._flows[exchange] = Flow(exchange, self._vhost.statistics, channel)
        return found

    def served(self, queue: "Queue") -> Served:
        """The pair with a queue, made if need be."""
        found = self._served.get(queue)
        if found is None:
            if len(self._served) >= MANY:
                self._forget_queues()
            found = self._served[queue] = Served()
        return found

    @property
    def flows(self) -> dict["Exchange", Flow]:
        """By exchange, those that exist."""
        return self._flows

    def published(self) -> Flow:
        """The sums over all exchanges."""
        flows = list(self._flows.values())
        total = Flow(None, self._vhost.statistics)  # type: ignore[arg-type]  # of none
        for flow in flows if self._past_flow is None else [*flows, self._past_flow]:
            _join(total, flow)
        return total

    def taken(self) -> Served:
        """The sums over all queues, as of now."""
        total = Served()
        for served in self.by_queue().values():
            total.add(served)
        if self._past is not None:
            total.add(self._past)
        return total

    def by_queue(self) -> dict["Queue", Served]:
        """What was taken from each queue, as of now."""
        found: dict[Queue, Served] = {}
        for queue, served in self._served.items():
            found[queue] = now = Served()
            now.add(served)
        for consumer in self._consumers.values():
            found.setdefault(consumer.queue, Served()).end(consumer)
        return found

    def pair(self, queue: "Queue") -> Served | None:
        """What stands for the pair with a queue for as long as it lasts; what consumers have got
        is in `by_queue` only."""
        return self._served.get(queue)

    def taken_from(self, queue: "Queue") -> Served:
        """What was taken from one queue, as of now."""
        now = Served()
        if (pair := self._served.get(queue)) is not None:
            now.add(pair)
            for consumer in self._consumers.values():
                if consumer.queue is queue:
                    now.end(consumer)
        return now

    def end(self) -> None:
        """The channel is closed: there is nobody left to ask for them."""
        self._flows.clear()
        self._served.clear()

    def _forget_queues(self) -> None:
        self._past = self._past or Served()
        for queue in [queue for queue in self._served if queue.deleted]:
            self._past.add(self._served.pop(queue))

    def _forget_exchanges(self) -> None:
        vhost = self._vhost
        self._tally.share_out()
        for exchange in list(self._flows):
            if vhost.exchanges.get(exchange.name) is not exchange:
                if self._past_flow is None:
                    self._past_flow = Flow(exchange, vhost.statistics)
                _join(self._past_flow, self._flows.pop(exchange))


def _join(total: Flow, flow: Flow) -> None:
    total.publish += flow.publish
    total.confirm += flow.confirm
    total.return_unroutable += flow.return_unroutable
    total.drop_unroutable += flow.drop_unroutable
