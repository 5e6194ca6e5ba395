"""The random exchanges (spec 6.2)."""

import random
from collections import Counter

import pytest

from exchanges.base import InvalidArgument
from tests.unit.exchanges.fakes import Queue, bind, make, message, routed


@pytest.fixture(autouse=True)
def _same_numbers_every_time():
    state = random.getstate()
    random.seed(1)
    yield
    random.setstate(state)


@pytest.mark.parametrize("exchange_type", ["x-random", "x-local-random"])
def test_one_queue_and_in_time_all(exchange_type):
    exchange = make(exchange_type)
    queues = [Queue(str(number)) for number in range(5)]
    for queue in queues:
        bind(exchange, queue)
    found = [exchange.route(message("whatever")) for _ in range(1000)]
    assert {len(destinations) for destinations in found} == {1}
    counts = Counter(destination for (destination,) in found)
    assert all(counts[queue] == pytest.approx(200, rel=0.3) for queue in queues)


def test_bindings_count_rather_than_queues():
    exchange, one, two = make("x-random"), Queue("one"), Queue("two")
    for key in "abc":
        bind(exchange, one, key)
    bind(exchange, two)
    counts = Counter(next(iter(exchange.route(message()))) for _ in range(1000))
    assert counts[one] == pytest.approx(750, rel=0.1)


def test_bindings_come_and_go_in_any_order():
    exchange = make("x-random")
    bindings = [bind(exchange, Queue(str(number))) for number in range(6)]
    left = {binding.destination for binding in bindings}
    for binding in (bindings[2], bindings[5], bindings[0], bindings[4]):
        exchange.discard(binding)
        left.discard(binding.destination)
        found = {next(iter(exchange.route(message()))) for _ in range(300)}
        assert found == left
    exchange.discard(bindings[1])
    exchange.discard(bindings[3])
    assert routed(exchange) == set()


@pytest.mark.parametrize(
    ("destination", "key", "text"),
    [
        (Queue(), "k", "Non empty binding 'k' key not permitted"),
        (
            Queue(queue_type="quorum"),
            "",
            "Queue type rabbit_quorum_queue not valid for this exchange type",
        ),
        (
            Queue(queue_type="stream"),
            "",
            "Queue type rabbit_stream_queue not valid for this exchange type",
        ),
        (make("fanout"), "", "Destination not found"),
    ],
)
def test_what_a_local_random_exchange_refuses(destination, key, text):
    exchange = make("x-local-random")
    with pytest.raises(InvalidArgument) as refused:
        bind(exchange, destination, key)
    assert str(refused.value) == text
    assert routed(exchange) == set()
