"""Taking expired messages out of the ready ones, wherever they stand (broker/ready.py)."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.amqp.content import ContentHeader
from broker.message import Message, QueuedMessage, Route
from broker.priorities import Priorities
from broker.ready import Fifo, Ready, Sparse
from tests.support.encoding import encode_properties

ROUTE = Route("", "q")
EVER = 1 << 60


def entry(position: int, deadline: int | None = None, priority: int = 0) -> QueuedMessage:
    payload = b"\0\x3c" + bytes(10) + encode_properties(priority=priority)
    message = Message(ROUTE, ContentHeader(payload, 0, 0x0800), b"")
    made = QueuedMessage(message, cast(Any, None), position)
    made.deadline = deadline
    return made


class Filled:
    """Ready messages, filled as a queue fills them."""

    def __init__(self, ready: "Ready | None" = None) -> None:
        self.ready = Fifo() if ready is None else ready
        self.count = 0

    def append(self, deadline: int | None = None, priority: int = 0) -> QueuedMessage:
        made = entry(self.count, deadline, priority)
        self.count += 1
        if deadline is not None:
            self.ready = self.ready.for_deadline(made)
        self.ready.append(made)
        return made

    def requeue(self, taken: QueuedMessage) -> None:
        if taken.deadline is not None:
            self.ready = self.ready.for_return(taken)
        self.ready.requeue(taken)

    def expired(self, now: int, limit: int = 1000) -> list[int]:
        return [each.position for each in self.ready.take_expired(now, limit)]

    @property
    def left(self) -> list[int]:
        return [each.position for each in self.ready]


def filled(*deadlines: int | None) -> Filled:
    made = Filled()
    for deadline in deadlines:
        made.append(deadline)
    return made


@pytest.mark.parametrize("deadlines", [(), (None,), (5, 5, 7), (5, None, None), (None, None)])
def test_deadlines_in_order_need_no_more_than_the_head(deadlines):
    assert type(filled(*deadlines).ready) is Fifo


@pytest.mark.parametrize("deadlines", [(None, 5), (7, 5), (5, None, 7)])
def test_deadlines_out_of_order_need_more(deadlines):
    assert type(filled(*deadlines).ready) is Sparse


def test_expired_behind_those_that_stay():
    queue = filled(None, 5, 9, None, 7, 3)
    assert queue.ready.nearest() == 3
    assert queue.expired(7) == [1, 4, 5]
    assert queue.left == [0, 2, 3]
    assert len(queue.ready) == 3
    assert queue.ready.nearest() == 9
    assert queue.expired(9) == [2]
    assert queue.ready.nearest() is None


def test_no_more_than_the_limit_at_once():
    queue = filled(1, 2, None, 3, 4, 5)
    assert queue.expired(9, limit=3) == [0, 1, 3]
    assert queue.expired(9, limit=3) == [4, 5]


def test_those_that_came_back_expire_too():
    queue = filled(9, 5, None)
    taken = [queue.ready.pop() for _ in range(3)]
    for each in reversed(taken):
        queue.requeue(each)
    assert queue.left == [0, 1, 2]
    assert queue.expired(5) == [1]
    assert queue.left == [0, 2]
    assert [queue.ready.pop().position for _ in range(len(queue.ready))] == [0, 2]


def test_one_that_comes_back_twice_expires_once():
    queue = filled(9)
    for _ in range(2):
        queue.requeue(queue.ready.pop())
    assert queue.expired(9) == [0]
    assert not queue.ready
    assert queue.ready.nearest() is None


def test_delivered_messages_are_forgotten():
    queue = filled(None)
    for _ in range(5000):
        queue.append(EVER)
        queue.ready.pop()
    assert isinstance(queue.ready, Sparse)
    assert len(queue.ready._due) < 2000


def test_a_purge_forgets_all():
    queue = filled(None, 5, 3)
    queue.requeue(queue.ready.pop())
    queue.ready.clear()
    assert (len(queue.ready), queue.left, queue.ready.nearest()) == (0, [], None)
    queue.append(4)
    assert queue.expired(4) == [3]


def test_frontier_where_only_late_ones_are_left():
    queue = filled(9, 5, 7)
    queue.ready.pop()
    assert queue.ready.frontiers(99) == [1]
    assert queue.expired(9) == [1, 2]
    assert queue.ready.frontiers(99) == [99]


def test_every_level_of_priorities_expires():
    queue = Filled(Priorities(9))
    queue.append(None, priority=9)
    queue.append(5, priority=1)
    queue.append(4, priority=5)
    assert queue.ready.nearest() == 4
    assert queue.expired(5, limit=1) == [2]
    assert queue.expired(5, limit=1) == [1]
    assert queue.left == [0]
    assert len(queue.ready) == 1


def test_returned_last_stands_behind_what_came_back_before():
    queue = Filled(Fifo(returned_last=True))
    for _ in range(4):
        queue.append()
    taken = [queue.ready.pop() for _ in range(3)]
    for number in (2, 0, 1):
        queue.requeue(taken[number])
    assert queue.left == [2, 0, 1, 3]
    assert queue.ready.pop() is taken[2]


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.none() | st.integers(0, 60)),
        st.tuples(st.just("pop"), st.none()),
        st.tuples(st.just("requeue"), st.integers(0, 9)),
        st.tuples(st.just("expire"), st.integers(0, 5)),
    ),
    max_size=80,
)


@given(Steps, st.booleans())
def test_equals_a_plain_list(steps, returned_last):
    queue = Filled(Fifo(returned_last=returned_last))
    fresh: list[QueuedMessage] = []
    back: list[QueuedMessage] = []
    taken: list[QueuedMessage] = []
    now = 0
    for step, value in steps:
        if step == "append":
            fresh.append(queue.append(value if value is None else now + value))
        elif step == "pop" and (back or fresh):
            taken.append((back or fresh).pop(0))
            assert queue.ready.peek() is taken[-1]
            assert queue.ready.pop() is taken[-1]
        elif step == "requeue" and taken:
            back.append(taken.pop(value % len(taken)))
            queue.requeue(back[-1])
            if not returned_last:
                back.sort(key=lambda each: each.position)
        elif step == "expire":
            now += value
            over = [e for e in back + fresh if e.deadline is not None and e.deadline <= now]
            assert queue.expired(now) == sorted(each.position for each in over)
            back = [each for each in back if each not in over]
            fresh = [each for each in fresh if each not in over]
            deadlines = [each.deadline for each in back + fresh if each.deadline is not None]
            assert queue.ready.nearest() == min(deadlines, default=None)
        assert list(queue.ready) == back + fresh
        assert len(queue.ready) == len(back) + len(fresh)
        assert queue.ready.frontiers(queue.count) == [
            fresh[0].position if fresh else queue.count,
        ]
