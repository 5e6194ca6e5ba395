"""The same as in test_queue.py, with limits so small that nearly all messages are on the disk."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import precondition, rule

from broker import paging
from broker.message import Body
from broker.paged import Paged
from broker.priorities import Priorities
from tests.property.test_queue import QUEUE, Queue

# Two messages make a queue long, and one of them stays.
TINY = {"LONG": 500, "HEAD": 1, "AHEAD": 800, "FLOOR": 0, "PORTION": 1}
_USUAL = {name: getattr(paging, name) for name in TINY}


class PagedQueue(Queue):
    """The real queue beside its model, most of it on the disk."""

    def _attach(self) -> None:
        for name, value in TINY.items():
            setattr(paging, name, value)
        super()._attach()

    def teardown(self) -> None:
        for name, value in _USUAL.items():
            setattr(paging, name, value)
        super().teardown()

    # What had been delivered before a crash comes back to a long quorum queue in its old order.
    @precondition(lambda self: not self.model.rules.quorum)
    @rule()
    def crash(self) -> None:
        died = self.model
        self.model = self.on_disk
        self.model.crash(died)
        self.engine.crash()
        returned = self._returned()
        for item in self.model.ready:
            item.delivered |= item.body in returned
        self._attach()
        self.wait(1)

    def _returned(self) -> set[Body]:
        # Which of those that may count as delivered do so is up to the engine.
        ready = self.engine.queue(QUEUE).ready
        found: set[Body] = set()
        for level in ready.levels if isinstance(ready, Priorities) else [ready]:
            if isinstance(level, Paged):
                level._pager.read(level, [s for s in level._middle if not s.readable])
                self.engine.run()
                for segment in level._middle:
                    entries = level._make_resident(segment)
                    found |= {entry.message.body for entry in entries if entry.returns}
                level = level.head
            found |= {entry.message.body for _, entry in level.returned}
        return found

    @precondition(lambda self: not self.held and not self.model.rules.quorum)
    @rule()
    def restart(self) -> None:
        super().restart()


TestPagedQueue = pytest.mark.timeout(1800)(PagedQueue.TestCase)
TestPagedQueue.settings = settings(
    settings.get_profile("default"),
    max_examples=int(os.environ.get("LEVERET_EXAMPLES", "100")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
