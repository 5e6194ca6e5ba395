"""Byte streams that no client should send: `stream(seed)` always gives the same one for a seed.

Most begin as a valid conversation, so that they get past the first checks before they go wrong.
"""

import random
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.encoding import Typed
from tests.support.wire import (
    CAPABLE,
    HEARTBEAT,
    PROTOCOL_HEADER,
    body_frame,
    content_frames,
    frame,
    header_frame,
    method_frame,
    publish_frames,
)

Frames = list[bytes]


class Stream(NamedTuple):
    """`pieces` are written one after another; `kind` says how they were made."""

    seed: int
    kind: str
    pieces: list[bytes]


def stream(seed: int) -> Stream:
    """The stream of this seed."""
    chance = random.Random(seed)
    make = chance.choices(MAKERS, WEIGHTS)[0]
    data = b"".join(make(chance))
    return Stream(seed, make.__name__, cut(chance, data))


def cut(chance: random.Random, data: bytes) -> list[bytes]:
    """Mostly one piece; at times many, cut anywhere."""
    if chance.random() < 0.8 or len(data) < 2:
        return [data]
    count = min(chance.choice((1, 2, 5, 20)), len(data) - 1)
    places = sorted(chance.sample(range(1, len(data)), count))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


# -- what a good client says -------------------------------------------------------------------


def handshake(*, frame_max: int = 131072, user: str = "guest") -> Frames:
    """Protocol header to channel.open, as pipelining clients send it."""
    start_ok = method_frame(
        0,
        "connection.start-ok",
        client_properties=CAPABLE,
        mechanism="PLAIN",
        response=b"\0" + user.encode() + b"\0guest",
        locale="en_US",
    )
    tune_ok = method_frame(
        0, "connection.tune-ok", channel_max=2047, frame_max=frame_max, heartbeat=0
    )
    return [
        PROTOCOL_HEADER,
        start_ok,
        tune_ok,
        method_frame(0, "connection.open", virtual_host="/"),
        method_frame(1, "channel.open"),
    ]


def conversation(chance: random.Random) -> Frames:
    """Frames of an open connection, each valid where it stands."""
    queue = f"fuzz-{chance.randrange(3)}"
    frames = [method_frame(1, "queue.declare", queue=queue, auto_delete=True)]
    for _ in range(chance.randint(1, 8)):
        frames += chance.choice(SENTENCES)(chance, queue)
    return frames


def _publish(chance: random.Random, queue: str) -> Frames:
    body = chance.randbytes(chance.choice((0, 1, 10, 1000)))
    properties = {
        "headers": {"n": 1, "t": Typed("T", 5), "l": [1, {"x": None}]},
        "delivery_mode": 1,
        "priority": 5,
        "correlation_id": "c",
        "expiration": "60000",
        "timestamp": 1,
    }
    kept = {name: properties[name] for name in properties if chance.random() < 0.3}
    exchange = chance.choice(("", "amq.topic", "amq.headers"))
    options = {"mandatory": chance.random() < 0.2, **kept}
    return [publish_frames(1, exchange, queue, body, **options)]  # type: ignore[arg-type]


def _consume(chance: random.Random, queue: str) -> Frames:
    tag = f"c{chance.randrange(4)}"
    no_ack = chance.random() < 0.5
    frames = [method_frame(1, "basic.consume", queue=queue, consumer_tag=tag, no_ack=no_ack)]
    if chance.random() < 0.5:
        frames.append(method_frame(1, "basic.cancel", consumer_tag=tag))
    return frames


def _settle(chance: random.Random, queue: str) -> Frames:
    name = chance.choice(("basic.ack", "basic.nack", "basic.reject"))
    tag = chance.choice((0, 1, 2, 2**63, 2**64 - 1))
    return [
        method_frame(1, "basic.get", queue=queue),
        method_frame(1, name, delivery_tag=tag)
        if name != "basic.ack"
        else method_frame(1, name, delivery_tag=tag, multiple=chance.random() < 0.5),
    ]


def _topology(chance: random.Random, queue: str) -> Frames:
    exchange = f"fuzz-x-{chance.randrange(3)}"
    kind = chance.choice(("direct", "fanout", "topic", "headers"))
    table = {"x-match": "any", "a": 1, "b": [True, "x"]}
    return [
        method_frame(1, "exchange.declare", exchange=exchange, type=kind, auto_delete=True),
        method_frame(1, "queue.bind", queue=queue, exchange=exchange, arguments=table),
        publish_frames(1, exchange, "a.b.c", b"x", headers={"a": 1}),
        method_frame(1, "queue.unbind", queue=queue, exchange=exchange, arguments=table),
        method_frame(1, "exchange.delete", exchange=exchange),
    ]


def _modes(chance: random.Random, queue: str) -> Frames:
    name = chance.choice(("confirm.select", "tx.select", "tx.commit", "tx.rollback"))
    more = chance.choice(("basic.qos", "basic.recover", "queue.purge"))
    options: dict[str, dict[str, Any]] = {
        "queue.purge": {"queue": queue},
        "basic.recover": {"requeue": chance.random() < 0.9},
    }
    return [method_frame(1, name), method_frame(1, more, **options.get(more, {}))]


def _lifecycle(chance: random.Random, queue: str) -> Frames:
    channel = chance.choice((2, 3, 65535))
    return [
        method_frame(channel, "channel.open"),
        method_frame(channel, "queue.declare", exclusive=True),
        method_frame(channel, "channel.close", reply_code=200, reply_text="bye"),
        frame(HEARTBEAT, 0, b""),
    ]


SENTENCES: tuple[Callable[[random.Random, str], Frames], ...] = (
    _publish,
    _publish,
    _consume,
    _settle,
    _topology,
    _modes,
    _lifecycle,
)

# -- how it goes wrong -------------------------------------------------------------------------


def garbage(chance: random.Random) -> Frames:
    """Noise from the first byte, or something that is meant for another kind of server."""
    known = (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(100),
        b"AMQP\x03\x01\x00\x00",
        b"AMQP\x00\x00\x09\x00",
        b"AMQ",
        b"",
    )
    noise = chance.randbytes(chance.choice((1, 7, 8, 9, 100, 5000)))
    return [chance.choice((*known, noise, noise, noise))]


def noise_after_header(chance: random.Random) -> Frames:
    """A protocol header and noise."""
    return [PROTOCOL_HEADER, chance.randbytes(chance.choice((1, 7, 8, 40, 9000)))]


def noise_after_handshake(chance: random.Random) -> Frames:
    """An open channel and noise."""
    return [*handshake(), chance.randbytes(chance.choice((1, 8, 100, 9000)))]


def bad_handshake(chance: random.Random) -> Frames:
    """A handshake with one step broken, left out, said twice or out of order."""
    frames = handshake(
        frame_max=chance.choice((0, 1, 4095, 4096, 131073)), user=chance.choice(("guest", "", "x"))
    )
    return disturb(chance, frames, chance.randint(1, 3)) + conversation(chance)


def mutated(chance: random.Random) -> Frames:
    """A good handshake, then a conversation with some of its octets changed."""
    frames = conversation(chance)
    for _ in range(chance.randint(1, 4)):
        index = chance.randrange(len(frames))
        frames[index] = chance.choice(MUTATIONS)(chance, frames[index])
    return handshake() + frames


def out_of_order(chance: random.Random) -> Frames:
    """A conversation with its frames in the wrong places, contents torn apart among them."""
    content = [
        method_frame(1, "basic.publish", routing_key="fuzz-0"),
        header_frame(1, 6),
        body_frame(1, b"abc"),
        body_frame(1, b"def"),
    ]
    frames = [*conversation(chance), *content, *content]
    return handshake() + disturb(chance, frames, chance.randint(1, 6))


def oversized(chance: random.Random) -> Frames:
    """Sizes that are too large, lie, or are at the limit."""
    publish = method_frame(1, "basic.publish", routing_key="fuzz-0")
    size = chance.choice((131072, 131073, 131080, 2**31, 2**32 - 1))
    announced = chance.choice((0, 1, 2**24 + 1, 2**29 + 1, 2**63, 2**64 - 1))
    return handshake() + chance.choice(
        (
            [struct.pack(">BHI", chance.choice((1, 2, 3, 8)), 1, size), chance.randbytes(1000)],
            [publish, header_frame(1, announced), body_frame(1, b"x" * 10)],
            [publish, header_frame(1, 3), body_frame(1, b"x" * 10)],
            [publish, content_frames(1, b"x" * 200_000, 131072)],
            [publish, header_frame(1, 10), body_frame(1, b""), body_frame(1, b"")],
        )
    )


def truncated(chance: random.Random) -> Frames:
    """A good conversation that ends anywhere."""
    data = b"".join(handshake() + conversation(chance))
    return [data[: chance.randrange(len(data))]]


def unknown_methods(chance: random.Random) -> Frames:
    """Methods that do not exist, belong to the server, or have arguments that are noise."""
    class_id = chance.choice((0, 10, 20, 30, 40, 50, 60, 85, 90, 110, 65535))
    method_id = chance.choice((0, 10, 11, 20, 30, 31, 40, 50, 60, 71, 80, 120, 65535))
    payload = struct.pack(">HH", class_id, method_id) + chance.randbytes(chance.randrange(60))
    return [*handshake(), frame(1, chance.choice((0, 1, 1, 7)), payload), *conversation(chance)]


def hostile_tables(chance: random.Random) -> Frames:
    """Tables nested deeply, with wrong lengths, and of types that nobody knows."""
    table = b""
    for _ in range(chance.choice((1, 50, 200, 2000))):
        table = b"\x01aF" + struct.pack(">I", len(table)) + table
    table = chance.choice(
        (
            table,
            b"\x01aA" + struct.pack(">I", 5) + b"A\xff\xff\xff\xff",
            b"\x01a" + chance.choice((b"z", b"\x00", b"\xff")) + b"x" * 8,
            b"\xff" + b"a" * 20,
            b"\x01d" + b"d" + b"\x7f\xf8" + bytes(6) + b"\x01D" + b"D\xff\xff\xff\xff\xff",
        )
    )
    length = struct.pack(">I", max(0, len(table) + chance.choice((0, 0, 0, -1, 1, 2**31))))
    properties = b"\x20\x00" + length + table
    declare = struct.pack(">HHH", 50, 10, 0) + b"\x06fuzz-t\x10" + length + table
    publish = method_frame(1, "basic.publish", exchange="amq.headers", routing_key="x")
    wrong = chance.choice(
        ([frame(1, 1, declare)], [publish, header_frame(1, 0, properties)]),
    )
    return [*handshake(), *wrong, *conversation(chance)]


MAKERS: tuple[Callable[[random.Random], Frames], ...] = (
    garbage,
    noise_after_header,
    noise_after_handshake,
    bad_handshake,
    mutated,
    out_of_order,
    oversized,
    truncated,
    unknown_methods,
    hostile_tables,
)
WEIGHTS = (5, 5, 5, 10, 35, 10, 5, 10, 10, 5)


def disturb(chance: random.Random, frames: Frames, times: int) -> Frames:
    """Frames dropped, doubled, swapped or broken, `times` of them."""
    frames = list(frames)
    for _ in range(times):
        first, second = chance.randrange(len(frames)), chance.randrange(len(frames))
        how = chance.randrange(4)
        if how == 0 and len(frames) > 1:
            del frames[first]
        elif how == 1:
            frames.insert(second, frames[first])
        elif how == 2:
            frames[first], frames[second] = frames[second], frames[first]
        else:
            frames[first] = chance.choice(MUTATIONS)(chance, frames[first])
    return frames


def _flip(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data)) if data else 0
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _overwrite(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    noise = chance.randbytes(chance.randint(1, 4))
    return data[:place] + noise + data[place + len(noise) :]


def _insert(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + chance.randbytes(chance.randint(1, 9)) + data[place:]


def _remove(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + data[place + chance.randint(1, 4) :] or b"\xce"


def _other_type(chance: random.Random, data: bytes) -> bytes:
    return bytes([chance.choice((0, 1, 2, 3, 4, 8, 255))]) + data[1:]


def _other_channel(chance: random.Random, data: bytes) -> bytes:
    return data[:1] + struct.pack(">H", chance.choice((0, 1, 2, 9, 65535))) + data[3:]


def _inside(chance: random.Random, data: bytes) -> bytes:
    # Still a frame, of another length: what is wrong is found by those who look into it.
    if len(data) < 8:
        return _flip(chance, data)
    payload = chance.choice((_flip, _overwrite, _insert, _remove))(chance, data[7:-1] or b"\0")
    return data[:3] + struct.pack(">I", len(payload)) + payload + data[-1:]


def _other_length(chance: random.Random, data: bytes) -> bytes:
    size = chance.choice((0, 1, 3, max(0, len(data) - 9), len(data) - 7, 131072, 2**32 - 1))
    return data[:3] + struct.pack(">I", max(0, size)) + data[7:]


MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _inside,
    _inside,
    _inside,
    _flip,
    _overwrite,
    _insert,
    _remove,
    _other_type,
    _other_channel,
    _other_length,
)
