import asyncio

import pytest

from mgmt_ui import patterns
from mgmt_ui.errors import ApiError

NAMES = ["orders.new", "Orders.old", "invoices", "a" * 255 + "!", "x\udcff"]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The patterns that a process was started for."""
    started: list[str] = []
    elsewhere = patterns._search_elsewhere

    async def noted(pattern: str, names: list[str]) -> list[bool]:
        started.append(pattern)
        return await elsewhere(pattern, names)

    monkeypatch.setattr(patterns, "_search_elsewhere", noted)
    return started


async def found(pattern: str, names: list[str] = NAMES) -> list[str]:
    flags = await patterns.search(pattern, names)
    return [name for name, flag in zip(names, flags, strict=True) if flag]


@pytest.mark.parametrize(
    "pattern", ["^orders", r"\.(new|old)$", "ORDERS[.]", r"^\w+s\.", "o?rders.", "(?:orders)"]
)
async def test_plain_patterns_need_no_process(pattern: str, processes: list[str]):
    names = NAMES[:3]
    assert await found(pattern, names) == ["orders.new", "Orders.old"]
    assert not processes


@pytest.mark.parametrize(
    "pattern", ["^(o|r)+ders", r"(\w+\.)+(new|old)", r"^(?!inv)orders", r"o(?=r).*\.", "^o[a-z]{5}"]
)
async def test_all_others_are_searched_for_elsewhere(pattern: str, processes: list[str]):
    assert await found(pattern) == ["orders.new", "Orders.old"]
    assert processes == [pattern]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){30}$", "(?:a?){255}a{255}"])
async def test_a_pattern_that_would_take_years(pattern: str, processes: list[str]):
    with pytest.raises(ApiError) as caught:
        await found(pattern)
    assert (caught.value.status, caught.value.reason) == (400, patterns.TOO_SLOW)
    assert processes


async def test_the_loop_goes_on_meanwhile():
    turns = 0

    async def others() -> None:
        nonlocal turns
        while not searching.done():
            turns += 1
            await asyncio.sleep(0)

    searching = asyncio.ensure_future(patterns.search("(a+)+$", NAMES))
    await others()
    assert isinstance(searching.exception(), ApiError)
    assert turns > 100


async def test_many_names_take_a_process_too(processes: list[str]):
    names = ["n" * 60 + str(number) for number in range(10_000)]
    assert await found("n.*9999", names) == [names[9999]]
    assert processes


@pytest.mark.parametrize("pattern", ["(", "a**", "(?P<n", "[", "x{2,1}", "(" * 500, "\\"])
async def test_what_is_no_pattern(pattern: str):
    with pytest.raises(ApiError) as caught:
        await patterns.search(pattern, NAMES)
    assert (caught.value.status, caught.value.reason) == (400, patterns.INVALID)


async def test_only_so_many_at_the_same_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patterns, "_processes", patterns.MOST_PROCESSES)
    with pytest.raises(ApiError) as caught:
        await patterns.search("(a+)+$", NAMES)
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("pattern", "steps"),
    [
        ("abc", 10),
        ("a.c", 10),
        ("a.*c", 100),
        ("a?b", 20),
        ("(a|b)", 20),
        ("(a)+", None),
        ("a{9}", None),
        ("a*?", None),
        (r"\1", None),
        (r"\bx", None),
        ("(?=x)", None),
        ("[[]", None),
        ("|" * 100, None),
    ],
)
def test_how_long_it_may_take(pattern: str, steps: int | None):
    assert patterns._steps(pattern, ["n" * 10]) == steps
