"""Many messages of a queue at once: deleted, moved, or sent back where they died.

Here: going through a queue a batch at a time, at the speed that was asked for,
and taking out what is wanted.  Not here: where dead letters go back to
(redrive.py), who may do that and how they hear of it (mgmt_ui).

What is taken out of a queue and what arrives in another is done in one step of
the loop, and so is part of one commit: a message is never in two places or in
none, on the disk neither.  Only ready messages are touched; those that are with
a consumer belong to that.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from broker.browse import READY, Cursor, Found, batches
from broker.clock import Clock, pause
from broker.message import Message, QueuedMessage, Routable, Route
from broker.message_filter import Filter
from broker.undo import Undo
from broker.waiting import Waiting
from broker.yielding import Breather, next_turn
from exchanges import routing
from vhosts.errors import AccessRefused
from vhosts.vhost import TOPIC

if TYPE_CHECKING:
    from broker.queue import Queue
    from vhosts.permissions import Authorise
    from vhosts.vhost import VirtualHost

# Answers that are remembered: routing keys may be endless.
MOST_KNOWN = 10_000
# Messages that are taken out before others have their turn; of those that came back more, since
# each portion may cost a look at all of them.
STEP, RETURNED_STEP = 100, 500


class Stopped(Exception):
    """It cannot go on; args[0] says why."""


class Skip(Exception):
    """This message stays where it is; args[0] is a word on why."""


@dataclass(slots=True)
class Progress:
    """How far it got: messages that were looked at, that are wanted, that are done with.

    `total` is how many were ready at the start; `skipped` has the others that were wanted by the
    reason for which they stay; `place` is where it goes on.
    """

    total: int = 0
    scanned: int = 0
    matched: int = 0
    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    place: Cursor = field(default_factory=Cursor)


class Way(Protocol):
    """Where messages that are taken out go."""

    async def prepare(self, entries: Sequence[QueuedMessage]) -> None:
        """Finds out what `plan` needs to know of these, and has to wait for."""

    def plan(self, entry: QueuedMessage) -> "Plan":
        """Raises Skip where it cannot go, Stopped where no other can either."""


# What is to be put where; nothing for a message that only goes.
Plan = tuple[Message, Sequence["Queue"]] | None


class Nowhere:
    """They are dropped, without dead-lettering, as by a purge."""

    async def prepare(self, entries: Sequence[QueuedMessage]) -> None:
        """There is nothing to know."""

    def plan(self, entry: QueuedMessage) -> Plan:
        return None


class ToQueue:
    """They go to the end of another queue, as they are."""

    def __init__(self, target: "Queue") -> None:
        self.target = target

    async def prepare(self, entries: Sequence[QueuedMessage]) -> None:
        """There is nothing to know."""

    def plan(self, entry: QueuedMessage) -> Plan:
        if self.target.deleted:
            raise Stopped(f"queue '{self.target.name}' is gone")
        return entry.message, (self.target,)


# 'queue' or 'exchange', its name, and a routing key where the exchange is a topic exchange.
Asked = tuple[str, str, str | None]


class Permits:
    """What a user may write to, asked once for each place.

    Whoever knows that may have to be asked elsewhere first, which takes a while.
    """

    def __init__(self, authorise: "Authorise") -> None:
        self._authorise = authorise
        self._known: dict[Asked, bool] = {}

    async def ask(self, wanted: Iterable[Asked]) -> None:
        """Finds out about these."""
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        for asked in wanted:
            while asked not in self._known:
                try:
                    self._known[asked] = self._allows(*asked)
                except Waiting as waiting:
                    await waiting.ask()

    def _allows(self, kind: str, name: str, key: str | None) -> bool:
        try:
            self._authorise("write", kind, name)
            if key is not None:
                self._authorise.topic("write", name, key)
        except AccessRefused:
            return False
        return True

    def check(self, asked: Asked) -> None:
        """Raises Skip for what is not known to be permitted."""
        if not self._known.get(asked):
            raise Skip("refused")


class ToExchange:
    """They are published anew, with the routing key they had or with another."""

    def __init__(
        self, vhost: "VirtualHost[Queue]", exchange: str, key: str | None, permits: Permits
    ) -> None:
        self._vhost = vhost
        self._exchange = exchange
        self._key = key
        self._permits = permits

    def _asked(self, entry: QueuedMessage) -> Asked:
        key = entry.message.route.routing_key if self._key is None else self._key
        return asked_of(self._vhost, self._exchange, key)

    async def prepare(self, entries: Sequence[QueuedMessage]) -> None:
        """Asks whether they may be published with their routing keys."""
        await self._permits.ask(self._asked(entry) for entry in entries)

    def plan(self, entry: QueuedMessage) -> Plan:
        if self._vhost.exchanges.get(self._exchange) is None:
            raise Stopped(f"exchange '{self._exchange}' is gone")
        self._permits.check(self._asked(entry))
        key = entry.message.route.routing_key if self._key is None else self._key
        return routed(self._vhost, self._exchange, key, entry.message)


def asked_of(vhost: "VirtualHost[Queue]", exchange: str, key: str) -> Asked:
    """What must be permitted to publish to an exchange: its routing key only where that counts."""
    found = vhost.exchanges.get(exchange)
    return "exchange", exchange, key if found is not None and found.type == TOPIC else None


def routed(
    vhost: "VirtualHost[Queue]", name: str, key: str, message: Message
) -> tuple[Message, Sequence["Queue"]]:
    """A message with the queues that it goes to from an exchange; raises Skip without any."""
    exchange = vhost.exchanges.get(name)
    if exchange is None or exchange.internal:
        raise Skip("no_exchange")
    sent = Message(Route(name, key), message.header, message.body)
    routable = Routable((key,), sent.header, sent)
    queues, _ = routing.find(exchange, routable, vhost.exchanges.get)
    if not queues:
        raise Skip("unroutable")
    return sent, queues


class Bulk:
    """One run through a queue; `run` may be called again to go on where it was cancelled.

    `rate` is messages a second, None for as fast as it goes.  With `dry` nothing is done but
    counting.  What comes while it runs is left alone: what is at or behind the position `end`,
    which is that of now unless an earlier one is given.  `undo` notes what it takes to go back.
    """

    def __init__(
        self,
        queue: "Queue",
        wanted: Filter,
        way: Way,
        clock: Clock,
        *,
        rate: float | None = None,
        dry: bool = False,
        undo: Undo | None = None,
        end: int | None = None,
    ) -> None:
        self._queue = queue
        self._wanted = wanted
        self._way = way
        self._clock = clock
        self._rate = rate
        self._dry = dry
        self.undo = undo
        self._first, last = wanted.stretch
        self.end = min(each for each in (queue.next_position, last, end) if each is not None)
        self.progress = Progress(total=queue.message_count)

    @property
    def queue(self) -> "Queue":
        """The one that it goes through."""
        return self._queue

    async def run(self) -> None:
        """Raises Stopped where it cannot go on."""
        progress = self.progress
        if not self._dry:
            # What was wanted and is still to be done is found once more.
            progress.matched = progress.done + progress.skipped.total()
        found = batches(
            self._queue,
            states=(READY,),
            start=progress.place,
            first=self._first,
            end=self.end,
        )
        async with aclosing(found):
            await self._go_through(found)

    async def _go_through(self, found: AsyncIterator[list[Found]]) -> None:
        progress = self.progress
        breather = Breather(self._clock)
        # What came back is taken out in larger portions, however few of a batch are wanted.
        held: list[QueuedMessage] = []
        async for batch in found:
            rank, number = batch[-1].place
            came_back = rank & 1 == 1
            if held and (not came_back or len(held) >= RETURNED_STEP):
                await self._take(held, RETURNED_STEP)
                held = []
            entries = await self._pick(batch, breather)
            progress.matched += len(entries)
            if came_back and not self._dry:
                held += entries
            elif not self._dry:
                await self._take(entries, STEP)
            progress.scanned += len(batch)
            if not held:
                progress.place = Cursor(rank, number + 1)
        await self._take(held, RETURNED_STEP)

    async def _pick(self, batch: list[Found], breather: Breather) -> list[QueuedMessage]:
        now = self._clock.now_ms()
        found = [each.entry for each in batch if each.entry.position < self.end]
        return [each for each in found if await self._wanted.fits(each, now, breather)]

    async def _take(self, entries: list[QueuedMessage], most: int) -> None:
        portion = most if self._rate is None else max(1, int(self._rate / 10))
        for at in range(0, len(entries), portion):
            part = entries[at : at + portion]
            await self._way.prepare(part)
            began = self._clock.monotonic()
            self._carry_out(part)
            if self._rate is not None:
                rest = began + len(part) / self._rate - self._clock.monotonic()
                await pause(self._clock, rest)
            elif at + portion < len(entries):
                await next_turn()

    def _carry_out(self, entries: list[QueuedMessage]) -> None:
        # Nothing else happens in between: this is one commit.
        queue, progress = self._queue, self.progress
        if queue.deleted or not queue.vhost.running:
            raise Stopped(f"queue '{queue.name}' is gone")
        plans: list[tuple[QueuedMessage, Plan]] = []
        try:
            for entry in entries:
                try:
                    plans.append((entry, self._way.plan(entry)))
                except Skip as skip:
                    progress.skipped[skip.args[0]] += 1
                    continue
                if _refusing(plans[-1][1], queue):
                    # One by one, as each may be the last that there is room for.
                    self._move(plans[:-1])
                    last = plans.pop()
                    plans.clear()
                    if _full(last[1]):
                        raise Stopped(f"queue '{_full(last[1])}' is full")
                    self._move([last])
        finally:
            self._move(plans)
            queue.turn.schedule()

    def _move(self, plans: list[tuple[QueuedMessage, Plan]]) -> None:
        queue, progress = self._queue, self.progress
        taken = queue.ready.take_out([entry for entry, _ in plans]) if plans else set()
        progress.skipped["gone"] += len(plans) - len(taken)
        for entry, plan in plans:
            if entry not in taken:
                continue  # somebody else was quicker
            queue.ready_bytes -= entry.message.header.body_size
            if self.undo is not None:
                self.undo.note(entry.message)
            if plan is not None:
                message, targets = plan
                for target in targets:
                    target.offer(message)
            if entry.batch is not None:
                queue.log.settle_with_commit(entry)
            progress.done += 1


def _refusing(plan: Plan, source: "Queue") -> bool:
    # What goes to the end of its own queue has made the room that it needs.
    return plan is not None and any(
        not queue.waits and queue.limits is not None and queue.limits.refuses
        for queue in plan[1]
        if queue is not source
    )


def _full(plan: Plan) -> str | None:
    # The name of a queue that would refuse, None where there is none.
    assert plan is not None  # it has a queue that may refuse
    for queue in plan[1]:
        if not queue.waits and queue.limits is not None and queue.limits.refuses:
            if queue.limits.full_for(plan[0], queue):
                return queue.name
    return None
