"""How what became of a batch's messages looks in a row of `settled`.

Here: the ordinals that are done with, and how often others came back.  Not
here: the batches themselves (record.py), when a row is written (message_log.py).

`data` is: CRC-32 of the batch's id and the rest u32, ordinals u16 each, little-endian.  `returned`
is: CRC-32 of the batch's id and the rest u32, then ordinal u16 and count u64 of each, big-endian.
"""

from array import array
from collections.abc import Iterable, Mapping
from struct import Struct
from sys import byteorder
from zlib import crc32

from persistence.record import Damaged, place

_CHECKSUM = Struct(">I")
_RETURN = Struct(">HQ")


def _seed(batch_id: int) -> int:
    return crc32(place(batch_id, 0))


def _fits(data: bytes, content: bytes, batch_id: int) -> bool:
    # Those that were written first do not know their batch.
    sums = crc32(content, _seed(batch_id)), crc32(content)
    return _CHECKSUM.unpack_from(data, 0)[0] in sums


def encode_settled(ordinals: Iterable[int], batch_id: int) -> bytes:
    """The row of settled references of this batch."""
    numbers = array("H", ordinals)
    if byteorder == "big":
        numbers.byteswap()
    data = numbers.tobytes()
    return _CHECKSUM.pack(crc32(data, _seed(batch_id))) + data


def decode_settled(data: bytes, batch_id: int) -> set[int]:
    """The ordinals in the row of `settled` of this batch; raises Damaged if it is not whole."""
    numbers = array("H")
    ordinals = data[_CHECKSUM.size :]
    if len(data) < _CHECKSUM.size or len(ordinals) % numbers.itemsize:
        raise Damaged("its settlements are cut short")
    if not _fits(data, ordinals, batch_id):
        raise Damaged("the checksum of its settlements does not fit")
    numbers.frombytes(ordinals)
    if byteorder == "big":
        numbers.byteswap()
    return set(numbers)


def encode_returned(counts: Mapping[int, int], batch_id: int) -> bytes:
    """What a row of `settled` holds of returns: by ordinal `QueuedMessage.returns`."""
    data = b"".join([_RETURN.pack(*each) for each in counts.items()])
    return _CHECKSUM.pack(crc32(data, _seed(batch_id))) + data


def decode_returned(data: bytes, batch_id: int) -> dict[int, int]:
    """The counts of returns by ordinal; raises Damaged if they are not whole."""
    counts = data[_CHECKSUM.size :]
    if len(data) < _CHECKSUM.size or len(counts) % _RETURN.size:
        raise Damaged("its counts of returns are cut short")
    if not _fits(data, counts, batch_id):
        raise Damaged("the checksum of its counts of returns does not fit")
    return dict(_RETURN.iter_unpack(counts))
