"""Very many equal messages through one queue, quickly: nothing is taken apart that need not be.

Here: publishing with confirms, consuming with acks, a client that asks and waits.  Not here: what
must come of it.
"""

import threading
import time

from tests.support.wire import (
    Address,
    Disconnected,
    WireClient,
    frame,
    method_frame,
    publish_frames,
    wire,
)

PERSISTENT = 2
CHUNK = 1000
AHEAD = 20 * CHUNK


def publish_many(address: Address, queue: str, count: int, size: int) -> None:
    """Publishes persistent messages of `size` bytes; returns when all are confirmed."""
    with wire(address) as client:
        client.timeout = 60
        client.call(1, "confirm.select")
        chunk = publish_frames(1, "", queue, bytes(size), delivery_mode=PERSISTENT) * CHUNK
        confirmed = 0
        for sent in range(CHUNK, count + 1, CHUNK):
            client.send(chunk)
            while confirmed < sent - AHEAD:
                confirmed = client.expect("basic.ack").arguments["delivery_tag"]
        while confirmed < count:
            confirmed = client.expect("basic.ack").arguments["delivery_tag"]


def consume_many(client: WireClient, queue: str, count: int, forget: int) -> None:
    """Consumes equal messages and acks all but every `forget`th, which stay unacked."""
    client.timeout = 60
    client.call(1, "basic.consume", queue=queue)
    first = client.expect_content("basic.deliver")
    # All are as long as the first one: that is enough to count them.
    method = method_frame(1, "basic.deliver", **first.method.arguments)
    length = len(method) + len(frame(2, 1, first.header)) + len(frame(3, 1, first.body))
    received, acked = len(client.received), 0
    client.received.clear()
    while acked < count:
        upto = 1 + received // length
        tags = (tag for tag in range(acked + 1, upto + 1) if tag % forget)
        client.send(*(method_frame(1, "basic.ack", delivery_tag=tag) for tag in tags))
        acked = upto
        if acked < count:
            received += len(client.socket.recv(1 << 18))
    client.call(1, "basic.qos")


class Asker(threading.Thread):
    """Asks something every few milliseconds and notes how long each answer took (seconds)."""

    def __init__(self, address: Address, pause: float = 0.002) -> None:
        super().__init__(daemon=True)
        self.client = WireClient(address, timeout=60).connect()
        self.pause = pause
        self.waits: list[float] = []
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            while not self.ended.wait(self.pause):
                began = time.perf_counter()
                self.client.call(1, "basic.qos")
                self.waits.append(time.perf_counter() - began)
        except (Disconnected, OSError):
            pass

    def end(self) -> list[float]:
        """All waits, the shortest first."""
        self.ended.set()
        self.join(60)
        self.client.abort()
        return sorted(self.waits)
