"""Publishers and consumers of the benchmark without a socket: what they send, what they count."""

from typing import Any

import pytest

from mgmt_ui.cli.bench.consumer import Consumer
from mgmt_ui.cli.bench.plan import Plan
from mgmt_ui.cli.bench.publisher import Publisher
from tests.support.clock import VirtualClock
from tests.support.wire import content_frames, frame, method_frame


class Wire:
    """A connection that keeps what is written, and the frames that nobody wanted."""

    frame_max = 4096
    paused = False
    failure = None
    raw: Any = None
    resumed: Any = None

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.others: list[tuple[int, int, bytes]] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def frame(self, kind: int, channel: int, payload: bytes) -> None:
        self.others.append((kind, channel, payload))

    async def qos(self, prefetch: int) -> None: ...
    async def consume(self, queue: str, tag: str, **given: Any) -> None: ...


def publisher(clock: VirtualClock, ahead: int = 0, **given: Any) -> tuple[Publisher, Wire]:
    wire = Wire()
    made = Publisher(wire, Plan(**given), clock, lambda: ahead)  # type: ignore[arg-type]
    made._running = True
    return made, wire


def ack(tag: int, multiple: bool = False, name: str = "basic.ack") -> bytes:
    more = {"requeue": False} if name == "basic.nack" else {}
    return method_frame(1, name, delivery_tag=tag, multiple=multiple, **more)


@pytest.mark.parametrize(
    ("given", "ahead", "allowed"),
    [
        ({}, 0, 100),
        ({"window": 7}, 0, 7),
        ({"count": 5}, 0, 5),
        ({"backlog": 30}, 20, 10),
        ({"backlog": 30}, 40, -10),
        ({"backlog": 30, "consumers": 0}, 40, 100),
        ({"rate": 10}, 0, 20),
        ({"size": 100_000}, 0, 2),
    ],
)
def test_how_many_may_be_sent(given: dict[str, Any], ahead: int, allowed: int):
    clock = VirtualClock()
    made, _ = publisher(clock, ahead, **given)
    made._began = clock.monotonic()
    clock.advance(2)
    assert made._allowed() == allowed


async def test_a_full_window_waits_for_confirms():
    made, _ = publisher(VirtualClock(), window=3)
    made._pump()
    assert (made.sent, made._allowed()) == (3, 0)
    made._received(ack(2)[:10])
    made._received(ack(2)[10:] + ack(1))
    assert (made.confirmed, made._allowed(), made._floor, made._above) == (2, 2, 2, set())
    made._send(2)
    made._received(ack(4) + ack(5, multiple=True))
    assert (made.confirmed, made.settled, made.latency.count) == (5, True, 2)


async def test_what_is_refused_is_told_apart():
    made, _ = publisher(VirtualClock(), window=10)
    made._send(4)
    made._received(ack(3, multiple=True, name="basic.nack") + ack(4))
    assert (made.refused, made.confirmed, made.settled) == (3, 1, True)


async def test_other_frames_are_for_the_connection():
    made, wire = publisher(VirtualClock(), window=10)
    made._received(frame(8, 0, b"") + method_frame(0, "connection.blocked", reason="low"))
    assert [kind for kind, _, _ in wire.others] == [8, 1]


async def test_its_share_is_the_end():
    made, _ = publisher(VirtualClock(), window=2, count=2)
    ended: list[int] = []
    made.done = lambda: ended.append(1)
    made._pump()
    assert (ended, made.finished) == ([], False)
    made._received(ack(2, multiple=True))
    assert (bool(ended), made.finished) == (True, True)


def test_shares_add_up():
    plan = Plan(publishers=3, count=10)
    assert [plan.share(number) for number in range(3)] == [4, 3, 3]


# -- consumers ---------------------------------------------------------------------------------


def delivery(tag: int, sent_at: float, size: int = 20) -> bytes:
    method = method_frame(
        1,
        "basic.deliver",
        consumer_tag="b",
        delivery_tag=tag,
        redelivered=False,
        exchange="",
        routing_key="q",
    )
    body = int(sent_at * 1_000_000_000).to_bytes(8, "big") + bytes(size - 8)
    return method + content_frames(1, body, frame_max=4096, delivery_mode=2)


@pytest.mark.parametrize("size", [8, 20, 10_000])
@pytest.mark.parametrize("cut", [1, 7, 33, 1000, 1_000_000])
async def test_any_cutting_gives_the_same_counts(size: int, cut: int):
    clock = VirtualClock()
    clock.advance(5)
    wire = Wire()
    made = Consumer(wire, Plan(prefetch=4, queue="q"), clock)  # type: ignore[arg-type]
    await made.start()
    sent_at = clock.monotonic()
    clock.advance(0.002)
    raw = b"".join(delivery(tag, sent_at, size) for tag in range(1, 10))
    raw += frame(8, 0, b"") + delivery(10, sent_at, size)
    for at in range(0, len(raw), cut):
        made._received(raw[at : at + cut])
    assert made.received == 10
    assert 1990 <= made.latency.max <= 2010
    assert wire.others == [(8, 0, b"")]
    assert wire.written[-1] == ack(10, multiple=True)


async def test_bodies_of_others_have_no_time_in_them():
    clock = VirtualClock()
    made = Consumer(Wire(), Plan(prefetch=0, queue="q"), clock)  # type: ignore[arg-type]
    made._received(delivery(1, 18_000_000_000.0))
    assert (made.received, made.latency.count) == (1, 0)
