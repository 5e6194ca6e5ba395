from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.amqp.hot import BASIC_ACK, BASIC_ACK_MULTIPLE, BASIC_PUBLISH
from broker.amqp.protocol import PROTOCOL_HEADER, VIOLATION, Command, Protocol
from tests.support import wire
from tests.support.encoding import encode_method, encode_properties
from tests.support.wire import body_frame, frame, header_frame, method_frame, publish_frames

LIMIT = 131072
QOS = 60 << 16 | 10
TO_Q = encode_method("basic.publish", routing_key="q")[4:]
PUBLISH = method_frame(1, "basic.publish", routing_key="q")


def started(limit: int = LIMIT, largest: int = 1 << 20) -> Protocol:
    protocol = Protocol(limit, largest)
    protocol.receive(wire.PROTOCOL_HEADER)
    assert protocol.commands() == [(0, PROTOCOL_HEADER, wire.PROTOCOL_HEADER)]
    return protocol


def parse(*pieces: bytes, protocol: Protocol | None = None) -> list[Command]:
    """All commands of pieces that arrive one read each."""
    protocol = protocol or started()
    out = []
    for piece in pieces:
        protocol.receive(piece)
        out += protocol.commands()
    assert not protocol.more
    return out


def flat(commands: list[Command]) -> list[Command]:
    """One command for each message and ack, whichever came as one; bodies whole."""
    out: list[Command] = []
    for command in commands:
        channel, kind = command[:2]
        if kind == BASIC_PUBLISH and len(command) == 5:
            header = command[3]
            for body in command[4]:
                whole = b"".join(body) if isinstance(body, list) else body
                out.append((channel, kind, command[2], header.payload, header.body_size, whole))
        elif kind == BASIC_ACK and len(command) == 4:
            out += [(channel, kind, tag) for tag in range(command[2], command[3] + 1)]
        elif kind == VIOLATION:
            out.append((channel, kind, command[2].code))
        else:
            out.append(command)
    return out


def publish(channel: int = 1, body: bytes = b"body", **options) -> bytes:
    return publish_frames(channel, "", "q", body, **options)


def ack(tag: int, *, multiple: bool = False, channel: int = 1) -> bytes:
    return method_frame(channel, "basic.ack", delivery_tag=tag, multiple=multiple)


# -- the shapes of commands


def test_protocol_header_in_two_reads():
    protocol = Protocol(LIMIT, 100)
    protocol.receive(b"AMQP")
    assert protocol.commands() == []
    protocol.receive(b"\0\0\x09\x01" + method_frame(0, "connection.close-ok"))
    kinds = [command[1] for command in protocol.commands()]
    assert kinds == [PROTOCOL_HEADER, 10 << 16 | 51]


def test_methods_come_undecoded():
    assert parse(method_frame(7, "basic.qos", prefetch_count=3)) == [
        (7, QOS, encode_method("basic.qos", prefetch_count=3)[4:])
    ]


def test_publishes_in_a_row_are_one_command_behind_the_first():
    first, rest = parse(publish(body=b"abcd") + publish() * 3)
    assert first[:3] == rest[:3] == (1, BASIC_PUBLISH, TO_Q)
    assert (first[4], rest[4]) == ([b"abcd"], [b"body"] * 3)
    assert first[3] is rest[3]
    assert rest[3].body_size == 4


@pytest.mark.parametrize(
    "other",
    [
        publish(channel=2),
        publish(body=b"longer"),
        publish(mandatory=True),
        publish(delivery_mode=2),
        publish_frames(1, "", "r", b"body"),
        publish(body=b""),
        publish(headers={"a": 1}),
        ack(1),
        method_frame(1, "basic.qos"),
    ],
)
def test_whatever_differs_breaks_the_row(other):
    commands = parse(publish() * 2 + other + publish() * 2)
    assert flat(commands) == flat(parse(publish() * 2)) + flat(parse(other)) + flat(
        parse(publish() * 2)
    )


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 5000])
def test_a_body_of_one_frame_is_bytes(body):
    (command,) = parse(publish(body=body))
    assert command[4] == [body]


def test_a_body_of_many_frames_is_a_list():
    pieces = body_frame(1, b"ab") + body_frame(1, b"") + body_frame(1, b"cde")
    (command,) = parse(PUBLISH + header_frame(1, 5) + pieces)
    assert command[4] == [[b"ab", b"cde"]]


def test_a_long_body_frame_is_taken_as_it_comes():
    whole = publish(body=b"x" * 100_000)
    protocol = started()
    assert parse(whole[:50_000], whole[50_000:90_000], protocol=protocol) == []
    assert len(whole[:90_000]) - 100 < protocol.buffered < 90_000
    (command,) = parse(whole[90_000:], protocol=protocol)
    assert b"".join(command[4][0]) == b"x" * 100_000
    assert protocol.buffered == 0


def test_contents_of_channels_mix():
    first, second = publish(1, b"one"), publish(2, b"two")
    method = len(method_frame(1, "basic.publish", routing_key="q"))
    mixed = first[:method] + second[:method] + first[method:] + second[method:]
    assert flat(parse(mixed)) == flat(parse(first + second))


def test_too_large_a_body_is_thrown_away():
    protocol = started(largest=10)
    data = publish(body=b"x" * 10) + publish(body=b"x" * 11) + publish(body=b"y" * 9000)
    commands = parse(data[:5000], data[5000:], protocol=protocol)
    assert [(command[3].body_size, command[4]) for command in commands] == [
        (10, [b"x" * 10]),
        (11, [None]),
        (9000, [None]),
    ]
    assert protocol.buffered == 0


def test_acks_in_a_row_are_one_command():
    data = b"".join(map(ack, [4, 5, 6, 8, 7])) + ack(9, multiple=True) + ack(10, channel=2)
    assert parse(data) == [
        (1, BASIC_ACK, 4, 6),
        (1, BASIC_ACK, 8, 8),
        (1, BASIC_ACK, 7, 7),
        (1, BASIC_ACK_MULTIPLE, 9),
        (2, BASIC_ACK, 10, 10),
    ]


def test_headers_are_parsed_once():
    first, second = (
        command[3]
        for command in parse(publish(delivery_mode=2) + ack(1), publish(delivery_mode=2))
        if command[1] == BASIC_PUBLISH
    )
    assert first is second
    assert first.persistent


def test_heartbeats_are_no_commands():
    beat = frame(wire.HEARTBEAT, 0, b"")
    assert flat(parse(beat + publish() + beat)) == flat(parse(publish()))


def test_hot_methods_on_channel_zero_are_methods():
    assert [
        command[:2] for command in parse(ack(1, channel=0) + PUBLISH[:1] + b"\0\0" + PUBLISH[3:])
    ] == [
        (0, BASIC_ACK),
        (0, BASIC_PUBLISH),
    ]


# -- the budget


def test_the_budget_bounds_a_turn():
    protocol = started()
    protocol.receive(publish() * 10)
    counts = []
    while True:
        commands = flat(protocol.commands(budget=4))
        counts.append(len(commands))
        if not protocol.more:
            break
    assert sum(counts) == 10
    assert max(counts) <= 5


# -- violations


VIOLATIONS = {
    "end of frame": (frame(1, 1, PUBLISH[7:-1], end=0), 501, 0, True),
    "frame too large": (b"\1\0\1" + (LIMIT + 1).to_bytes(4, "big"), 501, 0, True),
    "type of frame": (frame(4, 1, b"x"), 501, 0, False),
    "method frame without a method": (frame(1, 1, b"abc"), 501, 0, False),
    "heartbeat with a payload": (frame(8, 0, b"x"), 501, 0, False),
    "heartbeat on a channel": (frame(8, 1, b""), 505, 0, False),
    "header on channel 0": (header_frame(0, 0), 505, 0, False),
    "body on channel 0": (body_frame(0, b"x"), 505, 0, False),
    "header without a method": (header_frame(1, 0), 505, 1, False),
    "body without a method": (body_frame(1, b"x"), 505, 1, False),
    "method for a header": (PUBLISH + method_frame(1, "basic.qos"), 505, 1, False),
    "body for a header": (PUBLISH + body_frame(1, b"x"), 505, 1, False),
    "weight": (PUBLISH + header_frame(1, 1, weight=1), 505, 1, False),
    "class of header": (PUBLISH + header_frame(1, 1, class_id=50), 505, 1, False),
    "header cut short": (frame(2, 1, b"\0\x3c"), 501, 0, False),
    "publish cut short": (frame(1, 1, encode_method("basic.publish")[:-1]), 501, 1, False),
    "announced half a GiB": (PUBLISH + header_frame(1, 1 + (512 << 20)), 501, 1, False),
    "method for a body": (
        PUBLISH + header_frame(1, 1) + method_frame(1, "basic.qos"),
        505,
        1,
        False,
    ),
    "header for a body": (PUBLISH + header_frame(1, 1) + header_frame(1, 1), 505, 1, False),
    "body longer than announced": (
        PUBLISH + header_frame(1, 1) + body_frame(1, b"xx"),
        None,
        1,
        False,
    ),
}


@pytest.mark.parametrize(("data", "code", "channel", "fatal"), VIOLATIONS.values(), ids=VIOLATIONS)
def test_violations(data, code, channel, fatal):
    protocol = started()
    (command,) = parse(data, protocol=protocol)
    assert command[:2] == (channel, VIOLATION)
    assert code is None or command[2].code == code
    assert protocol.dead is fatal
    assert flat(parse(publish(), protocol=protocol)) == ([] if fatal else flat(parse(publish())))
    assert protocol.buffered == 0


def test_the_largest_frame_allowed():
    assert len(parse(frame(1, 1, encode_method("basic.qos") + bytes(LIMIT - 11)))) == 1


def test_forgotten_contents_leave_no_trace():
    protocol = started()
    assert parse(PUBLISH + header_frame(1, 10), protocol=protocol) == []
    protocol.forget_contents(1)
    assert flat(parse(publish(), protocol=protocol)) == flat(parse(publish()))


def test_a_forgotten_content_is_forgotten_in_the_middle_of_a_frame():
    protocol = started()
    whole = publish(body=b"x" * 20_000)
    assert parse(whole[:10_000], protocol=protocol) == []
    protocol.forget_contents(1)
    assert flat(parse(whole[10_000:] + publish(), protocol=protocol)) == flat(parse(publish()))


# -- any cutting of the same bytes into reads gives the same commands

channels = st.integers(1, 3)
bodies = st.sampled_from([0, 1, 5, 5, 5, 700, 9000, 20_000]).map(lambda size: b"b" * size)
header_values = st.sampled_from(
    [{}, {"delivery_mode": 2}, {"headers": {"k": "v"}}, {"expiration": "5", "priority": 3}]
)


@st.composite
def publishes(draw) -> bytes:
    frames = publish_frames(
        draw(channels),
        "",
        draw(st.sampled_from(["q", "r"])),
        draw(bodies),
        frame_max=draw(st.sampled_from([4096, 8200, LIMIT])),
        **draw(header_values),
    )
    return frames * int(draw(st.sampled_from([1, 1, 3])))


ack_runs = st.builds(
    lambda channel, first, count: b"".join(
        ack(tag, channel=channel) for tag in range(first, first + count)
    ),
    channels,
    st.integers(0, 1 << 63),
    st.integers(1, 4),
)
others = st.sampled_from(
    [
        ack(3, multiple=True),
        frame(8, 0, b""),
        method_frame(1, "basic.qos", prefetch_count=1),
        method_frame(0, "connection.close-ok"),
        method_frame(2, "queue.declare", queue="x" * 200),
    ]
)
wrong = st.sampled_from([data for data, *_ in VIOLATIONS.values()])
streams = st.lists(st.one_of(publishes(), publishes(), ack_runs, others), max_size=12)


@st.composite
def cut_streams(draw) -> list[bytes]:
    parts = draw(streams)
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), draw(wrong))
    whole = b"".join(parts)
    cuts = draw(st.lists(st.integers(0, len(whole)), max_size=12))
    return [whole[start:end] for start, end in pairwise([0, *sorted(cuts), len(whole)])]


@given(cut_streams(), st.sampled_from([1, 3, 1000]))
def test_any_cutting_gives_the_same_commands(pieces, budget):
    at_once = started(largest=15_000)
    at_once.receive(b"".join(pieces))
    in_pieces = started(largest=15_000)
    commands = []
    for piece in pieces:
        in_pieces.receive(piece)
        commands += in_pieces.commands(budget)
        while in_pieces.more:
            commands += in_pieces.commands(budget)
    assert flat(commands) == flat(at_once.commands(1 << 30))
    assert in_pieces.dead is at_once.dead
    assert in_pieces.buffered == at_once.buffered


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_garbage_never_raises_and_is_cut_the_same(garbage, cuts):
    whole = garbage + publish()
    pieces = [whole[a:b] for a, b in pairwise([0, *sorted(cuts), len(whole)])]
    assert flat(parse(*pieces)) == flat(parse(whole))


def test_properties_survive_as_bytes():
    raw = encode_properties(headers={"k": [1, "two", None]}, message_id="m", timestamp=7)
    (command,) = parse(PUBLISH + header_frame(1, 0, raw))
    assert command[3].payload == b"\0\x3c\0\0" + bytes(8) + raw
