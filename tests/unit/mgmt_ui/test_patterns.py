import asyncio

import pytest

from mgmt_ui import patterns
from mgmt_ui.errors import ApiError

NAMES = ["orders.new", "Orders.old", "invoices", "a" * 255 + "!", "x\udcff"]


async def found(pattern: str, names: list[str] = NAMES) -> list[str]:
    flags = await patterns.search(pattern, names)
    return [name for name, flag in zip(names, flags, strict=True) if flag]


@pytest.mark.parametrize(
    "pattern",
    [
        *("^orders", r"\.(new|old)$", "ORDERS[.]", r"^\w+s\.", "o?rders.", "(?:orders)"),
        *("^(o|r)+ders", r"(\w+\.)+(new|old)", r"^(?!inv)orders", r"o(?=r).*\.", "^o[a-z]{5}"),
    ],
)
async def test_names_that_match(pattern: str):
    assert await found(pattern) == ["orders.new", "Orders.old"]


@pytest.mark.parametrize("pattern", ["^(a|aa)+$", "^(.*a){30}$", "(.*a){30}$"])
async def test_a_pattern_that_would_take_years(pattern: str):
    with pytest.raises(ApiError) as caught:
        await found(pattern)
    assert (caught.value.status, caught.value.reason) == (400, patterns.TOO_SLOW)


async def test_the_loop_goes_on_meanwhile():
    turns = 0
    names = ["n" * 60 + str(number) for number in range(1000)]
    searching = asyncio.ensure_future(patterns.search("n{60}.*999$", names))
    while not searching.done():
        turns += 1
        await asyncio.sleep(0)
    assert sum(searching.result()) == 1
    assert turns >= 1000 / patterns.DEMANDING_SLICE


@pytest.mark.parametrize("pattern", ["(", "a**", "(?P<n", "[", "x{2,1}", "(" * 500, "\\"])
async def test_what_is_no_pattern(pattern: str):
    with pytest.raises(ApiError) as caught:
        await patterns.search(pattern, NAMES)
    assert (caught.value.status, caught.value.reason) == (400, patterns.INVALID)
