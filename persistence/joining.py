"""Several small batches that follow each other made into one.

Here: reading them, what the one batch looks like, which statements put it in
their place.  Not here: which batches, and what in memory belongs to them
(broker/joining.py).

Who publishes slowly leaves a batch for each message.  Each costs a row, what
memory has to know of it, and a look at a start: hundreds of messages in one
cost little more.  The batch has the id of the first of them, and its
ordinals: order by ids stays order by positions.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from persistence import record, schema, shares
from persistence.message_log import Batch
from persistence.prepared import Prepared
from persistence.shares import Share

_READ = (
    select(schema.batch.c.id, schema.batch.c.vhost_id, schema.batch.c.summary, schema.batch.c.data)
    .where(schema.batch.c.id.in_(bindparam("keys", expanding=True)))
    .order_by(schema.batch.c.id)
)
JOIN = Prepared(
    update(schema.batch)
    .where(schema.batch.c.id == bindparam("key"))
    .values(summary=bindparam("digest"), data=bindparam("blob"))
)

# A queue and a priority level of it.
Level = tuple[int, int]


class Joined(NamedTuple):
    """What one batch for several looks like.

    `bases` are added to the ordinals of each of them; `parts` are the shares that they
    had, by queue and level, in order; `whole` are those of the one batch, in the same way.
    """

    data: bytes
    summary: bytes
    bases: list[int]
    parts: dict[Level, list[Share]]
    whole: dict[Level, Share]

    def statement(self, first: Batch) -> tuple[Prepared, dict[str, object]]:
        """Puts it in the place of the first batch."""
        return JOIN, {"key": first.id, "digest": self.summary, "blob": self.data}


def read(connection: Connection, batches: Sequence[Batch]) -> Joined | None:
    """One batch for all of these, in order of their ids; None where any is not as it should be."""
    rows = connection.execute(_READ, {"keys": [batch.id for batch in batches]}).all()
    if len(rows) != len(batches):
        return None
    blobs, bases, parts = [], [], []
    base = 0
    try:
        for batch, (number, vhost_id, summary, data) in zip(batches, rows, strict=True):
            place = record.place(number, vhost_id)
            if summary is None:
                return None
            found = shares.decode(bytes(summary), batch, place)
            blob = bytes(data)
            record.check(blob, place)
            blobs.append(blob)
            bases.append(base)
            parts.append(found)
            base += 1 + max(share.ordinals[-1] for share in found)
        place = record.place(batches[0].id, rows[0].vhost_id)
        data = bytes(record.join(blobs, bases, place))
    except (record.Damaged, ValueError):
        return None  # whoever wants its messages reports it
    by_level: dict[Level, list[Share]] = {}
    by_base: dict[Level, list[int]] = {}
    for base, found in zip(bases, parts, strict=True):
        for share in found:
            by_level.setdefault((share.queue_id, share.level), []).append(share)
            by_base.setdefault((share.queue_id, share.level), []).append(base)
    whole = {level: _whole(batches[0], by_level[level], by_base[level]) for level in by_level}
    try:
        _note_deadlines(whole.values(), data, place)
    except (record.Damaged, KeyError):
        return None
    return Joined(data, shares.encode(whole.values(), place), bases, by_level, whole)


def _note_deadlines(whole: Collection[Share], data: bytes, place: bytes) -> None:
    if all(share.earliest is None for share in whole):
        return
    known = shares.by_ordinal(record.decode(data, (), place))
    for share in whole:
        messages = [known[ordinal] for ordinal in share.ordinals]
        deadlines = [reference.deadline for reference, _ in messages]
        share.note_deadlines(deadlines, [size for _, size in messages])


def _whole(first: Batch, parts: Sequence[Share], bases: Sequence[int]) -> Share:
    # The share of the one batch that holds all of these.
    ordinals = [
        base + ordinal
        for base, share in zip(bases, parts, strict=True)
        for ordinal in share.ordinals
    ]
    earliest = [share.earliest for share in parts if share.earliest is not None]
    latest = [share.latest for share in parts if share.latest is not None]
    whole = Share(
        first,
        parts[0].queue_id,
        parts[0].level,
        shares.progression(ordinals),
        parts[0].first,
        parts[-1].last,
        sum(share.octets for share in parts),
        min(earliest, default=None),
        max(latest) if len(latest) == len(parts) else None,
    )
    whole.weight = sum(share.weight for share in parts)
    return whole
