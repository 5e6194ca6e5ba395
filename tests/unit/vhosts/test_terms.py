"""Values as texts show them."""

from typing import Any

import pytest

from vhosts.terms import MAX_LENGTH, printed, printed_pairs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '<<"a">>'),
        ("", "<<>>"),
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ([1, "a"], '[1,<<"a">>]'),
        ({"a": {"b": []}}, '#{<<"a">> => #{<<"b">> => []}}'),
    ],
)
def test_as_erlang_prints_them(value, text):
    assert printed(value) == text


def test_long_and_deep_values_are_cut():
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]
    assert printed(deep) == "[" * 8 + "..." + "]" * 8
    for long in ("x" * 10**6, list(range(10**5)), 10**5000, {str(n): n for n in range(10**4)}):
        assert len(printed(long)) <= MAX_LENGTH + 3


def test_pairs():
    assert printed_pairs({"a": 1, "b": "c"}) == '[{<<"a">>,1},{<<"b">>,<<"c">>}]'
    assert len(printed_pairs({str(n): "x" * 400 for n in range(10**4)})) < 10_000
