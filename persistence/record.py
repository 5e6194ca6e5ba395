"""How messages and settlements look in a row.

A batch blob is: format u8, CRC-32 of what follows the size u32, size u32,
number of records u32, records.  A record is one message and a reference for each durable queue it
went to: lengths and flags, the first reference, exchange and routing key as on
the wire, content header payload, body, further references.  A row of settled
references is: CRC-32 of the rest u32, ordinals u16 each, little-endian.
"""

from array import array
from collections.abc import Collection, Iterable
from struct import Struct, error
from sys import byteorder
from typing import Any, NamedTuple
from zlib import crc32

FORMAT = 1
DIED = 1  # flag: the x-death header was written by the broker

_HEAD = Struct(">BII")
_COUNT = Struct(">I")
_CHECKSUM = Struct(">I")
# Lengths of route, header, body; flags; references; then the first reference.
_RECORD = Struct(">HIIBHIIQQ")
# Ordinal in the batch, queue id, position, deadline + 1 (0 for none).
_REFERENCE = Struct(">IIQQ")


class Damaged(Exception):
    """A blob that cannot be read; args[0] says why."""


class Reference(NamedTuple):
    """A message in a queue: `deadline` is in ms since the epoch or None."""

    ordinal: int
    queue_id: int
    position: int
    deadline: int | None


class Record(NamedTuple):
    """One stored message; `route` is exchange and routing key as two short strings."""

    route: bytes
    header: bytes
    body: bytes
    flags: int
    references: list[Reference]


def encode(entries: Iterable[Any]) -> bytearray:
    """The blob of a batch: of its entries those that are not None, in order."""
    # Room for the head, which is written last: it has the checksum of the rest.
    parts: list[bytes] = [bytes(_HEAD.size + _COUNT.size)]
    append = parts.append
    pack = _RECORD.pack
    count = 0
    message = None
    more: list[Any] = []
    for entry in entries:
        if entry is None:
            continue
        if entry.message is message:
            more.append(entry)
            continue
        if more:
            _add_references(parts, more)
            more = []
        message = entry.message
        header = message.header
        route = message.route.raw
        deadline = entry.deadline
        append(
            pack(
                len(route),
                len(header.payload),
                header.body_size,
                header.died,
                0,
                entry.ref,
                entry.queue.id,
                entry.position,
                0 if deadline is None else deadline + 1,
            )
        )
        append(route)
        append(header.payload)
        body = message.body
        if body.__class__ is bytes:
            append(body)
        else:
            append(b"".join(body))
        count += 1
    if more:
        _add_references(parts, more)
    return _finish(parts, count)


def _finish(parts: list[bytes], count: int) -> bytearray:
    # A bytearray, so that the head goes in without copying up to a MiB once more.
    data = bytearray().join(parts)
    size = len(data) - _HEAD.size
    _COUNT.pack_into(data, _HEAD.size, count)
    with memoryview(data) as view:
        _HEAD.pack_into(data, 0, FORMAT, crc32(view[_HEAD.size :]), size)
    return data


def without(blob: bytes, settled: set[int]) -> bytearray | None:
    """The blob without these references, and without what only they refer to.

    All others keep their ordinals.  None if nothing is left; raises Damaged.
    """
    parts: list[bytes] = [bytes(_HEAD.size + _COUNT.size)]
    count = 0
    for record in decode(blob, settled):
        _add_record(parts, record)
        count += 1
    return _finish(parts, count) if count else None


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


def decode(blob: bytes, settled: Collection[int] = ()) -> list[Record]:
    """The records of a blob, with those references that are not settled.

    Where all of its references are, a record is left out.  Raises Damaged if
    the blob is not whole.
    """
    try:
        kind, checksum, size = _HEAD.unpack_from(blob, 0)
    except error:
        raise Damaged("it is cut short") from None
    if kind != FORMAT:
        raise Damaged(f"its format {kind} is unknown")
    if len(blob) != _HEAD.size + size:
        raise Damaged(f"it has {len(blob)} bytes where {_HEAD.size + size} were written")
    if crc32(memoryview(blob)[_HEAD.size :]) != checksum:
        raise Damaged("its checksum does not fit")
    try:
        return _records(blob, settled)
    except error:
        raise Damaged("its records do not fit its size") from None


def _records(blob: bytes, settled: Collection[int]) -> list[Record]:
    records: list[Record] = []
    at = _HEAD.size + _COUNT.size
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
    at = _HEAD.size + _COUNT.size
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


def encode_settled(ordinals: Iterable[int]) -> bytes:
    """The row of settled references of one batch."""
    numbers = array("H", ordinals)
    if byteorder == "big":
        numbers.byteswap()
    data = numbers.tobytes()
    return _CHECKSUM.pack(crc32(data)) + data


def decode_settled(data: bytes) -> set[int]:
    """The ordinals in a row of `settled`; raises Damaged if it is not whole."""
    numbers = array("H")
    ordinals = data[_CHECKSUM.size :]
    if len(data) < _CHECKSUM.size or len(ordinals) % numbers.itemsize:
        raise Damaged("its settlements are cut short")
    if crc32(ordinals) != _CHECKSUM.unpack_from(data, 0)[0]:
        raise Damaged("the checksum of its settlements does not fit")
    numbers.frombytes(ordinals)
    if byteorder == "big":
        numbers.byteswap()
    return set(numbers)
