"""One benchmark from its beginning to its end: the queue, the clients, a row every second."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from pamqp import commands

from broker.amqp import cold
from broker.clock import Clock
from mgmt_ui.cli.amqp import Connection, Target
from mgmt_ui.cli.bench.consumer import Consumer
from mgmt_ui.cli.bench.histogram import Histogram
from mgmt_ui.cli.bench.plan import LEASE, PREFIX, Plan
from mgmt_ui.cli.bench.publisher import Publisher
from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.waiting import Interrupts, either

Row = dict[str, Any]
INTERVAL = 1.0
# At the end, what is under way is waited for while there is progress at least this often.
PATIENCE = 3.0
POLL = 0.02


class Counts(NamedTuple):
    """How many messages so far."""

    published: int
    confirmed: int
    refused: int
    consumed: int


class Bench:
    """`report` gets a row for each second."""

    def __init__(
        self, target: Target, plan: Plan, clock: Clock, report: Callable[[Row], None]
    ) -> None:
        self.plan = plan
        self._target = target
        self._clock = clock
        self._report = report
        self._stop = asyncio.Event()
        self._publishers: list[Publisher] = []
        self._consumers: list[Consumer] = []
        self._connections: list[Connection] = []
        self._latency, self._confirm_latency = Histogram(), Histogram()
        self.server = ""

    async def run(self, queue_type: str) -> Row:
        """Does it, and gives the summary; raises Failure where the broker ends it."""
        async with AsyncExitStack() as stack:
            control = await self._connect(stack)
            self.server = control.server
            await self._prepare(stack, control, queue_type)
            await self._open(stack)
            try:
                with Interrupts(self._stop):
                    return await self._measure()
            finally:
                self._drop_stuck()

    # -- before --------------------------------------------------------------------------

    async def _connect(self, stack: AsyncExitStack) -> Connection:
        made = await Connection.connect(self._target)
        stack.push_async_callback(made.close)
        made.ended = self._stop.set
        self._connections.append(made)
        return made

    async def _prepare(self, stack: AsyncExitStack, control: Connection, kind: str) -> None:
        plan = self.plan
        if plan.queue:
            await control.declare(plan.queue, passive=True)
        else:
            name = PREFIX + secrets.token_hex(4)
            arguments = {"x-queue-type": ("S", kind)}
            if kind != "stream":
                arguments["x-expires"] = ("I", LEASE)  # type: ignore[assignment]
            await control.declare(name, durable=True, arguments=arguments)
            stack.push_async_callback(_remove, control, name)
            self.plan = plan = replace(plan, queue=name)
            if plan.exchange:
                await control.bind(name, plan.exchange, plan.key, {})
        if not plan.exchange:
            self.plan = replace(plan, key=plan.queue)

    async def _open(self, stack: AsyncExitStack) -> None:
        plan = self.plan
        for _ in range(plan.consumers):
            consumer = Consumer(await self._connect(stack), plan, self._clock)
            await consumer.start()
            self._consumers.append(consumer)
        for number in range(plan.publishers):
            connection = await self._connect(stack)
            if plan.window:
                select = cold.build(commands.Confirm.Select, nowait=False)
                await connection.call(select, commands.Confirm.SelectOk)
            publisher = Publisher(connection, plan, self._clock, self._ahead, number)
            publisher.done = self._one_is_done
            self._publishers.append(publisher)

    def _ahead(self) -> int:
        counts = self._counts()
        return counts.published - counts.consumed

    def _one_is_done(self) -> None:
        if all(each.finished for each in self._publishers):
            self._stop.set()

    # -- meanwhile -----------------------------------------------------------------------

    async def _measure(self) -> Row:
        began = self._clock.monotonic()
        for publisher in self._publishers:
            publisher.start()
        before, counted_at = Counts(0, 0, 0, 0), began
        while not self._stop.is_set():
            due = min(counted_at + INTERVAL, began + self.plan.seconds)
            await either(self._stop, self._clock, due - self._clock.monotonic())
            now = self._clock.monotonic()
            counts = self._counts()
            # The last look may come right behind the one before it, and would tell nothing.
            if now - counted_at >= INTERVAL / 2:
                self._report(self._row(now - began, now - counted_at, counts, before))
                before, counted_at = counts, now
            if now - began >= self.plan.seconds:
                break
        took = self._clock.monotonic() - began
        during = self._counts()
        await self._settle()
        self._check()
        return self._summary(took, during)

    def _counts(self) -> Counts:
        publishers = self._publishers
        return Counts(
            sum(each.sent for each in publishers),
            sum(each.confirmed for each in publishers),
            sum(each.refused for each in publishers),
            sum(each.received for each in self._consumers),
        )

    def _row(self, at: float, seconds: float, counts: Counts, before: Counts) -> Row:
        row: Row = {"second": round(at)}
        for name, now, then in zip(Counts._fields, counts, before, strict=True):
            row[name] = round((now - then) / seconds)
        latency, confirms = self._take_latencies()
        shown = latency if latency.count else confirms
        return row | {f"{name}_us": each for name, each in shown.report().items()}

    def _take_latencies(self) -> tuple[Histogram, Histogram]:
        # What came since the last time, which is added to the totals.
        latency, confirms = Histogram(), Histogram()
        for consumer in self._consumers:
            latency.merge(consumer.latency)
            consumer.latency = Histogram()
        for publisher in self._publishers:
            confirms.merge(publisher.latency)
            publisher.latency = Histogram()
        self._latency.merge(latency)
        self._confirm_latency.merge(confirms)
        return latency, confirms

    # -- after ---------------------------------------------------------------------------

    async def _settle(self) -> None:
        for publisher in self._publishers:
            publisher.stop()
        counts, since = self._counts(), self._clock.monotonic()
        while not self._settled() and self._clock.monotonic() - since < PATIENCE:
            if any(each.failure for each in self._connections):
                break
            await either(asyncio.Event(), self._clock, POLL)
            if counts != (counts := self._counts()):
                since = self._clock.monotonic()
        for consumer in self._consumers:
            consumer.acknowledge()

    def _drop_stuck(self) -> None:
        # A publisher that the broker holds up is not heard, not even when it says goodbye.
        for publisher in self._publishers:
            if not publisher.settled:
                publisher.drop()

    def _settled(self) -> bool:
        # A backlog that is consumed at the end belongs to no rate: only who counts waits for it.
        waits = bool(self.plan.count and self._consumers)
        confirmed = all(each.settled for each in self._publishers)
        return confirmed and (not waits or self._ahead() <= 0)

    def _check(self) -> None:
        for connection in self._connections:
            connection.check()

    def _summary(self, took: float, during: Counts) -> Row:
        self._take_latencies()
        counts = self._counts()
        seconds = max(took, 0.001)
        return {
            "seconds": round(took, 3),
            **counts._asdict(),
            "unconfirmed": self._unconfirmed(counts),
            "unconsumed": self._unconsumed(counts),
            "rates": {name: round(each / seconds) for name, each in during._asdict().items()},
            "latency_us": self._latency.report(),
            "confirm_latency_us": self._confirm_latency.report(),
        }

    def _unconfirmed(self, counts: Counts) -> int:
        return counts.published - counts.confirmed - counts.refused if self.plan.window else 0

    def _unconsumed(self, counts: Counts) -> int:
        # Only who counts waits for all; a queue of others' may give more than was published.
        if not self.plan.count or not self.plan.consumers:
            return 0
        return max(0, counts.published - counts.refused - counts.consumed)


async def _remove(control: Connection, queue: str) -> None:
    with suppress(Failure):  # it goes by itself then
        await control.delete(queue)
