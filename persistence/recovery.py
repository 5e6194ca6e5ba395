"""A start: which messages a virtual host has, and as many of them read as need be.

Here: reading summaries first, and blobs only of queues that fit into memory,
a bit at a time (steps.py).  Not here: how rows look (record.py, shares.py),
what becomes of the messages (broker/restoring.py).
"""

from array import array
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy import Connection, select

from persistence import record, schema, settlements, shares
from persistence.damage import Damage
from persistence.message_log import OVERHEAD, Batch
from persistence.shares import Share
from persistence.steps import SOME, Ask, Steps

if TYPE_CHECKING:
    from persistence.message_log import MessageLog

# Rows of up to a MiB each that are held at once, and how many of their heads.
_READ_AHEAD = 16
_FETCHED = 100

Forget = Callable[[Connection, int, int, str], None]
"""Has a part of a batch forgotten: the virtual host, the batch, and why."""


class Restorer(Protocol):
    """Who takes the messages back."""

    def pages(self, queue_id: int, messages: int, octets: int) -> bool:
        """Whether a queue with so much can leave it on the disk."""

    def place(self, share: Share) -> None:
        """Messages that stay on the disk; in no order of positions."""

    def restore(self, stored: record.Record, reference: record.Reference, batch: Batch) -> bool:
        """A message, in the order of its batches; False where its queue is no more."""


class _Stored(NamedTuple):
    batch: Batch
    # None where that cannot be known without reading.
    shares: list[Share] | None
    settled: set[int]


class Recovery:
    """Reads back all messages of one log."""

    def __init__(self, log: "MessageLog", restorer: Restorer, damage: Damage) -> None:
        self._log = log
        self._damage = damage
        self._restorer = restorer
        self._paged: set[int] = set()
        # What is to be changed in the database, since it is damaged there.
        self._forgotten: list[Callable[[Connection], None]] = []

    def run(self) -> Steps[int]:
        """Gives how many messages there are.  What cannot be read is reported and set aside."""
        stored = yield Ask(self._stored)
        for change in self._forgotten:
            yield Ask(change, writes=True)
        self._paged = yield from self._queues_to_page(stored)
        unread: dict[int, _Stored] = {}
        for each in stored:
            if (
                each.shares is None
                or each.settled
                or self._damage.strict
                or not self._all_paged(each.shares)
            ):
                unread[each.batch.id] = each
            else:
                yield from self._place(each.batch, each.shares)
        numbers = list(unread)
        for at in range(0, len(numbers), _READ_AHEAD):
            blobs = yield Ask(partial(_blobs, numbers[at : at + _READ_AHEAD]))
            for batch_id, data in blobs:
                yield from self._read(unread[batch_id], data)
        return sum(each.batch.alive for each in stored)

    def _stored(self, connection: Connection) -> list[_Stored]:
        batch, settled = schema.batch.c, schema.settled.c
        joined = schema.batch.outerjoin(schema.settled, batch.id == settled.batch_id)
        wanted = (
            select(batch.id, batch.summary, settled.data, settled.returned)
            .select_from(joined)
            .where(batch.vhost_id == self._log.vhost_id)
            .order_by(batch.id)
        )
        stored = []
        rows = connection.execute(wanted.execution_options(yield_per=_FETCHED))
        for number, summary, done, returned in rows:
            found = Batch(number)
            found.entries = ()
            found.sealed = found.written = True
            if returned:
                found.returned = self._returned(number, returned)
            stored.append(
                _Stored(found, self._summarised(found, summary), self._settlements(number, done))
            )
        return stored

    def _place_of(self, batch: Batch) -> bytes:
        return record.place(batch.id, self._log.vhost_id)

    def _forget(self, forget: Forget, batch_id: int, why: record.Damaged) -> None:
        self._forgotten.append(
            lambda connection: forget(connection, self._log.vhost_id, batch_id, str(why))
        )

    def _settlements(self, batch_id: int, row: bytes | None) -> set[int]:
        try:
            return settlements.decode_settled(row, batch_id) if row else set()
        except record.Damaged as why:
            # Rather deliver a message twice than lose it.
            self._forget(self._damage.forget_settlements, batch_id, why)
            return set()

    def _returned(self, batch_id: int, row: bytes) -> dict[int, int] | None:
        try:
            return settlements.decode_returned(bytes(row), batch_id)
        except record.Damaged as why:
            self._forget(self._damage.forget_returns, batch_id, why)
            return None

    def _summarised(self, batch: Batch, summary: bytes | None) -> list[Share] | None:
        # The blob says the same, only slower: nothing is lost with a summary.
        try:
            if summary is not None:
                return shares.decode(bytes(summary), batch, self._place_of(batch))
        except record.Damaged as why:
            self._forget(self._damage.forget_summary, batch.id, why)
        return None

    def _queues_to_page(self, stored: list[_Stored]) -> Steps[set[int]]:
        sizes: dict[int, tuple[int, int]] = {}
        for each in stored:
            for number, share in enumerate(each.shares or ()):
                messages, octets = sizes.get(share.queue_id, (0, 0))
                sizes[share.queue_id] = messages + len(share.ordinals), octets + share.octets
                if not number % SOME:
                    yield None
        pages = self._restorer.pages
        return {queue_id for queue_id, size in sizes.items() if pages(queue_id, *size)}

    def _all_paged(self, parts: list[Share]) -> bool:
        return all(share.queue_id in self._paged for share in parts)

    def _place(self, batch: Batch, parts: list[Share]) -> Steps[None]:
        for number, share in enumerate(parts):
            batch.alive += len(share.ordinals)
            batch.size += share.octets + OVERHEAD * len(share.ordinals)
            self._restorer.place(share)
            if not number % SOME:
                yield None

    def _read(self, stored: _Stored, data: bytes) -> Steps[None]:
        batch, parts, settled = stored
        try:
            place = self._place_of(batch)
            records = yield Ask(lambda _: record.decode(data, settled, place))
        except record.Damaged as why:
            aside = (self._log.vhost_id, batch.id, data, str(why))
            yield Ask(lambda each: self._damage.set_batch_aside(each, *aside), writes=True)
            return
        paged = self._paged if parts is not None else ()
        if parts is not None:
            parts = [share for share in parts if share.queue_id in self._paged]
            left = yield Ask(partial(_left_of, parts, records, settled))
            yield from self._place(batch, left)
        batch.size = len(data)
        batch.settled = array("H", sorted(settled))
        gone = 0
        for number, each in enumerate(records):
            if not number % SOME:
                yield None
            for reference in each.references:
                if reference.queue_id in paged:
                    continue
                if self._restorer.restore(each, reference, batch):
                    batch.alive += 1
                else:
                    batch.settled.append(reference.ordinal)
                    gone += 1
        self._log.recovered(batch, dirty=bool(gone))


def _blobs(numbers: list[int], connection: Connection) -> list[tuple[int, bytes]]:
    batch = schema.batch.c
    wanted = select(batch.id, batch.data).where(batch.id.in_(numbers)).order_by(batch.id)
    return [(number, data) for number, data in connection.execute(wanted)]


def _left_of(
    parts: list[Share], records: list[record.Record], settled: set[int], _: Connection
) -> list[Share]:
    # Reckoned where the database is read: it takes long for a large batch.
    return shares.without_settled(parts, records, settled)
