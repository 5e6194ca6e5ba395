"""Load that amqpload does not make: priorities, TTL, headers, dead letters, streams, confirms.

`python -m tests.bench.features NAME HOST PORT PID SECONDS` prints one JSON object with the same
names as amqpload's. It runs as a process of its own, so that the load of one line does not meet
what another left behind. Which lines there are, and what is asked of them, is in lines.py.

Publishes are encoded once and sent in blocks; deliveries are counted by their size, which is the
same for all of a line and learnt from the first.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.bench import confirms
from tests.bench.reader import PATIENCE, Reader
from tests.support.encoding import Typed
from tests.support.rabbitmq import descendants
from tests.support.wire import Address, WireClient, publish_frames

BODY = b"x" * 16
BLOCK = 100
"""Publishes that are written at once."""

WINDOW = 5000
"""How far publishing may be ahead of consuming."""

BACKLOG = 100_000
DEAD_AFTER_MS = 8000
READERS = 5
TICKS = os.sysconf("SC_CLK_TCK")

Figures = dict[str, Any]


class Feature:
    """One line under way: a control connection, and what is to be removed at the end."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.control = WireClient(address, PATIENCE)
        self.control.connect(channels=(1,))
        self._removals: list[tuple[str, dict[str, Any]]] = []

    def queue(self, name: str, *, durable: bool = False, **arguments: Any) -> str:
        """Declares a fresh queue; argument names with underscores for dashes."""
        self._call("queue.delete", queue=name)
        given = {key.replace("_", "-"): value for key, value in arguments.items()}
        self._call("queue.declare", queue=name, durable=durable, arguments=given)
        self._removals.append(("queue.delete", {"queue": name}))
        return name

    def exchange(self, name: str, kind: str) -> str:
        """Declares an exchange."""
        self._call("exchange.declare", exchange=name, type=kind)
        self._removals.append(("exchange.delete", {"exchange": name}))
        return name

    def bind(self, queue: str, exchange: str, **arguments: Any) -> None:
        """Binds without waiting for each answer: `settle_down` waits for all."""
        self._call(
            "queue.bind", queue=queue, exchange=exchange, routing_key="", arguments=arguments
        )

    def _call(self, name: str, **arguments: Any) -> None:
        self.control.send_method(1, name, **arguments)
        self.control.expect(f"{name}-ok")

    def publish(self, blocks: Sequence[bytes], count: int) -> None:
        """`count` messages, a block at a time; returns when the broker has confirmed all."""
        with WireClient(self.address, PATIENCE) as client:
            client.connect(channels=(1,))
            client.send_method(1, "confirm.select")
            client.expect("confirm.select-ok")
            confirmed = 0
            for sent, block in zip(range(BLOCK, count + 1, BLOCK), cycle(blocks), strict=False):
                client.send(block)
                while sent - confirmed > WINDOW:
                    confirmed = client.expect("basic.ack").arguments["delivery_tag"]
            while confirmed < count:
                confirmed = client.expect("basic.ack").arguments["delivery_tag"]

    def stream_through(self, blocks: Sequence[bytes], reader: Reader, seconds: float) -> Figures:
        """Publishes for some seconds, never more than WINDOW ahead of `reader`."""
        reader.start()
        published = 0
        began = time.perf_counter()
        with WireClient(self.address, PATIENCE) as client:
            client.connect(channels=(1,))
            for block in cycle(blocks):
                client.send(block)
                published += BLOCK
                while published - reader.count > WINDOW:
                    time.sleep(0.0002)
                if time.perf_counter() - began > seconds:
                    break
            reader.reaches(published)
        elapsed = time.perf_counter() - began
        return {"consumed": published, "consume_per_s": round(published / elapsed)}

    def close(self) -> None:
        """Removes what was declared."""
        for name, arguments in reversed(self._removals):
            self._call(name, **arguments)
        self.control.abort()


def blocks_of(frames: Iterator[bytes], distinct: int) -> list[bytes]:
    """`distinct` different publishes, in blocks of BLOCK."""
    made = [next(frames) for _ in range(max(distinct, BLOCK))]
    return [b"".join(made[at : at + BLOCK]) for at in range(0, len(made), BLOCK)]


# -- the lines ---------------------------------------------------------------------------


def priority(feature: Feature, seconds: float) -> Figures:
    """A queue of ten levels, each message of another."""
    queue = feature.queue("bench.priority", x_max_priority=Typed("l", 10))
    frames = (publish_frames(1, "", queue, BODY, priority=level) for level in cycle(range(10)))
    return _through(feature, queue, blocks_of(frames, BLOCK), seconds)


def ttl(feature: Feature, seconds: float) -> Figures:
    """Every message with an expiration of its own."""
    queue = feature.queue("bench.ttl")
    frames = (
        publish_frames(1, "", queue, BODY, expiration=str(60_000 + more))
        for more in cycle(range(100))
    )
    return _through(feature, queue, blocks_of(frames, BLOCK), seconds)


def headers(feature: Feature, seconds: float) -> Figures:
    """A headers exchange with a thousand bindings, each message for one of them."""
    exchange = feature.exchange("bench.headers", "headers")
    queue = feature.queue("bench.headers")
    for number in range(1000):
        feature.bind(queue, exchange, **{"x-match": "all", "number": Typed("l", number)})
    frames = (
        publish_frames(1, exchange, "", BODY, headers={"number": Typed("l", number)})
        for number in cycle(range(1000))
    )
    return _through(feature, queue, blocks_of(frames, 1000), seconds)


def dead_letter(feature: Feature, _seconds: float) -> Figures:
    """A hundred thousand persistent messages that expire and go to another durable queue."""
    dead = feature.queue("bench.dead", durable=True)
    queue = feature.queue(
        "bench.expiring",
        durable=True,
        x_message_ttl=Typed("l", DEAD_AFTER_MS),
        x_dead_letter_exchange="",
        x_dead_letter_routing_key=dead,
    )
    reader = Reader(feature.address, dead)
    reader.start()
    frames = iter(lambda: publish_frames(1, "", queue, BODY, delivery_mode=2), b"")
    feature.publish(blocks_of(frames, BLOCK), BACKLOG)
    reader.reaches(BACKLOG)
    elapsed = reader.last_at - reader.first_at
    reader.close()
    return {"consumed": BACKLOG, "consume_per_s": round(BACKLOG / elapsed)}


def stream(feature: Feature, _seconds: float) -> Figures:
    """Five readers that replay a stream of a hundred thousand messages."""
    queue = feature.queue("bench.stream", durable=True, x_queue_type="stream")
    frames = iter(lambda: publish_frames(1, "", queue, BODY, delivery_mode=2), b"")
    feature.publish(blocks_of(frames, BLOCK), BACKLOG)
    readers = [
        Reader(feature.address, queue, acks=True, **{"x-stream-offset": "first"})
        for _ in range(READERS)
    ]
    began = time.perf_counter()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.reaches(BACKLOG)
    elapsed = time.perf_counter() - began
    for reader in readers:
        reader.close()
    return {"consumed": READERS * BACKLOG, "consume_per_s": round(READERS * BACKLOG / elapsed)}


def confirm_latency(feature: Feature, seconds: float) -> Figures:
    """Persistent messages at a steady rate, consumed and acked: how long each confirm takes."""
    return confirms.measure(feature.address, feature.queue("bench.confirms", durable=True), seconds)


def _through(feature: Feature, queue: str, blocks: Sequence[bytes], seconds: float) -> Figures:
    reader = Reader(feature.address, queue)
    figures = feature.stream_through(blocks, reader, seconds)
    reader.close()
    return figures


FEATURES: dict[str, Callable[[Feature, float], Figures]] = {
    "priority": priority,
    "ttl": ttl,
    "headers": headers,
    "dead-letter": dead_letter,
    "stream": stream,
    "confirm-latency": confirm_latency,
}


# -- the process -------------------------------------------------------------------------


def cpu_seconds(pid: int) -> float:
    """What a process and all below it have spent."""
    total = 0
    for member in [pid, *descendants(pid)]:
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def main(name: str, host: str, port: str, pid: str, seconds: str) -> None:
    """Runs one line and prints its figures."""
    feature = Feature(Address(host, int(port)))
    before = cpu_seconds(int(pid))
    try:
        figures = FEATURES[name](feature, float(seconds))
    finally:
        feature.close()
    spent = cpu_seconds(int(pid)) - before
    figures["cpu_us_per_message"] = round(spent / figures["consumed"] * 1e6, 2)
    print(json.dumps({"scenario": name, **figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
