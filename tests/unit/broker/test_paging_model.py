"""The queue-equals-model test again, with limits so small that nearly all is on the disk."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import paging
from tests.support.engine import Engine
from tests.unit.broker.test_queue_model import Run, operations


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch):
    """Every queue with more than about one message is long."""
    for name, value in (("LONG", 500), ("HEAD", 1), ("AHEAD", 800), ("FLOOR", 0), ("PORTION", 1)):
        monkeypatch.setattr(paging, name, value)


class PagedRun(Run):
    """A run that only looks at what clients see, as the rest is not in memory."""

    def check(self, also=None):
        contents = [*(also or []), *self.client.deliveries()]
        seen = []
        for content in contents:
            arguments = content.method.arguments
            seen.append((content.body, arguments["delivery_tag"], arguments["redelivered"]))
        assert seen == self.model.turn()
        queue = self.engine.queue("q")
        assert queue.message_count == len(self.model.ready)
        assert queue.ready_bytes == sum(len(m.body) for m in self.model.ready)
        assert queue.unacked == len(self.model.unacked)


@settings(max_examples=60, deadline=None)
@given(operations, st.booleans())
def test_equals_the_model(operations, priorities):
    with Engine() as engine:
        run = PagedRun(engine, priorities)
        for name, *arguments in operations:
            getattr(run, name)(*arguments)
            run.check()
