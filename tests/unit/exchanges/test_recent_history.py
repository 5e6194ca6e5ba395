"""The recent-history exchange (spec 6.7)."""

import pytest

from exchanges.base import InvalidArgument
from tests.unit.exchanges.fakes import Queue, bind, make, message, routed

TYPE = "x-recent-history"


def publish(exchange, count, **more):
    messages = [message(str(number), **more) for number in range(count)]
    for each in messages:
        exchange.route(each)
    return messages


def due(exchange):
    return list(exchange.on_bound(bind(exchange, Queue())))


def test_the_last_twenty_oldest_first():
    exchange = make(TYPE)
    messages = publish(exchange, 25)
    assert due(exchange) == messages[5:]


@pytest.mark.parametrize("tag", ["b", "s", "I", "l"])
def test_as_many_as_was_asked(tag):
    exchange = make(TYPE, {"x-recent-history-length": (tag, 3)})
    messages = publish(exchange, 5)
    assert due(exchange) == messages[2:]
    assert due(exchange) == messages[2:]


def test_is_a_fanout():
    exchange, queue = make(TYPE), Queue()
    binding = bind(exchange, queue, "k")
    assert routed(exchange, "other") == {queue}
    exchange.discard(binding)
    assert routed(exchange, "other") == set()


def test_messages_may_ask_not_to_be_kept():
    exchange, queue = make(TYPE), Queue()
    bind(exchange, queue)
    kept = message()
    exchange.route(kept)
    no_store = {"x-recent-history-no-store": ("t", True)}
    assert routed(exchange, headers=no_store) == {queue}
    assert due(exchange) == [kept]
    exchange.route(message(headers={"x-recent-history-no-store": ("S", "true")}))
    exchange.route(message(headers={"x-recent-history-no-store": ("t", False)}))
    assert len(due(exchange)) == 3


def test_asking_for_the_way_is_not_publishing():
    exchange = make(TYPE)
    publish(exchange, 1, message=None)
    assert due(exchange) == []


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (("I", 0), "0"),
        (("l", -1), "-1"),
        (("S", "10"), '<<"10">>'),
        (("d", 5.0), "5.0"),
        (("t", True), "true"),
        (("V", None), "undefined"),
    ],
)
def test_bad_lengths(field, shown):
    with pytest.raises(InvalidArgument) as refused:
        make(TYPE, {"x-recent-history-length": field})
    assert str(refused.value) == (
        f"Invalid argument {shown}, 'x-recent-history-length' must be a positive integer"
    )


def test_the_longest_length_of_all():
    exchange = make(TYPE, {"x-recent-history-length": ("l", 2**63 - 1)})
    messages = publish(exchange, 30)
    assert due(exchange) == messages
