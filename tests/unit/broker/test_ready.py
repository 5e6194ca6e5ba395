from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.amqp.content import ContentHeader
from broker.message import Message, QueuedMessage, Route
from broker.priorities import Priorities
from broker.ready import Fifo, Ready
from tests.support.encoding import encode_properties

ROUTE = Route("", "q")
MAX_PRIORITY = 3


def entry(position: int, priority: int = 0) -> QueuedMessage:
    payload = b"\0\x3c" + bytes(10) + encode_properties(priority=priority)
    header = ContentHeader(payload, 0, 0x0800)
    return QueuedMessage(Message(ROUTE, header, b""), cast(Any, None), position)


def fill(ready: Ready, *entries: QueuedMessage) -> list[QueuedMessage]:
    for each in entries:
        ready.append(each)
    return list(entries)


@pytest.mark.parametrize("ready", [Fifo(), Priorities(MAX_PRIORITY)], ids=["fifo", "priorities"])
def test_empty(ready):
    assert len(ready) == 0
    assert not ready
    assert list(ready) == []
    assert ready.peek() is None
    with pytest.raises(IndexError):
        ready.pop()


def test_what_comes_back_stands_where_it_stood():
    ready = Fifo()
    first, second, third, fourth = fill(ready, *map(entry, range(4)))
    assert [ready.pop() for _ in range(3)] == [first, second, third]
    ready.requeue(third)
    ready.requeue(first)
    assert list(ready) == [first, third, fourth]
    assert ready.peek() is first
    ready.requeue(second)
    assert [ready.pop() for _ in range(4)] == [first, second, third, fourth]


def test_frontier_of_a_fifo():
    ready = Fifo()
    assert ready.frontiers(9) == [9]
    fill(ready, entry(3), entry(5))
    assert ready.frontiers(9) == [3]
    ready.requeue(ready.pop())
    assert ready.frontiers(9) == [5]


def test_higher_levels_go_first_and_too_high_is_highest():
    ready = Priorities(MAX_PRIORITY)
    fill(ready, *(entry(position, priority) for position, priority in enumerate([0, 3, 1, 9, 3])))
    assert [ready.pop().position for _ in range(5)] == [1, 3, 4, 2, 0]


def test_frontiers_of_priorities():
    ready = Priorities(MAX_PRIORITY)
    fill(ready, entry(0, 1), entry(1, 3), entry(2, 1))
    ready.requeue(ready.pop())
    ready.pop()
    assert ready.frontiers(3) == [3, 0, 3, 3]
    assert ready.pop().position == 0
    assert ready.frontiers(3) == [3, 2, 3, 3]


operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, MAX_PRIORITY + 1)),
        st.tuples(st.sampled_from(["pop", "pop", "peek", "requeue", "clear"]), st.integers(0, 9)),
    ),
    max_size=60,
)


@given(operations, st.booleans())
def test_equals_a_sorted_list(operations, by_priority):
    ready: Ready = Priorities(MAX_PRIORITY) if by_priority else Fifo()
    model: list[QueuedMessage] = []
    taken: list[QueuedMessage] = []

    def order(each: QueuedMessage) -> tuple[int, int]:
        level = min(each.message.header.priority, MAX_PRIORITY) if by_priority else 0
        return -level, each.position

    for position, (name, number) in enumerate(operations):
        if name == "append":
            fresh = entry(position, number)
            ready.append(fresh)
            model = sorted([*model, fresh], key=order)
        elif name == "pop" and model:
            taken.append(model.pop(0))
            assert ready.pop() is taken[-1]
        elif name == "requeue" and taken:
            back = taken.pop(number % len(taken))
            ready.requeue(back)
            model = sorted([*model, back], key=order)
        elif name == "clear":
            ready.clear()
            model.clear()
        assert ready.peek() is (model[0] if model else None)
        assert len(ready) == len(model)
        assert bool(ready) is bool(model)
    assert list(ready) == model


# -- anywhere in it ------------------------------------------------------------------------


@pytest.fixture(params=["fifo", "sparse", "priorities"])
def filled(request):
    """Twenty messages of which the first eight were delivered and half of those came back."""
    ready: Ready = Priorities(MAX_PRIORITY) if request.param == "priorities" else Fifo()
    entries = [entry(position, position % 3) for position in range(20)]
    if request.param == "sparse":
        for each in entries[12:]:
            each.deadline = 1000 - each.position
        for each in entries:
            if each.deadline is not None:
                ready = ready.for_deadline(each)
            ready.append(each)
    else:
        fill(ready, *entries)
    back = [ready.pop() for _ in range(8)]
    for each in back[::2]:
        if each.deadline is None and request.param == "sparse":
            each.deadline = 5000
            ready = ready.for_return(each)
        ready.requeue(each)
    return ready


def test_looking_level_by_level(filled):
    seen = []
    for level in filled.by_level():
        seen += [each for _, each in sorted(level.came_back(), key=lambda item: item[0])]
        position = 0
        while part := level.after(position, 3):
            seen += part
            position = part[-1].position + 1
    assert seen == list(filled)
    assert len(seen) == len(filled)


def test_positions_by_their_number(filled):
    for level in filled.by_level():
        new = level.after(0, 100)
        found = [level.seek(n) for n in range(len(new) + 3)]
        assert found == [(each.position, 0) for each in new] + [(None, n) for n in range(3)]


@given(st.data())
def test_taking_out_leaves_the_others_in_order(data):
    ready: Ready = Priorities(MAX_PRIORITY) if data.draw(st.booleans()) else Fifo()
    entries = fill(ready, *(entry(position, position % 2) for position in range(30)))
    for each in [ready.pop() for _ in range(data.draw(st.integers(0, 10)))]:
        if data.draw(st.booleans()):
            ready.requeue(each)
    before = list(ready)
    wanted = data.draw(st.lists(st.sampled_from(entries), unique=True))
    taken = ready.take_out(wanted)
    assert taken == {each for each in wanted if each in before}
    assert list(ready) == [each for each in before if each not in taken]
    assert len(ready) == len(before) - len(taken)
    assert [ready.pop() for _ in range(len(ready))] == [e for e in before if e not in taken]


def test_taking_out_of_any_kind(filled):
    before = list(filled)
    wanted = before[1::3]
    assert filled.take_out(wanted) == set(wanted)
    assert filled.take_out(wanted) == set()
    left = [each for each in before if each not in wanted]
    assert list(filled) == left
    assert [filled.pop() for _ in range(len(filled))] == left
    assert not filled
