"""The frame layer alone, without sockets: whatever bytes come, however they are cut."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.amqp.hot import BASIC_ACK, BASIC_PUBLISH
from broker.amqp.protocol import PROTOCOL_HEADER as HEADER_KIND
from broker.amqp.protocol import Protocol
from tests.fuzz.streams import cut, handshake, stream
from tests.support.wire import PROTOCOL_HEADER, frame

FRAME_LIMIT = 4096
MESSAGE_LIMIT = 1 << 20
ANY_FRAME = st.builds(
    frame,
    st.sampled_from([0, 1, 2, 3, 4, 8, 255]),
    st.sampled_from([0, 1, 2, 65535]),
    st.binary(max_size=200),
    st.sampled_from([0xCE, 0xCE, 0xCE, 0]),
)
SOME_BYTES = st.binary(max_size=300)


def feed(pieces: list[bytes], budget: int = 1000) -> list[tuple[Any, ...]]:
    """All commands in these reads, publishes and acks one by one."""
    protocol = Protocol(FRAME_LIMIT, MESSAGE_LIMIT)
    commands: list[tuple[Any, ...]] = []
    for piece in pieces:
        protocol.receive(piece)
        while True:
            commands += protocol.commands(budget)
            if not protocol.more:
                break
        assert protocol.buffered <= FRAME_LIMIT + 8 + sum(map(len, pieces))
    return [each for command in commands for each in singly(command)]


def singly(command: tuple[Any, ...]) -> list[Any]:
    """A command as those that it stands for, in a form that can be compared."""
    channel, kind = command[:2]
    if not channel and kind > 0:
        return [command]  # nothing is assembled for channel 0
    if kind == BASIC_PUBLISH:
        _, _, arguments, header, bodies = command
        return [
            (channel, kind, arguments, header.payload, None if b is None else b"".join(parts(b)))
            for b in bodies
        ]
    if kind == BASIC_ACK:
        assert len(command) == 4, f"an ack that is none: {command}"
        return [(channel, kind, tag) for tag in range(command[2], command[3] + 1)]
    if kind < 0 and kind != HEADER_KIND:
        violation = command[2]
        return [(channel, kind, violation.code, violation.text)]
    return [command]


def parts(body: bytes | list[bytes]) -> list[bytes]:
    return [body] if isinstance(body, bytes) else body


@given(st.lists(SOME_BYTES, max_size=5))
def test_noise_is_never_an_exception(pieces: list[bytes]):
    for command in feed([PROTOCOL_HEADER, *pieces]):
        assert 0 <= command[0] <= 65535


@given(st.lists(ANY_FRAME | SOME_BYTES, max_size=12), st.integers(1, 50), st.randoms())
def test_cuts_and_budgets_change_nothing(pieces: list[bytes], budget: int, chance: random.Random):
    data = b"".join([PROTOCOL_HEADER, *pieces])
    size = chance.randint(1, 40)
    cuts = [data[start : start + size] for start in range(0, len(data), size)]
    assert feed(cuts, budget) == feed([data])


def test_streams_give_the_same_commands_however_they_are_cut():
    chance = random.Random(1)
    for seed in range(2000):
        data = b"".join(stream(seed).pieces)
        whole = feed([data])
        assert feed(cut(chance, data)) == whole, f"seed {seed}"


def test_a_good_handshake_has_one_command_a_step():
    assert len(feed(handshake())) == 5
