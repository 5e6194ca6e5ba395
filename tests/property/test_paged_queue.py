"""The same as in test_queue.py, with limits so small that nearly all messages are on the disk."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from broker import ages, paging, spill
from broker.message import Body
from broker.paged import Paged
from broker.priorities import Priorities
from tests.property.test_queue import LONG, QUEUE, TIMEOUT_S, Queue

# Two messages make a queue long, and one of them stays.
TINY = {"LONG": 500, "TRANSIENT": 500, "HEAD": 1, "AHEAD": 800, "FLOOR": 0, "PORTION": 1}
_WORTH, _INTERVAL, _KEPT = spill.WORTH, ages.INTERVAL, ages.KEPT
_USUAL = {name: getattr(paging, name) for name in TINY}


class PagedQueue(Queue):
    """The real queue beside its model, most of it on the disk."""

    def _attach(self) -> None:
        for name, value in TINY.items():
            setattr(paging, name, value)
        # Each look at a queue, which is in each turn, spills even a single transient message.
        spill.WORTH, ages.INTERVAL, ages.KEPT = 1, 0, 1 << 30
        super()._attach()

    def teardown(self) -> None:
        for name, value in _USUAL.items():
            setattr(paging, name, value)
        spill.WORTH, ages.INTERVAL, ages.KEPT = _WORTH, _INTERVAL, _KEPT
        super().teardown()

    # A level of high priority that is on the disk shows only as it is read what came back.
    @precondition(lambda self: not self.model.rules.weighted)
    @rule()
    def crash(self) -> None:
        died = self.model
        self.model = self.on_disk
        self.model.crash(died, self.now)
        self.engine.crash()
        self._come_back()

    @precondition(lambda self: not self.held and not self.model.rules.weighted)
    @rule()
    def restart(self) -> None:
        self.model.stop(self.now)
        self.engine.restart()
        self._come_back()

    def _come_back(self) -> None:
        returned = self._returned()
        for item in self.model.ready:
            item.delivered |= item.body in returned
        self.model.restart(self.now)
        self._attach()
        self.wait(1)

    @precondition(lambda self: self.model.unacked)
    @rule(which=st.integers(0, 9), failed=st.booleans())
    def requeue(self, which: int, failed: bool) -> None:
        ready = self.engine.queue(QUEUE).ready
        if self.model.rules.quorum and not self.model.rules.weighted:
            # It goes behind what came back and is in memory, before what the disk has of such.
            head = ready.head if isinstance(ready, Paged) else ready
            assert not isinstance(head, Priorities)  # such a queue has one level
            back = {entry.message.body for _, entry in head.came_back()}
            for item in self.model.ready:
                item.delivered = item.body in back
        super().requeue(which, failed)

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


TestPagedQueue = pytest.mark.timeout(TIMEOUT_S)(PagedQueue.TestCase)
TestPagedQueue.settings = LONG
