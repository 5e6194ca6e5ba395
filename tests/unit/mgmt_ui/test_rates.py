import pytest

from mgmt_ui import rates
from mgmt_ui.rates import TOTALS, Rates
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
    assert len(sampled._newest) == 2
    server.vhosts["/"].queues.clear()
    server.clock.advance(10)
    assert len(sampled._newest) == len(sampled._previous) == 1
