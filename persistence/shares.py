"""What a batch holds of each queue, without reading the batch.

Here: counting it when a batch is written, and how it looks in the column
`summary`, so that a start and a long queue need not read blobs.  Not here: the
blobs (record.py), which queue keeps its messages on the disk (broker/paging.py).

A summary is: CRC-32 of its place and the rest u32, then for each share its fixed part, and
the ordinals u16 each where they are no progression.  One with a weight is followed by another
fixed part with no messages, whose first position is the weight.
"""

from array import array
from collections.abc import Collection, Iterable, Sequence
from struct import Struct, error
from sys import byteorder
from typing import TYPE_CHECKING, Any
from zlib import crc32

from persistence.record import Damaged, Record, Reference

if TYPE_CHECKING:
    from persistence.message_log import Batch

_CHECKSUM = Struct(">I")
# Queue id, level, count, first ordinal, step (0: the ordinals follow); first and last position,
# octets, earliest and latest deadline + 1 (0 for none).
_SHARE = Struct(">IBHHHQQQQQ")


class Share:
    """The messages that one batch holds of one queue, or of one priority level of it.

    `ordinals` are those in the batch, `first` and `last` positions in the queue,
    `octets` the size of the bodies.  `earliest` is the first deadline in ms since
    the epoch, None where no message has one; `latest` the last, None unless all have one.
    `weight` is what its queue says that it counts, 0 for nothing.
    """

    __slots__ = (
        "batch",
        "earliest",
        "first",
        "last",
        "latest",
        "level",
        "octets",
        "ordinals",
        "queue_id",
        "weight",
    )

    def __init__(
        self,
        batch: "Batch",
        queue_id: int,
        level: int,
        ordinals: Sequence[int],
        first: int,
        last: int,
        octets: int,
        earliest: int | None = None,
        latest: int | None = None,
    ) -> None:
        self.batch = batch
        self.queue_id = queue_id
        self.level = level
        self.ordinals = ordinals
        self.first = first
        self.last = last
        self.octets = octets
        self.earliest = earliest
        self.latest = latest
        self.weight = 0

    @classmethod
    def of(cls, batch: "Batch", entries: Sequence[Any], level: int = 0) -> "Share":
        """That of entries of one queue and level, in order of their ordinals; at least one."""
        deadlines = [entry.deadline for entry in entries if entry.deadline is not None]
        return cls(
            batch,
            entries[0].queue.id,
            level,
            progression([entry.ref for entry in entries]),
            entries[0].position,
            entries[-1].position,
            sum(entry.message.header.body_size for entry in entries),
            min(deadlines, default=None),
            max(deadlines) if len(deadlines) == len(entries) else None,
        )

    def part(self, which: slice, first: int, last: int, octets: int) -> "Share":
        """That of some of its messages, of which one is left at least."""
        ordinals = self.ordinals[which]
        where = self.batch, self.queue_id, self.level
        return Share(*where, ordinals, first, last, octets, self.earliest, self.latest)


def progression(ordinals: Sequence[int]) -> Sequence[int]:
    """The same numbers, which rise, in as little memory as may be."""
    if isinstance(ordinals, range):
        return ordinals
    first, last = ordinals[0], ordinals[-1]
    step = ordinals[1] - first if len(ordinals) > 1 else 1
    compact = range(first, last + 1, step)
    if len(compact) == len(ordinals) and all(
        a == b for a, b in zip(compact, ordinals, strict=True)
    ):
        return compact
    return array("H", ordinals)


def of_batch(
    batch: "Batch", entries: Sequence[Any], octets: int, *, uniform: bool
) -> list[tuple[Any, Share]]:
    """The shares of a batch with these entries (None for what is settled), with their queues.

    `octets` is the size of all bodies, settled or not; `uniform` as `record.encode` says.
    """
    if uniform:
        alive: Sequence[Any] = entries
        ordinals: Sequence[int] = range(len(entries))
        if batch.alive < len(entries):
            alive = [entry for entry in entries if entry is not None]
            ordinals = progression([entry.ref for entry in alive])
            octets = sum([entry.message.header.body_size for entry in alive])
        queue = alive[0].queue
        if queue.levels == 1:
            first, last = alive[0].position, alive[-1].position
            return [(queue, Share(batch, queue.id, 0, ordinals, first, last, octets))]
    groups: dict[tuple[Any, int], list[Any]] = {}
    for entry in entries:
        if entry is not None:
            queue = entry.queue
            level = queue.level_of(entry.message.header.priority) if queue.levels > 1 else 0
            groups.setdefault((queue, level), []).append(entry)
    found = [(queue, Share.of(batch, group, level)) for (queue, level), group in groups.items()]
    for queue, share in found:
        weigh = getattr(queue, "weight_of", None)
        if weigh is not None:
            share.weight = weigh(share.first)
    return found


def without_settled(
    shares: Iterable[Share], records: Iterable[Record], settled: Collection[int]
) -> list[Share]:
    """What is left of the shares of a partly settled batch, whose `records` were read."""
    alive: dict[int, tuple[Reference, int]] = {
        reference.ordinal: (reference, len(stored.body))
        for stored in records
        for reference in stored.references
    }
    left = []
    for share in shares:
        ordinals = [number for number in share.ordinals if number not in settled]
        if ordinals:
            found = [alive[number] for number in ordinals]
            deadlines = [each.deadline for each, _ in found if each.deadline is not None]
            reduced = Share(
                share.batch,
                share.queue_id,
                share.level,
                progression(ordinals),
                found[0][0].position,
                found[-1][0].position,
                sum(size for _, size in found),
                min(deadlines, default=None),
                max(deadlines) if len(deadlines) == len(found) else None,
            )
            reduced.weight = share.weight * len(ordinals) // len(share.ordinals)
            left.append(reduced)
    return left


# -- the column ----------------------------------------------------------------------------


def encode(shares: Iterable[Share], place: bytes = b"") -> bytes:
    """The summary of a batch with these shares, which belongs to this place (record.py)."""
    parts = [b""]
    for share in shares:
        ordinals = share.ordinals
        parts.append(
            _SHARE.pack(
                share.queue_id,
                share.level,
                len(ordinals),
                ordinals[0],
                ordinals.step if isinstance(ordinals, range) else 0,
                share.first,
                share.last,
                share.octets,
                0 if share.earliest is None else share.earliest + 1,
                0 if share.latest is None else share.latest + 1,
            )
        )
        if not isinstance(ordinals, range):
            parts.append(_as_bytes(array("H", ordinals)))
        if share.weight:
            parts.append(_SHARE.pack(share.queue_id, share.level, 0, 0, 1, share.weight, *[0] * 4))
    data = b"".join(parts)
    return _CHECKSUM.pack(crc32(data, crc32(place))) + data


def decode(data: bytes, batch: "Batch", place: bytes = b"") -> list[Share]:
    """The shares in a summary of `batch`; raises Damaged if it is not whole or not in its place."""
    parts = data[_CHECKSUM.size :]
    # Those that were written before 0.2 do not know their place.
    sums = crc32(parts, crc32(place)), crc32(parts)
    if len(data) < _CHECKSUM.size or _CHECKSUM.unpack_from(data)[0] not in sums:
        raise Damaged("the checksum of its summary does not fit")
    shares: list[Share] = []
    at = _CHECKSUM.size
    try:
        while at < len(data):
            queue, level, count, start, step, first, last, octets, earliest, latest = (
                _SHARE.unpack_from(data, at)
            )
            at += _SHARE.size
            if not count and shares:
                shares[-1].weight = first
                continue
            ordinals: Sequence[int]
            if step:
                ordinals = range(start, start + count * step, step)
            else:
                ordinals = _from_bytes(data[at : at + 2 * count])
                at += 2 * count
            deadlines = [each - 1 if each else None for each in (earliest, latest)]
            share = Share(batch, queue, level, ordinals, first, last, octets, *deadlines)
            shares.append(share)
    except error:
        raise Damaged("its summary does not fit its size") from None
    return shares


def _as_bytes(numbers: "array[int]") -> bytes:
    if byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _from_bytes(data: bytes) -> "array[int]":
    numbers = array("H", data)
    if byteorder == "big":
        numbers.byteswap()
    return numbers
