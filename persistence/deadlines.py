"""The deadlines of the messages in a share, where they differ: few bytes for each.

Here: how they are kept in memory and in the summary of a batch.  Not here: the
share that they belong to (shares.py), which of them is the next (broker/schedule.py).

With them go the sizes of the bodies, so that a message whose time is over can
be forgotten without reading anything.
"""

from array import array
from collections.abc import Sequence
from sys import byteorder

# What `offsets` has for a message without a deadline, in either width.
_NEVER = {"I": 0xFFFFFFFF, "Q": 0xFFFFFFFFFFFFFFFF}
# Flags in a summary: offsets of 64 bits; a size for each message.
_WIDE, _SIZES = 1, 2


class Deadlines:
    """Of each message of a share, in the order of its ordinals.

    `offsets` are ms since `base` (ms since the epoch), `never` standing for no deadline; `sizes`
    are octets of the bodies, None where all have the same.
    """

    __slots__ = ("base", "offsets", "sizes")

    def __init__(self, base: int, offsets: "array[int]", sizes: "array[int] | None") -> None:
        self.base = base
        self.offsets = offsets
        self.sizes = sizes

    @classmethod
    def of(cls, deadlines: Sequence[int | None], sizes: Sequence[int]) -> "Deadlines | None":
        """Those of messages with bodies of these sizes; None where all have the same or none."""
        given = [each for each in deadlines if each is not None]
        if not given:
            return None
        base, last = min(given), max(given)
        if base == last and len(given) == len(deadlines):
            return None
        code = "I" if last - base < _NEVER["I"] else "Q"
        never = _NEVER[code]
        offsets = array(code, [never if each is None else each - base for each in deadlines])
        alike = sizes.count(sizes[0]) == len(sizes)
        return cls(base, offsets, None if alike else array("I", sizes))

    @property
    def never(self) -> int:
        """The offset of a message without a deadline."""
        return _NEVER[self.offsets.typecode]

    # -- in a summary --------------------------------------------------------------------

    @property
    def flags(self) -> int:
        """What `decode` must know of them beside their number and their base."""
        return (_WIDE if self.offsets.typecode == "Q" else 0) | (_SIZES if self.sizes else 0)

    def encode(self) -> bytes:
        """Offsets and sizes, little-endian."""
        return _as_bytes(self.offsets) + (_as_bytes(self.sizes) if self.sizes else b"")

    @classmethod
    def decode(cls, data: bytes, at: int, count: int, base: int, flags: int) -> "Deadlines":
        """Those of `count` messages, encoded at this place; ValueError if they are cut short."""
        offsets = array("Q" if flags & _WIDE else "I")
        at = _fill(offsets, data, at, count)
        sizes = array("I") if flags & _SIZES else None
        if sizes is not None:
            _fill(sizes, data, at, count)
        return cls(base, offsets, sizes)

    @staticmethod
    def encoded_size(count: int, flags: int) -> int:
        """The octets that `count` of them take, encoded."""
        return count * ((8 if flags & _WIDE else 4) + (4 if flags & _SIZES else 0))


def _as_bytes(numbers: "array[int]") -> bytes:
    if byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _fill(numbers: "array[int]", data: bytes, at: int, count: int) -> int:
    end = at + count * numbers.itemsize
    if end > len(data):
        raise ValueError("cut short")
    numbers.frombytes(data[at:end])
    if byteorder == "big":
        numbers.byteswap()
    return end
