from typing import Any

import pytest

from mgmt_ui.body import encode
from mgmt_ui.errors import ApiError
from mgmt_ui.paging import Listing, ListQuery, pick


async def listed(names: list[str], **query: str) -> Any:
    """What a list of these names gives; `rank` is a number in texts of three kinds."""
    import json

    listing = Listing(
        names,
        lambda name: name,
        lambda name: {"name": name, "length": len(name)} | ({"x": {"y": 5}} if "x" in name else {}),
    )
    return json.loads(await encode(listing, query))


async def names(items: list[str], **query: str) -> list[str]:
    result = await listed(items, **query)
    return [row["name"] for row in (result["items"] if isinstance(result, dict) else result)]


async def test_a_list_without_page_is_an_array():
    assert await names(["b", "a"]) == ["b", "a"]


async def test_an_envelope():
    result = await listed(["a", "b", "c"], page="2", page_size="2")
    rows = result.pop("items")
    assert [row["name"] for row in rows] == ["c"]
    assert result == {
        "filtered_count": 3,
        "item_count": 1,
        "page": 2,
        "page_count": 2,
        "page_size": 2,
        "total_count": 3,
    }


async def test_no_match_on_page_one_is_no_error():
    assert await listed(["a"] * 19, page="1", name="nosuch") == {
        "filtered_count": 0,
        "item_count": 0,
        "items": [],
        "page": 1,
        "page_count": 0,
        "page_size": 100,
        "total_count": 19,
    }


async def test_the_filter_is_a_substring_whatever_the_case():
    assert await names(["Orders", "other"], page="1", name="ORD") == ["Orders"]
    assert await names(["a.b", "aXb"], page="1", name=".") == ["a.b"]


async def test_the_filter_may_be_a_pattern():
    assert await names(["Orders", "other"], page="1", name="^o.*S$", use_regex="true") == ["Orders"]


async def test_the_filter_needs_a_page():
    assert await names(["a", "b"], name="b") == ["a", "b"]


async def test_pagination_is_ignored():
    assert "items" in await listed(["a"], page="1", pagination="false")


async def test_sorts_by_a_field():
    assert await names(["ccc", "a", "bb"], sort="length") == ["a", "bb", "ccc"]
    assert await names(["ccc", "a", "bb"], sort="length", sort_reverse="true") == ["ccc", "bb", "a"]
    assert await names(["ccc", "a", "bb"], sort="length", sort_reverse="yes") == ["a", "bb", "ccc"]
    assert await names(["a", "bb", "ccc"], sort_reverse="true") == ["ccc", "bb", "a"]


async def test_rows_without_the_field_count_as_zero():
    assert await names(["x", "a"], sort="x.y") == ["a", "x"]
    assert await names(["b", "a"], sort="no.such.thing") == ["b", "a"]
    assert await names(["b", "a"], sort="") == ["b", "a"]


async def test_sorts_before_it_cuts():
    assert await names(["c", "b", "a"], page="1", page_size="1", sort="name") == ["a"]


async def test_columns():
    assert await listed(["x", "a"], columns="name,x.y,no.such") == [
        {"name": "x", "x": {"y": 5}},
        {"name": "a"},
    ]
    assert await listed(["x"], columns="") == [{"name": "x", "length": 1, "x": {"y": 5}}]


def test_two_columns_below_one_parent():
    row = {"stats": {"a": 1, "b": 2, "c": 3}}
    assert pick(row, (("stats", "a"), ("stats", "b"))) == {"stats": {"a": 1, "b": 2}}


def test_a_column_and_its_parent():
    row = {"stats": {"a": 1, "b": 2}}
    assert pick(row, (("stats",), ("stats", "a"))) == {"stats": {"a": 1, "b": 2}}
    assert pick(row, (("stats", "a"), ("stats",))) == {"stats": {"a": 1, "b": 2}}
    assert row == {"stats": {"a": 1, "b": 2}}


@pytest.mark.parametrize(
    ("query", "error", "reason"),
    [
        ({"page": ""}, "bad_request", "Pagination parameters are invalid"),
        ({"page": "one"}, "bad_request", "Pagination parameters are invalid"),
        ({"page": "1", "page_size": ""}, "bad_request", "Pagination parameters are invalid"),
        ({"page": "1_0"}, "bad_request", "Pagination parameters are invalid"),
        (
            {"page": "1", "name": "a" * 1025, "use_regex": "true"},
            "bad_request",
            "Pagination parameters are invalid",
        ),
        (
            {"page": "0"},
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 0, page size undefined",
        ),
        (
            {"page": "1", "page_size": "501"},
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 1, page size 501",
        ),
    ],
)
def test_bad_parameters(query: dict[str, str], error: str, reason: str):
    with pytest.raises(ApiError) as caught:
        ListQuery.parse(query)
    assert (caught.value.status, caught.value.error, caught.value.reason) == (400, error, reason)


async def test_a_page_beyond_the_last():
    with pytest.raises(ApiError) as caught:
        await listed(["a"] * 9, page="99", page_size="2")
    assert caught.value.body == {
        "error": "page_out_of_range",
        "reason": "Page out of range, page: 99 page size: 2, len: 9",
    }


async def test_only_the_asked_page_is_described():
    described = []

    def describe(number: int) -> dict[str, Any]:
        described.append(number)
        return {"n": number}

    listing = Listing(range(1000), str, describe)
    await encode(listing, {"page": "3", "page_size": "10"})
    assert described == list(range(20, 30))


async def test_a_long_list_lets_others_have_their_turn():
    import asyncio

    order: list[str] = []

    async def encode_long() -> None:
        await encode(Listing(range(1000), str, lambda n: {"n": n}), {})
        order.append("long")

    async def short() -> None:
        order.append("short")

    await asyncio.gather(encode_long(), short())
    assert order == ["short", "long"]
