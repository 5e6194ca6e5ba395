"""The same as in test_queue.py and test_paged_queue.py, with batches joined all the time."""

from typing import Any

import pytest
from hypothesis.stateful import rule

from broker import joining, paging
from tests.property.test_paged_queue import PagedQueue
from tests.property.test_queue import LONG, TIMEOUT_S, Queue

# Two messages published one by one are joined after a moment, up to five.
EAGER = {"WORTH": 2, "LEAST": 2, "MESSAGES": 5, "ROUND": 0.002, "STEP": 0.001, "FORGOTTEN": 3}
_USUAL = {name: getattr(joining, name) for name in EAGER}
_FLOOR = paging.FLOOR
MOMENT = 0.02


class Joining(Queue):
    """The real queue beside its model, its small batches joined while all goes on."""

    def _attach(self) -> None:
        paging.FLOOR = 0
        for name, value in EAGER.items():
            setattr(joining, name, value)
        super()._attach()

    @rule()
    def linger(self) -> None:
        """Time for joining, but too little for anything to expire."""
        self.engine.advance(MOMENT)

    def teardown(self) -> None:
        for name, value in _USUAL.items():
            setattr(joining, name, value)
        paging.FLOOR = _FLOOR
        super().teardown()


class JoiningPaged(Joining, PagedQueue):
    """Most of it on the disk."""


def _test(machine: Any) -> Any:
    case = pytest.mark.timeout(TIMEOUT_S)(machine.TestCase)
    case.settings = LONG
    return case


TestJoinedQueue = _test(Joining)
TestJoinedPagedQueue = _test(JoiningPaged)
