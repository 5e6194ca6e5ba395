from types import SimpleNamespace

import pytest

from persistence.steps import through
from tests.unit.vhosts.fakes import declare_exchange, declare_queue, make_vhost, refusal
from vhosts import errors
from vhosts.lifecycle import Closed, dismiss, suspend, take_out


class Room:
    """A waiting room that notes its end."""

    name, id = "room", 7

    def __init__(self):
        self.ends = []

    def close(self):
        self.ends.append("close")

    def suspend(self):
        self.ends.append("suspend")


def make_full():
    vhost = make_vhost(furnish=furnish)
    delayed = {"x-delayed-type": ("S", "fanout")}
    exchange = declare_exchange(vhost, "x", "x-delayed-message", durable=True, arguments=delayed)
    queue = declare_queue(vhost, "q", durable=True, auto_delete=True)
    vhost.bind("x", "q", "queue", "k", {}, None)
    vhost.store.calls.clear()
    return SimpleNamespace(vhost=vhost, queue=queue, room=exchange.room)


def furnish(_vhost, exchange, _room_id):
    exchange.room = Room()


@pytest.mark.parametrize("to_come_back", [False, True])
def test_nothing_is_left_and_nothing_is_written(to_come_back):
    full = make_full()
    before, exchange = full.vhost.topology, full.vhost.exchanges["x"]
    through(suspend(full.vhost, *take_out(full.vhost), to_come_back=to_come_back))
    assert (full.vhost.queues, full.vhost.exchanges) == ({}, {})
    assert full.vhost.topology > before
    assert full.room.ends == ["suspend"]
    assert (full.queue.closed, full.queue.suspended) == (0, True)
    assert full.queue.saved == to_come_back
    assert (exchange.bindings, list(full.vhost.bindings.to(full.queue))) == ({}, [])
    assert full.vhost.store.calls == []


def test_all_that_have_consumers_are_dismissed():
    vhost = make_vhost()
    queues = [declare_queue(vhost, name) for name in ("a", "b", "c")]
    queues[1].consumer_count = 2
    through(dismiss(vhost))
    assert [queue.dismissed for queue in queues] == [False, True, False]
    assert list(vhost.queues) == ["a", "b", "c"]


def test_it_is_done_in_bits():
    vhost = make_vhost()
    for number in range(20):
        declare_queue(vhost, f"q{number}")
    bits = list(suspend(vhost, *take_out(vhost), to_come_back=True))
    assert len(bits) >= 20


def test_nothing_can_be_made_in_a_closed_one():
    vhost = make_vhost(store=Closed("v"))
    assert refusal(errors.ResourceError, declare_queue, vhost, "q") == "vhost 'v' is down"
    assert (
        refusal(errors.ResourceError, declare_exchange, vhost, "x", durable=True)
        == "vhost 'v' is down"
    )
