"""Messages that came before (spec 6.8)."""

from typing import Any

import pytest

from exchanges.base import InvalidArgument
from exchanges.deduplication import HEADER, SIZE, TTL, Seen, check
from exchanges.registry import EXCHANGE_TYPES, class_of
from tests.unit.exchanges.fakes import NEEDED_ARGUMENTS, Queue, bind, message

ENABLED = {"x-message-deduplication": ("t", True)}


def key(value, **more):
    return {HEADER: ("S", value), **more}


def make(exchange_type, **arguments):
    """A deduplicating exchange of that type, its clock at `clock[0]`."""
    table = NEEDED_ARGUMENTS.get(exchange_type, {}) | ENABLED
    table |= {f"x-{name.replace('_', '-')}": field for name, field in arguments.items()}
    exchange = class_of(exchange_type, table)("x", True, False, False, table)
    exchange.validate()
    return exchange


def test_seen_once_and_again():
    seen = Seen(10, None, HEADER)
    assert not seen.repeats(key("a"), 0)
    assert seen.repeats(key("a"), 10**9)
    assert not seen.repeats(key("b"), 0)


def test_without_a_key_all_are_new():
    seen = Seen(10, None, HEADER)
    for headers in ({}, {HEADER: ("V", None)}, {"other": ("S", "a")}):
        assert not seen.repeats(headers, 0)
        assert not seen.repeats(headers, 0)
    assert len(seen) == 0


def test_the_header_can_have_another_name():
    seen = Seen(10, None, "id")
    assert not seen.repeats(key("a", id=("l", 1)), 0)
    assert seen.repeats(key("b", id=("I", 1)), 0)


def test_the_oldest_is_forgotten():
    seen = Seen(2, None, HEADER)
    for value in ("a", "b", "a", "c"):
        seen.repeats(key(value), 0)
    assert len(seen) == 2
    assert seen.repeats(key("b"), 0)
    assert seen.repeats(key("c"), 0)
    assert not seen.repeats(key("a"), 0)


def test_for_a_time():
    seen = Seen(10, 100, HEADER)
    assert not seen.repeats(key("a"), 0)
    assert seen.repeats(key("a"), 99)  # which does not prolong it
    assert not seen.repeats(key("a"), 100)
    assert seen.repeats(key("a"), 199)


def test_a_message_can_say_how_long():
    seen = Seen(10, 100, HEADER)
    assert not seen.repeats(key("a", **{TTL: ("I", 1000)}), 0)
    assert seen.repeats(key("a"), 999)
    assert not seen.repeats(key("a", **{TTL: ("S", "nonsense")}), 1000)
    assert not seen.repeats(key("a"), 1100)


def test_keys_of_any_type_and_length():
    seen = Seen(10, None, HEADER)
    long = "x" * 10_000
    for field in (("S", long), ("x", b"raw"), ("A", [("I", 1)]), ("F", {"a": ("S", "b")})):
        assert not seen.repeats({HEADER: field}, 0)
        assert seen.repeats({HEADER: field}, 0)
    keys: list[Any] = list(seen._deadlines)
    assert all(len(each) <= 64 for each in keys)


@pytest.mark.parametrize("exchange_type", sorted(set(EXCHANGE_TYPES) - {"x-delayed-message"}))
def test_any_type_routes_as_ever_but_once(exchange_type):
    exchange = make(exchange_type)
    assert exchange.type == exchange_type
    assert not hasattr(exchange, "__dict__")
    queue = Queue("q")
    bind(exchange, queue, "1" if exchange_type == "x-consistent-hash" else "")
    routes = [list(exchange.route(message("", headers=key("a")))) for _ in range(2)]
    if exchange_type != "x-consistent-hash":
        assert routes == [[queue], []]


def test_who_only_asks_for_the_way_sent_nothing():
    exchange = make("fanout")
    bind(exchange, Queue("q"))
    for _ in range(2):
        assert exchange.route(message("", headers=key("a"), message=None))


def test_a_delayed_message_is_no_duplicate_of_itself():
    exchange = make("x-delayed-message", delayed_type=("S", "fanout"))
    exchange.room = Queue("room")
    queue = Queue("q")
    bind(exchange, queue)
    waits = key("a", **{"x-delay": ("l", 100)})
    assert list(exchange.route(message("", headers=waits))) == [exchange.room]
    assert list(exchange.route(message("", headers=waits))) == []
    waited = key("a", **{"x-delay": ("l", -100)})
    assert list(exchange.route(message("", headers=waited))) == [queue]


def test_the_plug_ins_type_needs_a_size():
    with pytest.raises(InvalidArgument, match="Missing or invalid argument, 'x-cache-size'"):
        class_of("x-message-deduplication", {})("x", True, False, False, {}).validate()


@pytest.mark.parametrize(
    "arguments",
    [
        {SIZE: ("l", 0)},
        {SIZE: ("S", "10")},
        {TTL: ("l", 0)},
        {TTL: ("t", True)},
        {HEADER: ("l", 1)},
        {"x-cache-persistence": ("S", "paper")},
    ],
)
def test_bad_arguments(arguments):
    with pytest.raises(InvalidArgument):
        check(arguments)
