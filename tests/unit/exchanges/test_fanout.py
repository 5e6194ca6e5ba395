"""The fanout exchange (spec 6.2)."""

from tests.unit.exchanges.fakes import Queue, bind, make, message, routed


def test_every_binding_whatever_the_key():
    exchange, one, two = make("fanout"), Queue("one"), Queue("two")
    bind(exchange, one, "k")
    bind(exchange, two)
    for key in ("", "k", "other"):
        assert routed(exchange, key) == {one, two}


def test_a_queue_stays_until_its_last_binding_goes():
    exchange, queue = make("fanout"), Queue()
    first, second = bind(exchange, queue, "1"), bind(exchange, queue, "2")
    assert list(exchange.route(message())) == [queue]
    exchange.discard(first)
    assert routed(exchange) == {queue}
    exchange.discard(second)
    assert routed(exchange) == set()
