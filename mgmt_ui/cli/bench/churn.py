"""Churn: things that are made and undone again and again, as clients without pools do.

Each client makes a thing, undoes it, and begins anew; what it costs to make and to undo it is
measured from the first octet that is sent to the last that comes. KINDS has what there is.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

from pamqp import commands

from broker.amqp import cold
from broker.amqp.tables import Table
from broker.clock import Clock
from mgmt_ui.cli.amqp import Connection, Target
from mgmt_ui.cli.bench.histogram import Histogram
from mgmt_ui.cli.bench.plan import LEASE, PREFIX, ChurnPlan
from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.waiting import Interrupts, either

Row = dict[str, Any]
INTERVAL = 1.0
MICROSECONDS = 1_000_000
# The channel that is opened and closed, beside the one that each connection has.
SECOND = 2


class Kind(Protocol):
    """One client's thing. All raise Failure."""

    async def begin(self, connect: Callable[[], Any]) -> None:
        """Before the first; `connect` gives connections that last until the end."""

    async def make(self) -> None:
        """Makes it."""

    async def undo(self) -> None:
        """Undoes it."""


class _Connections:
    """TCP, TLS if any, the handshake and a channel; an orderly close."""

    def __init__(self, plan: ChurnPlan, target: Target) -> None:
        self._target = target
        self._made: Connection | None = None

    async def begin(self, connect: Callable[[], Any]) -> None:
        """Nothing."""

    async def make(self) -> None:
        """Connects."""
        self._made = await Connection.connect(self._target)

    async def undo(self) -> None:
        """Closes."""
        assert self._made is not None  # made before
        self._made.check()
        await self._made.close()


class _OnConnection:
    """What is done on one connection that lasts."""

    def __init__(self, plan: ChurnPlan, target: Target) -> None:
        self._plan = plan
        self._connection: Connection
        self._queue = PREFIX + secrets.token_hex(4)

    async def begin(self, connect: Callable[[], Any]) -> None:
        """Connects."""
        self._connection = await connect()

    async def _declare(self) -> None:
        # A queue that only this client sees, or one for the disk.
        lasting = self._plan.persistent or self._plan.kind_of_queue != "classic"
        arguments: Table = {"x-queue-type": ("S", self._plan.kind_of_queue)}
        if lasting and self._plan.kind_of_queue != "stream":
            arguments["x-expires"] = ("I", LEASE)
        await self._connection.declare(
            self._queue, durable=lasting, exclusive=not lasting, arguments=arguments
        )


class _Channels(_OnConnection):
    """channel.open, channel.close."""

    async def make(self) -> None:
        """Opens it."""
        opening = cold.build(commands.Channel.Open, out_of_band="")
        await self._connection.call(opening, commands.Channel.OpenOk, SECOND)

    async def undo(self) -> None:
        """Closes it."""
        closing = cold.build(
            commands.Channel.Close, reply_code=200, reply_text="", class_id=0, method_id=0
        )
        await self._connection.call(closing, commands.Channel.CloseOk, SECOND)


class _Queues(_OnConnection):
    """queue.declare, queue.delete."""

    async def make(self) -> None:
        """Declares it."""
        await self._declare()

    async def undo(self) -> None:
        """Deletes it."""
        await self._connection.delete(self._queue)


class _Consumers(_OnConnection):
    """basic.consume, basic.cancel."""

    async def begin(self, connect: Callable[[], Any]) -> None:
        """Connects, and declares a queue."""
        await super().begin(connect)
        await self._declare()
        await self._connection.qos(1)

    async def make(self) -> None:
        """Subscribes."""
        await self._connection.consume(self._queue, "b", no_ack=False, arguments={})

    async def undo(self) -> None:
        """Cancels."""
        cancelling = cold.build(commands.Basic.Cancel, consumer_tag="b", nowait=False)
        await self._connection.call(cancelling, commands.Basic.CancelOk)


class _Bindings(_OnConnection):
    """queue.bind, queue.unbind, of amq.topic."""

    async def begin(self, connect: Callable[[], Any]) -> None:
        """Connects, and declares a queue."""
        await super().begin(connect)
        await self._declare()

    async def make(self) -> None:
        """Binds."""
        await self._connection.bind(self._queue, "amq.topic", f"{self._queue}.#", {})

    async def undo(self) -> None:
        """Unbinds."""
        unbinding = cold.build(
            commands.Queue.Unbind,
            ticket=0,
            queue=self._queue,
            exchange="amq.topic",
            routing_key=f"{self._queue}.#",
            arguments={},
        )
        await self._connection.call(unbinding, commands.Queue.UnbindOk)


KINDS: dict[str, Callable[[ChurnPlan, Target], Kind]] = {
    "connections": _Connections,
    "channels": _Channels,
    "queues": _Queues,
    "consumers": _Consumers,
    "bindings": _Bindings,
}


class Churn:
    """All clients; `report` gets a row for each second."""

    def __init__(
        self, target: Target, plan: ChurnPlan, clock: Clock, report: Callable[[Row], None]
    ) -> None:
        self._target = target
        self._plan = plan
        self._clock = clock
        self._report = report
        self._stop = asyncio.Event()
        self._failure: Failure | None = None
        self._begun = self._cycles = 0
        # In all, and since the last row.
        self._made, self._undone, self._recent = Histogram(), Histogram(), Histogram()
        self.server = ""

    async def run(self) -> Row:
        """Does it, and gives the summary; raises the first Failure of a client."""
        kinds = [
            KINDS[self._plan.kind](self._plan, self._target) for _ in range(self._plan.clients)
        ]
        async with AsyncExitStack() as stack:
            probe = await self._connect(stack)
            self.server = probe.server
            for kind in kinds:
                await kind.begin(lambda: self._connect(stack))
            with Interrupts(self._stop):
                return await self._measure(kinds)

    async def _connect(self, stack: AsyncExitStack) -> Connection:
        made = await Connection.connect(self._target)
        stack.push_async_callback(made.close)
        made.ended = self._stop.set
        return made

    async def _measure(self, kinds: list[Kind]) -> Row:
        began = self._clock.monotonic()
        clients = [asyncio.ensure_future(self._client(kind, began)) for kind in kinds]
        before, counted_at = 0, began
        while not self._stop.is_set():
            due = min(counted_at + INTERVAL, began + self._plan.seconds)
            await either(self._stop, self._clock, due - self._clock.monotonic())
            now = self._clock.monotonic()
            if now - counted_at >= INTERVAL / 2:
                self._report(self._row(now - began, now - counted_at, self._cycles - before))
                before, counted_at = self._cycles, now
            if now - began >= self._plan.seconds:
                self._stop.set()
        took = self._clock.monotonic() - began
        await asyncio.gather(*clients)
        if self._failure is not None:
            raise self._failure
        return self._summary(took)

    async def _client(self, kind: Kind, began: float) -> None:
        clock, plan = self._clock, self._plan
        try:
            while not self._stop.is_set() and not (plan.count and self._begun >= plan.count):
                if plan.rate and (wait := began + self._begun / plan.rate - clock.monotonic()) > 0:
                    self._begun += 1  # the place is taken
                    await either(self._stop, clock, wait)
                    if self._stop.is_set():
                        return
                else:
                    self._begun += 1
                at = clock.monotonic()
                await kind.make()
                made_at = clock.monotonic()
                await kind.undo()
                self._note(made_at - at, clock.monotonic() - made_at)
        except Failure as failure:
            self._failure = self._failure or failure
            self._stop.set()

    def _note(self, made: float, undone: float) -> None:
        self._cycles += 1
        self._made.add(int(made * MICROSECONDS))
        self._recent.add(int(made * MICROSECONDS))
        self._undone.add(int(undone * MICROSECONDS))
        if self._plan.count and self._cycles >= self._plan.count:
            self._stop.set()

    def _row(self, at: float, seconds: float, cycles: int) -> Row:
        recent, self._recent = self._recent, Histogram()
        row: Row = {"second": round(at), "cycles": round(cycles / seconds)}
        return row | {f"{name}_us": each for name, each in recent.report().items()}

    def _summary(self, took: float) -> Row:
        return {
            "seconds": round(took, 3),
            "cycles": self._cycles,
            "rates": {"cycles": round(self._cycles / max(took, 0.001))},
            "make_latency_us": self._made.report(),
            "undo_latency_us": self._undone.report(),
        }
