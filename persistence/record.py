"""How messages and settlements look in a row.

A batch blob is: format u8, CRC-32 of its place and what follows the size u32, size u32,
number of records u32, records.  A record is one message and a reference for each durable queue it
went to: lengths and flags, the first reference, exchange and routing key as on
the wire, content header payload, body, further references.  Where the flags say
that there are hidden keys, these follow the header as short strings, then their
length u32, all of it within the header's length.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from struct import Struct, error
from typing import Any, NamedTuple
from zlib import crc32

# Since 2 the checksum is over the place as well: the key of the row and its virtual host.
FORMAT = 2
_WITHOUT_PLACE = 1
# Flags: the x-death header was written by the broker; routing keys that no receiver sees (BCC).
DIED, HIDDEN = 1, 2

_HEAD = Struct(">BII")
# Batch id, vhost id.
_PLACE = Struct(">QI")
_COUNT = Struct(">I")
_CHECKSUM = Struct(">I")
# Lengths of route, header, body; flags; references; then the first reference.
_RECORD = Struct(">HIIBHIIQQ")
# What comes before the first reference.
_SHAPE = Struct(">HIIBH")
_SHAPE_BYTES = _SHAPE.size
_ORDINAL = Struct(">I")
# Where the first record stands in a blob, and in a record the deadline of its first reference.
_FIRST = _HEAD.size + _COUNT.size
_DEADLINE_AT = _RECORD.size - 8
# Ordinal in the batch, queue id, position, deadline + 1 (0 for none).
_REFERENCE = Struct(">IIQQ")


def flags_of(shape: bytes) -> int:
    """The flags of a message, from its shape."""
    return shape[10]


class Damaged(Exception):
    """A blob that cannot be read; args[0] says why."""


class Unreadable(Damaged):
    """Not even the bytes of a blob can be had: the file around it is broken."""


class Reference(NamedTuple):
    """A message in a queue: `deadline` is in ms since the epoch or None."""

    ordinal: int
    queue_id: int
    position: int
    deadline: int | None


# Shape, ordinal, position, deadline + 1 (0 for none), route and header in one piece, body.
# The shape is the lengths, the flags and the number of further references, as in the record.
Extract = tuple[bytes, int, int, int, bytes, bytes]


class Alike(NamedTuple):
    """Messages that are equal but for their bodies: `start` is route and header in one piece.

    `rows` are position and body of each.
    """

    flags: int
    start: bytes
    rows: Iterator[tuple[int, bytes]]


class Record(NamedTuple):
    """One stored message; `route` is exchange and routing key as two short strings."""

    route: bytes
    header: bytes
    body: bytes
    flags: int
    references: list[Reference]


def place(batch_id: int, vhost_id: int) -> bytes:
    """Where a batch belongs, for its checksums.  Any numbers: the row may be damaged."""
    return _PLACE.pack(batch_id & 0xFFFFFFFFFFFFFFFF, vhost_id & 0xFFFFFFFF)


def encode(entries: Iterable[Any], place: bytes = b"") -> tuple[bytearray, bool]:
    """The blob of the batch that belongs there: of its entries those that are not None, in order.

    Also whether they are uniform: of one queue, without deadlines.
    """
    # Room for the head, which is written last: it has the checksum of the rest.
    parts: list[bytes] = [bytes(_HEAD.size + _COUNT.size)]
    pack = _RECORD.pack
    count = 0
    message = queue = None
    queue_id = 0
    more: list[Any] = []
    # Rises with what is not uniform; the first queue is.
    odd = -1
    for entry in entries:
        if entry is None:
            continue
        if entry.queue is not queue:
            odd += 1
            queue = entry.queue
            queue_id = queue.id
        if entry.message is message:
            odd += 1
            more.append(entry)
            continue
        if more:
            _add_references(parts, more)
            more = []
        message = entry.message
        header = message.header
        where = message.route
        route = where.raw
        payload = header.payload
        flags = header.died
        if where.hidden:
            flags |= HIDDEN
            payload = with_hidden(payload, where.hidden)
        body = message.body
        deadline = entry.deadline
        if deadline is None:
            deadline = 0
        else:
            odd += 1
            deadline += 1
        size = header.body_size
        ref = entry.ref
        position = entry.position
        parts += (
            pack(len(route), len(payload), size, flags, 0, ref, queue_id, position, deadline),
            route,
            payload,
            body if body.__class__ is bytes else b"".join(body),
        )
        count += 1
    if more:
        _add_references(parts, more)
    return _finish(parts, count, place), not odd


def _finish(parts: list[bytes], count: int, place: bytes) -> bytearray:
    # A bytearray, so that the head goes in without copying up to a MiB once more.
    data = bytearray().join(parts)
    size = len(data) - _HEAD.size
    _COUNT.pack_into(data, _HEAD.size, count)
    with memoryview(data) as view:
        _HEAD.pack_into(data, 0, FORMAT, crc32(view[_HEAD.size :], crc32(place)), size)
    return data


def without(blob: bytes, settled: set[int], place: bytes = b"") -> bytearray | None:
    """The blob without these references, and without what only they refer to.

    All others keep their ordinals.  None if nothing is left; raises Damaged.
    """
    check(blob, place)
    head = bytes(_HEAD.size + _COUNT.size)
    try:
        kept = _keep_alike(blob, settled)
        if kept is not None:
            return _finish([head, *kept], len(kept), place) if kept else None
        records = _records(blob, settled)
    except error:
        raise Damaged("its records do not fit its size") from None
    return of_records(records, place) if records else None


def of_records(records: Sequence[Record], place: bytes = b"") -> bytearray:
    """The blob with these records; each has a reference at least."""
    parts: list[bytes] = [bytes(_HEAD.size + _COUNT.size)]
    for record in records:
        _add_record(parts, record)
    return _finish(parts, len(records), place)


def _keep_alike(blob: bytes, settled: set[int]) -> list[bytes] | None:
    # The records that stay, as they are; None where not all are of one size with one reference.
    # Without looking into each it takes a tenth of the time.
    first = _one_size(blob)
    if first is None or not _repeats(blob, *first):
        return None
    _, size = first
    ordinals = Struct(f">{_SHAPE_BYTES}xI{size - _SHAPE_BYTES - _ORDINAL.size}x")
    places = range(_FIRST, len(blob), size)
    found = ordinals.iter_unpack(memoryview(blob)[_FIRST:])
    return [
        blob[at : at + size]
        for at, (ordinal,) in zip(places, found, strict=True)
        if ordinal not in settled
    ]


def _add_record(parts: list[bytes], record: Record) -> None:
    route, header, body, flags, references = record
    packed = [
        (ordinal, queue, position, 0 if deadline is None else deadline + 1)
        for ordinal, queue, position, deadline in references
    ]
    sizes = (len(route), len(header), len(body), flags, len(packed) - 1)
    parts += (_RECORD.pack(*sizes, *packed[0]), route, header, body)
    parts += [_REFERENCE.pack(*each) for each in packed[1:]]


def _add_references(parts: list[bytes], entries: list[Any]) -> None:
    # Fan-out: the record just written, four parts, gets its number of further references.
    fixed_at = len(parts) - 4
    fixed = list(_RECORD.unpack(parts[fixed_at]))
    fixed[4] = len(entries)
    parts[fixed_at] = _RECORD.pack(*fixed)
    for entry in entries:
        deadline = 0 if entry.deadline is None else entry.deadline + 1
        parts.append(_REFERENCE.pack(entry.ref, entry.queue.id, entry.position, deadline))


def check(blob: bytes, place: bytes = b"") -> None:
    """Raises Damaged if the blob is not whole, or not that of the batch that belongs there."""
    try:
        kind, checksum, size = _HEAD.unpack_from(blob, 0)
    except error:
        raise Damaged("it is cut short") from None
    if kind not in (FORMAT, _WITHOUT_PLACE):
        raise Damaged(f"its format {kind} is unknown")
    if len(blob) != _HEAD.size + size:
        raise Damaged(f"it has {len(blob)} bytes where {_HEAD.size + size} were written")
    seed = crc32(place) if kind == FORMAT else 0
    if crc32(memoryview(blob)[_HEAD.size :], seed) != checksum:
        raise Damaged("its checksum does not fit")


def decode(blob: bytes, settled: Collection[int] = (), place: bytes = b"") -> list[Record]:
    """The records of a blob, with those references that are not settled.

    Where all of its references are, a record is left out.  Raises Damaged if
    the blob is not whole.
    """
    check(blob, place)
    try:
        return _records(blob, settled)
    except error:
        raise Damaged("its records do not fit its size") from None


def alike(blob: bytes, ordinals: Sequence[int]) -> Alike | None:
    """As `extract`, in less than half the time; None where not all messages are alike and wanted.

    They have no deadlines, bodies of one size, and nothing goes to two queues.
    """
    head = _one_shape(blob)
    if head is None:
        return None
    shape, start, size = head
    count = (len(blob) - _FIRST) // size
    # They rise: where the first, the last and their number fit, all do.
    ends = (_ORDINAL.unpack_from(blob, at + _SHAPE_BYTES)[0] for at in (_FIRST, len(blob) - size))
    if ordinals != range(next(ends), next(ends) + 1) or len(ordinals) != count:
        return None
    if not _repeats(blob, shape, size) or not _repeats(blob, start, size, _DEADLINE_AT):
        return None
    _, _, body, flags, _ = _SHAPE.unpack(shape)
    rows = Struct(f">{_SHAPE_BYTES + 8}xQ{len(start)}x{body}s")
    content = start[_RECORD.size - _DEADLINE_AT :]
    return Alike(flags, content, rows.iter_unpack(memoryview(blob)[_FIRST:]))


def _one_size(blob: bytes) -> tuple[bytes, int] | None:
    # Shape and size of the first record, where all may be of that size, with one reference each.
    shape = blob[_FIRST : _FIRST + _SHAPE_BYTES]
    if len(shape) < _SHAPE_BYTES:
        return None
    route, header, body, _, more = _SHAPE.unpack(shape)
    size = _RECORD.size + route + header + body
    (count,) = _COUNT.unpack_from(blob, _HEAD.size)
    return None if more or count * size != len(blob) - _FIRST else (shape, size)


def _one_shape(blob: bytes) -> tuple[bytes, bytes, int] | None:
    # Of the first record: its shape, what is between its position and its body, its size.
    # None where the blob cannot be nothing but records of that size without a deadline.
    first = _one_size(blob)
    if first is None:
        return None
    shape, size = first
    _, _, body, _, _ = _SHAPE.unpack(shape)
    start = blob[_FIRST + _DEADLINE_AT : _FIRST + size - body]
    return None if any(start[: _RECORD.size - _DEADLINE_AT]) else (shape, start, size)


def _repeats(blob: bytes, part: bytes, size: int, offset: int = 0) -> bool:
    # Whether `part` stands at this offset of all records, which are of this size.  A slice for
    # each byte of it is quicker than a piece for each record.
    first = _FIRST + offset
    count = (len(blob) - _FIRST) // size
    return all(
        blob[first + at :: size][:count] == part[at : at + 1] * count for at in range(len(part))
    )


def extract(blob: bytes, ordinals: Sequence[int]) -> list[Extract]:
    """The messages with these ordinals, which rise, from a blob that was checked, in that order.

    Raises Damaged where one is missing.
    """
    wanted = ordinals if isinstance(ordinals, range) else frozenset(ordinals)
    try:
        found = _of_one_shape(blob)
        if found is None:
            found = _of_any_shape(blob, wanted)
        elif len(found) != len(ordinals):
            found = [each for each in found if each[1] in wanted]
    except error:
        raise Damaged("its records do not fit its size") from None
    if [each[1] for each in found] != list(ordinals):
        raise Damaged(f"it has {len(found)} messages where {len(ordinals)} were expected")
    return found


def _of_one_shape(blob: bytes) -> list[Extract] | None:
    # A publisher repeats itself: where all records are of the same size, with one reference each,
    # one call takes them apart, in half the time.
    first = _one_size(blob)
    if first is None:
        return None
    shape, _ = first
    route, header, body, _, _ = _SHAPE.unpack(shape)
    parts = Struct(f">{_SHAPE_BYTES}sI4xQQ{route + header}s{body}s")
    found = list(parts.iter_unpack(memoryview(blob)[_FIRST:]))
    return found if {each[0] for each in found} == {shape} else None


def _of_any_shape(blob: bytes, wanted: Collection[int]) -> list[Extract]:
    found: list[Extract] = []
    add = found.append
    unpack, step = _RECORD.unpack_from, _RECORD.size
    (count,) = _COUNT.unpack_from(blob, _HEAD.size)
    at = _FIRST
    for _ in range(count):
        route, header, body, _, more, ordinal, _, position, deadline = unpack(blob, at)
        start = at + step
        body_at = start + route + header
        end = body_at + body
        if ordinal in wanted:
            shape = blob[at : at + _SHAPE_BYTES]
            add((shape, ordinal, position, deadline, blob[start:body_at], blob[body_at:end]))
        if more:
            shape = blob[at : at + _SHAPE_BYTES]
            for _ in range(more):
                ordinal, _, position, deadline = _REFERENCE.unpack_from(blob, end)
                end += _REFERENCE.size
                if ordinal in wanted:
                    content = blob[start:body_at], blob[body_at : body_at + body]
                    add((shape, ordinal, position, deadline, *content))
        at = end
    return found


def _records(blob: bytes, settled: Collection[int]) -> list[Record]:
    records: list[Record] = []
    at = _FIRST
    (count,) = _COUNT.unpack_from(blob, _HEAD.size)
    unpack = _RECORD.unpack_from
    step = _RECORD.size
    for _ in range(count):
        route, header, body, flags, more, ordinal, queue, position, deadline = unpack(blob, at)
        at += step
        header_at = at + route
        body_at = header_at + header
        end = body_at + body
        references: list[Reference] = []
        if ordinal not in settled:
            deadline = deadline - 1 if deadline else None
            references.append(Reference(ordinal, queue, position, deadline))
        more_at = end
        for _ in range(more):
            ordinal, queue, position, deadline = _REFERENCE.unpack_from(blob, more_at)
            more_at += _REFERENCE.size
            if ordinal not in settled:
                deadline = deadline - 1 if deadline else None
                references.append(Reference(ordinal, queue, position, deadline))
        if references:
            parts = blob[at:header_at], blob[header_at:body_at], blob[body_at:end]
            records.append(Record(*parts, flags, references))
        at = more_at
    if at != len(blob):
        raise Damaged("its records do not fit its size")
    return records


def salvage_queue_ids(blob: bytes) -> set[int]:
    """The ids of queues in a blob that is not whole, as far as its records can be followed."""
    found: set[int] = set()
    at = _FIRST
    while len(blob) - at >= _RECORD.size:
        route, header, body, _, more, _, queue, _, _ = _RECORD.unpack_from(blob, at)
        found.add(queue)
        at += _RECORD.size + route + header + body
        for _ in range(more):
            if len(blob) - at < _REFERENCE.size:
                break
            found.add(_REFERENCE.unpack_from(blob, at)[1])
            at += _REFERENCE.size
    return found


def with_hidden(header: bytes, keys: bytes) -> bytes:
    """A content header as it is kept with hidden keys, which are short strings in a row."""
    return header + keys + _COUNT.pack(len(keys))


def split_hidden(stored: bytes) -> tuple[bytes, bytes]:
    """The content header that was kept with hidden keys, and these."""
    end = len(stored) - _COUNT.size
    start = end - _COUNT.unpack_from(stored, end)[0]
    return stored[:start], stored[start:end]
