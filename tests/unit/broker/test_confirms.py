"""Confirms of one channel, against a disk and an end of turn that the test brings about."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.confirms import Confirms
from tests.support.encoding import decode_method


class Channel:
    """What confirms need of a channel and of its turn; `sent` is (ack or nack, tag, multiple)."""

    def __init__(self) -> None:
        self.number = 3
        self.turn = self
        self.sent: list[tuple[str, int, bool]] = []
        self.confirming: list[Confirms] = []
        self.awaiting: list[Confirms] = []
        self.await_commit = self.awaiting.append
        self.confirms = Confirms(cast(Any, self))

    def send(self, frame: bytes) -> None:
        method = decode_method(int.from_bytes(frame[1:3], "big"), frame[7:-1])
        assert method.channel == 3
        kind = method.name.removeprefix("basic.")
        self.sent.append((kind, method.arguments["delivery_tag"], method.arguments["multiple"]))

    def commit(self, number: int) -> None:
        self.awaiting[:] = [each for each in self.awaiting if each.committed(number)]

    def end_turn(self) -> list[tuple[str, int, bool]]:
        confirming, self.confirming = self.confirming, []
        assert len(confirming) <= 1, "once a turn is enough"
        for confirms in confirming:
            confirms.flush()
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture
def channel():
    return Channel()


def test_what_needs_no_disk_is_confirmed_at_the_end_of_the_turn(channel):
    channel.confirms.add(1, 0)
    assert channel.sent == []
    assert channel.end_turn() == [("ack", 1, False)]
    channel.confirms.add(2, 0)
    channel.confirms.add(3, 0)
    assert channel.end_turn() == [("ack", 6, True)]
    assert channel.end_turn() == []
    assert channel.awaiting == []


def test_what_needs_the_disk_waits_for_its_commit(channel):
    channel.confirms.add(2, 7)
    channel.confirms.add(1, 8)
    assert channel.end_turn() == []
    channel.commit(6)
    assert channel.end_turn() == []
    channel.commit(7)
    assert channel.end_turn() == [("ack", 2, True)]
    channel.commit(8)
    assert channel.end_turn() == [("ack", 3, False)]
    assert channel.awaiting == []


def test_nothing_overtakes_what_waits_for_the_disk(channel):
    channel.confirms.add(1, 7)
    channel.confirms.add(5, 0)
    assert channel.end_turn() == []
    assert channel.confirms.unconfirmed == 6
    channel.commit(7)
    assert channel.end_turn() == [("ack", 6, True)]
    assert channel.confirms.unconfirmed == 0


def test_refused_messages_are_nacked_in_their_place(channel):
    channel.confirms.add(2, 0)
    channel.confirms.refuse(0)
    channel.confirms.refuse(0)
    channel.confirms.add(1, 0)
    assert channel.end_turn() == [
        ("ack", 2, True),
        ("nack", 3, False),
        ("nack", 4, False),
        ("ack", 5, False),
    ]


def test_a_nack_waits_too(channel):
    channel.confirms.add(1, 7)
    channel.confirms.refuse(0)
    assert channel.end_turn() == []
    channel.commit(7)
    assert channel.end_turn() == [("ack", 1, False), ("nack", 2, False)]


def test_forgotten_confirms_are_never_sent(channel):
    channel.confirms.add(2, 0)
    channel.confirms.add(1, 7)
    channel.confirms.refuse(8)
    channel.confirms.forget()
    channel.commit(7)
    channel.commit(8)
    assert channel.end_turn() == []
    assert channel.confirms.unconfirmed == 0
    assert channel.awaiting == []


events = st.one_of(
    st.tuples(st.just("transient"), st.integers(1, 5)),
    st.tuples(st.just("stored"), st.integers(1, 5)),
    st.tuples(st.sampled_from(["refused", "refused and stored", "commit", "turn"]), st.just(1)),
)


@given(st.lists(events, max_size=60))
def test_each_once_in_order_and_never_before_its_commit(events):
    channel = Channel()
    gathering = 1
    published: list[tuple[str, int]] = []  # (expected answer, commit it needs)
    answered = 0

    def check(frames: list[tuple[str, int, bool]]) -> None:
        nonlocal answered
        for kind, tag, multiple in frames:
            assert multiple or tag == answered + 1
            for number in range(answered, tag):
                answer, commit = published[number]
                assert answer == kind
                assert commit < gathering
            answered = tag

    for name, count in events:
        if name == "transient":
            channel.confirms.add(count, 0)
            published += [("ack", 0)] * count
        elif name == "stored":
            channel.confirms.add(count, gathering)
            published += [("ack", gathering)] * count
        elif name.startswith("refused"):
            commit = gathering if "stored" in name else 0
            channel.confirms.refuse(commit)
            published.append(("nack", commit))
        elif name == "commit":
            gathering += 1
            channel.commit(gathering - 1)
        else:
            check(channel.end_turn())
        assert channel.confirms.unconfirmed == len(published) - answered
    gathering += 1
    channel.commit(gathering - 1)
    check(channel.end_turn())
    assert answered == len(published)
