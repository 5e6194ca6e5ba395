"""How long a publisher waits for its confirms at a given rate.

Here: publishing at that rate, timing each confirm, a consumer beside it.  Not here: which lines
there are (lines.py), the table of features and its process (features.py).

The publisher does not wait for anything but its window: what the broker does to one message it
does to all that are published meanwhile, and each of them counts.
"""

import multiprocessing
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct
from typing import Any

from tests.bench.reader import PATIENCE, Reader
from tests.support.wire import Address, WireClient, publish_frames

RATE = 20_000
SIZE = 100
# Unconfirmed messages at most; at the rate above a quarter of a second.
WINDOW = 5000
# Seconds between two writes to the socket, and before the measurement begins.
TICK = 0.001
WARM_UP = 1.0
# A whole basic.ack: the frame's head, the method, delivery tag, multiple, the frame's end.
_ACK = Struct(">BHIHHQBB")

Figures = dict[str, Any]


class TimedPublisher:
    """One channel in confirm mode; `waits` are seconds from publish to confirm."""

    def __init__(self, client: WireClient, queue: str) -> None:
        self.waits: list[float] = []
        self._client = client
        self._message = publish_frames(1, "", queue, bytes(SIZE), delivery_mode=2)
        self._sent = 0
        # When each message was sent, by its delivery tag.
        self._sent_at: dict[int, float] = {}
        client.send_method(1, "confirm.select")
        client.expect("confirm.select-ok")

    def run(self, rate: int, seconds: float) -> None:
        """Publishes for so long, then waits for what is not confirmed yet."""
        began = time.perf_counter()
        before = self._sent
        while (passed := time.perf_counter() - began) < seconds:
            due = before + int(passed * rate)
            self._publish(min(due, len(self.waits) + WINDOW) - self._sent)
            self._receive(TICK)
        while self._sent_at:
            self._receive(self._client.timeout)

    def _publish(self, count: int) -> None:
        if count <= 0:
            return
        now = time.perf_counter()
        for tag in range(self._sent + 1, self._sent + count + 1):
            self._sent_at[tag] = now
        self._sent += count
        self._client.send(self._message * count)

    def _receive(self, patience: float) -> None:
        client = self._client
        if not select.select([client.socket], [], [], patience)[0]:
            return
        chunk = client.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("the broker ended the connection")
        now = time.perf_counter()
        client.received += chunk
        whole = len(client.received) // _ACK.size * _ACK.size
        for _, _, _, class_id, method_id, tag, multiple, _ in _ACK.iter_unpack(
            client.received[:whole]
        ):
            assert (class_id, method_id) == (60, 80), "something else than a confirm"
            self._confirm(tag, now, multiple=bool(multiple))
        del client.received[:whole]

    def _confirm(self, tag: int, now: float, *, multiple: bool) -> None:
        if not multiple:
            self._note(tag, now)
            return
        # In order of their tags, as they were sent.
        while (first := next(iter(self._sent_at), tag + 1)) <= tag:
            self._note(first, now)

    def _note(self, tag: int, now: float) -> None:
        self.waits.append(now - self._sent_at.pop(tag))


def measure(address: Address, queue: str, seconds: float, rate: int = RATE) -> Figures:
    """Confirms of persistent messages at `rate`, which a consumer takes and acks meanwhile."""
    with _consumer(address, queue), WireClient(address, PATIENCE) as client:
        client.connect(channels=(1,))
        publisher = TimedPublisher(client, queue)
        publisher.run(rate, WARM_UP)
        warm = len(publisher.waits)
        began = time.perf_counter()
        publisher.run(rate, seconds)
        return figures(publisher.waits[warm:], time.perf_counter() - began)


def figures(waits: list[float], elapsed: float) -> Figures:
    """Percentiles in microseconds by the names that amqpload uses, and the rate that was had."""
    waits = sorted(waits)
    found = {
        f"p{name}_us": round(waits[int(len(waits) * share)] * 1e6)
        for name, share in (("50", 0.5), ("99", 0.99), ("999", 0.999))
    }
    rate = round(len(waits) / elapsed)
    return {
        "consumed": len(waits),
        "consume_per_s": rate,
        **found,
        "max_us": round(waits[-1] * 1e6),
    }


@contextmanager
def _consumer(address: Address, queue: str) -> Iterator[None]:
    # A process of its own: the publisher is to be kept from its clock by nobody.
    consumer = multiprocessing.get_context("spawn").Process(
        target=_consume, args=(address, queue), daemon=True
    )
    consumer.start()
    try:
        yield
    finally:
        consumer.kill()
        consumer.join()


def _consume(address: Address, queue: str) -> None:
    Reader(address, queue, acks=True).run()
