"""The same as in test_queue.py and test_paged_queue.py, with batches joined all the time."""

from typing import Any

import pytest
from hypothesis.stateful import rule

from broker import joining, paging
from persistence import message_log, upkeep
from tests.property.test_paged_queue import PagedQueue
from tests.property.test_queue import LONG, TIMEOUT_S, Queue

# Two messages published one by one are joined after a moment, up to five.
EAGER: dict[Any, dict[str, float]] = {
    joining: {
        "WORTH": 2,
        "LEAST": 2,
        "MESSAGES": 5,
        "FORGOTTEN": 3,
        "ROUND": 0.002,
        "STEP": 0.001,
    },
    # And whatever is settled in them is taken out of batches of more than one message.
    message_log: {"SMALL": 0, "SPARSE": 0},
    upkeep: {"ROUND": 0.003, "STEP": 0.001},
    paging: {"FLOOR": 0},
}
_USUAL = {module: {name: getattr(module, name) for name in EAGER[module]} for module in EAGER}
MOMENT = 0.02


def _set(values: dict[Any, dict[str, float]]) -> None:
    for module, constants in values.items():
        for name, value in constants.items():
            setattr(module, name, value)


class Joining(Queue):
    """The real queue beside its model, its small batches joined while all goes on."""

    def _attach(self) -> None:
        _set(EAGER)
        super()._attach()
        upkeep.Upkeep(self.engine.disk, self.engine.clock)

    @rule()
    def linger(self) -> None:
        """Time for joining, but too little for anything to expire."""
        self.engine.advance(MOMENT)

    def teardown(self) -> None:
        _set(_USUAL)
        super().teardown()


class JoiningPaged(Joining, PagedQueue):
    """Most of it on the disk."""


def _test(machine: Any) -> Any:
    case = pytest.mark.timeout(TIMEOUT_S)(machine.TestCase)
    case.settings = LONG
    return case


TestJoinedQueue = _test(Joining)
TestJoinedPagedQueue = _test(JoiningPaged)
