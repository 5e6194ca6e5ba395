"""How what became of a batch's messages looks in a row of `settled`.

Here: the ordinals that are done with, and how often others came back.  Not
here: the batches themselves (record.py), when a row is written (message_log.py).

`data` is: CRC-32 of the rest u32, ordinals u16 each, little-endian.  `returned`
is: CRC-32 of the rest u32, then ordinal u16 and count u64 of each, big-endian.
"""

from array import array
from collections.abc import Iterable, Mapping
from struct import Struct
from sys import byteorder
from zlib import crc32

from persistence.record import Damaged

_CHECKSUM = Struct(">I")
_RETURN = Struct(">HQ")


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


def encode_returned(counts: Mapping[int, int]) -> bytes:
    """What a row of `settled` holds of returns: by ordinal `QueuedMessage.returns`."""
    data = b"".join([_RETURN.pack(*each) for each in counts.items()])
    return _CHECKSUM.pack(crc32(data)) + data


def decode_returned(data: bytes) -> dict[int, int]:
    """The counts of returns by ordinal; raises Damaged if they are not whole."""
    counts = data[_CHECKSUM.size :]
    if len(data) < _CHECKSUM.size or len(counts) % _RETURN.size:
        raise Damaged("its counts of returns are cut short")
    if crc32(counts) != _CHECKSUM.unpack_from(data, 0)[0]:
        raise Damaged("the checksum of its counts of returns does not fit")
    return dict(_RETURN.iter_unpack(counts))
