"""The table of exchange types (spec 6.2)."""

import pytest

from exchanges.registry import EXCHANGE_TYPES

PER_MESSAGE = {
    "direct": False,
    "fanout": False,
    "topic": False,
    "headers": True,
    "x-consistent-hash": True,
    "x-modulus-hash": True,
    "x-random": True,
    "x-local-random": True,
    "x-recent-history": True,
    "x-delayed-message": True,
    "x-message-deduplication": True,
}


def test_all_types_are_there():
    assert EXCHANGE_TYPES.keys() == PER_MESSAGE.keys()


@pytest.mark.parametrize("name", PER_MESSAGE)
def test_a_type_knows_its_name_and_whether_it_may_be_remembered(name):
    exchange = EXCHANGE_TYPES[name]("x", True, False, True, {})
    assert exchange.type == name
    assert exchange.per_message is PER_MESSAGE[name]
    assert (exchange.name, exchange.durable, exchange.auto_delete) == ("x", True, False)
    assert exchange.internal
    assert not hasattr(exchange, "__dict__")
