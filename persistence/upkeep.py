"""Giving space back while the broker runs: sparse batches rewritten, the file shrunk.

Here: when and in which portions.  Not here: which batches are sparse
(message_log.py), how a blob is rewritten (record.py), how SQLite is told to
shrink (engine.py).

All is done on the writer's thread in steps of a few milliseconds, by the clock,
so that a commit never waits long.  A rewritten batch keeps its id, and what is alive in
it its ordinals: in memory nothing has to be found or changed, and the way of a
message pays nothing.  Only what the disk knows to be settled is left out, so
that no settlement gets there before the commit that it belongs to.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from persistence import engine, record, schema, settlements
from persistence.commit import GroupCommit, Timers
from persistence.message_log import Batch

logger = logging.getLogger("leveret.upkeep")

# Seconds between two looks, and between the steps while there is something to do.
ROUND, STEP = 1.0, 0.025
# A step ends when it has taken so long (seconds), and with what it was doing then: a batch, or a
# portion of pages.  Commits wait meanwhile.
SLICE = 0.003
PORTION_PAGES = 32
# What one step rewrites (bytes, or one batch) and gives back (pages) at most.
STEP_BYTES = 1 << 21
STEP_PAGES = 256
# Free pages that stay in the file for what comes next.
SPARE_PAGES = 512
# While so many more become free in a second, a backlog is being consumed.  Its front is free first
# and the end of the file last, so that all of it would be moved to the front before it goes.
GROWING = 1024
# At the end it may take half a second.
_LAST_STEPS = 128

_READ = (
    select(
        schema.batch.c.data,
        schema.settled.c.data,
        schema.settled.c.returned,
        schema.batch.c.vhost_id,
    )
    .join(schema.settled, schema.batch.c.id == schema.settled.c.batch_id)
    .where(schema.batch.c.id == bindparam("key"))
)
_REWRITE = (
    update(schema.batch)
    .where(schema.batch.c.id == bindparam("key"))
    # So little is left that a start reads it rather than trust a summary.
    .values(summary=None, data=bindparam("blob"))
)
# What is known of returns stays.
_SETTLED_NONE = (
    update(schema.settled)
    .where(schema.settled.c.batch_id == bindparam("key"))
    .values(data=bindparam("nothing"))
)
_DELETE_SETTLED = delete(schema.settled).where(schema.settled.c.batch_id == bindparam("key"))


class _Done(NamedTuple):
    """What a step did: by batch id what it left out and the new size; pages given back and free.

    `looked_at` is how many of its batches it got to.
    """

    looked_at: int
    rewritten: dict[int, tuple[set[int], int]]
    given_back: int
    free: int


class Upkeep:
    """Looks after the database of a GroupCommit, from the first commit to `close`."""

    def __init__(self, commit: GroupCommit, clock: Timers) -> None:
        self._commit = commit
        self._clock = clock
        self._timer: Any = None
        self._stepping = False
        # Sparse batches: seen at the last look, and those that were still there at this one.
        self._seen: list[Batch] = []
        self._due: deque[Batch] = deque()
        # Free pages at the last step, and when that was.
        self._free = 0
        self._free_at = clock.monotonic()
        self._looked_at = self._emptied_at = 0
        commit.on_done.append(self._committed)

    def _committed(self, _number: int) -> None:
        if self._timer is None and not self._stepping:
            self._timer = self._clock.call_later(ROUND, self._round)

    def _round(self) -> None:
        # Batches that are just being consumed are gone until the next look.
        self._due += self._seen
        self._seen = [batch for log in self._commit.logs for batch in log.take_sparse()]
        self._looked_at = self._commit.done
        self._step()

    def _step(self) -> None:
        self._timer = None
        if self._commit.failing is not None:
            self._timer = self._clock.call_later(ROUND, self._step)
            return
        self._stepping = True
        batches = self._next_batches()
        numbers, free = list(batches), self._free
        now = self._clock.monotonic()
        calm = free + SPARE_PAGES + round(GROWING * (now - self._free_at))
        self._free_at = now
        self._commit.maintain(
            lambda connection: _do(connection, numbers, free, calm, self._clock.monotonic),
            lambda done: self._stepped(batches, done),
        )

    def _next_batches(self) -> dict[int, Batch]:
        batches: dict[int, Batch] = {}
        size = 0
        while self._due and size < STEP_BYTES:
            batch = self._due.popleft()
            if batch.alive:
                batches[batch.id] = batch
                size += batch.size
        return batches

    def _stepped(self, batches: dict[int, Batch], done: _Done | None) -> None:
        self._stepping = False
        if done is None:
            self._timer = self._clock.call_later(ROUND, self._round)
            return
        for number, (left_out, size) in done.rewritten.items():
            batches[number].rewritten(left_out, size)
        self._due.extendleft(reversed([*batches.values()][done.looked_at :]))
        self._free = done.free
        if self._due or done.given_back:
            self._timer = self._clock.call_later(STEP, self._step)
        elif self._seen or done.free > SPARE_PAGES or self._commit.done != self._looked_at:
            self._timer = self._clock.call_later(ROUND, self._round)
        elif self._emptied_at != self._commit.done:
            # Nothing was written for a while, and nothing is left to do.
            self._emptied_at = self._commit.done
            self._commit.maintain(engine.checkpoint, lambda _: None)

    def close(self) -> None:
        """Gives back what can be had quickly; the commit is closed afterwards."""
        if self._timer is not None:
            self._timer.cancel()
        self._stepping = True
        self._commit.maintain(_finish, lambda _: None)


# -- on the writer's thread --------------------------------------------------------------


def _do(
    connection: Connection,
    batches: list[int],
    free_before: int,
    calm: int,
    now: Callable[[], float],
) -> _Done:
    # Above `calm` free pages they grow so quickly that they are better left alone.
    end = now() + SLICE
    looked_at = 0
    rewritten = {}
    if batches:
        with connection.begin():
            for number in batches:
                looked_at += 1
                if (result := _rewrite(connection, number)) is not None:
                    rewritten[number] = result
                if now() >= end:
                    break
    free = engine.free_pages(connection)
    # Only what was not needed since the last look.
    spare = min(free, free_before) - SPARE_PAGES if free <= calm else 0
    wanted = max(0, min(spare, STEP_PAGES))
    given_back = 0
    # However slow the machine is, each step does something.
    while given_back < wanted and (now() < end or not (looked_at or given_back)):
        portion = min(PORTION_PAGES, wanted - given_back)
        engine.shrink(connection, portion)
        given_back += portion
    return _Done(looked_at, rewritten, given_back, free - given_back)


def _rewrite(connection: Connection, number: int) -> tuple[set[int], int] | None:
    # None where there is nothing to leave out, any more or at all.
    key = {"key": number}
    row = connection.execute(_READ, key).first()
    if row is None:
        return None
    try:
        settled = settlements.decode_settled(row[1], number)
        blob = record.without(row[0], settled, record.place(number, row[3]))
    except record.Damaged as damage:
        logger.error("batch %d cannot be read any more: %s", number, damage)
        return None
    if blob is None:
        return None
    connection.execute(_REWRITE, {"key": number, "blob": blob})
    if row[2] is None:
        connection.execute(_DELETE_SETTLED, key)
    else:
        nothing = settlements.encode_settled((), number)
        connection.execute(_SETTLED_NONE, {"key": number, "nothing": nothing})
    return settled, len(blob)


def _finish(connection: Connection) -> None:
    for _ in range(_LAST_STEPS):
        if not engine.shrink(connection, STEP_PAGES):
            break
    engine.checkpoint(connection)
