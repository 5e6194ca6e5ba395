"""A queue with any arguments, under anything that clients, time and crashes do, equals its model.

The engine runs in memory on a real database; a crash is the loss of all that was not committed.
The long run is `scripts/model`: 2,000 examples, in parts that can be repeated.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broker.ready import Fifo
from broker.weighted import NORMAL, Weighted
from tests.property.queue_model import Model, Rules
from tests.support.encoding import Typed
from tests.support.engine import Client, Engine

QUEUE, DEAD = "q", "dead"
EXAMPLES = int(os.environ.get("LEVERET_EXAMPLES", "100"))
# An example takes half a second; a machine that does much else gets its time.
TIMEOUT_S = max(1800, 20 * EXAMPLES)
LONG = settings(
    settings.get_profile("default"),
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
# Time passes in these steps, and no deadline ever falls close to their ends.
STEP_MS = 10_000
TTLS = st.sampled_from([5_000, 15_000, 35_000])

RULES = (
    st.builds(
        Rules,
        quorum=st.just(False),
        max_priority=st.sampled_from([None, None, 1, 3]),
        ttl=st.none() | TTLS,
        max_length=st.sampled_from([None, 0, 2, 5]),
        refuses=st.booleans(),
        dead_letters=st.booleans(),
    )
    | st.builds(
        Rules,
        quorum=st.just(True),
        ttl=st.none() | TTLS,
        max_length=st.sampled_from([None, 2, 5]),
        refuses=st.booleans(),
        dead_letters=st.booleans(),
        delivery_limit=st.sampled_from([0, 1, 3]),
    )
    | st.builds(
        Rules,
        # What drops its head after a crash depends on what may count as delivered: it refuses.
        quorum=st.just(True),
        weighted=st.just(True),
        ttl=st.none() | TTLS,
        max_length=st.sampled_from([None, 5]),
        refuses=st.just(True),
        dead_letters=st.booleans(),
        delivery_limit=st.sampled_from([0, 3]),
    )
)


def arguments(rules: Rules) -> dict[str, Any]:
    """The arguments of queue.declare."""
    found: dict[str, Any] = {"x-queue-type": "quorum" if rules.quorum else "classic"}
    numbers = {
        "x-max-priority": rules.max_priority,
        "x-message-ttl": rules.ttl,
        "x-max-length": rules.max_length,
        "x-delivery-limit": rules.delivery_limit,
    }
    found |= {key: Typed("l", value) for key, value in numbers.items() if value is not None}
    if rules.refuses:
        found["x-overflow"] = "reject-publish"
    if rules.dead_letters:
        found |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
    return found


class Queue(RuleBasedStateMachine):
    """The real queue beside its model."""

    engine: Engine
    client: Client
    model: Model

    @initialize(rules=RULES)
    def begin(self, rules: Rules) -> None:
        self.engine = Engine()
        self.model = Model(rules)
        self.number = 0
        self._attach()
        self.client.declare(DEAD)
        self.client.declare(QUEUE, arguments(rules))

    def _attach(self) -> None:
        # A fresh connection, whose delivery tags begin at 1; and an eye on what gets to the disk.
        self.client = self.engine.connect()
        self.client.call(1, "confirm.select")
        self.next_tag = 1
        self.on_disk = self.model.copy()
        disk = self.engine.disk
        gather, finished = disk._gather, disk._finished

        def gathering() -> Any:
            self.gathered = self.model.copy()
            return gather()

        def finishing(work: Any) -> None:
            self.on_disk = self.gathered
            finished(work)

        disk._gather = gathering  # type: ignore[method-assign]
        disk._finished = finishing  # type: ignore[method-assign]

    @property
    def now(self) -> int:
        return self.engine.clock.now_ms()

    @property
    def held(self) -> bool:
        return self.engine.disk.held

    # -- clients

    @rule(
        priority=st.integers(0, 5),
        ttl=st.none() | TTLS,
        count=st.integers(1, 3),
        transient=st.booleans(),
    )
    def publish(self, priority: int, ttl: int | None, count: int, transient: bool) -> None:
        if self.model.rules.quorum and not self.model.rules.weighted:
            priority = min(priority, NORMAL)
        for _ in range(count):
            self.number += 1
            body = b"%d" % self.number
            taken = self.model.publish(body, priority, ttl, self.now, transient=transient)
            given: dict[str, Any] = {} if ttl is None else {"expiration": str(ttl)}
            mode = 1 if transient else 2
            self.client.publish("", QUEUE, body, delivery_mode=mode, priority=priority, **given)
            names = self.client.names()
            if not self.held:
                assert names == ["basic.ack" if taken else "basic.nack"]

    @precondition(lambda self: not self.held)
    @rule(keep=st.booleans())
    def get(self, keep: bool) -> None:
        tag = self.next_tag
        expected = self.model.get(tag if keep else None)
        found = self.client.get(QUEUE, no_ack=not keep)
        if expected is None:
            assert found is None
            return
        self.next_tag += 1
        assert found is not None
        assert found.body == expected.body
        redelivered = found.method.arguments["redelivered"]
        assert expected.redelivered in (None, redelivered)
        expected.redelivered = redelivered
        if self.model.rules.quorum and redelivered:
            count = found.properties["headers"]["x-delivery-count"].value
            assert count == expected.failures

    def _one(self, which: int) -> int:
        tags = sorted(self.model.unacked)
        return tags[which % len(tags)]

    @precondition(lambda self: self.model.unacked)
    @rule(which=st.integers(0, 9))
    def ack(self, which: int) -> None:
        tag = self._one(which)
        self.model.ack(tag)
        self.client.ack(tag)
        self.engine.run()

    @precondition(lambda self: self.model.unacked)
    @rule(which=st.integers(0, 9))
    def reject(self, which: int) -> None:
        tag = self._one(which)
        self.model.reject(tag)
        self.client.nack(tag, requeue=False)
        self.engine.run()

    @precondition(lambda self: self.model.unacked)
    @rule(which=st.integers(0, 9), failed=st.booleans())
    def requeue(self, which: int, failed: bool) -> None:
        tag = self._one(which)
        self.model.requeue(tag, self.now, failed=failed)
        if failed:
            self.client.send_method(1, "basic.reject", delivery_tag=tag, requeue=True)
        else:
            self.client.nack(tag)
        self.engine.run()
        if not self.held:
            self.wait(1)  # it may have expired meanwhile

    @precondition(lambda self: not self.held)
    @rule()
    def purge(self) -> None:
        count = self.model.purge()
        assert self.client.call(1, "queue.purge", queue=QUEUE).arguments["message_count"] == count

    # -- time and disk

    @precondition(lambda self: not self.held)
    @rule(steps=st.integers(1, 3))
    def wait(self, steps: int) -> None:
        for _ in range(steps):
            self.model.expire(self.now + STEP_MS)
            self.engine.advance(STEP_MS / 1000)

    @precondition(lambda self: not self.held)
    @rule()
    def hold_the_disk(self) -> None:
        self.engine.disk.held = True

    @precondition(lambda self: self.held)
    @rule()
    def let_the_disk_go(self) -> None:
        self.engine.disk.held = False
        self.engine.run()
        self.client.names()
        self.wait(1)  # what came back meanwhile may have expired

    @rule()
    def crash(self) -> None:
        died = self.model
        self.model = self.on_disk
        self.model.crash(died, self.now)
        self.engine.crash()
        # Which of those that may count as delivered do so is up to the engine.
        ready = self.engine.queue(QUEUE).ready
        ready = ready.levels[0] if isinstance(ready, Weighted) else ready
        back = ready.returned if isinstance(ready, Fifo) else []
        returned = {entry.message.body for _, entry in back}
        for item in self.model.ready:
            item.delivered |= item.body in returned
        self.model.restart(self.now)
        self._attach()
        self.wait(1)

    @precondition(lambda self: not self.held)
    @rule()
    def restart(self) -> None:
        self.model.stop(self.now)
        self.model.restart(self.now)
        self.engine.restart()
        self._attach()
        self.wait(1)

    # -- what must hold

    @invariant()
    def the_counts_are_right(self) -> None:
        if not hasattr(self, "client"):
            return
        queue = self.engine.queue(QUEUE)
        assert (queue.message_count, queue.unacked) == (
            len(self.model.ready),
            len(self.model.unacked),
        )
        assert self.engine.queue(DEAD).message_count == len(self.model.dead)

    def teardown(self) -> None:
        if not hasattr(self, "client"):
            return
        if self.held:
            self.let_the_disk_go()
        while self.model.ready:
            self.get(keep=False)
        dead = []
        while (content := self.client.get(DEAD, no_ack=True)) is not None:
            dead.append(content.body)
        assert sorted(dead) == sorted(self.model.dead)
        self.engine.close()


TestQueue = pytest.mark.timeout(TIMEOUT_S)(Queue.TestCase)
TestQueue.settings = LONG
