"""The default exchange (spec 6.2)."""

import pytest

from exchanges.base import InvalidArgument
from exchanges.default import DefaultExchange
from tests.unit.exchanges.fakes import Queue, routed


def test_routes_to_the_queue_named_by_each_key():
    one, two = Queue("one"), Queue("two")
    exchange = DefaultExchange({"one": one, "two": two})
    assert routed(exchange, "one") == {one}
    assert routed(exchange, "two", "one", "three") == {one, two}
    assert routed(exchange, "three") == set()


def test_sees_queues_come_and_go():
    queues: dict[str, Queue] = {}
    exchange = DefaultExchange(queues)
    queues["q"] = Queue()
    assert routed(exchange, "q") == {queues["q"]}
    del queues["q"]
    assert routed(exchange, "q") == set()


def test_cannot_be_bound():
    with pytest.raises(InvalidArgument, match="operation not permitted on the default exchange"):
        DefaultExchange({}).bind(Queue(), "queue", "k", {})


def test_is_a_durable_direct_exchange_without_a_name():
    exchange = DefaultExchange({})
    assert (exchange.name, exchange.type, exchange.durable) == ("", "direct", True)
    assert not exchange.per_message
