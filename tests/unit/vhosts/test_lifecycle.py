from types import SimpleNamespace

import pytest

from tests.unit.vhosts.fakes import declare_exchange, declare_queue, make_vhost, refusal
from vhosts import errors
from vhosts.lifecycle import Closed, dismantle, suspend


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


@pytest.mark.parametrize(("end", "word"), [(dismantle, "close"), (suspend, "suspend")])
def test_nothing_is_left_and_nothing_is_written(end, word):
    full = make_full()
    before = full.vhost.topology
    full.queue.on_close = lambda: full.vhost.delete_queue(full.queue)  # its last consumer went
    end(full.vhost)
    assert (full.vhost.queues, full.vhost.exchanges) == ({}, {})
    assert full.vhost.topology > before
    assert full.room.ends == [word]
    assert (full.queue.closed, full.queue.suspended) == ((1, False), (0, True))[word == "suspend"]
    assert full.vhost.store.calls == []


def test_nothing_can_be_made_in_a_closed_one():
    vhost = make_vhost(store=Closed("v"))
    assert refusal(errors.ResourceError, declare_queue, vhost, "q") == "vhost 'v' is down"
    assert (
        refusal(errors.ResourceError, declare_exchange, vhost, "x", durable=True)
        == "vhost 'v' is down"
    )
