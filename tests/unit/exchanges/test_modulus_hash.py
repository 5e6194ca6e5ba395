"""The modulus-hash exchange (spec 6.2)."""

from collections import Counter

import pytest

from tests.unit.exchanges.fakes import Queue, bind, make, message, routed

KEYS = [f"key-{number}" for number in range(3000)]


def owners(exchange):
    return {key: next(iter(exchange.route(message(key)))).name for key in KEYS}


def with_queues(*names):
    exchange = make("x-modulus-hash")
    for name in names:
        bind(exchange, Queue(name), "ignored")
    return exchange


def test_no_binding_is_no_destination():
    assert routed(make("x-modulus-hash"), "k") == set()


def test_one_destination_whatever_the_order_of_binding():
    found = owners(with_queues("a", "b", "c"))
    assert set(found.values()) == {"a", "b", "c"}
    assert found == owners(with_queues("c", "b", "a"))


def test_all_keys_count():
    exchange = with_queues(*"abcdefgh")
    found = {next(iter(exchange.route(message("k", copy)))).name for copy in KEYS[:100]}
    assert found == set("abcdefgh")


def test_each_binding_is_an_entry():
    exchange = with_queues("a")
    queue = Queue("b")
    first, second = bind(exchange, queue, "1"), bind(exchange, queue, "2")
    assert Counter(owners(exchange).values())["b"] == pytest.approx(2000, rel=0.1)
    exchange.discard(second)
    assert Counter(owners(exchange).values())["b"] == pytest.approx(1500, rel=0.1)
    exchange.discard(first)
    assert set(owners(exchange).values()) == {"a"}
