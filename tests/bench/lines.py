"""The lines of the comparison: what is run for each, and what is asked of it.

A row of LINES is one call of amqpload (or two: a backlog is stored, then drained), or of
features.py for what amqpload does not know. Adding a row adds a line to the report.
"""

from dataclasses import dataclass
from typing import Any

BACKLOG_SECONDS = 240
"""A bound, not a length: storing a backlog ends with its last message."""


@dataclass(frozen=True)
class Line:
    """One line of the report.

    `rate` names amqpload's figure of throughput; `ratio` is how many times RabbitMQ's throughput
    is asked for, `cpu` the most microseconds per message; `latency` asks for p50 and p99 below
    RabbitMQ's. `fresh` wants a newly started broker, so that its memory can be told. `feature`
    marks the lines of features.py.
    """

    name: str
    arguments: tuple[str, ...]
    rate: str = "consume_per_s"
    ratio: float | None = None
    cpu: float | None = None
    latency: bool = False
    fresh: bool = False
    feature: bool = False


LINES: tuple[Line, ...] = (
    Line("autoack", (), ratio=2.5, cpu=4),
    Line("transient-acks", (), ratio=4, cpu=5),
    Line("reliable", (), ratio=3.5, cpu=6.5),
    Line("strict", (), ratio=3.5, cpu=7.5),
    Line("sync-1", ("--scenario", "sync", "--producers", "1"), rate="publish_per_s", ratio=1.2),
    Line("sync-8", ("--scenario", "sync", "--producers", "8"), rate="publish_per_s", ratio=1.5),
    Line("fanout", (), ratio=3, cpu=4),
    Line("many-queues", (), ratio=3, cpu=6),
    Line("topic", (), ratio=4, cpu=5),
    Line("large", (), ratio=1),
    Line("latency", (), latency=True),
    Line("latency-reliable", (), latency=True),
    Line("confirm-latency", (), latency=True, feature=True),
    Line("priority", (), feature=True),
    Line("ttl", (), feature=True),
    Line("headers", (), feature=True),
    Line("dead-letter", (), feature=True),
    Line("stream", (), feature=True),
    Line("publish", (), rate="publish_per_s", ratio=4, fresh=True),
    Line("drain", (), ratio=3),
)

STARTUP, IDLE, CONNECTIONS = "start-up", "idle", "connections"
STATES = (STARTUP, IDLE, CONNECTIONS)
"""Measured without load: seconds to ready, memory idle, memory with idle connections."""

GOALS: dict[str, float] = {
    "startup_s": 0.7,
    "idle_mib": 60,
    "connections_mib": 120,
    "bytes_per_message": 600,
}
"""The most that is asked of Leveret's start-up and memory."""

NAMES = (*STATES, *(line.name for line in LINES))


def arguments(line: Line, seconds: float, messages: int) -> list[str]:
    """The arguments of amqpload, without address, process and output format."""
    given = [*line.arguments] if line.arguments else ["--scenario", line.name]
    if line.name in {"publish", "drain"}:
        given += ["--size", "100", "--seconds", str(BACKLOG_SECONDS)]
        return [*given, "--messages", str(messages)] if line.name == "publish" else given
    return [*given, "--seconds", str(seconds)]


Figures = dict[str, Any]
"""What one measurement gave, by the names that amqpload uses, and ours of GOALS."""
