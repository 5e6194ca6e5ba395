"""Several small batches that follow each other made into one.

Here: reading them, what the one batch looks like, which statements put it in
their place.  Not here: which batches, and what in memory belongs to them
(broker/joining.py).

Who publishes slowly leaves a batch for each message.  Each costs a row, what
memory has to know of it, and a look at a start: hundreds of messages in one
cost little more.  The batch has the id of the first of them: order by ids
stays order by positions.  What is settled in them is left out; all of it was
settled before, and so gets to the disk before or with it.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from persistence import record, schema, shares
from persistence.message_log import Batch
from persistence.prepared import Prepared
from persistence.record import Record, Reference
from persistence.shares import Share
from persistence.work import Statement, deletions

_READ = (
    select(schema.batch.c.id, schema.batch.c.vhost_id, schema.batch.c.summary, schema.batch.c.data)
    .where(schema.batch.c.id.in_(bindparam("keys", expanding=True)))
    .order_by(schema.batch.c.id)
)
_REPLACE = Prepared(
    update(schema.batch)
    .where(schema.batch.c.id == bindparam("key"))
    .values(summary=bindparam("digest"), data=bindparam("blob"))
)
_FORGET_SETTLED = Prepared(
    delete(schema.settled).where(schema.settled.c.batch_id == bindparam("key"))
)

# A queue and a priority level of it.
Level = tuple[int, int]


class Part(NamedTuple):
    """A batch, and what was settled in it when it was chosen."""

    batch: Batch
    settled: Collection[int]


class Joined(NamedTuple):
    """What one batch for several looks like.

    `refs` are the new ordinals by the old ones, for each of them; `parts` the shares that
    they had, by queue and level, in order; `whole` those of the one batch, in the same way.
    """

    batch: Batch
    data: bytes
    summary: bytes
    refs: list[dict[int, int]]
    parts: dict[Level, list[Share]]
    whole: dict[Level, Share]

    def statements(self, others: list[int]) -> list[Statement]:
        """What puts it in the place of the first batch and of these others."""
        row = {"key": self.batch.id, "digest": self.summary, "blob": self.data}
        forget: Statement = (_FORGET_SETTLED, {"key": self.batch.id})
        return [(_REPLACE, row), forget, *deletions(others)]


def read(connection: Connection, chosen: Sequence[Part], level: Level) -> Joined | None:
    """One batch for all of these, in order of their ids; None where any is not as it should be.

    Those without a summary have nothing but messages of this queue and level.
    """
    rows = connection.execute(_READ, {"keys": [part.batch.id for part in chosen]}).all()
    if len(rows) != len(chosen):
        return None
    try:
        return _join(chosen, rows, level)
    except (record.Damaged, LookupError):
        return None  # whoever wants its messages reports it


def _join(chosen: Sequence[Part], rows: Sequence[Any], level: Level) -> Joined | None:
    records: list[Record] = []
    refs: list[dict[int, int]] = []
    by_level: dict[Level, list[Share]] = {}
    count = 0
    for part, (number, vhost_id, summary, data) in zip(chosen, rows, strict=True):
        place = record.place(number, vhost_id)
        own = record.decode(bytes(data), part.settled, place)
        parts = _shares(part, own, summary, place, level)
        if parts is None:
            return None
        for share in parts:
            by_level.setdefault((share.queue_id, share.level), []).append(share)
        refs.append(_renumber(own, records, count))
        count += len(refs[-1])
    if not records:
        return None
    batch = Batch(chosen[0].batch.id)
    place = record.place(batch.id, rows[0].vhost_id)
    numbers = {part.batch: new for part, new in zip(chosen, refs, strict=True)}
    known = shares.by_ordinal(records)
    whole = {each: _whole(batch, parts, numbers, known) for each, parts in by_level.items()}
    summary = shares.encode(whole.values(), place)
    return Joined(batch, bytes(record.of_records(records, place)), summary, refs, by_level, whole)


def _shares(
    part: Part, records: Sequence[Record], summary: bytes | None, place: bytes, level: Level
) -> list[Share] | None:
    # What is left of its shares; None where that cannot be known.
    batch = part.batch
    if summary is not None:
        parts = shares.decode(bytes(summary), batch, place)
        return shares.without_settled(parts, records, part.settled) if part.settled else parts
    references = [reference for each in records for reference in each.references]
    if any(reference.queue_id != level[0] for reference in references):
        return None
    if not references:
        return []
    ordinals = shares.progression([each.ordinal for each in references])
    ends = references[0].position, references[-1].position
    return [Share(batch, *level, ordinals, *ends, sum(len(each.body) for each in records))]


def _renumber(own: Sequence[Record], records: list[Record], start: int) -> dict[int, int]:
    # Adds the records of a batch to others, and gives their new ordinals by the old ones.
    numbers: dict[int, int] = {}
    for each in own:
        references = []
        for reference in each.references:
            number = numbers[reference.ordinal] = start + len(numbers)
            references.append(reference._replace(ordinal=number))
        records.append(each._replace(references=references))
    return numbers


def _whole(
    batch: Batch,
    parts: Sequence[Share],
    refs: dict[Batch, dict[int, int]],
    known: dict[int, tuple[Reference, int]],
) -> Share:
    # The share of the one batch that holds all of these.
    ordinals = [refs[share.batch][ordinal] for share in parts for ordinal in share.ordinals]
    found = [known[ordinal] for ordinal in ordinals]
    sizes = [size for _, size in found]
    place = batch, parts[0].queue_id, parts[0].level
    ends = found[0][0].position, found[-1][0].position
    whole = Share(*place, shares.progression(ordinals), *ends, sum(sizes))
    whole.weight = sum(share.weight for share in parts)
    deadlines = [reference.deadline for reference, _ in found]
    whole.note_deadlines(deadlines, sizes, expires=not whole.weight)
    return whole
