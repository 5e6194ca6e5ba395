"""Clients that are slow, silent or greedy: they cost little, and nobody else notices."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from tests.fuzz import memory
from tests.fuzz.streams import handshake
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.wire import (
    PROTOCOL_HEADER,
    Disconnected,
    WireClient,
    body_frame,
    header_frame,
    method_frame,
    publish_frames,
    wire,
)

BODY = b"x" * 65536
FLOOD = 200 * memory.MIB
MAY_COST = 64 * memory.MIB


# -- the handshake -----------------------------------------------------------------------------


def await_end(client: WireClient) -> None:
    """Reads until the broker has ended the connection."""
    with suppress(Disconnected, OSError):
        while True:
            client.read_frame(5)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_an_unfinished_handshake_is_dropped(start_broker: Callable[..., Broker], steps: int):
    broker = start_broker("--handshake-timeout", "1")
    with WireClient(broker.amqp) as client:
        began = time.monotonic()
        client.send(*handshake()[:steps])
        await_end(client)
        assert 0.8 < time.monotonic() - began < 9


def test_bytes_in_drips_do_not_prolong_a_handshake(start_broker: Callable[..., Broker]):
    broker = start_broker("--handshake-timeout", "1")
    with WireClient(broker.amqp) as client:
        began = time.monotonic()
        with suppress(Disconnected, OSError, TimeoutError):
            for octet in b"".join(handshake()):
                client.send(bytes([octet]))
                client.read_bytes(1 << 20, 0.1)
        await_end(client)
        assert 0.8 < time.monotonic() - began < 9


def test_a_finished_handshake_is_left_alone(start_broker: Callable[..., Broker]):
    broker = start_broker("--handshake-timeout", "1")
    with wire(broker.amqp) as client:
        with pytest.raises(TimeoutError):
            client.read_frame(1.5)
        client.call(1, "basic.qos")


# -- those who do not read ---------------------------------------------------------------------


class Reader(threading.Thread):
    """Takes all deliveries of a queue without acks and counts their octets."""

    def __init__(self, broker: Broker, queue: str) -> None:
        super().__init__(daemon=True)
        self.client = WireClient(broker.amqp, timeout=30).connect()
        self.client.call(1, "basic.consume", queue=queue, no_ack=True)
        self.octets = 0

    def reached(self, octets: int) -> bool:
        """Whether more than so many have come."""
        return self.octets > octets

    def run(self) -> None:
        with suppress(OSError):
            while chunk := self.client.socket.recv(1 << 18):
                self.octets += len(chunk)


@contextmanager
def deaf_consumer(broker: Broker, queue: str) -> Iterator[None]:
    """A consumer that asks for everything and never reads."""
    with wire(broker.amqp) as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        deaf.call(1, "basic.consume", queue=queue, no_ack=True)
        yield


def test_a_deaf_consumer_slows_nobody(broker: Broker):
    with WireClient(broker.amqp, timeout=30) as publisher:
        publisher.connect()
        publisher.call(1, "queue.declare", queue="shared")
        reader = Reader(broker, "shared")
        with deaf_consumer(broker, "shared"):
            reader.start()
            before = memory.resident(broker.pid)
            memory.reset_peak(broker.pid)
            batch = publish_frames(1, "", "shared", BODY) * 16
            for sent in range(0, FLOOD, 16 * len(BODY)):
                publisher.send(batch)
                # The deaf one may keep what its buffers hold; the rest must go on to the other.
                due = sent - MAY_COST
                eventually(partial(reader.reached, due), why=f"{due} octets delivered")
            assert memory.peak(broker.pid) - before < MAY_COST
        # What it had taken is lost (no acks); the others are as quick as ever.
        reached = reader.octets
        publisher.send(batch)
        eventually(partial(reader.reached, reached), why="deliveries go on")
        reader.client.abort()


def test_returns_that_nobody_reads_are_not_piled_up(broker: Broker):
    with wire(broker.amqp) as deaf, wire(broker.amqp) as other:
        other.call(1, "queue.declare", queue="q", exclusive=True)
        before = memory.resident(broker.pid)
        memory.reset_peak(broker.pid)
        _flood(deaf, publish_frames(1, "amq.direct", "nowhere", BODY, mandatory=True) * 16)
        assert memory.peak(broker.pid) - before < MAY_COST
        other.publish("", "q", b"hello")
        got = eventually(lambda: other.get("q"))
        assert got
        assert got.body == b"hello"


def test_replies_that_nobody_reads_are_not_piled_up(broker: Broker):
    with wire(broker.amqp) as deaf, wire(broker.amqp) as other:
        before = memory.resident(broker.pid)
        memory.reset_peak(broker.pid)
        _flood(deaf, method_frame(1, "queue.declare", queue="r" * 255, exclusive=True) * 4000)
        assert memory.peak(broker.pid) - before < MAY_COST
        other.call(1, "basic.qos")


def test_gets_that_nobody_reads_are_not_piled_up(broker: Broker):
    with wire(broker.amqp) as deaf, wire(broker.amqp) as other:
        deaf.call(1, "queue.declare", queue="big", exclusive=True)
        deaf.publish("", "big", BODY)
        before = memory.resident(broker.pid)
        memory.reset_peak(broker.pid)
        get = method_frame(1, "basic.get", queue="big")
        put_back = method_frame(1, "basic.nack", delivery_tag=0, multiple=True, requeue=True)
        _flood(deaf, (get + put_back) * 200)
        assert memory.peak(broker.pid) - before < MAY_COST
        other.call(1, "basic.qos")


def _flood(client: WireClient, batch: bytes) -> None:
    # Ends when the broker stops reading, as it must, or has taken the lot.
    client.socket.settimeout(1)
    sent = 0
    with suppress(TimeoutError):
        while sent < FLOOD:
            client.socket.sendall(batch)
            sent += len(batch)


# -- those who never finish --------------------------------------------------------------------


def test_a_body_over_the_limit_is_not_kept(broker: Broker):
    with wire(broker.amqp) as client:
        before = memory.resident(broker.pid)
        memory.reset_peak(broker.pid)
        client.send(method_frame(1, "basic.publish", routing_key="q"))
        client.send(header_frame(1, 400 * memory.MIB))
        piece = body_frame(1, b"x" * 131064)
        for _ in range(800):
            client.send(piece)
        client.send_method(0, "connection.close", reply_code=200)
        assert memory.peak(broker.pid) - before < MAY_COST


@pytest.mark.parametrize("kind", [1, 2, 3, 8])
def test_a_frame_that_is_too_long_is_refused_by_its_header(broker: Broker, kind: int):
    with wire(broker.amqp) as client:
        client.send(struct.pack(">BHI", kind, 1, 2**32 - 1))
        client.expect_close(501, "FRAME_ERROR - *")


def test_a_long_frame_before_the_handshake_is_refused_by_its_header(broker: Broker):
    with WireClient(broker.amqp) as client:
        client.send(PROTOCOL_HEADER, struct.pack(">BHI", 1, 0, 100_000))
        client.expect("connection.start")
        with pytest.raises(Disconnected):
            client.read_frame(5)
