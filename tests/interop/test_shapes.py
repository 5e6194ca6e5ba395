"""The comparison sees what it is meant to see; needs no broker."""

from typing import Any

import pytest

from tests.interop.shapes import differences

ROW = {"name": "q", "vhost": "/", "durable": True, "messages": 1, "stats": {"rate": 0.5}}


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({"durable": "true"}, "[/ q].durable: string instead of boolean"),
        ({"durable": 1}, "[/ q].durable: number instead of boolean"),
        ({"stats": None}, "[/ q].stats: null instead of object"),
        ({"stats": {}}, "[/ q].stats.rate: missing"),
        ({"stats": {"rate": []}}, "[/ q].stats.rate: array instead of number"),
        ({"messages": 2}, "[/ q].messages: 2 instead of 1"),
        ({"name": "other"}, "[/ q]: missing"),
    ],
)
def test_differences(found: dict[str, Any], line: str):
    assert list(differences([ROW], [ROW | found], {"messages"})) == [line]


def test_more_is_no_difference():
    more = ROW | {"more": 1, "stats": {"rate": 1, "samples": []}}
    assert list(differences([ROW], [more, ROW | {"name": "more"}])) == []


def test_lists_of_plain_values():
    assert list(differences({"tags": ["a"]}, {"tags": []})) == ["tags: empty"]
    assert list(differences({"tags": ["a"]}, {"tags": [1]})) == ["tags[]: number instead of string"]
    assert list(differences({"tags": []}, {"tags": ["a"]})) == []
