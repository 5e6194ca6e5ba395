"""Filters, and the places where readers start."""

from types import SimpleNamespace
from typing import Any

import pytest

from broker.amqp import content, properties
from broker.stream_reader import Filter, start_of


def header(headers):
    whole = properties.BasicProperties(headers=headers)
    return content.parse(properties.encode(whole, 0))


def with_value(value, tag="S"):
    return header({"a": ("I", 1), "x-stream-filter-value": (tag, value)})


def test_no_filter_without_values():
    assert Filter.of({}) is None
    assert Filter.of({"x-stream-filter": ("A", [])}) is None
    assert Filter.of({"x-stream-match-unfiltered": ("t", True)}) is None


@pytest.mark.parametrize("unfiltered", [True, False])
def test_filter(unfiltered):
    wanted = Filter.of(
        {
            "x-stream-filter": ("A", [("S", "banana"), ("S", "\udcff")]),
            "x-stream-match-unfiltered": ("t", unfiltered),
        }
    )
    assert wanted is not None
    assert wanted.matches(with_value("banana"))
    assert wanted.matches(with_value("\udcff"))
    assert not wanted.matches(with_value("bananas"))
    assert not wanted.matches(with_value("banan"))
    assert not wanted.matches(with_value(""))
    for without in (None, {}, {"a": ("S", "banana")}):
        assert wanted.matches(header(without)) == unfiltered
    # Not a value: of another type, or somewhere else.
    assert wanted.matches(with_value(1, "I")) == unfiltered
    nested = {"a": ("F", {"x-stream-filter-value": ("S", "banana")})}
    assert wanted.matches(header(nested)) == unfiltered


@pytest.mark.parametrize(
    ("field", "place"),
    [
        (None, ("end", None)),
        (("S", "next"), ("end", None)),
        (("S", "first"), ("base", None)),
        (("S", "last"), ("last batch", None)),
        (("I", 5), (5, None)),
        (("l", -5), (-5, None)),
        (("T", 60), ("at", 60_000)),
        (("S", "2m"), ("at", 1_000_000 - 120_000)),
    ],
)
def test_start(field, place):
    stream: Any = SimpleNamespace(
        next_position="end",
        base="base",
        last_batch=lambda: "last batch",
        place_at=lambda time: ("at", time),
        turn=SimpleNamespace(now=lambda: 1_000_000),
    )
    arguments = {} if field is None else {"x-stream-offset": field}
    assert start_of(stream, arguments) == place
