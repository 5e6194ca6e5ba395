"""What a batch holds of each queue, without reading the batch.

Here: counting it when a batch is written, and how it looks in the column
`summary`, so that a start and a long queue need not read blobs.  Not here: the
blobs (record.py), which queue keeps its messages on the disk (broker/paging.py).

A summary is: CRC-32 of its place and the rest u32, then for each share its fixed part, and
the ordinals u16 each where they are no progression.  One with a weight is followed by another
fixed part with no messages and the step 1, whose first position is the weight; one with deadlines
that differ by another with no messages and the step 2, whose first position is their base and
whose first ordinal their flags, and by the deadlines (deadlines.py).
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from struct import Struct, error
from sys import byteorder
from typing import TYPE_CHECKING, Any
from zlib import crc32

from persistence.deadlines import Deadlines
from persistence.record import Damaged, Record, Reference

if TYPE_CHECKING:
    from persistence.message_log import Batch

_CHECKSUM = Struct(">I")
# Queue id, level, count, first ordinal, step (0: the ordinals follow); first and last position,
# octets, earliest and latest deadline + 1 (0 for none).
_SHARE = Struct(">IBHHHQQQQQ")
# The steps of what follows a share.
_WEIGHT, _DEADLINES = 1, 2
# So few are taken out of many one by one.
_FEW = 16


class Share:
    """The messages that one batch holds of one queue, or of one priority level of it.

    `ordinals` are those in the batch, `first` and `last` positions in the queue,
    `octets` the size of the bodies.  `earliest` is the first deadline in ms since
    the epoch, None where no message has one; `latest` the last, None unless all have one.
    `deadlines` are all of them, where they differ and nobody has taken them out of here.
    `weight` is what its queue says that it counts, 0 for nothing.
    """

    __slots__ = (
        "batch",
        "deadlines",
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
        self.deadlines: Deadlines | None = None
        self.weight = 0

    @classmethod
    def of(
        cls, batch: "Batch", entries: Sequence[Any], level: int = 0, *, expires: bool = True
    ) -> "Share":
        """That of entries of one queue and level, in order of their ordinals; at least one.

        `expires`: any of them may go before what stands in front of it.
        """
        deadlines = [entry.deadline for entry in entries]
        sizes = [entry.message.header.body_size for entry in entries]
        share = cls(
            batch,
            entries[0].queue.id,
            level,
            progression([entry.ref for entry in entries]),
            entries[0].position,
            entries[-1].position,
            sum(sizes),
        )
        share.note_deadlines(deadlines, sizes, expires=expires)
        return share

    def note_deadlines(
        self, deadlines: Sequence[int | None], sizes: Sequence[int], *, expires: bool = True
    ) -> None:
        """These are of its messages, in order, and the sizes of their bodies."""
        given = [each for each in deadlines if each is not None]
        if given:
            self.earliest = min(given)
            self.latest = max(given) if len(given) == len(deadlines) else None
            self.deadlines = Deadlines.of(deadlines, sizes) if expires else None

    def without(self, gone: Sequence[int], octets: int) -> "Share | None":
        """What is left without these ordinals, whose bodies have so many octets; None for nothing.

        Its `earliest` is not looked at anew, and its deadlines are not kept.
        """
        left = len(self.ordinals) - len(gone)
        if not left:
            return None
        kept = array("H", self.ordinals)
        if len(gone) <= _FEW:
            for ordinal in gone:
                del kept[bisect_left(kept, ordinal)]
        else:
            away = frozenset(gone)
            kept = array("H", [ordinal for ordinal in kept if ordinal not in away])
        return self._of(kept, self.octets - octets)

    def pick(self, ordinals: Sequence[int], octets: int) -> "Share":
        """That of some of its messages: of these ordinals, which rise."""
        return self._of(progression(ordinals), octets)

    def _of(self, ordinals: Sequence[int], octets: int) -> "Share":
        place = self.batch, self.queue_id, self.level
        times = self.earliest, self.latest
        return Share(*place, ordinals, self.first, self.last, octets, *times)

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
    found: list[tuple[Any, Share]] = []
    for (queue, level), group in groups.items():
        weigh = getattr(queue, "weight_of", None)
        share = Share.of(batch, group, level, expires=weigh is None)
        if weigh is not None:
            share.weight = weigh(share.first)
        found.append((queue, share))
    return found


def by_ordinal(records: Iterable[Record]) -> dict[int, tuple[Reference, int]]:
    """What is known of each message of a batch, and the size of its body."""
    return {
        reference.ordinal: (reference, len(stored.body))
        for stored in records
        for reference in stored.references
    }


def without_settled(
    shares: Iterable[Share], records: Iterable[Record], settled: Collection[int]
) -> list[Share]:
    """What is left of the shares of a partly settled batch, whose `records` were read."""
    alive = by_ordinal(records)
    left = []
    for share in shares:
        ordinals = [number for number in share.ordinals if number not in settled]
        if ordinals:
            found = [alive[number] for number in ordinals]
            sizes = [size for _, size in found]
            place = share.batch, share.queue_id, share.level
            ends = found[0][0].position, found[-1][0].position
            reduced = Share(*place, progression(ordinals), *ends, sum(sizes))
            deadlines = [each.deadline for each, _ in found]
            reduced.note_deadlines(deadlines, sizes, expires=not share.weight)
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
            parts.append(_more(share, 0, _WEIGHT, share.weight))
        if share.deadlines is not None:
            parts.append(_more(share, share.deadlines.flags, _DEADLINES, share.deadlines.base))
            parts.append(share.deadlines.encode())
    data = b"".join(parts)
    return _CHECKSUM.pack(crc32(data, crc32(place))) + data


def _more(share: Share, flags: int, step: int, number: int) -> bytes:
    # The fixed part of what follows a share.
    return _SHARE.pack(share.queue_id, share.level, 0, flags, step, number, *[0] * 4)


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
                at += _add(shares[-1], step, start, first, data, at)
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
    except (error, ValueError):
        raise Damaged("its summary does not fit its size") from None
    return shares


def _add(share: Share, step: int, flags: int, number: int, data: bytes, at: int) -> int:
    # What follows the fixed part of a share; returns the size of what follows that.
    if step == _WEIGHT:
        share.weight = number
        return 0
    count = len(share.ordinals)
    share.deadlines = Deadlines.decode(data, at, count, number, flags)
    return Deadlines.encoded_size(count, flags)


def _as_bytes(numbers: "array[int]") -> bytes:
    if byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _from_bytes(data: bytes) -> "array[int]":
    numbers = array("H", data)
    if byteorder == "big":
        numbers.byteswap()
    return numbers
