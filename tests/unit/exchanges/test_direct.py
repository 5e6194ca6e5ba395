"""The direct exchange (spec 6.2)."""

from tests.unit.exchanges.fakes import Queue, bind, make, routed


def test_only_the_very_same_key():
    exchange, queue = make("direct"), Queue()
    bind(exchange, queue, "a.b")
    assert routed(exchange, "a.b") == {queue}
    for key in ("", "a", "A.B", "a.b ", "*.b", "a.#"):
        assert routed(exchange, key) == set()


def test_the_empty_key_is_a_key():
    exchange, queue = make("direct"), Queue()
    bind(exchange, queue, "")
    assert routed(exchange, "") == {queue}


def test_bytes_that_are_no_text_are_compared_too():
    exchange, queue = make("direct"), Queue()
    bind(exchange, queue, "\udcff")
    assert routed(exchange, "\udcff") == {queue}
    assert routed(exchange, "\udcfe") == set()


def test_each_of_several_keys():
    exchange, one, two = make("direct"), Queue("one"), Queue("two")
    bind(exchange, one, "1")
    bind(exchange, two, "2")
    assert routed(exchange, "2", "none", "1") == {one, two}


def test_many_queues_on_one_key_and_one_of_them_gone():
    exchange = make("direct")
    queues = [Queue(str(number)) for number in range(10)]
    for queue in queues:
        bind(exchange, queue, "k")
    assert exchange.unbind(queues[4], "queue", "k", {})
    assert routed(exchange, "k") == {*queues} - {queues[4]}


def test_a_key_without_bindings_takes_no_room():
    exchange, queue = make("direct"), Queue()
    exchange.discard(bind(exchange, queue, "k"))
    assert not exchange._by_key
