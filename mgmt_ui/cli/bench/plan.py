"""What a benchmark does, as one value that publishers, consumers and the report share."""

from dataclasses import dataclass, field

from broker.amqp.tables import Table

# What the first octets of a body are: when it was sent, in nanoseconds of the own clock.
STAMP = 8
# Of the queues that benchmarks make.
PREFIX = "brokerctl-bench-"
# A queue that a killed benchmark leaves behind goes by itself (milliseconds).
LEASE = 60_000


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` or `count` (messages of all publishers together) end it, whichever comes first.

    `rate`: messages per second of all publishers together, 0 for as many as can be. `window`:
    how many messages of a publisher may be unconfirmed, 0 for no confirms. `prefetch`: 0 for no
    acks at all. `backlog`: how far publishers may be ahead of consumers, 0 for any distance.
    """

    publishers: int = 1
    consumers: int = 1
    size: int = 100
    rate: int = 0
    window: int = 1000
    prefetch: int = 1000
    persistent: bool = False
    exchange: str = ""
    key: str = ""
    queue: str = ""
    seconds: float = 10.0
    count: int = 0
    backlog: int = 100_000
    consumer_arguments: Table = field(default_factory=dict)

    def share(self, number: int) -> int:
        """How many messages the publisher of this number sends; 0 for no end."""
        if not self.count:
            return 0
        return self.count // self.publishers + (number < self.count % self.publishers)

    @property
    def stamped(self) -> bool:
        """Whether bodies have room for the time at which they were sent."""
        return self.size >= STAMP


@dataclass(frozen=True, slots=True)
class ChurnPlan:
    """`kind`: of churn.KINDS, made and undone by so many clients at a time. `rate`: cycles per
    second of all clients together, 0 for as many as can be; `count`: cycles in all, 0 for no end.
    """

    kind: str
    clients: int = 1
    rate: int = 0
    persistent: bool = False
    kind_of_queue: str = "classic"
    seconds: float = 10.0
    count: int = 0
