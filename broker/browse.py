"""Looking at the messages of a queue without touching them, and going on where one stopped.

Here: which messages there are, ready and unacked, in order, a batch at a time.
Not here: which of them are wanted (message_filter.py), what is done with them
(bulk.py), what they look like outside (mgmt_ui).

Nothing of a queue changes by it: no counter, no order, no redelivered flag.
The queue goes on meanwhile, so a message that moves between two batches may be
missed or be seen twice; `Ready.take_out` knows which are still there.
"""

from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import aclosing, closing
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from broker.message import QueuedMessage
from broker.paged_look import Sight
from broker.yielding import next_turn

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.queue import Queue
    from broker.stream import Stream

UNACKED, READY = "unacked", "ready"
STATES = (UNACKED, READY)
# Messages of one batch; what is sorted, or looked at for its queue, at once.
BATCH = 500
RUN = 5000

T = TypeVar("T")
Placed = tuple[int, QueuedMessage]


class Cursor(NamedTuple):
    """A place in a queue: `rank` 0 for what is unacked, then two for each level of priority, what
    came back and what was never delivered; `number` orders the messages within."""

    rank: int = 0
    number: int = 0

    def __str__(self) -> str:
        return f"{self.rank}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises ValueError."""
        rank, number = text.split("-")
        if not (rank.isascii() and rank.isdecimal() and number.isascii() and number.isdecimal()):
            raise ValueError(text)
        if len(text) > 24:
            raise ValueError(text)
        return cls(int(rank), int(number))


class Found(NamedTuple):
    """A message where it stands, unacked or ready; `place` is where to start to see it first."""

    entry: QueuedMessage
    state: str
    place: Cursor


async def batches(
    queue: "Queue",
    connections: "Iterable[Connection]" = (),
    *,
    states: Collection[str] = STATES,
    start: Cursor = Cursor(),  # noqa: B008 -- it does not change
    offset: int = 0,
    first: int = 0,
    end: int | None = None,
) -> AsyncGenerator[list[Found], None]:
    """The messages of a queue from `start` on, but for the first `offset` of them.

    It ends where those begin that came after it did: at position `end`, if that is given. Long
    rows of messages are looked at from position `first` on only.

    First those that are unacked at one of `connections`, in the order in which they came to the
    queue, then those that are ready, as they would be delivered.  Of a stream those that may be
    read.
    """
    if UNACKED in states and start.rank == 0 and queue.settings.queue_type != "stream":
        placed = await _in_order(await _unacked(queue, connections), start.number)
        for batch in _batches(placed, UNACKED, 0, offset):
            yield batch
        offset = max(0, offset - len(placed))
    if READY not in states:
        return
    end = queue.next_position if end is None else end
    stream = queue.settings.queue_type == "stream"
    there = (
        _of_stream(queue, max(start.number, first), offset, end)
        if stream
        else _of_queue(queue, start, offset, first, end)
    )
    async with aclosing(there) as ready:
        async for batch in ready:
            yield batch


async def _of_queue(
    queue: "Queue", start: Cursor, offset: int, first: int, end: int
) -> AsyncGenerator[list[Found], None]:
    for number in range(len(queue.ready.by_level())):
        rank = 2 * number + 1
        if start.rank <= rank:
            place = start.number if start.rank == rank else 0
            placed = await _in_order(_level(queue, number).came_back(), place)
            for batch in _batches(placed, READY, rank, offset):
                yield batch
            offset = max(0, offset - len(placed))
        rank += 1
        if start.rank > rank:
            continue
        at: int | None = max(first, start.number if start.rank == rank else 0)
        skipped = 0
        if offset:
            at, offset = _level(queue, number).seek(offset)
            skipped, offset = (0, offset) if at is None else (offset, 0)
        with closing(Sight()) as sight:
            while at is not None and (entries := await _look(queue, number, at, sight)):
                if entries[0].position >= end:
                    break
                at = entries[-1].position + 1
                entries, skipped = entries[skipped:], max(0, skipped - len(entries))
                if entries:
                    yield [Found(each, READY, Cursor(rank, each.position)) for each in entries]
                await next_turn()


def _level(queue: "Queue", number: int) -> Any:
    # Asked for anew each time: the queue may have put another in its place.
    return queue.ready.by_level()[number]


async def _look(queue: "Queue", number: int, position: int, sight: Sight) -> list[QueuedMessage]:
    level = _level(queue, number)
    if level.paged:
        found: list[QueuedMessage] = await level.look(position, BATCH, sight)
        return found
    there: list[QueuedMessage] = level.after(position, BATCH)
    return there


async def _of_stream(
    queue: "Queue", start: int, offset: int, end: int
) -> AsyncGenerator[list[Found], None]:
    stream = cast("Stream", queue)
    at = stream.ready.skip(start, offset, stream.next_position)
    while entries := await stream.ready.look(at):
        at = entries[-1].position + 1
        safe = min(end, stream.safe)
        there = [each for each in entries if each.position < safe]
        for first in range(0, len(there), BATCH):
            part = there[first : first + BATCH]
            yield [Found(each, READY, Cursor(1, each.position)) for each in part]
            await next_turn()
        if at > safe:
            break


async def _unacked(queue: "Queue", connections: "Iterable[Connection]") -> list[Placed]:
    found: list[Placed] = []
    if not queue.unacked:
        return found
    seen = 0
    for connection in list(connections):
        for channel in list(getattr(connection, "channels", {}).values()):
            # A copy: what is unacked changes with every turn.
            entries = list(channel.unacked.values())
            for at in range(0, len(entries), RUN):
                part = entries[at : at + RUN]
                found += [(each.position, each) for each in part if each.queue is queue]
                seen += len(part)
                if seen >= RUN:
                    seen = 0
                    await next_turn()
    return found


async def _in_order(placed: list[Placed], first: int) -> list[Placed]:
    # Sorted in runs, as there may be a million that came back.
    runs: list[list[Placed]] = []
    for at in range(0, len(placed), RUN):
        run = [item for item in placed[at : at + RUN] if item[0] >= first]
        runs.append(sorted(run, key=_place))
        if len(placed) > RUN:
            await next_turn()
    if len(runs) < 2:
        return runs[0] if runs else []
    merged: list[Placed] = []
    together = merge(*runs, key=_place)
    while part := list(islice(together, RUN)):
        merged += part
        await next_turn()
    return merged


def _place(item: Placed) -> int:
    return item[0]


def _batches(placed: list[Placed], state: str, rank: int, offset: int) -> Iterable[list[Found]]:
    for at in range(offset, len(placed), BATCH):
        yield [Found(entry, state, Cursor(rank, place)) for place, entry in placed[at : at + BATCH]]
