import pytest

from mgmt_ui import rates
from mgmt_ui.rates import NODE, TOTALS, Rates
from tests.unit.mgmt_ui.fakes import FakeServer


@pytest.fixture
def sampled(server: FakeServer):
    sampler = Rates(server.as_server)
    sampler.start()
    yield sampler
    sampler.stop()
    assert server.clock.pending == 0


def test_a_rate_is_the_change_between_the_last_two_samples(server: FakeServer, sampled: Rates):
    queue = server.add_queue("q", message_count=10)
    server.clock.advance(0)
    queue.message_count = 60
    server.clock.advance(5)
    assert sampled.of(queue)("messages") == 10.0
    assert sampled.of(queue)("messages_unacknowledged") == 0.0
    queue.message_count = 50
    server.clock.advance(5)
    assert sampled.of(queue)("messages") == -2.0


def test_what_is_younger_than_two_samples_has_no_rate(server: FakeServer, sampled: Rates):
    server.clock.advance(0)
    queue = server.add_queue("q", acked=1000)
    assert sampled.of(queue)("ack") == 0.0
    server.clock.advance(5)
    assert sampled.of(queue)("ack") == 0.0
    server.clock.advance(5)
    queue.acked = 2000
    assert sampled.of(queue)("ack") == 0.0


def test_totals_are_the_sums(server: FakeServer, sampled: Rates):
    queues = [server.add_queue(str(number)) for number in range(3)]
    server.clock.advance(0)
    for queue in queues:
        queue.message_count = 5
    server.clock.advance(5)
    assert sampled.of(TOTALS)("messages_ready") == 3.0


def test_samples_are_taken_in_slices(
    server: FakeServer, sampled: Rates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rates, "SLICE", 2)
    queues = [server.add_queue(str(number)) for number in range(7)]
    server.clock.advance(0)
    for queue in queues:
        queue.got = 10
    server.clock.advance(5)
    assert [sampled.of(queue)("deliver_get") for queue in queues] == [2.0] * 7


def test_connections_and_exchanges_have_rates(server: FakeServer, sampled: Rates):
    connection = server.add_connection()
    exchange = server.add_exchange("x")
    server.clock.advance(0)
    connection.received_bytes += 500
    exchange.publish_in += 50
    server.clock.advance(5)
    assert sampled.of(connection)("recv_oct") == 100.0
    assert sampled.of(exchange)("publish_in") == 10.0


def test_what_is_gone_is_forgotten(server: FakeServer, sampled: Rates):
    server.add_queue("q")
    server.clock.advance(5)
    assert len(sampled._newest) == 4  # the queue, its virtual host, the totals and the node
    server.vhosts["/"].queues.clear()
    server.clock.advance(10)
    assert len(sampled._newest) == len(sampled._previous) == 3


def test_samples_are_taken_at_multiples_of_five_seconds(server: FakeServer, sampled: Rates):
    server.clock.advance(2)
    sampled.stop()
    sampled.start()
    queue = server.add_queue("q", message_count=1)
    server.clock.advance(30)
    now = server.clock.now_ms() // 5000 * 5000
    assert sampled.at(queue, "messages", [now, now - 5000, now - 40_000], 60) == [1, 1, 0]


def test_objects_that_change_have_a_past_as_far_as_there_is_room(
    server: FakeServer, sampled: Rates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rates, "MOST_CHANGING", 2)
    queues = [server.add_queue(str(number), message_count=1) for number in range(5)]
    server.clock.advance(10)
    assert sum(id(queue) in sampled._histories for queue in queues) == 2
    server.vhosts["/"].queues.clear()
    server.clock.advance(10)
    late = server.add_queue("late", message_count=1)
    server.clock.advance(10)
    assert id(late) in sampled._histories


def test_who_is_asked_for_has_a_past_from_then_on(
    server: FakeServer, sampled: Rates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rates, "MOST_ASKED", 2)
    queues = [server.add_queue(str(number)) for number in range(4)]
    server.clock.advance(5)
    now = server.clock.now_ms()
    for queue in queues:
        assert sampled.at(queue, "messages", [now], 60) == [0]
    assert [id(queue) in sampled._histories for queue in queues] == [False, False, True, True]
    server.vhosts["/"].queues.clear()
    server.clock.advance(10)
    assert not sampled._asked


def test_the_totals_of_the_broker_and_its_vhosts(server: FakeServer, sampled: Rates):
    server.clock.advance(0)
    vhost = server.vhosts["/"]
    vhost.statistics.publish = 50
    server.add_connection().received_bytes = 600
    server.add_queue("q", message_count=5)
    server.clock.advance(5)
    for thing in (vhost, TOTALS):
        rate = sampled.of(thing)
        assert (rate("publish"), rate("recv_oct"), rate("messages")) == (10.0, 120.0, 1.0)
    assert sampled.of(NODE)("fd_used") == 0.0


def test_lengths_of_very_many_queues_are_those_of_the_sample(
    server: FakeServer, sampled: Rates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rates, "MOST_LIVE", 2)
    vhosts = server.vhosts.values()
    for name in "ab":
        server.add_queue(name, message_count=2, unacked=1)
    server.clock.advance(0)
    for queue in server.vhosts["/"].queues.values():
        queue.message_count = 5
    assert sampled.lengths(list(vhosts)) == (12, 10, 2)
    server.add_queue("c", message_count=7)
    assert sampled.lengths(list(vhosts)) == (6, 4, 2)
    server.clock.advance(5)
    assert sampled.lengths(list(vhosts)) == (19, 17, 2)


def test_who_does_nothing_is_idle(server: FakeServer, sampled: Rates):
    queue = server.add_queue("q")
    server.clock.advance(0)
    assert sampled.idle_since(queue) is None
    server.clock.advance(10)
    assert sampled.idle_since(queue) == "2023-11-14T22:13:20.000+00:00"
    queue.acked = 1
    server.clock.advance(5)
    assert sampled.idle_since(queue) is None


def test_a_reset_begins_anew(server: FakeServer, sampled: Rates):
    queue = server.add_queue("q")
    server.clock.advance(5)
    queue.acked = 10
    server.clock.advance(5)
    sampled.reset()
    assert sampled.of(queue)("ack") == 0.0
    assert sampled.at(queue, "ack", [server.clock.now_ms()], 60) == [0]
