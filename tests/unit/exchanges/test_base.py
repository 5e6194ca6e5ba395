"""Bookkeeping of bindings, which all types share (spec 4.3, management.md 1.9)."""

import pytest

from exchanges.base import Exchange, InvalidArgument
from exchanges.registry import EXCHANGE_TYPES
from tests.unit.exchanges.fakes import Queue, bind, make, routed

ARGUMENTS = {"a": ("I", 1), "b": ("S", "x")}

VALID_KEY = {"x-consistent-hash": "1", "x-local-random": ""}


def test_starts_without_bindings():
    exchange = make("direct")
    assert (exchange.bindings, exchange.had_bindings) == ({}, False)
    assert (exchange.publish_in, exchange.publish_out) == (0, 0)


@pytest.mark.parametrize("exchange_type", EXCHANGE_TYPES)
def test_the_same_binding_twice_is_one(exchange_type):
    exchange, queue = make(exchange_type), Queue()
    key = VALID_KEY.get(exchange_type, "k")
    first = exchange.bind(queue, "queue", key, {})
    assert exchange.bind(queue, "queue", key, {}) is None
    assert list(exchange.bindings.values()) == [first]
    assert exchange.find(queue, "queue", key, {}) is first
    assert exchange.unbind(queue, "queue", key, {}) is first
    assert exchange.unbind(queue, "queue", key, {}) is None
    assert not exchange.bindings
    assert not routed(exchange, key)


@pytest.mark.parametrize("exchange_type", ["direct", "fanout", "topic", "headers"])
def test_same_key_with_other_arguments_is_another_binding(exchange_type):
    exchange, queue = make(exchange_type), Queue()
    bind(exchange, queue, "k")
    bind(exchange, queue, "k", {"x-n": ("I", 1)})
    exchange.unbind(queue, "queue", "k", {})
    assert routed(exchange, "k") == {queue}
    exchange.unbind(queue, "queue", "k", {"x-n": ("I", 1)})
    assert routed(exchange, "k") == set()


def test_the_order_of_arguments_does_not_matter():
    exchange, queue = make("direct"), Queue()
    binding = bind(exchange, queue, "k", ARGUMENTS)
    assert exchange.bind(queue, "queue", "k", dict(reversed(ARGUMENTS.items()))) is None
    assert exchange.unbind(queue, "queue", "k", dict(reversed(ARGUMENTS.items()))) is binding


def test_unbinding_needs_equal_arguments():
    exchange, queue = make("direct"), Queue()
    bind(exchange, queue, "k", ARGUMENTS)
    assert exchange.unbind(queue, "queue", "k", {}) is None
    assert exchange.unbind(queue, "queue", "k", {**ARGUMENTS, "a": ("l", 1)}) is None


def test_queue_and_exchange_of_one_name_are_two_destinations():
    exchange, queue, other = make("direct"), Queue("same"), make("fanout", name="same")
    bind(exchange, queue, "k")
    bind(exchange, other, "k")
    assert routed(exchange, "k") == {queue, other}
    assert exchange.find(queue, "exchange", "k", {}) is None


def test_counts_exchanges_among_its_destinations():
    exchange, other = make("direct"), make("fanout")
    bind(exchange, Queue(), "k")
    assert exchange.exchange_destinations == 0
    binding = bind(exchange, other, "k")
    bind(exchange, other, "l")
    assert exchange.exchange_destinations == 2
    exchange.discard(binding)
    assert exchange.exchange_destinations == 1


def test_remembers_that_it_had_bindings():
    exchange = make("direct")
    exchange.discard(bind(exchange, Queue(), "k"))
    assert exchange.had_bindings


def test_a_refused_binding_leaves_nothing():
    exchange = make("headers")
    with pytest.raises(InvalidArgument):
        exchange.bind(Queue(), "queue", "", {"x-match": ("S", "foo")})
    assert not exchange.bindings
    assert not exchange.had_bindings


def test_nothing_is_due_to_a_new_binding():
    exchange = make("direct")
    assert list(exchange.on_bound(bind(exchange, Queue()))) == []


def test_alternate_exchange_is_the_argument():
    assert make("direct").alternate is None
    assert make("direct", {"alternate-exchange": ("S", "ae")}).alternate == "ae"
    assert make("direct", {"alternate-exchange": ("I", 1)}).alternate is None


def test_a_type_must_say_what_it_does():
    exchange = Exchange("x", True, False, False, {})
    with pytest.raises(NotImplementedError):
        exchange.bind(Queue(), "queue", "", {})
    with pytest.raises(NotImplementedError):
        exchange.remove(None)  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError):
        exchange.route(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("", "~"),
        ("k", "k"),
        ("a.#", "a.%23"),
        ("*.n", "%2A.n"),
        ("#.in", "%23.in"),
        ("x~y", "x%7Ey"),
        ("a b/c+d", "a+b%2Fc%2Bd"),
        ("é", "%C3%A9"),
        ("\udcff", "%FF"),
    ],
)
def test_properties_key_without_arguments(key, expected):
    assert bind(make("direct"), Queue(), key).properties_key == expected


def test_properties_key_with_arguments_is_stable():
    exchange, queue = make("direct"), Queue()
    binding = bind(exchange, queue, "a~b", ARGUMENTS)
    turned = bind(exchange, Queue(), "a~b", dict(reversed(ARGUMENTS.items())))
    key, separator, digest = binding.properties_key.partition("~")
    assert (key, separator, len(digest)) == ("a%7Eb", "~", 6)
    assert turned.properties_key == binding.properties_key
    # URLs outlive a restart: this one must not change.
    assert binding.properties_key == "a%7Eb~uy4mSg"
    assert bind(exchange, queue, "", ARGUMENTS).properties_key == "~uy4mSg"
    assert bind(exchange, queue, "", {"a": ("I", 2)}).properties_key != "~uy4mSg"
