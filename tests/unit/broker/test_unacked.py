from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from broker.message import QueuedMessage
from broker.unacked import Unacked


def entry(tag: int) -> QueuedMessage:
    made = QueuedMessage(cast(Any, None), cast(Any, None), tag)
    made.tag = tag
    return made


def ledger(*tags: int) -> Unacked:
    unacked = Unacked()
    unacked.update({tag: entry(tag) for tag in tags})
    return unacked


def tags(entries: list[QueuedMessage]) -> list[int]:
    return [each.tag for each in entries]


def test_take_through():
    unacked = ledger(*range(1, 11))
    del unacked[4]
    assert tags(unacked.take_through(6)) == [1, 2, 3, 5, 6]
    assert tags(unacked.take_through(7)) == [7]
    assert list(unacked) == [8, 9, 10]


def test_take_through_a_wide_gap():
    unacked = ledger(1, 2, 1_000_000_000, 1_000_000_001)
    assert tags(unacked.take_through(1_000_000_000)) == [1, 2, 1_000_000_000]
    assert list(unacked) == [1_000_000_001]


def test_take_all():
    unacked = ledger(3, 5)
    assert tags(unacked.take_all()) == [3, 5]
    assert not unacked


def test_put_back_is_in_order_again():
    unacked = ledger(*range(1, 7))
    held = [(each.tag, each) for each in unacked.take_through(3)]
    unacked.put_back(held[1:])
    assert list(unacked) == [2, 3, 4, 5, 6]
    assert tags(unacked.take_through(4)) == [2, 3, 4]
    unacked.put_back([])
    assert list(unacked) == [5, 6]


operations = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "jump", "pop", "through", "all", "back"]),
        st.integers(0, 50),
    ),
    max_size=50,
)


@given(operations)
def test_equals_a_dict(operations):
    unacked = Unacked()
    model: dict[int, QueuedMessage] = {}
    taken: list[QueuedMessage] = []
    next_tag = 1

    def outstanding(number: int) -> int:
        return sorted(model)[number % len(model)] if model else 0

    for name, number in operations:
        if name in ("add", "jump"):
            next_tag += 1 if name == "add" else 1000
            model[next_tag] = unacked[next_tag] = entry(next_tag)
        elif name == "pop" and model:
            tag = outstanding(number)
            taken.append(model.pop(tag))
            assert unacked.pop(tag) is taken[-1]
        elif name == "through" and model:
            upto = outstanding(number)
            expected = [model.pop(tag) for tag in sorted(model) if tag <= upto]
            assert unacked.take_through(upto) == expected
            taken += expected
        elif name == "all":
            expected = [model.pop(tag) for tag in sorted(model)]
            assert unacked.take_all() == expected
            taken += expected
        elif name == "back":
            back, taken = taken[:number], taken[number:]
            unacked.put_back([(each.tag, each) for each in back])
            model.update({each.tag: each for each in back})
        assert list(unacked) == sorted(model)
        assert dict(unacked) == model
